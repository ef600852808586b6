//! What VolSync is told, and when it is believed.

use super::wait::{State, judge};
use super::*;
use crate::mover::Trail;
use crate::restore::look::tests::scene;

fn chosen() -> Snapshot {
    Snapshot {
        id: "ab12cd34".repeat(8),
        time: "2026-11-22T06:00:04.5Z".parse().expect("a time"),
        hostname: "volsync".to_owned(),
        paths: vec!["/data".to_owned()],
        summary: None,
    }
}

fn verify(logs: &str, pod: &str) -> std::result::Result<Proof, String> {
    let scene = scene(json!({}));
    let mut wait = Wait::of(&scene, String::new(), String::new(), String::new());
    wait.trail = Trail::with(pod);
    wait.verify(logs, &chosen())
        .map_err(|error| error.code().to_owned())
}

#[test]
fn destination_has_all_mover_settings_and_overwrites_in_place() {
    let pin = Pin {
        restore_as_of: "2026-11-22T06:00:04Z".parse().expect("a time"),
    };
    let manifest = manifest(&scene(json!({})), &pin, "plex-restore-x", "tag");
    let restic = &manifest["spec"]["restic"];
    assert_eq!(restic["cacheCapacity"], "40Gi");
    assert_eq!(restic["cacheStorageClassName"], "openebs-hostpath");
    assert_eq!(restic["moverSecurityContext"]["fsGroup"], 100);
    assert_eq!(restic["restoreAsOf"], "2026-11-22T06:00:04Z");
    for field in ["enableFileDeletion", "cleanupCachePVC", "cleanupTempPVC"] {
        assert_eq!(restic[field], true, "{field}");
    }
    assert_eq!(
        (&restic["copyMethod"], &restic["destinationPVC"]),
        (&json!("Direct"), &json!("plex"))
    );
    assert_eq!(manifest["spec"]["trigger"]["manual"], "tag");
}

#[test]
fn names_of_long_sources_stay_short_enough() {
    let name = name(&"very-long-".repeat(20), "a token");
    assert!(name.len() < 63 - "volsync-dst-".len(), "{name}");
    assert!(!name.contains("--"), "{name}");
}

#[test]
fn constant_tag_of_a_leftover_is_not_ours() {
    let leftover = Object(
        json!({"status": {"lastManualSync": "restore-once", "latestMoverStatus": {"result": "Successful"}}}),
    );
    assert_eq!(judge(&leftover, "tag"), State::Running);
}

#[test]
fn success_needs_our_tag_and_the_result() {
    let destination = |tag: &str, result: Value| {
        Object(
            json!({"status": {"lastManualSync": tag, "latestMoverStatus": {"result": result, "logs": "x"}}}),
        )
    };
    assert_eq!(
        judge(&destination("tag", json!("Successful")), "tag"),
        State::Ended("x".to_owned())
    );
    assert_eq!(
        judge(&destination("tag", Value::Null), "tag"),
        State::Running
    );
    assert_eq!(
        judge(&destination("", json!("Failed")), "tag"),
        State::Failed("x".to_owned())
    );
    assert_eq!(judge(&Object(json!({})), "tag"), State::Running);
}

#[test]
fn mover_names_the_snapshot_in_the_words_of_every_restic() {
    let lines = [
        "restoring <Snapshot ab12cd34 of [/data] at 2026-11-22 06:00:04.5 +0000 UTC by @volsync> to .",
        "restoring snapshot ab12cd34 of [/data] at 2026-11-22 06:00:04.5 +0000 UTC by @volsync to .",
        "Selected restic snapshot with id: ab12cd34",
    ];
    for line in lines {
        assert_eq!(
            verify(&format!("{line}\nRestic completed in 2s"), ""),
            Ok(Proof::Named)
        );
        assert_eq!(verify("Restic completed in 2s", line), Ok(Proof::Named));
        let other = verify(&line.replace("ab12", "ff99"), line);
        assert_eq!(other, Err("volsync.other-snapshot".to_owned()));
    }
    let nothing = verify("No eligible snapshots found", lines[0]);
    assert_eq!(nothing, Err("volsync.nothing-restored".to_owned()));
}

#[test]
fn success_whose_log_is_gone_is_a_success_that_is_remarked_upon() {
    assert_eq!(verify("Restic completed in 2s", ""), Ok(Proof::Silent));
    assert_eq!(verify("", ""), Ok(Proof::Silent));
    assert_eq!(Proof::Named.note(&chosen()), None);
    let note = Proof::Silent.note(&chosen()).expect("a note");
    assert!(note.contains("`ab12cd34`"), "{note}");
}
