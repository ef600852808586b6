//! What a ReplicationSource says, and the traps in it.

use serde_json::{Value, json};

use super::state::Progress;
use super::*;

/// A source in good order, as the home cluster has it, with changes.
pub(crate) fn source(changes: Value) -> Source {
    let mut object = json!({
        "metadata": {"name": "plex", "namespace": "media", "uid": "u-1", "generation": 4},
        "spec": {
            "sourcePVC": "plex",
            "trigger": {"schedule": "0 */6 * * *"},
            "restic": {
                "repository": "plex-volsync-secret", "copyMethod": "Snapshot", "pruneIntervalDays": 14, "unlock": "1",
                "retain": {"hourly": 8}, "storageClassName": "ceph-ssd", "accessModes": ["ReadWriteOnce"],
                "volumeSnapshotClassName": "ceph-rbd-snapshot", "cacheCapacity": "40Gi", "cacheStorageClassName": "openebs-hostpath",
                "cacheAccessModes": ["ReadWriteOnce"], "customCA": {"secretName": "ca", "key": "ca.crt"},
                "moverSecurityContext": {"runAsUser": 1000, "runAsGroup": 100, "fsGroup": 100},
                "moverVolumes": [{"mountPath": "nfs", "volumeSource": {"persistentVolumeClaim": {"claimName": "nfs"}}}],
            },
        },
        "status": {
            "lastManualSync": "old", "lastSyncTime": "2026-11-23T06:00:30Z", "nextSyncTime": "2026-11-23T12:00:00Z",
            "latestMoverStatus": {"result": "Successful", "logs": "Restic completed in 9s"},
            "conditions": [{"type": "Synchronizing", "status": "False", "reason": "WaitingForSchedule", "message": ""}],
        },
    });
    merge(&mut object, changes);
    Source::new(object)
}

fn merge(target: &mut Value, changes: Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(target.entry(key).or_insert(Value::Null), change);
            }
        }
        (target, changes) => *target = changes,
    }
}

#[test]
fn all_mover_settings_are_handed_on_and_nothing_of_the_backup() {
    let settings = source(json!({})).mover_settings(&json!(["ReadWriteOnce"]));
    for field in [
        "cacheCapacity",
        "cacheStorageClassName",
        "cacheAccessModes",
        "customCA",
        "moverVolumes",
        "moverSecurityContext",
    ] {
        assert!(settings.contains_key(field), "{field}");
    }
    for field in [
        "retain",
        "unlock",
        "copyMethod",
        "pruneIntervalDays",
        "moverAffinity",
    ] {
        assert!(!settings.contains_key(field), "{field}");
    }
    assert_eq!(settings["cacheCapacity"], "40Gi");
}

#[test]
fn read_only_access_mode_of_a_source_is_replaced_by_the_claims() {
    let source = source(json!({"spec": {"restic": {"accessModes": ["ReadOnlyMany"]}}}));
    let settings = source.mover_settings(&json!(["ReadWriteMany"]));
    assert_eq!(settings["accessModes"], json!(["ReadWriteMany"]));
}

#[test]
fn source_with_a_repository_suffix_is_found_by_the_name_of_the_app() {
    let named = |name: &str, claim: &str| {
        source(json!({"metadata": {"name": name}, "spec": {"sourcePVC": claim}}))
    };
    let sources = [
        named("plex-b2", "plex"),
        named("plex-meta", "plex-meta"),
        named("config", "radarr"),
    ];
    assert_eq!(
        of_app(&sources, "plex").map(|source| source.name.as_str()),
        Ok("plex-b2")
    );
    assert_eq!(
        of_app(&sources, "radarr").map(|source| source.name.as_str()),
        Ok("config")
    );
    assert_eq!(of_app(&sources, "sonarr"), Err(vec![]));
    let two = [named("plex-b2", "plex"), named("plex-r2", "plex")];
    assert_eq!(
        of_app(&two, "plex"),
        Err(vec!["plex-b2".to_owned(), "plex-r2".to_owned()])
    );
    assert_eq!(
        of_app(&two, "plex-r2").map(|source| source.name.as_str()),
        Ok("plex-r2")
    );
}

#[test]
fn tag_set_during_a_running_sync_would_claim_its_result() {
    assert!(!source(json!({})).synchronizing());
    assert!(
        source(json!({"status": {"lastSyncStartTime": "2026-11-23T12:00:00Z"}})).synchronizing()
    );
    let condition =
        json!([{"type": "Synchronizing", "status": "True", "reason": "SyncInProgress"}]);
    assert!(source(json!({"status": {"conditions": condition}})).synchronizing());
}

#[test]
fn done_is_our_own_tag_and_nothing_else() {
    let before = source(json!({})).before();
    let ours = |changes: Value| {
        let mut changes = changes;
        changes["spec"]["trigger"]["manual"] = "tag".into();
        source(changes).progress("tag", 4, &before)
    };
    assert_eq!(ours(json!({})), Progress::Running);
    assert_eq!(
        ours(json!({"status": {"lastSyncTime": "2026-11-23T07:00:00Z"}})),
        Progress::Running
    );
    assert_eq!(
        ours(json!({"status": {"lastManualSync": "tag"}})),
        Progress::Succeeded
    );
}

#[test]
fn failing_mover_is_noticed_although_volsync_tries_for_ever() {
    let failed = json!({"spec": {"trigger": {"manual": "tag"}}, "status": {"latestMoverStatus": {"result": "Failed", "logs": "Fatal: wrong password"}}});
    assert_eq!(
        source(failed.clone()).progress("tag", 4, &source(json!({})).before()),
        Progress::Failed
    );
    assert_eq!(
        source(failed.clone()).progress("tag", 4, &source(failed).before()),
        Progress::Running
    );
}

#[test]
fn tag_that_somebody_replaced_is_not_waited_for() {
    let taken = source(json!({"spec": {"trigger": {"manual": "theirs"}}}));
    assert_eq!(
        taken.progress("tag", 4, &taken.before()),
        Progress::Replaced
    );
}

#[test]
fn state_from_before_the_tag_says_nothing_about_it() {
    let old = source(json!({"metadata": {"generation": 3}}));
    assert_eq!(old.progress("tag", 4, &old.before()), Progress::Old);
}

/// Of a schedule, not of our tag: `lastSyncTime` alone says nothing, however young it is.
#[test]
fn newer_last_sync_time_without_our_tag_is_somebody_elses() {
    let before = source(json!({})).before();
    let other = source(json!({
        "spec": {"trigger": {"manual": "tag"}},
        "status": {"lastManualSync": null, "lastSyncTime": "2026-11-23T09:00:00Z"},
    }));
    assert_eq!(other.progress("tag", 4, &before), Progress::Running);
}

#[test]
fn error_of_a_moment_is_no_reason_to_skip_the_safety_snapshot() {
    let error = json!([{"type": "Synchronizing", "status": "False", "reason": "Error", "message": "the API server is gone"}]);
    assert_eq!(
        source(json!({"status": {"conditions": error}})).broken(),
        None
    );
}

#[test]
fn source_without_any_trigger_is_synchronised_all_the_time() {
    assert!(!source(json!({})).continuous());
    assert!(source(json!({"spec": {"trigger": null}})).continuous());
    let syncthing = json!({"spec": {"trigger": null, "restic": null, "syncthing": {}}});
    assert!(!source(syncthing).continuous());
}

#[test]
fn source_without_retain_keeps_one_snapshot() {
    assert!(!source(json!({})).keeps_one());
    assert!(source(json!({"spec": {"restic": {"retain": null}}})).keeps_one());
    assert!(source(json!({"spec": {"restic": {"retain": {"hourly": null}}}})).keeps_one());
}

#[test]
fn source_of_another_mover_is_named() {
    let kopia = source(json!({"spec": {"restic": null, "kopia": {"repository": "x"}}}));
    assert!(kopia.restic().is_none());
    assert_eq!(kopia.mover(), "kopia");
}

#[test]
fn broken_source_says_why_no_safety_snapshot_can_be_made() {
    assert_eq!(source(json!({})).broken(), None);
    let failed = source(
        json!({"status": {"latestMoverStatus": {"result": "Failed", "logs": "Fatal: wrong password or no key found\n"}}}),
    );
    assert!(failed.broken().is_some_and(|why| why.contains("password")));
    assert!(
        source(json!({"spec": {"paused": true}}))
            .broken()
            .is_some_and(|why| why.contains("paused"))
    );
}
