//! The operations of `volsync` besides `restore`.

use agent_sandbox_controller::Lock;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::kind::{DEPLOYMENT, HELM_RELEASE, JOB, KUSTOMIZATION, REPLICATION_SOURCE};
use super::scenario::scenarios;
use super::state::State;
use super::world::World;

pub(crate) mod blocked;
pub(crate) mod trigger;

scenarios![
    list_shows_what_is_in_the_repository_and_leaves_nothing,
    snapshot_holds_what_is_on_the_volume,
    snapshot_all_ends_with_a_row_for_each_and_goes_on_after_a_failure,
    unlock_removes_stale_locks_only,
    volsync_is_not_suspended_without_consent,
    suspended_volsync_stays_so_until_it_is_resumed,
    status_tells_that_volsync_is_suspended_since_when_and_by_whom,
    status_names_what_stands_still,
];

async fn list_shows_what_is_in_the_repository_and_leaves_nothing(world: &World) {
    let app = world.app("default", "vaultwarden").await;
    let before = app.state().await;
    let line = "run volsync.list default vaultwarden -o json";
    let ran = world.agent().run(line).await.exits(0);
    let listed = ran.value();
    let ids = listed.as_array().into_iter().flatten();
    let ids: Vec<_> = ids
        .map(|row| row["id"].as_str().unwrap_or_default())
        .collect();
    let snapshots = app.snapshots();
    let known: Vec<_> = snapshots.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, known, "{ran}");
    app.is_as(&before).await;
}

async fn snapshot_holds_what_is_on_the_volume(world: &World) {
    let app = world.app("media", "tautulli").await;
    let before = app.state().await;
    app.begin_anew("what the app wrote");
    let line = "run volsync.snapshot media tautulli -o json";
    let ran = world.agent().run(line).await.exits(0);
    let newest = app.snapshots()[0].clone();
    assert_eq!(newest.tree, "what the app wrote", "{ran}");
    assert_eq!(
        ran.value()[0]["snapshot"],
        newest.short_id.as_str(),
        "{ran}"
    );
    app.is_as(&before).await;
}

async fn snapshot_all_ends_with_a_row_for_each_and_goes_on_after_a_failure(world: &World) {
    let _alone = world.exclusive().await;
    let before = State::of(world, None).await;
    world.controllers().fail_mover("default", "mealie", 1000);
    let line = "run volsync.snapshot --all --namespace default --parallel 4 --timeout 20s -o json";
    let ran = world.agent().run(line).await.exits(1);
    world.controllers().fail_mover("default", "mealie", 0);
    let value = ran.value();
    let rows: Vec<_> = value.as_array().into_iter().flatten().collect();
    assert_eq!(rows.len(), 8, "{ran}");
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row["snapshot"].is_null())
        .collect();
    assert_eq!(failed.len(), 1, "{ran}");
    assert_eq!(failed[0]["name"], "mealie", "{ran}");
    let held = State::held(world, None).await;
    let wrong = before.held_part().differences(&held);
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Its mover is running still, until VolSync has given up or succeeded.
    world
        .until("the mover of `mealie` has ended", || async {
            let source = world.get(REPLICATION_SOURCE, "default", "mealie").await;
            source["status"]["latestMoverStatus"]["result"] == "Successful"
                || source["status"]["conditions"][0]["status"] == "False"
        })
        .await;
}

async fn unlock_removes_stale_locks_only(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let before = app.state().await;
    let url = app.repository();
    let lock = |stale: bool| Lock {
        exclusive: false,
        stale,
        host: format!("pod-of-{stale}"),
    };
    world.repositories().lock(&url, lock(true));
    world.repositories().lock(&url, lock(false));
    let line = "run volsync.unlock media sabnzbd -o json --timeout 30s";
    let ran = world.agent().run(line).await;
    let left = world.repositories().locks(&url);
    assert_eq!(left, [lock(false)], "{ran}");
    world.repositories().unlock(&url, true);
    // Its mover fails at the lock that is left. A real Job would take a minute to try again, and VolSync makes another one at once.
    let mover = "volsync-src-sabnzbd";
    if !world.get(JOB, "media", mover).await.is_null() {
        let uid = world.get(JOB, "media", mover).await["metadata"]["uid"].clone();
        let path = JOB.path("media", mover);
        let how = json!({"propagationPolicy": "Background"});
        world
            .send("DELETE", &path, "application/json", &how)
            .await
            .ok();
        world
            .until("the Job is another one", || async {
                world.get(JOB, "media", mover).await["metadata"]["uid"] != uid
            })
            .await;
    }
    app.gets_as_but(&before, &["/spec/restic/unlock"]).await;
}

async fn volsync_is_not_suspended_without_consent(world: &World) {
    let _alone = world.exclusive().await;
    let before = State::of(world, None).await.held_part();
    let ran = world.agent().run("run volsync.suspend").await.exits(3);
    assert_snapshot!("suspend_without_consent", ran.scrubbed());
    let wrong = before.differences(&State::held(world, None).await);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn status_tells_that_volsync_is_suspended_since_when_and_by_whom(world: &World) {
    let _alone = world.exclusive().await;
    let status = async || {
        let line = "run volsync.status default -o json";
        world.agent().run(line).await.exits(0)
    };
    let begin = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(2);
    let agent = world.agent();
    agent.run("run volsync.suspend --yes").await.exits(0);
    let ran = status()
        .await
        .says("VolSync is suspended, so nothing is backed up")
        .says("deployments volsync-system/volsync is at 0 since ")
        .says("set by `agent`; it starts again by agent run volsync.resume");
    let rows = ran.value();
    let rows = rows.as_array().into_iter().flatten();
    for row in rows {
        let since: jiff::Timestamp = row["suspended-since"]
            .as_str()
            .and_then(|since| since.parse().ok())
            .unwrap_or_else(|| panic!("no time in {row}"));
        assert!(since > begin && since <= jiff::Timestamp::now(), "{row}");
        assert_eq!(row["suspended-by"], "agent", "{row}");
        assert_eq!(row["state"], "suspended", "{row}");
    }
    agent.run("run volsync.resume").await.exits(0);
    world.settle().await;
    let ran = status().await;
    assert!(ran.events_named("logged").is_empty(), "{ran}");
    let rows = ran.value();
    let mut rows = rows.as_array().into_iter().flatten();
    assert!(rows.all(|row| row["state"] == "idle"), "{ran}");
}

async fn suspended_volsync_stays_so_until_it_is_resumed(world: &World) {
    let _alone = world.exclusive().await;
    let before = State::of(world, None).await;
    let line = "run volsync.suspend --yes -o json";
    let ran = world.agent().run(line).await.exits(0);
    let get = |kind| world.get(kind, "volsync-system", "volsync");
    assert_eq!(get(KUSTOMIZATION).await["spec"]["suspend"], true, "{ran}");
    assert_eq!(get(HELM_RELEASE).await["spec"]["suspend"], true, "{ran}");
    assert_eq!(get(DEPLOYMENT).await["spec"]["replicas"], 0, "{ran}");
    for line in [
        "snapshot default actual",
        "restore default actual --yes",
        "unlock default actual",
    ] {
        let ran = world
            .agent()
            .run(&format!("run volsync.{line}"))
            .await
            .exits(1);
        ran.says("VolSync itself is suspended")
            .says("agent run volsync.resume");
    }
    let line = "run volsync.resume --yes -o json";
    let ran = world.agent().run(line).await.exits(0);
    assert_eq!(get(DEPLOYMENT).await["spec"]["replicas"], 1, "{ran}");
    world.settle().await;
    let held = State::held(world, None).await;
    let ignored = ["/metadata/annotations", "/spec/suspend"];
    let wrong = before
        .held_part()
        .without(&ignored)
        .differences(&held.without(&ignored));
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_ne!(get(KUSTOMIZATION).await["spec"]["suspend"], true, "{ran}");
    assert_ne!(get(HELM_RELEASE).await["spec"]["suspend"], true, "{ran}");
}

async fn status_names_what_stands_still(world: &World) {
    let app = world.app("default", "actual").await;
    app.merge(REPLICATION_SOURCE, json!({"spec": {"paused": true}}))
        .await;
    let line = "run volsync.status default -o json";
    let ran = world.agent().run(line).await.exits(0);
    let value = ran.value();
    let rows: Vec<&Value> = value.as_array().into_iter().flatten().collect();
    assert_eq!(rows.len(), 8, "{ran}");
    let row = rows.iter().find(|row| row["name"] == "actual");
    assert_eq!(
        row.map(|row| &row["state"]),
        Some(&json!("paused")),
        "{ran}"
    );
    app.merge(REPLICATION_SOURCE, json!({"spec": {"paused": null}}))
        .await;
}
