//! What would spoil a restore, or lose what is restored: each is held off, or ends the restore before it does harm.

use std::time::Duration;

use serde_json::{Value, json};

use super::failing::restoring;
use super::made::{create_source, deleting_set, first_backup, job, mounting};
use super::{fails, restore, restores};
use crate::integration::app::App;
use crate::integration::kind::{
    CLAIM, HELM_RELEASE, JOB, POD, REPLICATION_SOURCE, SCALED_OBJECT, STATEFUL_SET,
};
use crate::integration::scenario::scenarios;
use crate::integration::world::{World, is_ready};

scenarios![
    pod_that_mounts_after_the_drain_ends_the_restore_and_is_named,
    no_source_of_the_volume_backs_it_up_meanwhile,
    source_that_is_backed_up_all_the_time_is_refused,
    spec_of_the_mover_is_left_alone_where_retention_does_no_harm,
    safety_snapshot_of_an_earlier_restore_survives_the_next,
    backup_that_runs_is_waited_for_and_not_killed: "kwok ends the pods of Jobs at once",
    stateful_set_that_deletes_its_claims_keeps_the_volume,
    job_that_mounts_the_volume_is_suspended_and_begins_anew: "kwok ends the pods of Jobs at once",
    scaled_object_that_stands_at_a_number_is_held_at_zero,
    flux_that_is_at_work_is_waited_for: "a real controller would write the status that is set here",
    mover_that_gets_on_has_the_time_that_it_needs: "kwok ends the pods of Jobs at once",
    mover_that_stands_still_ends_at_our_deadline: "kwok ends the pods of Jobs at once",
];

/// The trap: an operator, or a person, starts a pod while the mover works.
async fn pod_that_mounts_after_the_drain_ends_the_restore_and_is_named(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let running = restoring(&app, "").await;
    let intruder = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "intruder", "namespace": "media"}, "spec": mounting("plex"),
    });
    world.create(POD, &intruder).await;
    let ran = running
        .end()
        .await
        .exits(6)
        .says("pod `intruder`")
        .says("mounted the volume while it was overwritten");
    world.controllers().answer("volsync");
    world.delete(POD, "media", "intruder").await;
    assert_eq!(app.content(), present, "the content after {ran}");
    app.is_as(&before).await;
}

async fn no_source_of_the_volume_backs_it_up_meanwhile(world: &World) {
    let app = world.app_alone("media", "plex").await;
    create_source(world, "plex-b2", "plex", "9").await;
    first_backup(world, "plex-b2").await;
    let before = app.state().await;
    let newest = app.snapshots()[0].clone();
    let running = restoring(&app, "").await;
    for name in ["plex", "plex-b2"] {
        let source = world.get(REPLICATION_SOURCE, "media", name).await;
        assert_eq!(
            source["spec"]["trigger"]["schedule"], "0 0 29 2 *",
            "{name}"
        );
        assert_ne!(source["spec"]["paused"], true, "{name}");
    }
    world.controllers().answer("volsync");
    running.end().await.exits(0);
    assert_eq!(app.content(), newest.tree);
    app.is_as(&before).await;
    world.delete(REPLICATION_SOURCE, "media", "plex-b2").await;
}

async fn source_that_is_backed_up_all_the_time_is_refused(world: &World) {
    let app = world.app_alone("media", "plex").await;
    world.controllers().silence("volsync");
    let schedule = app.get(REPLICATION_SOURCE).await["spec"]["trigger"]["schedule"].clone();
    let set = |schedule: Value| json!({"spec": {"trigger": {"schedule": schedule}}});
    app.merge(REPLICATION_SOURCE, set(Value::Null)).await;
    fails(&app, "", 1).await.says("has no trigger");
    app.merge(REPLICATION_SOURCE, set(schedule)).await;
    world.controllers().answer("volsync");
}

/// VolSync kills a mover whose settings change, so they are left alone where that can be.
async fn spec_of_the_mover_is_left_alone_where_retention_does_no_harm(world: &World) {
    let app = world.app("media", "bazarr").await;
    app.begin_anew("what the app wrote");
    keep_last(&app, json!("1000")).await;
    let wanted = app.snapshots()[1].clone();
    let ran = restores(&app, "--previous 1", &wanted).await;
    let changed = ran.events_named("changed");
    let of_source = changed.iter().filter(|event| {
        event["effect"]["target"]["of"] == "replicationsources.v1alpha1.volsync.backube"
    });
    for event in of_source {
        let fields = event["effect"]["fields"].to_string();
        assert!(!fields.contains("/spec/restic"), "{fields}");
    }
    keep_last(&app, Value::Null).await;
}

/// Sets how many of the last snapshots stay, which Flux says nothing about.
async fn keep_last(app: &App<'_>, last: Value) {
    let spec = json!({"spec": {"restic": {"retain": {"last": last}}}});
    app.merge(REPLICATION_SOURCE, spec).await;
}

/// The trap: retention keeps one snapshot an hour, and whoever tries an older one after the wrong one would lose the state from before both.
async fn safety_snapshot_of_an_earlier_restore_survives_the_next(world: &World) {
    let app = world.app("media", "prowlarr").await;
    app.begin_anew("what the app wrote");
    let present = app.content();
    for previous in [1, 3] {
        let options = format!("--previous {previous}");
        restore(&app, &options).await.exits(0);
    }
    let kept = app.snapshots().iter().any(|one| one.tree == present);
    assert!(kept, "{:?}", app.snapshots());
}

/// The trap: the tag would claim the result of a backup that had begun before, and the safety snapshot would be that one.
async fn backup_that_runs_is_waited_for_and_not_killed(world: &World) {
    let app = world.app_alone("media", "radarr").await;
    app.begin_anew("what the app wrote");
    // Not the newest: in its hour, the retention of the backup that runs would drop it.
    let chosen = app.snapshots()[1].clone();
    let slow = Some((Duration::from_secs(8), false));
    world.controllers().slow_job("media", "radarr", slow);
    let set = |tag: Value| json!({"spec": {"trigger": {"manual": tag}}});
    app.merge(REPLICATION_SOURCE, set(json!("theirs"))).await;
    let mover = || async { world.get(JOB, "media", "volsync-src-radarr").await };
    world
        .until("a mover runs", || async { !mover().await.is_null() })
        .await;
    let (uid, present) = (mover().await["metadata"]["uid"].clone(), app.content());
    let id = chosen.short_id.as_str();
    let line = format!("run volsync.restore media radarr --yes -o json --snapshot {id}");
    let running = world.agent().start(&line);
    let handled = |source: &Value| source["status"]["lastManualSync"] == "theirs";
    world
        .until("the first backup has ended", || async {
            let running = mover().await["metadata"]["uid"].clone();
            assert!(running.is_null() || running == uid, "the mover was killed");
            handled(&app.get(REPLICATION_SOURCE).await)
        })
        .await;
    let theirs = app.snapshots()[0].short_id.clone();
    world.controllers().slow_job("media", "radarr", None);
    let ran = running.end().await.exits(0);
    assert_eq!(app.content(), chosen.tree, "{ran}");
    let safety = app.snapshots()[0].clone();
    assert_eq!(ran.value()["safety-snapshot"], safety.short_id.as_str());
    assert_ne!(safety.short_id, theirs, "{ran}");
    assert_eq!(safety.tree, present, "{ran}");
    app.merge(REPLICATION_SOURCE, set(Value::Null)).await;
}

/// The trap: `whenScaled: Delete` means that scaling to 0 deletes the volume that is to be restored.
async fn stateful_set_that_deletes_its_claims_keeps_the_volume(world: &World) {
    let app = world.app("media", "data-ledger-0").await;
    world.create(STATEFUL_SET, &deleting_set("ledger")).await;
    world
        .until("its pod is ready", || async {
            is_ready(&world.get(POD, "media", "ledger-0").await)
        })
        .await;
    create_source(world, "data-ledger-0", "data-ledger-0", "9").await;
    first_backup(world, "data-ledger-0").await;
    let uid = app.get(CLAIM).await["metadata"]["uid"].clone();
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    let claim = app.get(CLAIM).await;
    assert_eq!(claim["metadata"]["uid"], uid, "{ran}");
    assert!(claim["metadata"]["deletionTimestamp"].is_null(), "{ran}");
    world
        .delete(REPLICATION_SOURCE, "media", "data-ledger-0")
        .await;
    world.delete(STATEFUL_SET, "media", "ledger").await;
}

/// The trap: a CronJob that is suspended does not end the Job that it has started.
async fn job_that_mounts_the_volume_is_suspended_and_begins_anew(world: &World) {
    let app = world.app("media", "sonarr").await;
    let slow = Some((Duration::from_secs(600), false));
    world.controllers().slow_job("media", "reindex", slow);
    world.create(JOB, &job("reindex", "sonarr")).await;
    let works = || async {
        let job = world.get(JOB, "media", "reindex").await;
        job["status"]["ready"] == 1
    };
    world.until("the Job has a pod", works).await;
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    let changed = ran.events_named("changed");
    let jobs = changed.iter().filter(|event| {
        event["effect"]["target"]["name"] == "reindex"
            && event["effect"]["fields"][0]["path"] == "/spec/suspend"
    });
    assert_eq!(jobs.count(), 1, "{ran}");
    world.until("the Job has a pod again", works).await;
    world.controllers().slow_job("media", "reindex", None);
    world.delete(JOB, "media", "reindex").await;
}

/// The trap: what KEDA is told by this annotation it does, however it is paused besides.
async fn scaled_object_that_stands_at_a_number_is_held_at_zero(world: &World) {
    let app = world.app("media", "plex").await;
    let stand = |replicas: Value| json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused-replicas": replicas}}});
    app.merge(SCALED_OBJECT, stand(json!("1"))).await;
    let paused = |wanted: &'static str| async move {
        let scaled = world.get(SCALED_OBJECT, "media", "plex").await;
        let conditions = scaled["status"]["conditions"].as_array().cloned();
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == "Paused" && one["status"] == wanted)
    };
    world.until("KEDA has paused", || paused("True")).await;
    let newest = app.snapshots()[0].clone();
    restores(&app, "", &newest).await;
    app.merge(SCALED_OBJECT, stand(Value::Null)).await;
    world.until("KEDA goes on", || paused("False")).await;
    world.settle().await;
}

/// The trap: what Flux has begun it ends although it is suspended, and its last step starts what was stopped.
async fn flux_that_is_at_work_is_waited_for(world: &World) {
    let app = world.app_alone("media", "plex").await;
    world.controllers().silence("helm");
    let release = app.get(HELM_RELEASE).await;
    let conditions = release["status"]["conditions"].clone();
    let mut busy = conditions.clone();
    let at_work = json!({
        "type": "Reconciling", "status": "True", "reason": "Progressing", "message": "Running 'upgrade' action",
        "lastTransitionTime": "2026-11-23T06:00:00Z", "observedGeneration": 1,
    });
    busy.as_array_mut().expect("conditions").push(at_work);
    let path = format!("{}/status", HELM_RELEASE.path("media", "plex"));
    let report = async |conditions: Value| {
        let status = json!({"status": {"conditions": conditions}});
        let sent = world.send("PATCH", &path, "application/merge-patch+json", &status);
        sent.await.expect("a status");
    };
    report(busy).await;
    let ran = fails(&app, "--down-timeout 2s --no-safety-snapshot", 6)
        .await
        .says("Flux was still at work after `2s`")
        .says("helmreleases media/plex: is at work");
    let stopped = ran.events_named("changed");
    assert!(
        !stopped
            .iter()
            .any(|event| event["effect"]["fields"][0]["path"] == "/spec/replicas"),
        "{ran}"
    );
    report(conditions).await;
    world.controllers().answer("helm");
}

async fn mover_that_gets_on_has_the_time_that_it_needs(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let before = app.state().await;
    let newest = app.snapshots()[0].clone();
    let running = restoring(&app, "--timeout 3s").await;
    let destination = app.destination().await.expect("a ReplicationDestination");
    let slow = Some((Duration::from_secs(7), true));
    world.controllers().slow_job("media", &destination, slow);
    world.controllers().answer("volsync");
    running.end().await.exits(0);
    assert_eq!(app.content(), newest.tree);
    app.is_as(&before).await;
}

async fn mover_that_stands_still_ends_at_our_deadline(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let running = restoring(&app, "--timeout 3s").await;
    let destination = app.destination().await.expect("a ReplicationDestination");
    let slow = Some((Duration::from_secs(600), false));
    world.controllers().slow_job("media", &destination, slow);
    world.controllers().answer("volsync");
    let ran = running
        .end()
        .await
        .exits(6)
        .says("had not ended after `3s`");
    assert_eq!(app.content(), present, "the content after {ran}");
    app.is_as(&before).await;
}
