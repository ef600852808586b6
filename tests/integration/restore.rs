//! `volsync.restore`: what it restores, and what it leaves behind.

use std::cmp::Reverse;

use agent_sandbox_controller::Snapshot;
use serde_json::{Value, json};

use super::agent::Ran;
use super::app::App;
use super::kind::{
    AUTOSCALER, CRON_JOB, DEPLOYMENT, HELM_RELEASE, KUSTOMIZATION, POD, REPLICATION_SOURCE,
    STATEFUL_SET,
};
use super::scenario::scenarios;
use super::world::World;
use made::{create_source, create_volume, deployment};

pub(crate) mod failing;
mod made;
pub(crate) mod spoiled;

scenarios![
    newest_snapshot_is_in_the_volume_and_everything_else_as_before,
    previous_one_skips_the_newest_snapshot,
    as_of_takes_the_newest_that_is_not_younger,
    snapshot_is_chosen_by_its_id,
    repository_suffix_is_found_by_the_name_of_the_app,
    safety_snapshot_can_be_left_out,
    what_was_suspended_before_stays_suspended,
    app_that_was_at_zero_stays_at_zero,
    stateful_set_is_stopped_and_started,
    cron_job_is_suspended_and_resumed,
    several_workloads_are_all_stopped,
    autoscaler_of_the_user_survives,
    app_without_workloads_is_restored,
    app_without_a_claim_is_refused,
    retention_does_not_drop_the_chosen_snapshot,
    restore_is_undone_by_its_safety_snapshot,
    without_a_terminal_the_answer_is_no,
    plan_writes_nothing,
];

async fn restore(app: &App<'_>, options: &str) -> Ran {
    let line = format!(
        "run volsync.restore {} {} --yes -o json {options}",
        app.namespace, app.name
    );
    app.world.agent().run(&line).await
}

/// Restores, and demands that this snapshot is in the volume and everything else is as before.
async fn restores(app: &App<'_>, options: &str, wanted: &Snapshot) -> Ran {
    let before = app.state().await;
    let present = app.content();
    let ran = restore(app, options).await.exits(0);
    assert_eq!(app.content(), wanted.tree, "the content after {ran}");
    assert_eq!(ran.value()["snapshot"], wanted.short_id.as_str());
    if !options.contains("--no-safety-snapshot") {
        assert_eq!(app.snapshots()[0].tree, present, "the safety snapshot");
    }
    app.is_unharmed();
    app.is_as(&before).await;
    is_put_back_newest_first(&ran);
    ran
}

/// Demands that what was held over the restore was put back in the opposite order of its changes.
fn is_put_back_newest_first(ran: &Ran) {
    let mut events = ran.events();
    let last_change = events.iter().rposition(|event| event["event"] == "changed");
    events.drain(..last_change.expect("something was changed"));
    events.retain(|event| event["event"] == "put-back");
    let number = |event: &Value| event["number"].as_u64().expect("a number");
    let is_newest_first = events.is_sorted_by_key(|event| Reverse(number(event)));
    assert!(is_newest_first, "{events:#?}");
    assert!(events.len() > 1, "{ran}");
}

/// Fails, and demands that nothing has changed, the volume included.
async fn fails(app: &App<'_>, options: &str, code: i32) -> Ran {
    let before = app.state().await;
    let present = app.content();
    let ran = restore(app, options).await.exits(code);
    assert_eq!(app.content(), present, "the content after {ran}");
    app.is_as(&before).await;
    ran
}

async fn newest_snapshot_is_in_the_volume_and_everything_else_as_before(world: &World) {
    let app = world.app("media", "plex").await;
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    let safety = app.snapshots()[0].short_id.clone();
    assert_eq!(ran.value()["safety-snapshot"], safety.as_str());
}

async fn previous_one_skips_the_newest_snapshot(world: &World) {
    let app = world.app("media", "radarr").await;
    let wanted = app.snapshots()[1].clone();
    restores(&app, "--previous 1", &wanted).await;
}

async fn as_of_takes_the_newest_that_is_not_younger(world: &World) {
    let app = world.app("media", "sonarr").await;
    let wanted = app.snapshots()[2].clone();
    restores(&app, &format!("--as-of {}", wanted.time), &wanted).await;
}

async fn snapshot_is_chosen_by_its_id(world: &World) {
    let app = world.app("media", "lidarr").await;
    let wanted = app.snapshots()[3].clone();
    restores(&app, &format!("--snapshot {}", wanted.short_id), &wanted).await;
}

async fn repository_suffix_is_found_by_the_name_of_the_app(world: &World) {
    let app = world.app("default", "home-assistant").await;
    assert!(app.get(REPLICATION_SOURCE).await.is_null());
    let newest = app.snapshots()[0].clone();
    restores(&app, "", &newest).await;
}

async fn safety_snapshot_can_be_left_out(world: &World) {
    let app = world.app("default", "mealie").await;
    let before = app.snapshots();
    restores(&app, "--no-safety-snapshot", &before[0]).await;
    assert_eq!(app.snapshots(), before);
}

async fn what_was_suspended_before_stays_suspended(world: &World) {
    let app = world.app("default", "atuin").await;
    for kind in [KUSTOMIZATION, HELM_RELEASE] {
        app.merge(kind, json!({"spec": {"suspend": true}})).await;
    }
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    assert!(
        ran.value()["notes"].to_string().contains("stays so"),
        "{ran}"
    );
    for kind in [KUSTOMIZATION, HELM_RELEASE] {
        assert!(app.is_suspended(kind).await);
        app.merge(kind, json!({"spec": {"suspend": null}})).await;
    }
}

async fn app_that_was_at_zero_stays_at_zero(world: &World) {
    let app = world.app("media", "prowlarr").await;
    app.merge(DEPLOYMENT, json!({"spec": {"replicas": 0}}))
        .await;
    world
        .until("`prowlarr` has no pods", || async {
            let pods = world.list(POD).await;
            !pods
                .iter()
                .any(|pod| pod["metadata"]["labels"]["app.kubernetes.io/name"] == "prowlarr")
        })
        .await;
    let newest = app.snapshots()[0].clone();
    restores(&app, "", &newest).await;
    assert!(app.is_down().await);
    app.merge(DEPLOYMENT, json!({"spec": {"replicas": 1}}))
        .await;
    world.settle().await;
}

async fn stateful_set_is_stopped_and_started(world: &World) {
    let app = world.app("default", "zigbee2mqtt").await;
    assert!(!app.get(STATEFUL_SET).await.is_null());
    let newest = app.snapshots()[0].clone();
    restores(&app, "", &newest).await;
}

async fn cron_job_is_suspended_and_resumed(world: &World) {
    let app = world.app("media", "recyclarr").await;
    assert!(!app.get(CRON_JOB).await.is_null());
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    let held = ran.events_named("changed");
    assert!(
        held.iter()
            .any(|event| event["effect"]["target"]["of"] == "cronjobs.v1.batch"),
        "{ran}"
    );
}

/// A second Deployment of the app, which mounts nothing.
async fn several_workloads_are_all_stopped(world: &World) {
    let app = world.app("media", "tautulli").await;
    world
        .create(DEPLOYMENT, &deployment("tautulli-worker", "tautulli"))
        .await;
    world.settle().await;
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    let stopped = ran.events_named("changed");
    let stopped = stopped.iter().filter(|event| {
        event["effect"]["target"]["of"] == "deployments.v1.apps"
            && event["effect"]["fields"][0]["after"] == 0
    });
    assert_eq!(stopped.count(), 2, "{ran}");
    world.delete(DEPLOYMENT, "media", "tautulli-worker").await;
}

async fn autoscaler_of_the_user_survives(world: &World) {
    let app = world.app("media", "autobrr").await;
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "autobrr", "namespace": "media"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "autobrr"},
            "minReplicas": 1, "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}],
        },
    });
    world.create(AUTOSCALER, &autoscaler).await;
    let newest = app.snapshots()[0].clone();
    restores(&app, "", &newest).await;
    world.delete(AUTOSCALER, "media", "autobrr").await;
}

async fn app_without_workloads_is_restored(world: &World) {
    let app = world.app("media", "archive").await;
    create_volume(world, "archive", "9").await;
    let newest = app.snapshots()[0].clone();
    let ran = restores(&app, "", &newest).await;
    assert!(
        ran.value()["notes"]
            .to_string()
            .contains("no workload belongs to `archive`"),
        "{ran}"
    );
    world.delete(REPLICATION_SOURCE, "media", "archive").await;
}

async fn app_without_a_claim_is_refused(world: &World) {
    let app = world.app("media", "claimless").await;
    create_source(world, "claimless", "claimless", "9").await;
    fails(&app, "", 1)
        .await
        .says("PersistentVolumeClaim `media/claimless` does not exist");
    world.delete(REPLICATION_SOURCE, "media", "claimless").await;
}

/// Retention runs after the safety snapshot, and would keep nothing but that.
async fn retention_does_not_drop_the_chosen_snapshot(world: &World) {
    let app = world.app("media", "hoard").await;
    create_volume(world, "hoard", "1").await;
    let old = app.snapshots()[0].time - jiff::SignedDuration::from_hours(3);
    let chosen = world.repositories().add(&app.repository(), "old", old);
    restores(&app, "--previous 1", &chosen).await;
    assert!(app.snapshots().contains(&chosen));
    world.delete(REPLICATION_SOURCE, "media", "hoard").await;
}

/// The safety snapshot of a restore is the way back from it.
async fn restore_is_undone_by_its_safety_snapshot(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let (chosen, present) = (app.snapshots()[2].clone(), app.content());
    restores(&app, "--previous 2", &chosen).await;
    let safety = app.snapshots()[0].clone();
    assert_eq!(safety.tree, present);
    restores(&app, "", &safety).await;
    assert_eq!(app.content(), present);
}

async fn without_a_terminal_the_answer_is_no(world: &World) {
    let app = world.app("media", "audiobookshelf").await;
    let (before, present) = (app.state().await, app.content());
    let line = "run volsync.restore media audiobookshelf";
    world.agent().run(line).await.exits(3).says("--yes");
    assert_eq!(app.content(), present);
    app.is_as(&before).await;
}

/// What it would change is proven by the server, by dry-run, and nothing else is written.
async fn plan_writes_nothing(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let (before, present) = (app.state().await, app.content());
    let proxy = world.proxy();
    let agent = super::agent::Agent::with_kubeconfig(proxy.kubeconfig());
    let ran = agent
        .run("run volsync.restore media sabnzbd --plan")
        .await
        .exits(0)
        .says("replicationdestinations");
    let log = proxy.log();
    let writes: Vec<_> = log
        .iter()
        .filter(|request| request.method != "GET")
        .collect();
    assert!(writes.len() >= 5, "{} writes, {ran}", writes.len());
    for request in writes {
        assert!(request.path.contains("dryRun=All"), "{request:?}");
    }
    assert_eq!(app.content(), present);
    app.is_as(&before).await;
}
