//! Another restore into the same volume. Two at once would write over each other, so there is a look for one at the start, right before VolSync is
//! told to restore, because minutes lie between, and right after. Of two that began at the same moment at least one sees the other then,
//! and whoever sees the other gives way: better none than both.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::drain;
use super::look::Scene;
use crate::source::Source;

const FIELDS: [&str; 2] = ["/spec", "/status"];
/// The movers that write into a claim.
const MOVERS: [&str; 5] = ["restic", "kopia", "rclone", "rsync", "rsyncTLS"];
/// How long the mover of a restore that was called off may still write: its pod's grace, and a little.
const LET_GO: SignedDuration = SignedDuration::from_secs(45);

/// Refuses when somebody restores into the claim of the source.
///
/// # Errors
///
/// `volsync.restore-running`.
pub(super) fn refuse(source: &Source) -> Result<()> {
    match find(source, None)? {
        None => Ok(()),
        Some(rival) => Err(running(source, &rival)
            .hint("wait until it has ended, or delete it when it was left behind")),
    }
}

/// Finds a restore into the claim of the source, other than `ours`.
pub(super) fn find(source: &Source, ours: Option<&str>) -> Result<Option<ObjectRef>> {
    let query = Query::all(kinds::REPLICATION_DESTINATION).namespace(source.namespace.as_str());
    let destinations = cluster::list(&query, &FIELDS)?;
    Ok(among(&destinations, source.claim(), ours))
}

/// Gives way to another restore. The app is down by us or by them, and to give way is to start it again: not before their mover has ended.
///
/// # Errors
///
/// `volsync.restore-running`, always.
pub(super) fn give_way(
    scene: &Scene,
    step: &Step,
    rival: &ObjectRef,
    timeout: SignedDuration,
) -> Result<()> {
    warn!("{rival} restores into the same volume; the app is not started before it has ended");
    let look = |destination: Option<&Object>| match destination {
        Some(destination) if is_restoring(destination, scene.source.claim()) => {
            Verdict::Pending("waits for the other restore".to_owned())
        }
        _ => Verdict::Done(()),
    };
    wait::until_one(step, rival, &FIELDS, Deadline::after(timeout), look)?;
    drain::let_go(scene, LET_GO).ok();
    Err(running(&scene.source, rival)
        .cause("it began after this one, or at the same time")
        .hint("look at what it has restored, and run this one again if it is still wanted"))
}

fn among(destinations: &[Object], claim: &str, ours: Option<&str>) -> Option<ObjectRef> {
    let mut others = destinations
        .iter()
        .filter(|destination| ours != Some(destination.name()));
    let rival = others.find(|destination| is_restoring(destination, claim))?;
    Some(ObjectRef::to(kinds::REPLICATION_DESTINATION, rival))
}

/// Says whether a ReplicationDestination is writing to that claim, or will as soon as VolSync looks at it. One that waits for its schedule does
/// not: if it comes in the middle, its mover is seen when it mounts the volume.
fn is_restoring(destination: &Object, claim: &str) -> bool {
    let into = |mover| destination.text(&format!("/spec/{mover}/destinationPVC")) == Some(claim);
    if !MOVERS.into_iter().any(into) || destination.flag("/spec/paused") {
        return false;
    }
    let text = |at: &str| destination.text(at).filter(|text| !text.is_empty());
    let asked = match text("/spec/trigger/manual") {
        Some(tag) => text("/status/lastManualSync") != Some(tag),
        None => text("/status/lastSyncTime").is_none(),
    };
    asked || text("/status/lastSyncStartTime").is_some()
}

fn running(source: &Source, rival: &ObjectRef) -> Error {
    let message = format!(
        "ReplicationDestination `{}/{}` is restoring into `{}` already",
        source.namespace,
        rival.name,
        source.claim()
    );
    Error::conflict("volsync.restore-running", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    fn destination(name: &str, claim: &str, status: Value) -> Object {
        Object(json!({
            "metadata": {"namespace": "media", "name": name},
            "spec": {"trigger": {"manual": "t"}, "restic": {"destinationPVC": claim}},
            "status": status,
        }))
    }

    #[test]
    fn restore_that_is_running_is_seen_and_one_left_behind_is_not() {
        let table = [
            ("plex", json!({}), true),
            ("plex", json!({"lastManualSync": "earlier"}), true),
            ("plex", json!({"lastManualSync": "t"}), false),
            (
                "plex",
                json!({"lastManualSync": "t", "lastSyncStartTime": "2026-11-22T06:00:00Z"}),
                true,
            ),
            ("other", json!({"lastManualSync": "earlier"}), false),
        ];
        for (claim, status, wanted) in table {
            let found = is_restoring(&destination("x", claim, status.clone()), "plex");
            assert_eq!(found, wanted, "{claim} {status}");
        }
    }

    #[test]
    fn idle_destination_with_a_schedule_or_without_a_trigger_does_not_block_for_ever() {
        let mut idle = destination("x", "plex", json!({"lastSyncTime": "2026-11-22T06:00:00Z"}));
        for trigger in [json!({"schedule": "0 3 * * *"}), Value::Null] {
            idle.0["spec"]["trigger"] = trigger;
            assert!(!is_restoring(&idle, "plex"));
            let mut busy = idle.clone();
            busy.0["status"]["lastSyncStartTime"] = "2026-11-22T07:00:00Z".into();
            assert!(is_restoring(&busy, "plex"));
        }
        idle.0["status"] = json!({});
        assert!(is_restoring(&idle, "plex"), "the first one comes at once");
    }

    #[test]
    fn destinations_of_other_movers_count_and_paused_ones_do_not() {
        let mut other = destination("x", "", json!({}));
        other.0["spec"]["rsyncTLS"] = json!({"destinationPVC": "plex"});
        assert!(is_restoring(&other, "plex"));
        other.0["spec"]["paused"] = true.into();
        assert!(!is_restoring(&other, "plex"));
    }

    #[test]
    fn of_many_the_one_that_restores_into_the_same_volume_is_named() {
        let over = destination("over", "plex", json!({"lastManualSync": "t"}));
        let other = destination("other", "sonarr", json!({}));
        let rival = destination("plex-restore-1", "plex", json!({}));
        assert_eq!(among(&[over.clone(), other.clone()], "plex", None), None);
        let found = among(&[over, other, rival], "plex", None).expect("found");
        assert_eq!(found.name, "plex-restore-1");
        let error = running(&source(json!({})), &found);
        assert_eq!(
            (error.code(), error.message()),
            (
                "volsync.restore-running",
                "ReplicationDestination `media/plex-restore-1` is restoring into `plex` already"
            )
        );
    }

    #[test]
    fn of_two_that_began_at_the_same_moment_each_sees_the_other_and_not_itself() {
        let both = ["one", "two"].map(|name| destination(name, "plex", json!({})));
        let seen_by = |ours| among(&both, "plex", Some(ours)).map(|rival| rival.name);
        assert_eq!(seen_by("one").as_deref(), Some("two"));
        assert_eq!(seen_by("two").as_deref(), Some("one"));
        assert_eq!(among(&both[..1], "plex", Some("one")), None);
    }
}
