//! The state machine, without the API: which state a status means, when to synchronise, and what each transition writes.

use crate::object::{Object, condition, time_text, with_condition};
use crate::schedule;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

/// Where a replication object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Initial,
    Synchronizing,
    CleaningUp,
}

pub(super) fn state(object: &Object) -> State {
    let never = object.text("/status/lastSyncTime").is_empty();
    match (object.text("/status/lastSyncStartTime").is_empty(), never) {
        (false, _) => State::Synchronizing,
        (true, true) => State::Initial,
        (true, false) => State::CleaningUp,
    }
}

fn tag(object: &Object) -> &str {
    object.text("/spec/trigger/manual")
}

fn cron(object: &Object) -> &str {
    object.text("/spec/trigger/schedule")
}

/// A manual tag beats a schedule. Without either the object synchronises for ever.
/// With `schedules` off a schedule never starts anything.
pub(super) fn should_sync(object: &Object, now: Timestamp, schedules: bool) -> bool {
    if !tag(object).is_empty() {
        return tag(object) != object.text("/status/lastManualSync");
    }
    cron(object).is_empty() || (schedules && next_sync(object).is_none_or(|next| now > next))
}

fn next_sync(object: &Object) -> Option<Timestamp> {
    if !tag(object).is_empty() {
        return None;
    }
    schedule::next(cron(object), "", object.time("/status/lastSyncTime")?)
}

/// Whether nothing is to be done: cleaned up, idle, and its status says so.
pub(super) fn is_idle(object: &Object, now: Timestamp, schedules: bool) -> bool {
    let reason = object
        .condition("Synchronizing")
        .map_or("", |found| found["reason"].as_str().unwrap_or_default());
    let said = object.text("/status/nextSyncTime");
    let next = next_sync(object).map(time_text).unwrap_or_default();
    state(object) == State::CleaningUp
        && reason == waiting_for(object)
        && said == next
        && !should_sync(object, now, schedules)
}

fn waiting_for(object: &Object) -> &'static str {
    if tag(object).is_empty() && !cron(object).is_empty() {
        "WaitingForSchedule"
    } else {
        "WaitingForManual"
    }
}

/// How long until the schedule is due.
pub(super) fn time_to_next(object: &Object, now: Timestamp) -> Option<Duration> {
    let wait = next_sync(object)?.duration_since(now) + SignedDuration::from_millis(10);
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// The conditions while it synchronises.
pub(super) fn syncing(object: &Object) -> Vec<Value> {
    let state = condition(
        "Synchronizing",
        "True",
        "SyncInProgress",
        "Synchronization in-progress",
    );
    with_condition(object.list("/status/conditions"), state)
}

/// The status when a synchronisation starts.
pub(super) fn started(object: &Object, now: Timestamp) -> Value {
    json!({"lastSyncStartTime": time_text(now), "conditions": syncing(object)})
}

/// The status when the mover has done its work. The tag that counts is the one in the spec at this moment.
pub(super) fn completed(object: &Object, now: Timestamp) -> Value {
    let start = object.time("/status/lastSyncStartTime").unwrap_or(now);
    let took = now.duration_since(start);
    let next = if tag(object).is_empty() {
        schedule::next(cron(object), "", now)
    } else {
        None
    };
    let state = condition("Synchronizing", "False", "CleaningUp", "Cleaning up");
    json!({
        "lastSyncTime": time_text(now), "lastSyncStartTime": Value::Null,
        "lastSyncDuration": format!("{}.{:09}s", took.as_secs(), took.subsec_nanos()),
        "lastManualSync": if tag(object).is_empty() { Value::Null } else { json!(tag(object)) },
        "nextSyncTime": next.map(time_text),
        "conditions": with_condition(object.list("/status/conditions"), state),
    })
}

/// The status when nothing is to be done.
pub(super) fn idle(object: &Object) -> Value {
    let state = match waiting_for(object) {
        "WaitingForSchedule" => condition(
            "Synchronizing",
            "False",
            "WaitingForSchedule",
            "Waiting for next scheduled synchronization",
        ),
        reason => condition(
            "Synchronizing",
            "False",
            reason,
            "Waiting for manual trigger",
        ),
    };
    json!({
        "nextSyncTime": next_sync(object).map(time_text),
        "conditions": with_condition(object.list("/status/conditions"), state),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(spec: Value, status: Value) -> Object {
        Object(json!({"spec": {"trigger": spec}, "status": status}))
    }

    fn noon() -> Timestamp {
        "2026-11-23T12:00:30Z".parse().unwrap()
    }

    #[test]
    fn the_status_tells_the_state() {
        assert_eq!(state(&source(json!({}), json!({}))), State::Initial);
        let start = json!({"lastSyncStartTime": "2026-11-23T12:00:00Z", "lastSyncTime": "2026-11-23T06:00:00Z"});
        assert_eq!(state(&source(json!({}), start)), State::Synchronizing);
        assert_eq!(
            state(&source(
                json!({}),
                json!({"lastSyncTime": "2026-11-23T06:00:00Z"})
            )),
            State::CleaningUp
        );
    }

    #[test]
    fn a_manual_tag_beats_a_schedule_and_stops_it() {
        let both = json!({"manual": "a", "schedule": "0 */6 * * *"});
        let done = source(
            both.clone(),
            json!({"lastSyncTime": "2026-11-23T05:00:00Z", "lastManualSync": "a"}),
        );
        assert!(!should_sync(&done, noon(), true));
        assert_eq!(idle(&done)["nextSyncTime"], Value::Null);
        let asked = source(
            both,
            json!({"lastSyncTime": "2026-11-23T05:00:00Z", "lastManualSync": "b"}),
        );
        assert!(should_sync(&asked, noon(), true));
    }

    #[test]
    fn a_schedule_is_due_after_its_time() {
        let due = source(
            json!({"schedule": "0 */6 * * *"}),
            json!({"lastSyncTime": "2026-11-23T06:00:59Z"}),
        );
        assert!(should_sync(&due, noon(), true));
        let fresh = source(
            json!({"schedule": "0 */6 * * *"}),
            json!({"lastSyncTime": "2026-11-23T12:00:05Z"}),
        );
        assert!(!should_sync(&fresh, noon(), true));
        assert_eq!(idle(&fresh)["nextSyncTime"], "2026-11-23T18:00:00Z");
    }

    #[test]
    fn no_trigger_synchronises_for_ever() {
        assert!(should_sync(
            &source(json!({}), json!({"lastSyncTime": "2026-11-23T12:00:29Z"})),
            noon(),
            true
        ));
    }

    #[test]
    fn the_tag_in_the_spec_at_the_end_is_the_one_recorded() {
        let running = json!({"lastSyncStartTime": "2026-11-23T12:00:00Z", "lastManualSync": "old"});
        let status = completed(
            &source(json!({"manual": "changed-meanwhile"}), running.clone()),
            noon(),
        );
        assert_eq!(status["lastManualSync"], "changed-meanwhile");
        assert_eq!(status["lastSyncDuration"], "30.000000000s");
        let scheduled = completed(&source(json!({"schedule": "0 */6 * * *"}), running), noon());
        assert_eq!(scheduled["lastManualSync"], Value::Null);
    }
}
