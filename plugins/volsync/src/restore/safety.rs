//! The safety snapshot: the present state, before it is overwritten.
//!
//! Its manual tag stays on the source until the end of the restore. That keeps the schedule from backing up a half-restored volume. That the
//! snapshot exists is proven by the repository itself: VolSync calls it a success when nothing was made.

use std::time::Duration;

use agent_sdk::prelude::*;

use super::Restore;
use super::look::Scene;
use super::quiet::{self, Quiet};
use crate::app;
use crate::restic::{Snapshot, forget, selection};
use crate::source::Source;
use crate::sync::{self, End};
use crate::text;

/// What became of it.
pub(super) struct Safety {
    made: Made,
    /// What it must be younger than.
    since: Option<Timestamp>,
    /// When it was begun. What the app writes from then on may be in no snapshot.
    begun: Option<Timestamp>,
    /// What keeps the source quiet since then.
    pub(super) quiet: Quiet,
    /// What the person should know about it.
    pub(super) note: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Made {
    /// The mover made one; it usually says which.
    Snapshot(Option<String>),
    /// It is made when the run starts: this is a plan.
    Planned,
    /// There is none, and that is acceptable.
    None,
}

/// Stands in a plan for the id of the safety snapshot.
const ANY_ID: &str = "eeeeeeee";

/// Makes one, unless it is not wanted or cannot be made. `list` is what was in the repository when the chosen one was chosen.
///
/// # Errors
///
/// `volsync.safety-failed`, when it should have worked.
pub(super) fn back_up(
    scene: &Scene,
    args: &Restore,
    list: &[Snapshot],
    chosen: Option<&Snapshot>,
) -> Result<Safety> {
    let source = &scene.source;
    let step = Step::new(format!("Back up the present state of `{}`", source.claim()));
    let reason = if args.no_safety_snapshot {
        Some("--no-safety-snapshot was given".to_owned())
    } else {
        source.broken()
    };
    if let Some(reason) = reason {
        let quiet = quiet::keep(&step, scene, args, false)?;
        let note = format!("the present state was not backed up: {reason}");
        step.skip(reason);
        return Ok(Safety::none(quiet, Some(note)));
    }
    let mut quiet = if is_endangered(source, list, chosen, run::now()) {
        quiet::keep(&step, scene, args, true)?
    } else {
        Quiet::default()
    };
    if let Some(chosen) = chosen {
        let pause = apart(chosen, run::now());
        run::sleep(pause)?;
    }
    // As it is now: since the look, minutes may have gone by.
    let fresh = app::again(source)?.unwrap_or_else(|| source.clone());
    let begun = run::now();
    let done = sync::one(&fresh, args.timeout, quiet.has_schedule(), &step);
    let (end, tag) = done.map_err(|error| failed(scene, error))?;
    let since = tag.as_ref().and_then(|set| set.since);
    quiet.tag = tag;
    Ok(match end {
        End::Saved(id) => {
            let named = id.as_ref().map(|id| format!("snapshot {id}"));
            step.done(named.unwrap_or_default());
            Safety {
                made: Made::Snapshot(id),
                since,
                begun: Some(begun),
                quiet,
                note: None,
            }
        }
        End::Empty => {
            step.skip("the volume is empty");
            let note = "the present state was not backed up: the volume was empty";
            Safety::none(quiet, Some(note.to_owned()))
        }
        End::Planned | End::Failed(_) => {
            step.skip("made when the run starts");
            let mut safety = Safety::none(quiet, None);
            if run::planning() {
                safety.made = Made::Planned;
            }
            safety
        }
    })
}

/// How much later than now the backup may be, for retention goes by the hour.
const LATER: SignedDuration = SignedDuration::from_hours(1);

/// How young a snapshot is that must not go for this backup: the safety snapshot of an earlier restore may be the only copy of what was lost by it.
const YOUNG: SignedDuration = SignedDuration::from_hours(48);

/// Says whether the retention that follows the backup would drop the chosen snapshot, or a young one. A plan cannot know, so there it does.
fn is_endangered(
    source: &Source,
    list: &[Snapshot],
    chosen: Option<&Snapshot>,
    now: Timestamp,
) -> bool {
    let Some(chosen) = chosen else {
        return true;
    };
    let moments = [now, now.saturating_add(LATER).unwrap_or(now)];
    let young = list
        .iter()
        .filter(|one| now.duration_since(one.time) < YOUNG);
    std::iter::once(chosen)
        .chain(young)
        .any(|one| forget::drops(source.retain(), list, one, &moments))
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

fn failed(scene: &Scene, error: Error) -> Error {
    let message = format!(
        "the present state of `{}` could not be backed up, so nothing was overwritten",
        scene.source.claim()
    );
    let error = error.while_doing(message);
    // Who has stopped the run needs no way around the backup.
    if error.remedy().is_some() || error.kind() == Kind::Cancelled {
        return error;
    }
    error.hint("--no-safety-snapshot restores without it; the present state is lost then")
}

impl Safety {
    fn none(quiet: Quiet, note: Option<String>) -> Safety {
        Safety {
            made: Made::None,
            since: None,
            begun: None,
            quiet,
            note,
        }
    }

    /// Returns the snapshot's short id.
    pub(super) fn id(&self) -> Option<&str> {
        match &self.made {
            Made::Snapshot(id) => id.as_deref(),
            Made::Planned | Made::None => None,
        }
    }

    /// Returns the id of what is restored when the run is taken back: in a plan a text that stands for it.
    pub(super) fn way_back(&self) -> Option<&str> {
        let id = match self.made {
            Made::Planned => Some(ANY_ID),
            _ => self.id(),
        };
        id.inspect(|id| run::placeholder("id of the safety snapshot", id))
    }

    /// Says for how long the app may have written what is in no snapshot: from the beginning of the backup until no pod has the volume any more.
    pub(super) fn unsaved(&self, scene: &Scene, stopped: Timestamp) -> Option<String> {
        let begun = self
            .begun
            .filter(|_| scene.workloads.iter().any(|one| one.replicas > 0))?;
        let seconds = stopped.duration_since(begun).as_secs();
        Some(format!(
            "what the app wrote in the {} between the backup of the present state and its stop is in no snapshot",
            text::length(seconds.max(1))
        ))
    }

    /// Says that it is what a restore takes from now on that names none.
    pub(super) fn is_newest(&self, chosen: Option<&Snapshot>) -> Option<String> {
        let (own, chosen) = (self.id()?, chosen?.short());
        Some(format!(
            "{own}, the state from before this restore, is the newest snapshot now, which a restore takes that names none: \
             --snapshot {chosen} restores the same again; as `spec.restic.retain` says, the next backup may drop {own}"
        ))
    }

    /// Proves by the lists from before and after that the snapshot was made.
    ///
    /// # Errors
    ///
    /// `volsync.no-safety-snapshot`.
    pub(super) fn prove(&mut self, before: &[Snapshot], after: &[Snapshot]) -> Result<()> {
        let Made::Snapshot(said) = &self.made else {
            return Ok(());
        };
        let new = selection::eligible(after).into_iter().find(|one| {
            let known = before.iter().any(|old| old.id == one.id);
            let meant = match said {
                Some(id) => one.id.starts_with(id.as_str()),
                None => self.since.is_none_or(|since| one.time > since),
            };
            meant && !known
        });
        match new {
            Some(new) => {
                self.made = Made::Snapshot(Some(new.short().to_owned()));
                Ok(())
            }
            None => Err(missing(said.as_deref())),
        }
    }
}

fn missing(said: Option<&str>) -> Error {
    let which = said.map(|id| format!(" as `{id}`")).unwrap_or_default();
    let message = format!(
        "VolSync says that it backed up the present state{which}, but no such new snapshot is in the repository, so nothing was overwritten"
    );
    Error::conflict("volsync.no-safety-snapshot", message)
        .hint("--no-safety-snapshot restores without it; the present state is lost then")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    fn snapshot(id: &str, time: &str) -> Snapshot {
        Snapshot {
            id: id.repeat(8),
            time: time.parse().expect("a time"),
            hostname: "volsync".to_owned(),
            paths: vec!["/data".to_owned()],
            summary: None,
        }
    }

    fn list() -> Vec<Snapshot> {
        vec![snapshot("ab12cd34", "2026-11-22T06:00:00Z")]
    }

    /// What comes of a claim, where the list has grown by `new`.
    fn proof(
        said: Option<&str>,
        new: Option<Snapshot>,
    ) -> std::result::Result<Option<String>, String> {
        let after: Vec<_> = list().into_iter().chain(new).collect();
        let mut safety = Safety {
            made: Made::Snapshot(said.map(str::to_owned)),
            since: Some("2026-11-22T07:00:00Z".parse().expect("a time")),
            begun: None,
            quiet: Quiet::default(),
            note: None,
        };
        let proven = safety.prove(&list(), &after);
        proven.map_err(|error| error.code().to_owned())?;
        Ok(safety.id().map(str::to_owned))
    }

    const NONE: &str = "volsync.no-safety-snapshot";

    #[test]
    fn safety_snapshot_that_is_not_new_in_the_repository_stops_the_restore() {
        let new = snapshot("ffff0000", "2026-11-22T08:00:00Z");
        let found = Ok(Some("ffff0000".to_owned()));
        assert_eq!(proof(Some("ffff0000"), Some(new)), found);
        assert_eq!(proof(Some("ffff0000"), None), Err(NONE.to_owned()));
        assert_eq!(proof(Some("ab12cd34"), None), Err(NONE.to_owned()));
    }

    #[test]
    fn safety_snapshot_that_nobody_names_is_the_one_that_is_new() {
        let at = |time: &str| proof(None, Some(snapshot("ffff0000", time)));
        assert_eq!(at("2026-11-22T08:00:00Z"), Ok(Some("ffff0000".to_owned())));
        let made_before = at("2026-11-22T06:30:00Z");
        assert_eq!(made_before, Err(NONE.to_owned()));
        assert_eq!(proof(None, None), Err(NONE.to_owned()));
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
    fn restore_without_a_safety_snapshot_has_nothing_to_prove() {
        let mut none = Safety::none(Quiet::default(), None);
        assert_eq!(none.prove(&[], &[]), Ok(()));
    }

    #[test]
    fn retention_is_held_where_it_would_drop_an_earlier_safety_snapshot() {
        let list = [
            snapshot("ab12cd34", "2026-11-20T06:00:00Z"),
            snapshot("ffff0000", "2026-11-22T12:10:00Z"),
        ];
        let source = source(json!({"spec": {"restic": {"retain": {"daily": 7}}}}));
        let endangered = |now: &str| {
            let now = now.parse().expect("a time");
            is_endangered(&source, &list, Some(&list[0]), now)
        };
        assert!(endangered("2026-11-22T12:30:00Z"), "both of one day");
        assert!(!endangered("2026-11-23T12:30:00Z"), "of two days");
    }

    #[test]
    fn retention_is_held_only_where_it_would_drop_the_chosen_one() {
        let (list, now) = (list(), "2026-11-22T12:30:00Z".parse().expect("a time"));
        let endangered = |retain: Value| {
            let source = source(json!({"spec": {"restic": {"retain": retain}}}));
            is_endangered(&source, &list, Some(&list[0]), now)
        };
        assert!(!endangered(json!({"hourly": 8})));
        assert!(endangered(json!({"hourly": 1})));
        assert!(endangered(Value::Null));
    }
}
