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
        Kind::Declined => DECLINED,
        Kind::Denied => DENIED,
        // What is on this machine is no target: nothing of the cluster was tried.
        Kind::Unavailable if is_local(&failure.code) => FAILED,
        Kind::Unavailable | Kind::Uncertain => UNREACHABLE,
        // A plugin that traps is the plugin's bug.
        Kind::Internal if failure.code.starts_with("agent.") => BUG,
        Kind::Invalid if is_usage(&failure.code) => USAGE,
        Kind::NotFound if failure.code == "operations.unknown" => USAGE,
        _ => FAILED,
    }
}

/// Returns whether the exit code of a failure is the host's word, from a plugin: it says what the person did, or follows from the code and not from the
/// kind alone. It counts only when the host has told the plugin so.
pub fn is_hosts(failure: &Failure) -> bool {
    failure.kind == Kind::Declined
        || failure.code == "run.declined"
        || of(failure) != of(&Failure::new(failure.kind, "", ""))
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
    use crate::code;

    #[test]
    fn code_that_decides_the_exit_code_is_no_plugins() {
        for kind in [
            Kind::Internal,
            Kind::Unavailable,
            Kind::Denied,
            Kind::Invalid,
            Kind::NotFound,
        ] {
            for word in [
                "anything",
                "bug",
                "arguments",
                "name",
                "unknown",
                "declined",
                "invalid",
            ] {
                for plugin in [
                    "agent",
                    "store",
                    "journal",
                    "run",
                    "operations",
                    "settings",
                    "volsync",
                    "sops",
                ] {
                    let failure = Failure::new(kind, &format!("{plugin}.{word}"), "x");
                    assert!(
                        !is_hosts(&failure) || code::is_reserved(plugin),
                        "{}",
                        failure.code
                    );
                }
            }
        }
    }

    #[test]
    fn codes_that_say_more_than_their_kind_are_known() {
        for (kind, code, wanted) in [
            (Kind::Internal, "agent.bug", true),
            (Kind::Internal, "agent.anything", true),
            (Kind::Declined, "run.declined", true),
            (Kind::Declined, "x.any", true),
            (Kind::Denied, "cluster.forbidden", false),
            (Kind::Unavailable, "journal.full", true),
            (Kind::Unavailable, "store.unreadable", true),
            (Kind::Unavailable, "cluster.unreachable", false),
            (Kind::Invalid, "operations.arguments", true),
            (Kind::NotFound, "operations.unknown", true),
            (Kind::NotFound, "agent.bug", false),
            (Kind::Conflict, "run.declined", true),
            (Kind::Failed, "x.any", false),
        ] {
            let failure = Failure::new(kind, code, "x");
            assert_eq!(is_hosts(&failure), wanted, "{kind:?} {code}");
        }
    }
}
