//! The operations of `keda`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::app::App;
use super::kind::{AUTOSCALER, DEPLOYMENT, SCALED_JOB, SCALED_OBJECT};
use super::scenario::scenarios;
use super::world::{World, is_paused, is_ready};

scenarios![
    pause_removes_the_autoscaler_and_resume_brings_it_back,
    what_was_paused_before_is_not_written,
    pause_and_resume_all_end_with_a_row_for_each,
    status_shows_what_is_paused,
    pause_of_one_direction_is_left_and_told,
    scaled_job_is_paused_and_resumed_by_its_name,
    paused_at_replicas_is_told_and_resumed,
    forced_activation_is_left_as_it_is,
    paused_app_at_zero_is_not_scaled_up_by_its_trigger,
    resumption_that_keda_does_not_confirm_is_told_by_the_autoscaler,
    trigger_that_is_broken_is_a_remark_of_the_resumption,
    namespace_that_does_not_exist_is_told,
];

/// What the annotations of KEDA begin with.
const KEDA: &str = "autoscaling.keda.sh";

/// Sets an annotation of an app's ScaledObject, or removes it.
async fn annotate(app: &App<'_>, name: &str, value: Value) {
    let change = json!({"metadata": {"annotations": {format!("{KEDA}/{name}"): value}}});
    app.merge(SCALED_OBJECT, change).await;
}

fn is_true(object: &Value, condition: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|one| one["type"] == condition && one["status"] == "True")
}

async fn pause_removes_the_autoscaler_and_resume_brings_it_back(world: &World) {
    let app = world.app("media", "plex").await;
    let before = app.state().await;
    let line = "run keda.pause media plex -o json";
    let ran = world.agent().run(line).await.exits(0);
    assert_eq!(ran.value()[0]["result"], "paused", "{ran}");
    assert!(app.is_paused().await);
    let autoscaler = world.get(AUTOSCALER, "media", "keda-hpa-plex").await;
    assert!(autoscaler.is_null(), "{autoscaler}");
    assert!(!app.is_down().await);
    let line = "run keda.resume media plex -o json";
    let ran = world.agent().run(line).await.exits(0);
    assert_eq!(ran.value()[0]["result"], "resumed", "{ran}");
    app.is_as(&before).await;
}

async fn what_was_paused_before_is_not_written(world: &World) {
    let app = world.app("media", "jellyfin").await;
    let paused = json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": "true"}}});
    app.merge(SCALED_OBJECT, paused).await;
    let line = "run keda.pause media jellyfin -o json";
    let ran = world.agent().run(line).await.exits(0);
    assert!(ran.events_named("changed").is_empty(), "{ran}");
    let line = "run keda.resume media jellyfin";
    world.agent().run(line).await.exits(0);
    assert!(!app.is_paused().await);
}

async fn pause_and_resume_all_end_with_a_row_for_each(world: &World) {
    let _alone = world.exclusive().await;
    let count = world.list(SCALED_OBJECT).await.len();
    let paused = async || {
        let all = world.list(SCALED_OBJECT).await;
        all.iter().filter(|one| is_paused(one)).count()
    };
    let ran = world
        .agent()
        .run("run keda.pause --all -o json")
        .await
        .exits(0);
    assert_eq!(ran.value().as_array().map(Vec::len), Some(count), "{ran}");
    assert_eq!(paused().await, count);
    assert!(world.list(AUTOSCALER).await.is_empty());
    let ran = world
        .agent()
        .run("run keda.resume --all -o json")
        .await
        .exits(0);
    assert_eq!(ran.value().as_array().map(Vec::len), Some(count), "{ran}");
    assert_eq!(paused().await, 0);
    world.settle().await;
}

async fn status_shows_what_is_paused(world: &World) {
    let app = world.app("media", "bazarr").await;
    let state = async || {
        let ran = world
            .agent()
            .run("run keda.status media -o json")
            .await
            .exits(0);
        let rows = ran.value();
        let row = rows.as_array().into_iter().flatten();
        let row = row.clone().find(|row| row["name"] == "bazarr").cloned();
        row.unwrap_or_else(|| panic!("no row in {ran}"))
    };
    let running = state().await;
    world
        .agent()
        .run("run keda.pause media bazarr")
        .await
        .exits(0);
    let paused = state().await;
    assert_ne!(running, paused);
    assert!(
        paused.to_string().contains("true") || paused.to_string().contains("paused"),
        "{paused}"
    );
    world
        .agent()
        .run("run keda.resume media bazarr")
        .await
        .exits(0);
    assert!(!app.is_paused().await);
}

/// KEDA says `Paused` of it as long as the annotation is there, so nothing may wait for that to end.
async fn pause_of_one_direction_is_left_and_told(world: &World) {
    let app = world.app("media", "radarr").await;
    let agent = world.agent();
    annotate(&app, "paused-scale-in", json!("true")).await;
    world
        .until("KEDA calls it paused", || async {
            is_true(&app.get(SCALED_OBJECT).await, "Paused")
        })
        .await;
    let line = "run keda.status media -o json";
    let ran = agent.run(line).await.exits(0);
    let rows = ran.value();
    let mut rows = rows.as_array().into_iter().flatten();
    let row = rows.find(|row| row["name"] == "radarr").expect("a row");
    let told = "does not scale in, by `paused-scale-in`";
    assert_eq!(
        (&row["paused"], &row["message"]),
        (&json!(false), &json!(told))
    );
    let line = "run keda.resume media radarr -o json";
    let ran = agent.run(line).await.exits(0);
    assert_eq!(ran.value()[0]["result"], "not-paused", "{ran}");
    let line = "run keda.pause media radarr -o json";
    let ran = agent.run(line).await.exits(0);
    assert_eq!(ran.value()[0]["result"], "paused", "{ran}");
    let autoscaler = world.get(AUTOSCALER, "media", "keda-hpa-radarr").await;
    assert!(autoscaler.is_null(), "{autoscaler}");
    let line = "run keda.resume media radarr -o json --timeout 20s";
    let ran = agent.run(line).await.exits(0);
    assert_eq!(ran.value()[0]["result"], "resumed", "{ran}");
    let message = ran.value()[0]["message"].to_string();
    assert!(
        message.contains("`paused-scale-in`, which was left"),
        "{ran}"
    );
    let left = &app.get(SCALED_OBJECT).await["metadata"]["annotations"];
    assert_eq!(left[format!("{KEDA}/paused-scale-in")], "true");
    annotate(&app, "paused-scale-in", Value::Null).await;
    world.settle().await;
}

async fn scaled_job_is_paused_and_resumed_by_its_name(world: &World) {
    let _alone = world.exclusive().await;
    let name = "import";
    let job = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledJob", "metadata": {"name": name, "namespace": "media"},
        "spec": {
            "jobTargetRef": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "import", "image": "import:1"}]}}},
            "triggers": [{"type": "cron", "metadata": {"timezone": "UTC", "start": "0 1 * * *", "end": "0 2 * * *", "desiredReplicas": "1"}}],
        },
    });
    world.create(SCALED_JOB, &job).await;
    let get = || world.get(SCALED_JOB, "media", name);
    world
        .until("KEDA knows it", || async { is_ready(&get().await) })
        .await;
    let agent = world.agent();
    let ran = agent
        .run("run keda.pause media import -o json")
        .await
        .exits(0);
    assert_eq!(ran.value()[0]["kind"], "ScaledJob", "{ran}");
    assert_eq!(ran.value()[0]["result"], "paused", "{ran}");
    assert!(is_true(&get().await, "Paused"), "{ran}");
    let ran = agent.run("run keda.status media -o json").await.exits(0);
    let rows = ran.value();
    let mut rows = rows.as_array().into_iter().flatten();
    let row = rows.find(|row| row["name"] == name).expect("a row");
    assert_eq!(
        (&row["paused"], &row["target"]),
        (&json!(true), &json!("Job"))
    );
    let ran = agent
        .run("run keda.resume --all --namespace media -o json")
        .await
        .exits(0);
    let rows = ran.value();
    let mut rows = rows.as_array().into_iter().flatten();
    let row = rows.find(|row| row["name"] == name).expect("a row");
    assert_eq!(
        (&row["kind"], &row["result"]),
        (&json!("ScaledJob"), &json!("resumed"))
    );
    assert!(!is_true(&get().await, "Paused"), "{ran}");
    world.delete(SCALED_JOB, "media", name).await;
}

/// `paused-replicas` pauses by being there, and `keda.resume` takes it away.
async fn paused_at_replicas_is_told_and_resumed(world: &World) {
    let app = world.app("media", "lidarr").await;
    let before = app.state().await;
    let agent = world.agent();
    annotate(&app, "paused-replicas", json!("0")).await;
    annotate(&app, "paused", json!("false")).await;
    world
        .until("it is paused at 0", || async {
            let object = app.get(SCALED_OBJECT).await;
            is_true(&object, "Paused") && app.is_down().await
        })
        .await;
    let ran = agent
        .run("run keda.pause media lidarr -o json")
        .await
        .exits(0)
        .says("at 0 replicas, by `paused-replicas`");
    assert!(ran.events_named("changed").is_empty(), "{ran}");
    agent
        .run("run keda.status media")
        .await
        .exits(0)
        .says("paused at 0 replicas");
    let line = "run keda.resume media lidarr -o json";
    let ran = agent.run(line).await.exits(0);
    assert_eq!(ran.value()[0]["result"], "resumed", "{ran}");
    app.gets_as(&before).await;
}

async fn forced_activation_is_left_as_it_is(world: &World) {
    let app = world.app("media", "sonarr").await;
    annotate(&app, "force-activation", json!("true")).await;
    let before = app.state().await;
    let agent = world.agent();
    for operation in ["keda.pause", "keda.resume"] {
        let line = format!("run {operation} media sonarr");
        agent.run(&line).await.exits(0);
        let left = &app.get(SCALED_OBJECT).await["metadata"]["annotations"];
        assert_eq!(left[format!("{KEDA}/force-activation")], "true");
    }
    app.is_as(&before).await;
    annotate(&app, "force-activation", Value::Null).await;
}

/// What a restore needs: KEDA would scale the app up in the middle of it.
async fn paused_app_at_zero_is_not_scaled_up_by_its_trigger(world: &World) {
    let app = world.app_alone("media", "audiobookshelf").await;
    let before = app.state().await;
    let agent = world.agent();
    agent
        .run("run keda.pause media audiobookshelf")
        .await
        .exits(0);
    let zero = json!({"spec": {"replicas": 0}});
    app.merge(DEPLOYMENT, zero).await;
    let rings = async |value: f64| {
        world
            .controllers()
            .set_trigger("media", "audiobookshelf", value);
        // Another app, which is not paused, shows that KEDA has looked since.
        let other = "bazarr";
        world.controllers().set_trigger("media", other, value);
        let wanted = i64::from(value >= 1.0);
        world
            .until("KEDA has acted on the other app", || async {
                world.get(DEPLOYMENT, "media", other).await["spec"]["replicas"] == wanted
            })
            .await;
    };
    rings(0.0).await;
    rings(1.0).await;
    assert!(app.is_down().await);
    agent
        .run("run keda.resume media audiobookshelf")
        .await
        .exits(0);
    world
        .until("KEDA scales it up again", || async { !app.is_down().await })
        .await;
    app.gets_as(&before).await;
}

/// Sets KEDA's conditions by hand, while KEDA is silent.
async fn set_conditions(app: &App<'_>, conditions: &[(&str, &str, &str)]) {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(of, status, message)| json!({"type": of, "status": status, "reason": "ByHand", "message": message}))
        .collect();
    let path = format!("{}/status", SCALED_OBJECT.path(app.namespace, app.name));
    let change = json!({"status": {"conditions": conditions}});
    let media = "application/merge-patch+json";
    let sent = app.world.send("PATCH", &path, media, &change).await;
    sent.expect("setting conditions");
}

/// An autoscaler as KEDA makes it.
fn autoscaler(app: &App<'_>) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": format!("keda-hpa-{}", app.name), "namespace": app.namespace},
        "spec": {
            "minReplicas": 1, "maxReplicas": 1,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": app.name},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
        },
    })
}

/// kedacore/keda#6982: the condition stays although KEDA has resumed.
async fn resumption_that_keda_does_not_confirm_is_told_by_the_autoscaler(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let agent = world.agent();
    agent.run("run keda.pause media plex").await.exits(0);
    world.controllers().silence("keda");
    let line = "run keda.resume media plex --timeout 30s -o json";
    let resumed = async {
        let ran = agent.run(line).await;
        (ran, Instant::now())
    };
    let made = async {
        world
            .until("the pause is gone", || async { !app.is_paused().await })
            .await;
        world.create(AUTOSCALER, &autoscaler(&app)).await;
        Instant::now()
    };
    let ((ran, ended), made) = tokio::join!(resumed, made);
    let ran = ran.exits(0);
    assert_eq!(ran.value()[0]["result"], "resumed", "{ran}");
    let message = ran.value()[0]["message"].to_string();
    assert!(message.contains("`Paused` still says"), "{ran}");
    assert!(ended - made < Duration::from_secs(25), "{ran}");
    world.controllers().answer("keda");
    world.settle().await;
    // KEDA makes the autoscaler as its own.
    agent.run("run keda.pause media plex").await.exits(0);
    agent.run("run keda.resume media plex").await.exits(0);
    world.settle().await;
}

/// What was asked for is done, and what KEDA says is from before.
async fn trigger_that_is_broken_is_a_remark_of_the_resumption(world: &World) {
    let app = world.app_alone("media", "bazarr").await;
    let agent = world.agent();
    agent.run("run keda.pause media bazarr").await.exits(0);
    world.controllers().silence("keda");
    let down = "Triggers defined in ScaledObject are not working correctly";
    set_conditions(&app, &[("Ready", "False", down), ("Paused", "False", "")]).await;
    let line = "run keda.resume media bazarr --timeout 40s -o json";
    let ran = agent.run(line).await.exits(0);
    let message = ran.value()[0]["message"].to_string();
    assert!(message.contains(&format!("KEDA reports: {down}")), "{ran}");
    assert!(message.contains("has not made its autoscaler"), "{ran}");
    let line = "run keda.pause media bazarr --timeout 3s";
    let ran = agent.run(line).await.exits(1);
    assert!(ran.says(down).stderr.contains("came to its deadline"));
    annotate(&app, "paused", Value::Null).await;
    world.controllers().answer("keda");
    world.settle().await;
}

async fn namespace_that_does_not_exist_is_told(world: &World) {
    for operation in [
        "keda.status medai",
        "keda.pause --all --namespace medai",
        "flux.status ks medai",
    ] {
        let ran = world.agent().run(&format!("run {operation}")).await;
        let ran = ran.exits(1).says("`medai`").says("did you mean media?");
        // The names for the hint are looked up by the host: nothing was refused to the plugin.
        assert!(!ran.stderr.contains("refused"), "{ran}");
    }
}
