//! What a wait makes of what a watcher saw.

use serde_json::json;

use super::*;
use crate::diagnosis::Patience;
use crate::kinds;

fn targets() -> Vec<ObjectRef> {
    ["plex", "sonarr"]
        .iter()
        .map(|name| ObjectRef::new(kinds::POD, "media", name))
        .collect()
}

fn pod(name: &str, ready: bool) -> Object {
    Object(json!({ "metadata": { "namespace": "media", "name": name }, "ready": ready }))
}

fn look(_: usize, object: Option<&Object>) -> Verdict<String> {
    match object {
        None => Verdict::Pending("not there".to_owned()),
        Some(object) if object.flag("/ready") => Verdict::Done(object.name().to_owned()),
        Some(_) => Verdict::Pending("not ready".to_owned()),
    }
}

/// Shows events to a wait for both targets, and returns how it would end at its deadline.
fn after(events: Vec<WatchEvent>) -> Vec<Waited<String>> {
    let targets = targets();
    let mut wait = Wait::new(&targets);
    for event in events {
        wait.judge(event, &mut look);
    }
    wait.end()
}

fn late(note: &str) -> Waited<String> {
    Waited::TimedOut(note.to_owned())
}

#[test]
fn each_object_ends_by_its_own_verdict() {
    let ends = after(vec![
        WatchEvent::Applied(0, pod("sonarr", true)),
        WatchEvent::Applied(0, pod("plex", false)),
        WatchEvent::Synced(0),
    ]);
    assert_eq!(ends, [late("not ready"), Waited::Done("sonarr".to_owned())]);
}

#[test]
fn object_that_was_never_found_is_judged_as_absent_once_all_are_given() {
    let before = after(vec![WatchEvent::Applied(0, pod("plex", true))]);
    assert_eq!(before[1], late("not seen yet"));
    let synced = after(vec![
        WatchEvent::Applied(0, pod("plex", true)),
        WatchEvent::Synced(0),
    ]);
    assert_eq!(synced[1], late("not there"));
}

#[test]
fn object_that_goes_is_judged_as_absent() {
    let ends = after(vec![
        WatchEvent::Applied(0, pod("plex", false)),
        WatchEvent::Removed(0, pod("plex", false)),
    ]);
    assert_eq!(ends[0], late("not there"));
}

#[test]
fn verdict_stands_whatever_is_seen_later() {
    let ends = after(vec![
        WatchEvent::Applied(0, pod("plex", true)),
        WatchEvent::Applied(0, pod("plex", false)),
    ]);
    assert_eq!(ends[0], Waited::Done("plex".to_owned()));
}

#[test]
fn others_objects_are_not_looked_at() {
    let ends = after(vec![WatchEvent::Applied(0, pod("radarr", true))]);
    assert!(ends.iter().all(|end| *end == late("not seen yet")));
}

#[test]
fn deadline_becomes_an_error_that_says_what_was_missing() {
    let error = late("not ready")
        .into_result("test.timeout", "plex to start")
        .expect_err("late");
    assert_eq!(
        error.to_string(),
        "waiting for plex to start came to its deadline: not ready"
    );
    assert_eq!(Waited::<()>::Planned.into_result("x", "y"), Ok(None));
}

#[test]
fn note_names_the_first_that_is_pending() {
    let targets = targets();
    let mut wait: Wait<'_, String> = Wait::new(&targets);
    wait.judge(WatchEvent::Applied(0, pod("plex", true)), &mut look);
    wait.judge(WatchEvent::Applied(0, pod("sonarr", false)), &mut look);
    assert_eq!(wait.note(), "pods media/sonarr: not ready");
    assert_eq!(wait.pending(), 1);
}

/// What both targets are blocked by, while `there`.
fn blocked(there: bool) -> impl FnMut(usize, Option<&Object>) -> Verdict<String> {
    move |_, _| {
        let cause = Cause::new("base", "BuildFailed", "no such file", Patience::MINUTE);
        let error = cause.error("test.failed", "it failed");
        if there {
            Verdict::Blocked(cause, error)
        } else {
            Verdict::Pending("it gets on".to_owned())
        }
    }
}

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

#[test]
fn what_blocks_several_is_told_once_and_ends_each_when_its_time_is_over() {
    let targets = targets();
    let mut wait: Wait<'_, String> = Wait::new(&targets);
    for name in ["plex", "sonarr"] {
        wait.judge(WatchEvent::Applied(0, pod(name, false)), &mut blocked(true));
    }
    assert_eq!(wait.stand(at(0)), []);
    let told = wait.stand(at(10));
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(wait.stand(at(59)), []);
    assert_eq!(wait.pending(), 2);
    assert_eq!(wait.stand(at(60)), []);
    let ends = wait.end();
    assert!(
        ends.iter()
            .all(|end| matches!(end, Waited::Failed(error) if error.code() == "test.failed")),
        "{ends:?}"
    );
}

#[test]
fn what_is_not_blocked_any_more_goes_on_although_nothing_was_seen() {
    let targets = targets();
    let mut wait: Wait<'_, String> = Wait::new(&targets);
    wait.judge(
        WatchEvent::Applied(0, pod("plex", false)),
        &mut blocked(true),
    );
    wait.stand(at(0));
    wait.look_again(&mut |_, object| {
        assert_eq!(
            object.map(Object::name),
            Some("plex"),
            "as it was seen last"
        );
        Verdict::Pending("it gets on".to_owned())
    });
    wait.stand(at(60));
    assert_eq!(wait.end()[0], late("it gets on"));
}

#[test]
fn deadline_of_what_is_blocked_says_by_what() {
    let targets = targets();
    let mut wait: Wait<'_, String> = Wait::new(&targets);
    wait.judge(
        WatchEvent::Applied(0, pod("plex", false)),
        &mut blocked(true),
    );
    assert_eq!(
        wait.note(),
        "pods media/plex: base: `BuildFailed`: no such file"
    );
    assert_eq!(wait.end()[0], late("base: `BuildFailed`: no such file"));
}
