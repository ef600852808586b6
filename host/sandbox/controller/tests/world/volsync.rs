//! VolSync: backups, restores, and the traps between them.

use crate::cluster::{Home, condition, destination, eventually, is_true, source};
use agent_sandbox_controller::Lock;
use serde_json::{Value, json};
use std::time::Duration;

const PLEX: &str = "/repository/plex";

async fn back_up(home: &Home, tag: &str) -> Value {
    let path = source("media", "plex");
    home.patch(
        &path,
        "agent",
        json!({"spec": {"trigger": {"manual": tag}}}),
    )
    .await;
    home.until(&path, "backed up", |object| {
        object["status"]["lastManualSync"] == tag
    })
    .await
}

fn restore(name: &str, extra: Value) -> Value {
    let mut restic = json!({
        "repository": "plex-volsync-secret", "destinationPVC": "plex", "copyMethod": "Direct",
        "storageClassName": "ceph-ssd", "accessModes": ["ReadWriteOnce"], "enableFileDeletion": true,
        "cleanupCachePVC": true, "cacheCapacity": "40Gi", "cacheStorageClassName": "openebs-hostpath",
    });
    for (name, value) in extra.as_object().unwrap() {
        restic[name] = value.clone();
    }
    json!({
        "apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationDestination",
        "metadata": {"name": name, "namespace": "media"},
        "spec": {"trigger": {"manual": name}, "restic": restic},
    })
}

async fn run_restore(home: &Home, name: &str, extra: Value) -> Value {
    home.post(
        "/apis/volsync.backube/v1alpha1/namespaces/media/replicationdestinations",
        restore(name, extra),
    )
    .await;
    home.until(&destination("media", name), "restored", |object| {
        object["status"]["lastManualSync"] == name
    })
    .await
}

async fn stop_plex(home: &Home) {
    let key = crate::cluster::scaled("media", "plex");
    home.patch(
        &key,
        "agent",
        json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": "true"}}}),
    )
    .await;
    home.until(&key, "paused", |object| is_true(object, "Paused"))
        .await;
    home.patch(
        &crate::cluster::deployment("media", "plex"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    home.until_pods("media", "plex", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_backup_saves_what_is_on_the_claim() {
    let home = Home::start().await;
    home.controllers
        .volumes()
        .write("media", "plex", "what plex wrote");
    let done = back_up(&home, "tag-1").await;
    let newest = home
        .controllers
        .repositories()
        .snapshots(PLEX)
        .pop()
        .unwrap();
    assert_eq!(newest.tree, "what plex wrote");
    assert_eq!(done["status"]["latestMoverStatus"]["result"], "Successful");
    let logs = done["status"]["latestMoverStatus"]["logs"]
        .as_str()
        .unwrap();
    assert!(
        logs.contains(&format!("snapshot {} saved", newest.short_id)),
        "{logs}"
    );
    assert!(
        done["status"]["nextSyncTime"].is_null(),
        "a manual tag stops the schedule"
    );
    let idle = home
        .until(&source("media", "plex"), "idle", |object| {
            condition(object, "Synchronizing")["reason"] == "WaitingForManual"
        })
        .await;
    assert_eq!(condition(&idle, "Synchronizing")["status"], "False");
    eventually("the mover's job and copies go", async || {
        let job = home
            .get("/apis/batch/v1/namespaces/media/jobs/volsync-src-plex")
            .await;
        let copy = home
            .get("/api/v1/namespaces/media/persistentvolumeclaims/volsync-plex-src")
            .await;
        job.is_null() && copy.is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_tag_puts_the_schedule_back() {
    let home = Home::start().await;
    back_up(&home, "once").await;
    home.patch(
        &source("media", "plex"),
        "agent",
        json!({"spec": {"trigger": {"manual": null}}}),
    )
    .await;
    home.until(&source("media", "plex"), "scheduled", |object| {
        object["status"]["nextSyncTime"].is_string()
            && condition(object, "Synchronizing")["reason"] == "WaitingForSchedule"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_runs_after_each_backup() {
    let home = Home::start().await;
    home.patch(
        &source("media", "plex"),
        "agent",
        json!({"spec": {"restic": {"retain": null}}}),
    )
    .await;
    back_up(&home, "last-only").await;
    assert_eq!(
        home.controllers.repositories().snapshots(PLEX).len(),
        1,
        "no policy keeps the newest only"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_puts_the_chosen_snapshot_on_the_claim() {
    let home = Home::start().await;
    stop_plex(&home).await;
    let snapshots = home.controllers.repositories().snapshots(PLEX);
    let wanted = &snapshots[snapshots.len() - 3];
    let done = run_restore(&home, "plex-r1", json!({"previous": 2})).await;
    assert_eq!(
        home.controllers.volumes().content("media", "plex"),
        wanted.tree
    );
    assert!(home.controllers.volumes().violations().is_empty());
    let logs = done["status"]["latestMoverStatus"]["logs"]
        .as_str()
        .unwrap();
    assert!(
        logs.contains(&format!(
            "restoring snapshot {} of [/data] at ",
            wanted.short_id
        )),
        "{logs}"
    );
    assert_eq!(
        done["status"]["latestImage"],
        json!({"kind": "PersistentVolumeClaim", "name": "plex"})
    );
    eventually("its cache goes", async || {
        home.get("/api/v1/namespaces/media/persistentvolumeclaims/volsync-dst-plex-r1-cache")
            .await
            .is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_as_of_takes_the_newest_that_is_not_younger() {
    let home = Home::start().await;
    stop_plex(&home).await;
    let snapshots = home.controllers.repositories().snapshots(PLEX);
    let wanted = &snapshots[4];
    let as_of = wanted.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    run_restore(&home, "plex-r2", json!({"restoreAsOf": as_of})).await;
    assert_eq!(
        home.controllers.volumes().content("media", "plex"),
        wanted.tree
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_without_eligible_snapshot_says_successful() {
    let home = Home::start().await;
    stop_plex(&home).await;
    let before = home.controllers.volumes().content("media", "plex");
    let done = run_restore(&home, "plex-r3", json!({"previous": 99})).await;
    assert_eq!(done["status"]["latestMoverStatus"]["result"], "Successful");
    let logs = done["status"]["latestMoverStatus"]["logs"]
        .as_str()
        .unwrap();
    assert!(logs.contains("No eligible snapshots found"), "{logs}");
    assert_eq!(home.controllers.volumes().content("media", "plex"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_repository_is_made_on_restore() {
    let home = Home::start().await;
    stop_plex(&home).await;
    home.controllers.repositories().remove(PLEX);
    let done = run_restore(&home, "plex-r4", json!({})).await;
    assert!(
        done["status"]["latestMoverStatus"]["logs"]
            .as_str()
            .unwrap()
            .contains("created restic repository")
    );
    assert_eq!(
        home.controllers
            .repositories()
            .urls()
            .iter()
            .filter(|url| *url == PLEX)
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_into_a_mounted_claim_is_noticed() {
    let home = Home::start().await;
    run_restore(&home, "plex-r5", json!({})).await;
    let violations = home.controllers.volumes().violations();
    assert!(
        violations
            .iter()
            .any(|text| text.starts_with("media/plex was restored while plex-")),
        "{violations:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_directory_is_a_backup_without_a_snapshot() {
    let home = Home::start().await;
    home.controllers.volumes().write("media", "plex", "");
    let before = home.controllers.repositories().snapshots(PLEX);
    let done = back_up(&home, "empty").await;
    assert_eq!(done["status"]["latestMoverStatus"]["result"], "Successful");
    assert!(
        done["status"]["latestMoverStatus"]["logs"]
            .as_str()
            .unwrap()
            .contains("Directory is empty skipping backup")
    );
    assert_eq!(home.controllers.repositories().snapshots(PLEX), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_mover_is_never_terminal() {
    let home = Home::start().await;
    home.controllers.fail_mover("media", "plex", 9);
    let path = source("media", "plex");
    home.patch(
        &path,
        "agent",
        json!({"spec": {"trigger": {"manual": "hard"}}}),
    )
    .await;
    let failed = home
        .until(&path, "failed", |object| {
            object["status"]["latestMoverStatus"]["result"] == "Failed"
        })
        .await;
    assert_ne!(failed["status"]["lastManualSync"], "hard");
    assert!(
        failed["status"]["lastSyncStartTime"].is_string(),
        "it is still at it"
    );
    assert!(
        failed["status"]["latestMoverStatus"]["logs"]
            .as_str()
            .unwrap()
            .contains("no space left on device")
    );
    home.until(&path, "recovered", |object| {
        object["status"]["lastManualSync"] == "hard"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_repository_fails_until_unlock_runs_before_a_backup() {
    let home = Home::start().await;
    home.controllers.repositories().lock(
        PLEX,
        Lock {
            exclusive: true,
            stale: true,
            host: "gone".to_owned(),
        },
    );
    let path = source("media", "plex");
    home.patch(
        &path,
        "agent",
        json!({"spec": {"trigger": {"manual": "locked"}}}),
    )
    .await;
    home.until(&path, "failed", |object| {
        object["status"]["latestMoverStatus"]["result"] == "Failed"
    })
    .await;
    home.patch(
        &path,
        "agent",
        json!({"spec": {"restic": {"unlock": "u1"}}}),
    )
    .await;
    let done = home
        .until(&path, "done", |object| {
            object["status"]["lastManualSync"] == "locked"
        })
        .await;
    assert_eq!(done["status"]["restic"]["lastUnlocked"], "u1");
    assert!(
        done["status"]["latestMoverStatus"]["logs"]
            .as_str()
            .unwrap()
            .contains("successfully removed 1 locks")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unlock_alone_starts_nothing() {
    let home = Home::start().await;
    let before = home.get(&source("media", "plex")).await;
    home.patch(
        &source("media", "plex"),
        "agent",
        json!({"spec": {"restic": {"unlock": "u1"}}}),
    )
    .await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let after = home.get(&source("media", "plex")).await;
    assert_eq!(
        before["status"]["lastSyncTime"],
        after["status"]["lastSyncTime"]
    );
    assert!(after["status"]["lastSyncStartTime"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_source_starts_no_mover_pod() {
    let home = Home::start().await;
    let path = source("media", "plex");
    home.patch(
        &path,
        "agent",
        json!({"spec": {"paused": true, "trigger": {"manual": "paused"}}}),
    )
    .await;
    eventually("a job without parallelism", async || {
        home.get("/apis/batch/v1/namespaces/media/jobs/volsync-src-plex")
            .await["spec"]["parallelism"]
            == 0
    })
    .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_ne!(home.get(&path).await["status"]["lastManualSync"], "paused");
    home.patch(&path, "agent", json!({"spec": {"paused": false}}))
        .await;
    home.until(&path, "done", |object| {
        object["status"]["lastManualSync"] == "paused"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn volsync_does_nothing_while_it_is_scaled_to_zero() {
    let home = Home::start().await;
    let operator = crate::cluster::deployment("volsync-system", "volsync");
    let key = crate::cluster::scaled("volsync-system", "volsync");
    home.patch(
        &key,
        "agent",
        json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": "true"}}}),
    )
    .await;
    home.until(&key, "paused", |object| is_true(object, "Paused"))
        .await;
    home.patch(&operator, "agent", json!({"spec": {"replicas": 0}}))
        .await;
    home.until_pods("volsync-system", "volsync", 0).await;
    let path = source("media", "plex");
    home.patch(
        &path,
        "agent",
        json!({"spec": {"trigger": {"manual": "while-away"}}}),
    )
    .await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(home.get(&path).await["status"]["lastSyncStartTime"].is_null());
    home.patch(&operator, "agent", json!({"spec": {"replicas": 1}}))
        .await;
    home.until(&path, "backed up", |object| {
        object["status"]["lastManualSync"] == "while-away"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_claim_is_an_error_condition() {
    let home = Home::start().await;
    let mut wanted = restore("plex-r6", json!({}));
    wanted["spec"]["restic"]["destinationPVC"] = json!("nothing");
    home.post(
        "/apis/volsync.backube/v1alpha1/namespaces/media/replicationdestinations",
        wanted,
    )
    .await;
    let object = home
        .until(&destination("media", "plex-r6"), "in error", |object| {
            condition(object, "Synchronizing")["reason"] == "Error"
        })
        .await;
    assert!(
        condition(&object, "Synchronizing")["message"]
            .as_str()
            .unwrap()
            .contains("\"nothing\" not found")
    );
}

fn list_job(name: &str, labels: Value, extra: Value) -> Value {
    let mut spec = json!({
        "restartPolicy": "Never",
        "containers": [{
            "name": "restic", "image": "quay.io/backube/volsync:0.16.0",
            "command": ["restic"], "args": ["snapshots", "--json", "--no-lock"],
            "envFrom": [{"secretRef": {"name": "plex-volsync-secret"}}],
        }],
    });
    for (name, value) in extra.as_object().unwrap() {
        spec["containers"][0][name] = value.clone();
    }
    if spec["containers"][0]["volumeMounts"].is_array() {
        spec["volumes"] =
            json!([{"name": "repository", "nfs": {"server": "nas.internal", "path": "/volsync"}}]);
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "media"},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": spec}},
    })
}

/// Runs the Job to its end; its last condition and its pod's log.
async fn run_job(home: &Home, job: Value) -> (String, String) {
    let name = job["metadata"]["name"].as_str().unwrap().to_owned();
    home.post("/apis/batch/v1/namespaces/media/jobs", job).await;
    let path = format!("/apis/batch/v1/namespaces/media/jobs/{name}");
    let ended = home
        .until(&path, "over", |job| {
            is_true(job, "Complete") || is_true(job, "Failed")
        })
        .await;
    let pods = home
        .get(&format!(
            "/api/v1/namespaces/media/pods?labelSelector=job-name%3D{name}"
        ))
        .await;
    let pod = pods["items"][0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let log = home
        .text(&format!("/api/v1/namespaces/media/pods/{pod}/log"))
        .await;
    let verdict = if is_true(&ended, "Complete") {
        "Complete"
    } else {
        "Failed"
    };
    (verdict.to_owned(), log)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_lists_the_snapshots_as_json() {
    let home = Home::start().await;
    let mount = json!({"volumeMounts": [{"name": "repository", "mountPath": "/repository"}]});
    let (verdict, log) = run_job(&home, list_job("list-plex", json!({}), mount)).await;
    assert_eq!(verdict, "Complete");
    let line = log.lines().find(|line| line.starts_with('[')).unwrap();
    let listed: Vec<Value> = serde_json::from_str(line).unwrap();
    let real = home.controllers.repositories().snapshots(PLEX);
    assert_eq!(listed.len(), real.len());
    assert_eq!(listed[0]["id"], real[0].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_in_a_folder_needs_its_volume() {
    let home = Home::start().await;
    let (verdict, log) = run_job(&home, list_job("list-plex", json!({}), json!({}))).await;
    assert_eq!(verdict, "Failed");
    assert!(log.contains("unable to open config file"), "{log}");
    let created_by = json!({"app.kubernetes.io/created-by": "volsync"});
    let (verdict, _) = run_job(&home, list_job("volsync-list-plex", created_by, json!({}))).await;
    assert_eq!(
        verdict, "Complete",
        "the admission policy adds it to jobs of this name and label"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_cannot_be_read_says_why() {
    let home = Home::start().await;
    let mount = json!({"volumeMounts": [{"name": "repository", "mountPath": "/repository"}]});
    home.controllers.repositories().set_reachable(PLEX, false);
    let (verdict, log) = run_job(&home, list_job("list-1", json!({}), mount.clone())).await;
    assert_eq!(verdict, "Failed");
    assert!(log.contains("connection refused"), "{log}");
    home.controllers
        .repositories()
        .insert(PLEX, "another password", Vec::new());
    let (verdict, log) = run_job(&home, list_job("list-2", json!({}), mount)).await;
    assert_eq!(verdict, "Failed");
    assert!(log.contains("wrong password or no key found"), "{log}");
}
