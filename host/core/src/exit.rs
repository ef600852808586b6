//! The exit codes, which scripts rely on.

use crate::failure::{Failure, Kind};

/// The operation did what it was asked to.
pub const DONE: u8 = 0;
/// The operation failed, and nothing was there to be put back; or a part of what it worked on failed.
pub const FAILED: u8 = 1;
/// The command line is wrong; nothing was tried.
pub const USAGE: u8 = 2;
/// The person said no, or nobody was there to ask.
pub const DECLINED: u8 = 3;
/// The plugin's rights or the target's access control do not allow it.
pub const DENIED: u8 = 4;
/// The target cannot be reached.
pub const UNREACHABLE: u8 = 5;
/// The operation failed or was stopped after it had changed something, and what it held was put back. The report says what could not be.
pub const UNDONE: u8 = 6;
/// A bug of ours.
pub const BUG: u8 = 70;

/// Returns the exit code of a failure before which nothing was changed.
pub fn of(failure: &Failure) -> u8 {
    match failure.kind {
        Kind::Denied if failure.code == "run.declined" => DECLINED,
        Kind::Denied => DENIED,
        // What is on this machine is no target: nothing of the cluster was tried.
        Kind::Unavailable if is_local(&failure.code) => FAILED,
        Kind::Unavailable => UNREACHABLE,
        // A plugin that traps is the plugin's bug.
        Kind::Internal if failure.code.starts_with("agent.") => BUG,
        Kind::Invalid if is_usage(&failure.code) => USAGE,
        Kind::NotFound if failure.code == "operations.unknown" => USAGE,
        _ => FAILED,
    }
}

/// Returns whether the exit code of a failure follows from its code, and not from its kind alone. Such a code is the host's word: from a plugin it
/// counts only when the host has told the plugin so.
pub fn is_by_code(failure: &Failure) -> bool {
    of(failure) != of(&Failure::new(failure.kind, "", ""))
}

fn is_local(code: &str) -> bool {
    code.starts_with("journal.") || code.starts_with("store.")
}

fn is_usage(code: &str) -> bool {
    matches!(
        code,
        "operations.arguments" | "operations.name" | "settings.invalid"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_say_more_than_their_kind_are_known() {
        for (kind, code, wanted) in [
            (Kind::Internal, "agent.bug", true),
            (Kind::Internal, "agent.anything", true),
            (Kind::Denied, "run.declined", true),
            (Kind::Denied, "cluster.forbidden", false),
            (Kind::Unavailable, "journal.full", true),
            (Kind::Unavailable, "store.unreadable", true),
            (Kind::Unavailable, "cluster.unreachable", false),
            (Kind::Invalid, "operations.arguments", true),
            (Kind::NotFound, "operations.unknown", true),
            (Kind::NotFound, "agent.bug", false),
            (Kind::Conflict, "run.declined", false),
        ] {
            let failure = Failure::new(kind, code, "x");
            assert_eq!(is_by_code(&failure), wanted, "{kind:?} {code}");
        }
    }
}
