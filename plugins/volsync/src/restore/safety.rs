//! The safety snapshot: the present state, before it is overwritten.
//!
//! Its manual tag stays on the source until the end of the restore. That keeps the schedule from backing up a half-restored volume.

use std::time::Duration;

use agent_sdk::prelude::*;

use super::Restore;
use super::look::Scene;
use crate::restic::Snapshot;
use crate::restic::selection;
use crate::source::{self, Source};
use crate::sync::{self, End, trigger};

/// What became of it.
pub(super) struct Safety {
    made: Made,
    /// Keeps the schedule quiet.
    tag: Option<trigger::Set>,
    /// Keeps retention from dropping anything.
    kept: Option<cluster::Held>,
}

/// More snapshots than any repository has. VolSync takes the number as text.
const ALL: &str = "100000";

#[derive(Debug, PartialEq, Eq)]
enum Made {
    /// The mover made one; it usually says which.
    Snapshot(Option<String>),
    /// There is none, and that is acceptable.
    None,
}

/// Makes one, unless it is not wanted or cannot be made.
///
/// # Errors
///
/// `volsync.safety-failed`, when it should have worked.
pub(super) fn back_up(scene: &Scene, args: &Restore, chosen: Option<&Snapshot>) -> Result<Safety> {
    let source = &scene.source;
    let step = Step::new(format!("Back up the present state of `{}`", source.claim()));
    let reason = if args.no_safety_snapshot {
        Some("--no-safety-snapshot was given".to_owned())
    } else {
        source.broken()
    };
    if let Some(reason) = reason {
        step.skip(reason);
        settle(scene, args.timeout)?;
        let tag = trigger::quiet(source)?;
        return Ok(Safety::new(Made::None, tag));
    }
    let kept = keep_all(source)?;
    if let Some(chosen) = chosen {
        let pause = apart(chosen, run::now());
        run::sleep(pause)?;
    }
    let (end, tag) =
        sync::one(source, args.timeout, &step).map_err(|error| failed(scene, error))?;
    let mut safety = match end {
        End::Saved(id) => {
            step.done(
                id.as_ref()
                    .map(|id| format!("snapshot {id}"))
                    .unwrap_or_default(),
            );
            Safety::new(Made::Snapshot(id), tag)
        }
        End::Empty => {
            step.skip("the volume is empty");
            Safety::new(Made::None, tag)
        }
        End::Planned | End::Failed(_) => {
            step.skip("made when the run starts");
            Safety::new(Made::None, tag)
        }
    };
    safety.kept = Some(kept);
    Ok(safety)
}

/// Retention runs after a backup, and of two snapshots of one hour it drops the older: that could be the chosen one, such as the safety snapshot
/// of the restore that is to be undone. So for as long as the restore takes, all are kept.
fn keep_all(source: &Source) -> Result<cluster::Held> {
    let target = ObjectRef::new(kinds::REPLICATION_SOURCE, &source.namespace, &source.name);
    let keep = json!({"spec": {"restic": {"retain": {"last": ALL}}}});
    cluster::hold(&[Change::patch(&target, keep)], &[])
}

/// VolSync tells snapshots apart by seconds, so one made in the same second as the chosen one would hide it. Returns how long to wait: a
/// second after the list was read is a second after everything in it, whatever the clocks say.
fn apart(chosen: &Snapshot, now: Timestamp) -> Duration {
    const SECOND: SignedDuration = SignedDuration::from_secs(1);
    if now.duration_since(chosen.time) < SECOND {
        SECOND.unsigned_abs()
    } else {
        Duration::ZERO
    }
}

/// Waits for a backup that is running: its retention might drop the chosen snapshot between the proof and the restore. One that keeps failing
/// gets nowhere near retention, and would never end.
fn settle(scene: &Scene, timeout: SignedDuration) -> Result<()> {
    if !scene.source.synchronizing() || scene.source.broken().is_some() {
        return Ok(());
    }
    let step = Step::new(format!(
        "Wait for the backup of `{}` that is running",
        scene.source.name
    ));
    let target = ObjectRef::new(
        kinds::REPLICATION_SOURCE,
        &scene.source.namespace,
        &scene.source.name,
    );
    let deadline = wait::Deadline::after(timeout);
    let waited = wait::until_one(&step, &target, &source::FIELDS, deadline, |object| {
        let source = object.map(|object| Source::new(object.0.clone()));
        match source {
            Some(source) if source.synchronizing() => {
                Verdict::Pending("a mover is running".to_owned())
            }
            _ => Verdict::Done(()),
        }
    })?;
    waited.into_result("volsync.busy", "the backup that is running")?;
    step.done("");
    Ok(())
}

fn failed(scene: &Scene, error: Error) -> Error {
    let message = format!(
        "the present state of `{}` could not be backed up, so nothing was overwritten",
        scene.source.claim()
    );
    let error = error.while_doing(message);
    if error.remedy().is_some() {
        return error;
    }
    error.hint("--no-safety-snapshot restores without it; the present state is lost then")
}

impl Safety {
    fn new(made: Made, tag: Option<trigger::Set>) -> Safety {
        Safety {
            made,
            tag,
            kept: None,
        }
    }

    /// Returns the snapshot's short id.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.made {
            Made::Snapshot(id) => id.as_deref(),
            Made::None => None,
        }
    }

    /// Checks that the snapshot which the mover claims to have made is in the list.
    ///
    /// # Errors
    ///
    /// `volsync.no-safety-snapshot`.
    pub(super) fn check(&self, list: &[Snapshot]) -> Result<()> {
        match self.id() {
            Some(id) if !is_listed(list, id) => Err(Error::conflict(
                "volsync.no-safety-snapshot",
                format!("VolSync says that it backed up the present state as `{id}`, but that snapshot is not in the repository"),
            )
            .hint("--no-safety-snapshot restores without it; the present state is lost then")),
            _ => Ok(()),
        }
    }

    /// Lets the schedule and retention run again.
    ///
    /// # Errors
    ///
    /// The tag or the retention could not be put back; the host tries once more when the run ends.
    pub(super) fn release(&mut self) -> Result<()> {
        self.tag.take().map_or(Ok(()), trigger::Set::release)?;
        self.kept
            .take()
            .map_or(Ok(()), |kept| kept.release().map(drop))
    }
}

fn is_listed(list: &[Snapshot], id: &str) -> bool {
    selection::eligible(list)
        .iter()
        .any(|snapshot| snapshot.id.starts_with(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<Snapshot> {
        vec![Snapshot {
            id: "ab12cd34".repeat(8),
            time: "2026-11-22T06:00:00Z".parse().expect("a time"),
            hostname: "volsync".to_owned(),
            paths: vec!["/data".to_owned()],
            summary: None,
        }]
    }

    #[test]
    fn safety_snapshot_that_is_not_in_the_repository_stops_the_restore() {
        let claimed =
            |id: &str| Safety::new(Made::Snapshot(Some(id.to_owned())), None).check(&list());
        assert_eq!(claimed("ab12cd34"), Ok(()));
        assert_eq!(
            claimed("ffffffff").map_err(|error| error.code().to_owned()),
            Err("volsync.no-safety-snapshot".to_owned())
        );
    }

    #[test]
    fn safety_snapshot_is_never_made_in_the_second_of_the_chosen_one() {
        let chosen = &list()[0];
        let at = |text: &str| apart(chosen, text.parse().expect("a time"));
        assert_eq!(at("2026-11-22T06:00:00.9Z"), Duration::from_secs(1));
        assert_eq!(at("2026-11-22T06:00:01Z"), Duration::ZERO);
        let clock_is_behind = at("2026-11-22T05:59:00Z");
        assert_eq!(clock_is_behind, Duration::from_secs(1));
    }

    #[test]
    fn restore_without_a_safety_snapshot_has_nothing_to_check() {
        assert_eq!(Safety::new(Made::None, None).check(&[]), Ok(()));
    }
}
