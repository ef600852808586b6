//! `volsync.restore` when it cannot come to its end: what it says, and that everything is as before.

use agent_testbed::fault::{Fault, Kind, Request};
use rustix::process::Signal;
use serde_json::json;

use super::{fails, restore};
use crate::integration::agent::Agent;
use crate::integration::app::App;
use crate::integration::kind::{HELM_RELEASE, KUSTOMIZATION, POD, REPLICATION_DESTINATION, SECRET};
use crate::integration::scenario::scenarios;
use crate::integration::world::World;

scenarios![
    previous_out_of_range_is_told_the_range,
    empty_repository_is_an_error_before_any_change,
    wrong_password_is_told_with_the_words_of_restic,
    unreachable_repository_is_told_with_the_words_of_restic,
    stuck_pod_is_named_and_everything_put_back,
    failing_mover_is_put_back_with_its_log,
    silent_volsync_ends_at_our_deadline_before_the_restore,
    silent_volsync_ends_at_our_deadline_during_the_restore,
    mover_that_finds_no_snapshot_is_a_failure,
    interrupt_puts_everything_back,
    termination_puts_everything_back,
    second_restore_of_the_same_app_is_refused,
    mover_that_may_not_be_removed_keeps_the_app_down,
];

async fn previous_out_of_range_is_told_the_range(world: &World) {
    let app = world.app("default", "actual").await;
    let ran = fails(&app, "--previous 99", 1)
        .await
        .says("13 snapshots, so `--previous` goes from 0, the newest, to 12, the oldest, and 99 is none")
        .says("agent run volsync.list default actual");
    let failure = &ran.events_named("finished")[0]["outcome"]["failure"];
    assert!(failure["causes"].is_null(), "no snapshot is a cause: {ran}");
}

async fn empty_repository_is_an_error_before_any_change(world: &World) {
    let app = world.app("media", "bazarr").await;
    let (url, old) = (app.repository(), app.snapshots());
    world.repositories().empty(&url);
    fails(&app, "", 1)
        .await
        .says("there is no snapshot of a VolSync volume in the repository");
    for snapshot in old {
        world.repositories().push(&url, snapshot);
    }
}

async fn wrong_password_is_told_with_the_words_of_restic(world: &World) {
    let app = world.app("media", "qbittorrent").await;
    let secret = "qbittorrent-volsync-secret";
    let right = world.get(SECRET, "media", secret).await["data"]["RESTIC_PASSWORD"].clone();
    let wrong = json!({"stringData": {"RESTIC_PASSWORD": "wrong"}});
    world.merge(SECRET, "media", secret, wrong).await;
    fails(&app, "", 6).await.says("wrong password");
    let right = json!({"data": {"RESTIC_PASSWORD": right}});
    world.merge(SECRET, "media", secret, right).await;
}

async fn unreachable_repository_is_told_with_the_words_of_restic(world: &World) {
    let app = world.app("default", "paperless").await;
    let url = app.repository();
    world.repositories().set_reachable(&url, false);
    fails(&app, "", 6).await.says("connection refused");
    world.repositories().set_reachable(&url, true);
}

async fn stuck_pod_is_named_and_everything_put_back(world: &World) {
    let app = world.app("media", "jellyfin").await;
    let pods = world.list(POD).await;
    let pod = pods
        .iter()
        .find(|pod| pod["metadata"]["labels"]["app.kubernetes.io/name"] == "jellyfin")
        .and_then(|pod| pod["metadata"]["name"].as_str())
        .expect("a pod of jellyfin");
    let (before, present) = (app.state().await, app.content());
    world.stick(&app, pod).await;
    let ran = restore(&app, "--down-timeout 2s --no-safety-snapshot")
        .await
        .exits(6)
        .says(pod);
    world.free(&app, pod).await;
    assert_eq!(app.content(), present, "the content after {ran}");
    assert!(!app.is_suspended(KUSTOMIZATION).await && !app.is_suspended(HELM_RELEASE).await);
    assert!(!app.is_down().await && !app.is_paused().await);
    app.gets_as(&before).await;
}

/// Starts a restore while VolSync says nothing, and waits until it waits for VolSync.
pub(super) async fn restoring(app: &App<'_>, options: &str) -> crate::integration::agent::Running {
    let line = format!(
        "run volsync.restore {} {} --yes -o json {options}",
        app.namespace, app.name
    );
    waiting(app, app.world.agent().start(&line)).await
}

/// Waits until a restore waits for VolSync, which answers until the app is down.
async fn waiting(
    app: &App<'_>,
    running: crate::integration::agent::Running,
) -> crate::integration::agent::Running {
    let running = running.until("the app is down", || app.is_down()).await;
    app.world.controllers().silence("volsync");
    let running = running.until("it restores", || app.is_restoring()).await;
    assert!(app.is_suspended(KUSTOMIZATION).await && app.is_suspended(HELM_RELEASE).await);
    assert!(app.is_down().await && app.is_paused().await);
    running
}

async fn failing_mover_is_put_back_with_its_log(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let running = restoring(&app, "--timeout 15s").await;
    let destination = app.destination().await.expect("a ReplicationDestination");
    world.controllers().fail_mover("media", &destination, 1000);
    world.controllers().answer("volsync");
    let ran = running.end().await.exits(6).says("Fatal:");
    assert_eq!(app.content(), present, "the content after {ran}");
    app.is_as(&before).await;
}

async fn silent_volsync_ends_at_our_deadline_before_the_restore(world: &World) {
    let app = world.app_alone("media", "plex").await;
    world.controllers().silence("volsync");
    let ran = fails(&app, "--timeout 2s", 6)
        .await
        .says("could not be backed up, so nothing was overwritten");
    world.controllers().answer("volsync");
    assert!(!ran.stdout.contains("/spec/replicas"), "{ran}");
}

async fn silent_volsync_ends_at_our_deadline_during_the_restore(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let running = restoring(&app, "--timeout 5s").await;
    let ran = running
        .end()
        .await
        .exits(6)
        .says("had not ended after `5s`");
    assert_eq!(app.content(), present, "the content after {ran}");
    world.controllers().answer("volsync");
    app.is_as(&before).await;
}

/// The trap: VolSync calls that a success.
async fn mover_that_finds_no_snapshot_is_a_failure(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let (url, old) = (app.repository(), app.snapshots());
    let running = restoring(&app, "").await;
    world.repositories().empty(&url);
    world.controllers().answer("volsync");
    let ran = running.end().await.exits(6).says("no eligible snapshot");
    assert_eq!(app.content(), present, "the content after {ran}");
    app.is_as(&before).await;
    for snapshot in old {
        world.repositories().push(&url, snapshot);
    }
}

async fn interrupt_puts_everything_back(world: &World) {
    signal_puts_everything_back(world, Signal::INT).await;
}

async fn termination_puts_everything_back(world: &World) {
    signal_puts_everything_back(world, Signal::TERM).await;
}

async fn signal_puts_everything_back(world: &World, signal: Signal) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let running = restoring(&app, "").await;
    running.signal(signal);
    // What was there is brought back by VolSync.
    world.controllers().answer("volsync");
    let ran = running.end().await.exits(6);
    assert_eq!(app.content(), present, "the content after {ran}");
    assert!(!ran.events_named("put-back").is_empty(), "{ran}");
    app.is_as(&before).await;
}

async fn second_restore_of_the_same_app_is_refused(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let before = app.state().await;
    let running = restoring(&app, "").await;
    // The newest by now is that of the state before.
    let newest = app.snapshots()[1].clone();
    restore(&app, "")
        .await
        .exits(1)
        .says("`volsync:media/plex` is locked by run");
    world.controllers().answer("volsync");
    running.end().await.exits(0);
    assert_eq!(app.content(), newest.tree);
    app.is_as(&before).await;
    let left = world.list(REPLICATION_DESTINATION).await;
    assert!(
        !left
            .iter()
            .any(|one| one["metadata"]["name"].to_string().contains("-restore-"))
    );
}

/// The right to remove it is taken away in the middle. Whoever has it takes the run back.
async fn mover_that_may_not_be_removed_keeps_the_app_down(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let before = app.state().await;
    let proxy = world.proxy();
    let removal = |request: &Request| {
        request.method == "DELETE" && request.path.contains("/replicationdestinations/")
    };
    for nth in 1..=4 {
        proxy.plan(Fault::at(nth, Kind::Answer(403)).only(removal));
    }
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    let line = "run volsync.restore media plex --yes --timeout 5s";
    let ran = waiting(&app, agent.start(line)).await.end().await.exits(1);
    assert!(app.is_down().await && app.is_paused().await, "{ran}");
    assert!(app.is_suspended(KUSTOMIZATION).await && app.is_suspended(HELM_RELEASE).await);
    let ran = ran
        .says("the cluster does not allow to delete replicationdestinations")
        .says("it is left as it is until replicationdestinations")
        .says("agent undo");
    proxy.clear();
    world.controllers().answer("volsync");
    agent.run("undo last --yes").await.exits(0);
    assert!(app.destination().await.is_none(), "{ran}");
    app.is_as(&before).await;
}
