//! What keeps VolSync or a mover from its work is told long before the deadline, and nothing else stands in the way of an answer.

use agent_sandbox_controller::Lock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::integration::agent::Ran;
use crate::integration::kind::{JOB, QUOTA, REPLICATION_SOURCE, VOLUME_SNAPSHOT};
use crate::integration::scenario::scenarios;
use crate::integration::world::World;

scenarios![
    secret_that_is_missing_ends_a_backup_soon,
    quota_that_refuses_the_mover_is_told,
    cache_that_cannot_be_shrunk_ends_a_backup_soon,
    snapshot_class_that_is_missing_is_told,
    mover_that_cannot_start_is_told: "kwok starts every pod",
    list_is_read_whatever_else_runs_in_its_pod: "a webhook would have to add the container",
    mover_that_is_outlived_by_another_container_is_told: "a webhook would have to add the container",
    mover_that_only_fails_is_got_past: "a real Job takes minutes between its tries",
    lock_of_a_mover_that_is_gone_is_removed_as_soon_as_that_can_be: "kwok calls every mover a success at first",
    lock_that_is_young_or_in_use_is_told_with_its_holder: "kwok calls every mover a success at first",
];

/// Runs a command that must fail, and say why. One that waits for its own deadline first outlives the patience of [`crate::integration::agent`].
async fn fails(world: &World, line: &str, why: &str) -> Ran {
    let ran = world.agent().run(line).await.says(why);
    assert_ne!(ran.code(), Some(0), "{ran}");
    ran
}

async fn is_at_rest(world: &World, namespace: &str, name: &str) {
    world
        .until("VolSync has got over it", || async {
            let source = world.get(REPLICATION_SOURCE, namespace, name).await;
            source["status"]["lastSyncStartTime"].is_null()
                && source["status"]["latestMoverStatus"]["result"] == "Successful"
        })
        .await;
}

async fn secret_that_is_missing_ends_a_backup_soon(world: &World) {
    let _app = world.app_alone("media", "bazarr").await;
    let source = json!({
        "apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource",
        "metadata": {"name": "nosecret", "namespace": "media"},
        "spec": {
            "sourcePVC": "bazarr", "trigger": {"manual": "never"},
            "restic": {"repository": "there-is-no-such-secret", "copyMethod": "Direct"},
        },
    });
    world.create(REPLICATION_SOURCE, &source).await;
    world
        .until("VolSync says so", || async {
            let source = world.get(REPLICATION_SOURCE, "media", "nosecret").await;
            source["status"]["conditions"][0]["reason"] == "Error"
        })
        .await;
    let why = "Secret \"there-is-no-such-secret\" not found";
    for operation in ["snapshot", "unlock"] {
        let line = format!("run volsync.{operation} media nosecret");
        fails(world, &line, why).await.says("VolSync cannot go on");
    }
    let line = "run volsync.status media nosecret";
    world.agent().run(line).await.exits(0).says(why);
    world.delete(REPLICATION_SOURCE, "media", "nosecret").await;
}

async fn quota_that_refuses_the_mover_is_told(world: &World) {
    let _app = world.app_alone("default", "mealie").await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-jobs", "namespace": "default"},
        "spec": {"hard": {"count/jobs.batch": "0"}},
    });
    if world.is_simulated() {
        let why = "exceeded quota: no-jobs, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0";
        world.controllers().refuse_jobs("default", Some(why));
    } else {
        world.create(QUOTA, &quota).await;
        world
            .until("the quota is counted", || async {
                let quota = world.get(QUOTA, "default", "no-jobs").await;
                quota["status"]["hard"]["count/jobs.batch"] == "0"
            })
            .await;
    }
    let line = "run volsync.snapshot default mealie --timeout 15s";
    let why = "jobs.batch \"volsync-src-mealie\" is forbidden: exceeded quota: no-jobs";
    fails(world, line, why).await;
    if world.is_simulated() {
        world.controllers().refuse_jobs("default", None);
    } else {
        world.delete(QUOTA, "default", "no-jobs").await;
    }
    is_at_rest(world, "default", "mealie").await;
}

/// A claim that somebody has made larger by hand is larger than the source says, for ever.
async fn cache_that_cannot_be_shrunk_ends_a_backup_soon(world: &World) {
    let app = world.app_alone("media", "lidarr").await;
    let source = app.get(REPLICATION_SOURCE).await;
    let before = source["spec"]["restic"]["cacheCapacity"].clone();
    // The first backup has made the cache.
    world
        .agent()
        .run("run volsync.snapshot media lidarr")
        .await
        .exits(0);
    let capacity = |size: Value| json!({"spec": {"restic": {"cacheCapacity": size}}});
    app.merge(REPLICATION_SOURCE, capacity(json!("1Mi"))).await;
    let why = "PersistentVolumeClaim \"volsync-src-lidarr-cache\" is invalid: spec";
    fails(world, "run volsync.snapshot media lidarr", why).await;
    app.merge(REPLICATION_SOURCE, capacity(before)).await;
    is_at_rest(world, "media", "lidarr").await;
}

/// Nothing at VolSync says that its snapshot will not be taken.
async fn snapshot_class_that_is_missing_is_told(world: &World) {
    let app = world.app_alone("media", "tautulli").await;
    let source = app.get(REPLICATION_SOURCE).await;
    let before = source["spec"]["restic"]["volumeSnapshotClassName"].clone();
    let class = |name: Value| json!({"spec": {"restic": {"volumeSnapshotClassName": name, "copyMethod": "Snapshot"}}});
    app.merge(REPLICATION_SOURCE, class(Value::Null)).await;
    let line = "run volsync.snapshot media tautulli --timeout 15s";
    fails(world, line, "cannot find default snapshot class").await;
    app.merge(REPLICATION_SOURCE, class(before)).await;
    world
        .delete(VOLUME_SNAPSHOT, "media", "volsync-tautulli-src")
        .await;
    is_at_rest(world, "media", "tautulli").await;
}

async fn mover_that_cannot_start_is_told(world: &World) {
    let _app = world.app_alone("media", "sabnzbd").await;
    let message =
        "Back-off pulling image \"quay.io/backube/volsync:0.16.0\": ErrImagePull: no such host";
    let pull = Some(("ImagePullBackOff", message));
    let why = "`ImagePullBackOff`: Back-off pulling image";
    let controllers = world.controllers();
    for job in ["sabnzbd", "volsync-agent-list"] {
        controllers.hold_pods("media", job, pull);
    }
    let line = "run volsync.snapshot media sabnzbd --timeout 12s";
    fails(world, line, why).await;
    // It waits on, and the next one knows why.
    fails(world, line, why)
        .await
        .says("the synchronisation that is under way cannot go on");
    let line = "run volsync.status media sabnzbd";
    world.agent().run(line).await.exits(0).says(why);
    let line = "run volsync.list media sabnzbd --timeout 12s";
    fails(world, line, why).await;
    for job in ["sabnzbd", "volsync-agent-list"] {
        controllers.hold_pods("media", job, None);
    }
    is_at_rest(world, "media", "sabnzbd").await;
}

async fn list_is_read_whatever_else_runs_in_its_pod(world: &World) {
    let app = world.app("default", "vaultwarden").await;
    let list = "volsync-agent-list";
    world.controllers().inject_sidecar("default", list, true);
    let line = "run volsync.list default vaultwarden -o json";
    let ran = world.agent().run(line).await.exits(0);
    world.controllers().inject_sidecar("default", list, false);
    let rows = ran.value();
    let ids = rows.as_array().into_iter().flatten();
    let ids: Vec<_> = ids.filter_map(|row| row["id"].as_str()).collect();
    let snapshots = app.snapshots();
    let known: Vec<_> = snapshots.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, known, "{ran}");
    let jobs = world.list(JOB).await;
    let left = jobs.iter().any(|job| {
        let name = job["metadata"]["name"].as_str().unwrap_or_default();
        name.starts_with(list) && job["metadata"]["deletionTimestamp"].is_null()
    });
    assert!(!left, "its Job is left");
}

async fn mover_that_is_outlived_by_another_container_is_told(world: &World) {
    let app = world.app_alone("default", "atuin").await;
    world.controllers().inject_sidecar("default", "atuin", true);
    let line = "run volsync.snapshot default atuin --timeout 12s";
    fails(
        world,
        line,
        "its mover has ended, but container `istio-proxy` runs on",
    )
    .await;
    world
        .controllers()
        .inject_sidecar("default", "atuin", false);
    world.delete(JOB, "default", "volsync-src-atuin").await;
    is_at_rest(world, "default", "atuin").await;
    assert!(!app.snapshots().is_empty());
}

/// After a failed backup its mover goes on failing. The next run says why, and not that somebody has started it; and when it does not fail any more, that run
/// has its backup, and one of what is on the volume now.
async fn mover_that_only_fails_is_got_past(world: &World) {
    let app = world.app("default", "mealie").await;
    let controllers = world.controllers();
    controllers.fail_mover("default", "mealie", 1_000_000);
    let line = "run volsync.snapshot default mealie --timeout 40s -o json";
    let agent = world.agent();
    agent.run(line).await.exits(1).says("its mover failed");
    let ran = agent.run(line).await.exits(1).says("fails again");
    assert!(!ran.stderr.contains("in use"), "{ran}");
    controllers.fail_mover("default", "mealie", 0);
    app.begin_anew("what the app wrote since");
    let ran = agent.run(line).await.exits(0);
    let newest = app.snapshots()[0].clone();
    assert_eq!(newest.tree, "what the app wrote since", "{ran}");
    assert_eq!(
        ran.value()[0]["snapshot"],
        newest.short_id.as_str(),
        "{ran}"
    );
}

fn lock_of(host: &str) -> Lock {
    Lock {
        exclusive: false,
        stale: false,
        host: host.to_owned(),
    }
}

/// restic removes it half an hour after its last refresh, and until then each try of the mover fails.
async fn lock_of_a_mover_that_is_gone_is_removed_as_soon_as_that_can_be(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let (url, gone) = (app.repository(), "volsync-dst-sabnzbd-restore-x7k2p");
    let since = Timestamp::now() - SignedDuration::from_secs(30 * 60 - 10);
    world.repositories().leave_lock(&url, lock_of(gone), since);
    let status = async || {
        let line = "run volsync.status media sabnzbd -o json";
        world.agent().run(line).await.exits(0).value()[0]["notes"].to_string()
    };
    let line = "run volsync.unlock media sabnzbd -o json --timeout 50s";
    let running = world.agent().start(line);
    world
        .until("the mover fails at the lock", || async {
            let notes = status().await;
            notes.contains("the repository is locked") && notes.contains(gone)
        })
        .await;
    let ran = running.end().await.exits(0).says("it can be removed in ");
    assert!(world.repositories().locks(&url).is_empty(), "{ran}");
    is_at_rest(world, "media", "sabnzbd").await;
}

async fn lock_that_is_young_or_in_use_is_told_with_its_holder(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let (url, gone) = (app.repository(), "volsync-src-sabnzbd-x7k2p");
    let since = Timestamp::now() - SignedDuration::from_secs(90);
    world.repositories().leave_lock(&url, lock_of(gone), since);
    let line = "run volsync.unlock media sabnzbd --timeout 40s";
    fails(
        world,
        line,
        "`media/sabnzbd` was not unlocked: its lock can be removed from 20",
    )
    .await
    .says(", in 28m")
    .says(&format!("the lock is that of process 24 on `{gone}`"))
    .says("then: agent run volsync.unlock media sabnzbd");
    world.repositories().unlock(&url, true);
    is_at_rest(world, "media", "sabnzbd").await;
    // A restic that lives refreshes its lock.
    world.repositories().lock(&url, lock_of("a-laptop"));
    let line = "run volsync.unlock media sabnzbd";
    fails(world, line, "the lock belongs to a restic that is at work")
        .await
        .says("on `a-laptop`");
    let line = "run volsync.snapshot media sabnzbd --timeout 40s";
    fails(world, line, "the repository is locked").await;
    world.repositories().unlock(&url, true);
    is_at_rest(world, "media", "sabnzbd").await;
}
