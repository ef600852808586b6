//! Why a source is not synchronised, in words. Pure.

use agent_sdk::jiff::Unit;
use agent_sdk::prelude::*;

use crate::restic::lock::Lock;
use crate::restic::{cause, log};
use crate::source::Source;
use crate::text;

/// Why a source cannot be synchronised at all.
pub(super) fn refusal(source: &Source) -> Option<Error> {
    let name = format!("{}/{}", source.namespace, source.name);
    if matches!(source.mover(), "syncthing" | "external" | "none") {
        return Some(Error::unsupported(
            "volsync.no-trigger",
            format!(
                "`{name}` uses the mover `{}`, which has no manual trigger",
                source.mover()
            ),
        ));
    }
    source.paused().then(|| {
        Error::conflict(
            "volsync.paused",
            format!("`{name}` is paused, so VolSync would not run a mover"),
        )
        .hint("set `spec.paused` to false where it was set")
    })
}

/// Makes the error of a synchronisation that failed with that log, if there is one.
pub(super) fn failure(
    kind: Kind,
    source: &Source,
    unlocking: bool,
    what: &str,
    log: &str,
) -> Error {
    let mut error = Error::new(
        kind,
        "volsync.sync-failed",
        message(source, unlocking, what),
    );
    if let Some(why) = cause::why(None, log) {
        error = error.cause(why);
    }
    let lock = Lock::of(log).filter(|_| cause::locked(log));
    if let Some(lock) = &lock {
        error = error.cause(lock.to_string());
    }
    let lines = log::tail(log, 4).into_iter();
    error = lines.fold(error, |error, line| error.cause(format!("log: {line}")));
    // An unlock that failed at a lock is no remedy for it.
    let remedy = cause::remedy(log, source).filter(|_| !(unlocking && cause::locked(log)));
    match remedy {
        Some(remedy) => error.hint(remedy),
        None => error,
    }
}

fn message(source: &Source, unlocking: bool, what: &str) -> String {
    let (namespace, name) = (&source.namespace, &source.name);
    let done = if unlocking { "unlocked" } else { "backed up" };
    format!("`{namespace}/{name}` was not {done}: {what}")
}

/// Makes the error of a lock that belongs to a restic that lives.
pub(super) fn lock_lives(source: &Source, lock: &Lock, sign: &str) -> Error {
    let message = message(source, true, "the lock belongs to a restic that is at work");
    Error::conflict("volsync.locked", message)
        .cause(lock.to_string())
        .cause(sign)
}

/// Makes the error of a lock that restic does not take for stale yet, and for longer than is to be waited.
pub(super) fn lock_is_young(
    source: &Source,
    lock: &Lock,
    left: SignedDuration,
    now: Timestamp,
) -> Error {
    let from = now.saturating_add(left).unwrap_or(now);
    let seconds = SignedDuration::from_secs(1);
    let from = from.round(Unit::Second).unwrap_or(from) + seconds;
    let what = format!(
        "its lock can be removed from {from} on, in {}, unless its holder is at work",
        text::length(left.as_secs() + 1)
    );
    Error::conflict("volsync.locked", message(source, true, &what))
        .cause(lock.to_string())
        .hint(format!(
            "then: agent run volsync.unlock {} {}",
            source.namespace, source.name
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn paused_source_is_refused_because_its_mover_would_never_run() {
        let error = refusal(&source(json!({"spec": {"paused": true}}))).expect("refused");
        assert_eq!(error.code(), "volsync.paused");
        assert!(refusal(&source(json!({}))).is_none());
    }

    #[test]
    fn movers_without_a_trigger_are_refused() {
        let syncthing = source(json!({"spec": {"restic": null, "syncthing": {}}}));
        assert_eq!(
            refusal(&syncthing)
                .map(|error| error.code().to_owned())
                .as_deref(),
            Some("volsync.no-trigger")
        );
    }

    const LOCKED: &str = "unable to create lock in backend: repository is already locked by PID 7 on volsync-dst-plex-x by nobody (UID 1000, GID 0)\n\
        lock was created at 2026-11-30 09:31:51 (6m0s ago)\nstorage ID 48f09705\nthe `unlock` command can be used to remove stale locks\n";

    #[test]
    fn locked_repository_hints_at_unlock_and_says_whose_lock_it_is() {
        let failed = |unlocking| {
            let source = source(json!({}));
            failure(
                Kind::Conflict,
                &source,
                unlocking,
                "its mover failed",
                LOCKED,
            )
        };
        let error = failed(false);
        assert_eq!(error.remedy(), Some("agent run volsync.unlock media plex"));
        let holder = "process 7 on `volsync-dst-plex-x`, made or refreshed at 2026-11-30 09:31:51";
        assert!(
            error.causes().iter().any(|cause| cause.contains(holder)),
            "{error}"
        );
        assert_eq!(failed(true).remedy(), None, "it is what has failed");
    }

    #[test]
    fn lock_that_is_too_young_says_from_when_on_it_can_be_removed() {
        let lock = Lock::of(LOCKED).expect("a lock");
        let now = "2026-11-30T09:38:00Z".parse().expect("a time");
        let left = lock.left(SignedDuration::from_secs(0));
        let error = lock_is_young(&source(json!({})), &lock, left, now);
        assert_eq!(
            error.message(),
            "`media/plex` was not unlocked: its lock can be removed from 2026-11-30T10:02:06Z on, in 24m6s, unless its holder is at work"
        );
        assert_eq!(
            error.remedy(),
            Some("then: agent run volsync.unlock media plex")
        );
    }
}
