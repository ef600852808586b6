//! `volsync.status`: when each app was backed up, and what stands in the way of the next time; a VolSync that is suspended stands in the way of
//! all. Reads only.

mod mover;

use agent_sdk::prelude::*;
use serde::Serialize;

use crate::snapshot::chosen;
use crate::source::Source;
use crate::suspend::state::{self, Suspended};
use crate::sync::trigger::NEVER;
use crate::text;

/// A schedule that has not fired for so long after its time has a reason: VolSync begins in the same second. Clocks may differ.
const OVERDUE: SignedDuration = SignedDuration::from_mins(2);
/// A mover that runs for so long should be looked at.
const LONG: SignedDuration = SignedDuration::from_hours(6);

/// Arguments of `volsync.status`.
#[derive(Args)]
pub(crate) struct Status {
    /// Only this namespace
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
    /// Only this app
    #[arg(
        positional,
        names(object = "replicationsources.v1alpha1.volsync.backube")
    )]
    app: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Row {
    namespace: String,
    name: String,
    pvc: String,
    state: String,
    last_sync: Option<Timestamp>,
    age: String,
    result: Option<String>,
    next: Option<String>,
    schedule: Option<String>,
    notes: String,
    /// Who has suspended VolSync itself, and when; none while it runs, and when nobody says.
    suspended_by: Option<String>,
    suspended_since: Option<Timestamp>,
}

/// Show when the apps were backed up, and what is wrong.
///
/// Says when VolSync itself is suspended, since when and by whom; for that it looks for its Deployment, first in the namespace `volsync-system`.
#[operation(
    risk = "read",
    columns(namespace, name, state, age = "LAST", result, next, schedule, notes),
    constraints(requires(app, namespace)),
    examples("volsync.status", "volsync.status media", "volsync.status media plex")
)]
pub(crate) fn status(args: Status) -> Result<Vec<Row>> {
    let sources = chosen(
        args.namespace.as_deref(),
        args.app.as_deref(),
        args.app.is_none(),
    )?;
    let (now, suspended) = (run::now(), state::look());
    if let Some(suspended) = &suspended {
        warn!("{}", suspended.sentence(now));
    }
    let movers = mover::notes(&sources, args.namespace.as_deref());
    let row = |(source, mover)| row(source, mover, suspended.as_ref(), now);
    Ok(sources.iter().zip(movers).map(row).collect())
}

fn row(
    source: &Source,
    mover: Option<String>,
    suspended: Option<&Suspended>,
    now: Timestamp,
) -> Row {
    let last = source.last_sync();
    Row {
        namespace: source.namespace.clone(),
        name: source.name.clone(),
        pvc: source.claim().to_owned(),
        state: state(source, suspended.is_some()).to_owned(),
        last_sync: last,
        age: last.map_or_else(|| "never".to_owned(), |last| text::ago(now, last)),
        result: source.result().map(str::to_owned),
        next: source.next_sync().map(|next| text::ago(now, next)),
        schedule: source.schedule().map(str::to_owned),
        notes: notes(source, mover, suspended.is_some(), now).join("; "),
        suspended_by: suspended.and_then(|suspended| suspended.by.clone()),
        suspended_since: suspended.and_then(|suspended| suspended.since),
    }
}

/// What is paused stays so when VolSync is back. What else a status says is old when nobody writes it.
fn state(source: &Source, suspended: bool) -> &'static str {
    if source.paused() {
        "paused"
    } else if suspended {
        "suspended"
    } else if source.reason() == Some("Error") {
        "error"
    } else if source.synchronizing() {
        "running"
    } else {
        "idle"
    }
}

/// What a person should know, worst first.
fn notes(source: &Source, mover: Option<String>, suspended: bool, now: Timestamp) -> Vec<String> {
    let mut notes = Vec::new();
    let mut add = |note: Option<String>| notes.extend(note);
    // Of the mover before.
    let before = if mover.is_none() {
        failed(source)
    } else {
        None
    };
    add(mover);
    add(before);
    add((source.reason() == Some("Error")).then(|| {
        source
            .message()
            .unwrap_or("VolSync reports an error")
            .to_owned()
    }));
    add(left_behind(source));
    add((source.schedule() == Some(NEVER)).then(|| {
        format!("its schedule is held at `{NEVER}` by a restore: see agent runs --unfinished")
    }));
    add(overdue(source, suspended, now));
    add(unseen(source, suspended));
    add(running_long(source, now));
    add(source
        .paused()
        .then(|| "paused: nothing is backed up".to_owned()));
    add((source.restic().is_some() && source.keeps_one())
        .then(|| "no `retain`: only the newest snapshot is kept".to_owned()));
    notes
}

fn failed(source: &Source) -> Option<String> {
    if source.result() != Some("Failed") {
        return None;
    }
    let why = mover::why(source, source.logs());
    Some(why.unwrap_or_else(|| "the last mover failed".to_owned()))
}

/// A manual tag switches the schedule off for as long as it is there.
fn left_behind(source: &Source) -> Option<String> {
    let tag = source.manual().filter(|_| source.schedule().is_some())?;
    (!source.synchronizing())
        .then(|| format!("manual trigger `{tag}` was left behind: the schedule is off"))
}

fn overdue(source: &Source, suspended: bool, now: Timestamp) -> Option<String> {
    let next = source
        .next_sync()
        .filter(|_| !source.synchronizing() && !source.paused())?;
    let late = now.duration_since(next);
    let question = if suspended { "" } else { ": does VolSync run?" };
    let length = text::length(late.as_secs());
    (late > OVERDUE).then(|| format!("overdue for {length}{question}"))
}

fn unseen(source: &Source, suspended: bool) -> Option<String> {
    (suspended && source.synchronizing())
        .then(|| "a mover was running; its end is not seen before VolSync is back".to_owned())
}

fn running_long(source: &Source, now: Timestamp) -> Option<String> {
    let since = now.duration_since(source.started()?);
    (since > LONG).then(|| {
        format!(
            "a mover has been running for {}",
            text::length(since.as_secs())
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    const LOCKED: &str = "unable to create lock in backend: repository is already locked by PID 7 on volsync-dst-plex-x by nobody (UID 1000, GID 0)\n\
        lock was created at 2026-11-30 09:31:51 (6m0s ago)\nstorage ID 48f09705\n";

    fn now() -> Timestamp {
        "2026-11-23T11:00:00Z".parse().expect("a time")
    }

    #[test]
    fn source_in_good_order_has_no_notes() {
        let row = row(&source(json!({})), None, None, now());
        assert_eq!(row.notes, "");
        assert_eq!(row.state, "idle");
        assert_eq!(row.suspended_since, None);
        assert_eq!(row.age, "4h59m ago");
        assert_eq!(row.next.as_deref(), Some("in 1h"));
    }

    #[test]
    fn manual_tag_left_behind_is_reported_because_the_schedule_is_off() {
        let left = source(json!({"spec": {"trigger": {"manual": "restore-once"}}}));
        assert!(notes(&left, None, false, now())[0].contains("`restore-once` was left behind"));
    }

    #[test]
    fn schedule_that_a_restore_holds_is_told() {
        let held = source(json!({"spec": {"trigger": {"schedule": NEVER}}}));
        assert!(notes(&held, None, false, now())[0].contains("held at `0 0 29 2 *`"));
    }

    #[test]
    fn schedule_that_did_not_fire_is_overdue() {
        let notes = |at: &str| {
            let at = at.parse().expect("a time");
            notes(&source(json!({})), None, false, at)
        };
        assert_eq!(
            notes("2026-11-23T12:07:00Z"),
            ["overdue for 7m: does VolSync run?"]
        );
        assert!(notes("2026-11-23T12:01:00Z").is_empty());
    }

    #[test]
    fn locked_repository_comes_with_its_remedy() {
        let locked =
            source(json!({"status": {"latestMoverStatus": {"result": "Failed", "logs": LOCKED}}}));
        let notes = |mover: Option<&str>| notes(&locked, mover.map(str::to_owned), false, now());
        assert_eq!(
            notes(None),
            [
                "the repository is locked: the lock is that of process 7 on `volsync-dst-plex-x`, made or refreshed at \
              2026-11-30 09:31:51: agent run volsync.unlock media plex"
            ]
        );
        let newer = notes(Some("its mover has failed 2 times"));
        assert_eq!(newer, ["its mover has failed 2 times"]);
    }

    #[test]
    fn suspended_volsync_is_told_on_every_app_but_those_that_are_paused() {
        let suspended = state::tests::suspended();
        let states = |source: &Source| row(source, None, Some(&suspended), now()).state;
        let running = json!({"status": {"lastSyncStartTime": "2026-11-23T10:00:00Z"}});
        assert_eq!(states(&source(json!({}))), "suspended");
        assert_eq!(states(&source(running.clone())), "suspended");
        assert_eq!(states(&source(json!({"spec": {"paused": true}}))), "paused");
        let row = row(&source(running), None, Some(&suspended), now());
        assert_eq!(row.suspended_by.as_deref(), Some("agent"));
        assert!(row.suspended_since.is_some());
        assert!(row.notes.contains("a mover was running"), "{}", row.notes);
        let late = "2026-11-23T13:00:00Z".parse().expect("a time");
        assert_eq!(
            notes(&source(json!({})), None, true, late),
            ["overdue for 1h"]
        );
    }

    #[test]
    fn synchronisation_that_volsync_cannot_begin_is_an_error_and_not_running() {
        let wedged = source(json!({"status": {
            "lastSyncStartTime": "2026-11-23T10:00:00Z",
            "conditions": [{"type": "Synchronizing", "status": "False", "reason": "Error", "message": "Secret \"x\" not found"}],
        }}));
        assert_eq!(state(&wedged, false), "error");
        assert_eq!(
            notes(&wedged, None, false, now()),
            ["Secret \"x\" not found"]
        );
    }

    #[test]
    fn missing_retain_is_a_warning() {
        let bare = source(json!({"spec": {"restic": {"retain": null}}}));
        assert_eq!(
            notes(&bare, None, false, now()),
            ["no `retain`: only the newest snapshot is kept"]
        );
    }
}
