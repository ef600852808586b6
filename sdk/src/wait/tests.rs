//! What a wait makes of what a watcher saw.

use serde_json::json;

use super::*;
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

/// Shows sightings to a wait for both targets, and returns how it would end at its deadline.
fn after(sightings: Vec<Sighting>) -> Vec<Waited<String>> {
    let targets = targets();
    let mut wait = Wait::new(&targets);
    for sighting in sightings {
        wait.judge(sighting, &mut look);
    }
    wait.end()
}

fn late(note: &str) -> Waited<String> {
    Waited::TimedOut(note.to_owned())
}

#[test]
fn each_object_ends_by_its_own_verdict() {
    let ends = after(vec![
        Sighting::Present(0, pod("sonarr", true)),
        Sighting::Present(0, pod("plex", false)),
        Sighting::Synced(0),
    ]);
    assert_eq!(ends, [late("not ready"), Waited::Done("sonarr".to_owned())]);
}

#[test]
fn object_that_was_never_found_is_judged_as_absent_once_all_are_given() {
    let before = after(vec![Sighting::Present(0, pod("plex", true))]);
    assert_eq!(before[1], late("not seen yet"));
    let synced = after(vec![
        Sighting::Present(0, pod("plex", true)),
        Sighting::Synced(0),
    ]);
    assert_eq!(synced[1], late("not there"));
}

#[test]
fn object_that_goes_is_judged_as_absent() {
    let ends = after(vec![
        Sighting::Present(0, pod("plex", false)),
        Sighting::Gone(0, pod("plex", false)),
    ]);
    assert_eq!(ends[0], late("not there"));
}

#[test]
fn verdict_stands_whatever_is_seen_later() {
    let ends = after(vec![
        Sighting::Present(0, pod("plex", true)),
        Sighting::Present(0, pod("plex", false)),
    ]);
    assert_eq!(ends[0], Waited::Done("plex".to_owned()));
}

#[test]
fn others_objects_are_not_looked_at() {
    let ends = after(vec![Sighting::Present(0, pod("radarr", true))]);
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
    wait.judge(Sighting::Present(0, pod("plex", true)), &mut look);
    wait.judge(Sighting::Present(0, pod("sonarr", false)), &mut look);
    assert_eq!(wait.note(), "pods media/sonarr: not ready");
    assert_eq!(wait.pending(), 1);
}
