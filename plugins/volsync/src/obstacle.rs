//! What keeps VolSync from synchronising before there is a mover: its own word, the snapshot of the volume that it copies, and itself. What keeps a
//! mover from its work, its Job and pods say (`agent_sdk::diagnosis`).
//!
//! VolSync 0.16 writes each failed reconciliation into the condition `Synchronizing` and tries again, at first at once and after many failures every
//! 17 minutes. So that word may be of a moment, or of long ago.

use agent_sdk::diagnosis::{Cause, Outlook, Patience};
use agent_sdk::prelude::*;

use crate::operator;
use crate::source::Source;

/// What no other try of VolSync's mends, in the words of the API server and of VolSync (`utils.go`, `volumehandler.go`).
const MISSING: [&str; 6] = [
    "not found",
    "is invalid",
    "secret should have fields",
    "secret is missing field",
    "must be provided",
    "unsupported copyMethod",
];

/// How long VolSync may be away: it is started again on another node when its own is gone.
const AWAY: Patience = Patience::of(std::time::Duration::from_secs(300));

/// Judges by reason and message of the condition `Synchronizing` of a source or a destination, which the subject names.
pub(crate) fn of_condition(
    subject: impl Into<String>,
    reason: Option<&str>,
    message: Option<&str>,
) -> Outlook {
    if reason != Some("Error") {
        return Outlook::Clear;
    }
    let message = message.unwrap_or_default();
    let missing = MISSING.iter().any(|word| message.contains(word));
    let patience = if missing {
        Patience::SOON
    } else {
        Patience::MINUTE
    };
    Cause::new(subject, "Error", message, patience).into()
}

/// Judges the snapshot of the volume that the mover reads from, where one is made. Nothing tells that none will be made, but that snapshot itself.
pub(crate) fn of_copy(source: &Source) -> Outlook {
    if source.copy_method() != Some("Snapshot") {
        return Outlook::Clear;
    }
    let name = format!("volsync-{}-src", source.name);
    let target = ObjectRef::new(kinds::VOLUME_SNAPSHOT, &source.namespace, &name);
    match cluster::find(&target, &["/status"]) {
        Ok(Some(snapshot)) => of_snapshot(&snapshot),
        Ok(None) => Outlook::Clear,
        Err(error) => {
            debug!("the snapshot of the volume cannot be read: {error}");
            Outlook::Clear
        }
    }
}

fn of_snapshot(snapshot: &Object) -> Outlook {
    let subject = format!("VolumeSnapshot `{}`", snapshot.name());
    if snapshot.flag("/status/readyToUse") {
        return Outlook::Clear;
    }
    let blocked = |message: &str| Cause::new(&subject, "", message, Patience::MINUTE).into();
    if let Some(error) = snapshot.text("/status/error/message") {
        return blocked(error);
    }
    match snapshot.text("/status/boundVolumeSnapshotContentName") {
        Some(_) => Outlook::Busy(format!("{subject} is being taken")),
        None => blocked("no snapshot controller has taken it up"),
    }
}

/// Judges VolSync itself, where it does not do what it was asked for. Who may not see it is told nothing.
pub(crate) fn of_operator() -> Outlook {
    let found = operator::find(None).ok().flatten();
    let down = |deployment: &Object| {
        let ready = deployment.integer("/status/readyReplicas");
        ready.unwrap_or_default() == 0
    };
    Outlook::from(found.filter(down).map(|deployment| {
        let subject = ObjectRef::to(kinds::DEPLOYMENT, &deployment).to_string();
        Cause::new(subject, "", "VolSync has no pod that is ready", AWAY)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience(message: &str) -> Option<Patience> {
        let outlook = of_condition("x", Some("Error"), Some(message));
        outlook.cause().map(|cause| cause.patience)
    }

    #[test]
    fn word_of_volsync_is_told_and_what_is_missing_soon_fails() {
        let told = of_condition(
            "ReplicationSource `media/plex`",
            Some("Error"),
            Some("Secret \"plex-volsync-secret\" not found"),
        );
        assert_eq!(
            told.note().as_deref(),
            Some(
                "ReplicationSource `media/plex`: `Error`: Secret \"plex-volsync-secret\" not found"
            )
        );
        assert_eq!(
            of_condition("x", Some("SyncInProgress"), Some("x")),
            Outlook::Clear
        );
        for message in [
            "Secret \"x\" not found",
            "PersistentVolumeClaim \"volsync-src-plex-cache\" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
            "secret is missing field: RESTIC_PASSWORD",
            "accessModes must be provided when destinationPVC is not",
        ] {
            assert_eq!(patience(message), Some(Patience::SOON), "{message}");
        }
    }

    #[test]
    fn error_that_the_next_try_may_not_find_has_more_time() {
        for message in [
            "Operation cannot be fulfilled on jobs.batch \"volsync-src-plex\": the object has been modified",
            "unable to update object. Deleting object so it can be recreated",
            "etcdserver: request timed out",
            "jobs.batch \"volsync-src-plex\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0",
            "Internal error occurred: failed calling webhook \"x\": connect: connection refused",
        ] {
            assert_eq!(patience(message), Some(Patience::MINUTE), "{message}");
        }
    }

    #[test]
    fn snapshot_without_a_class_is_told_and_one_that_is_taken_is_waited_for() {
        let of = |status: Value| {
            of_snapshot(&Object(
                json!({"metadata": {"name": "volsync-plex-src"}, "status": status}),
            ))
        };
        let why =
            "Failed to set default snapshot class with error cannot find default snapshot class";
        let told = of(json!({"error": {"message": why}, "readyToUse": false}));
        assert_eq!(
            told.note(),
            Some(format!("VolumeSnapshot `volsync-plex-src`: {why}"))
        );
        assert!(of(json!({})).cause().is_some(), "nobody takes it");
        let taken = json!({"boundVolumeSnapshotContentName": "c", "readyToUse": false});
        assert!(matches!(of(taken), Outlook::Busy(_)));
        assert_eq!(of(json!({"readyToUse": true})), Outlook::Clear);
    }
}
