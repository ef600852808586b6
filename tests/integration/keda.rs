//! The operations of `keda`.

use serde_json::json;

use super::kind::{AUTOSCALER, SCALED_OBJECT};
use super::scenario::scenarios;
use super::world::{World, is_paused};

scenarios![
    pause_removes_the_autoscaler_and_resume_brings_it_back,
    what_was_paused_before_is_not_written,
    pause_and_resume_all_end_with_a_row_for_each,
    status_shows_what_is_paused,
];

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
