//! KEDA: pausing, and what happens without it.

use crate::cluster::{Home, deployment, eventually, is_true, scaled};
use serde_json::{Value, json};
use std::time::Duration;

const AUTOSCALER: &str =
    "/apis/autoscaling/v2/namespaces/media/horizontalpodautoscalers/keda-hpa-plex";

async fn annotate(home: &Home, name: &str, value: Value) {
    home.patch(
        &scaled("media", "plex"),
        "agent",
        json!({"metadata": {"annotations": {name: value}}}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_app_stays_where_it_is_without_autoscaler() {
    let home = Home::start().await;
    annotate(&home, "autoscaling.keda.sh/paused", json!("true")).await;
    home.until(&scaled("media", "plex"), "paused", |object| {
        is_true(object, "Paused")
    })
    .await;
    eventually("no autoscaler", async || {
        home.get(AUTOSCALER).await.is_null()
    })
    .await;
    home.patch(
        &deployment("media", "plex"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    home.until_pods("media", "plex", 0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        home.get(&deployment("media", "plex")).await["spec"]["replicas"],
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaused_active_app_at_zero_is_scaled_up_again() {
    let home = Home::start().await;
    home.patch(
        &deployment("media", "plex"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    home.until(&deployment("media", "plex"), "up again", |object| {
        object["spec"]["replicas"] == 1
    })
    .await;
    home.until_pods("media", "plex", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_replicas_scales_and_removing_it_brings_back_the_autoscaler() {
    let home = Home::start().await;
    annotate(&home, "autoscaling.keda.sh/paused-replicas", json!("0")).await;
    let paused = home
        .until(&scaled("media", "plex"), "paused", |object| {
            is_true(object, "Paused")
        })
        .await;
    assert_eq!(paused["status"]["pausedReplicaCount"], 0);
    home.until_pods("media", "plex", 0).await;
    annotate(&home, "autoscaling.keda.sh/paused-replicas", Value::Null).await;
    home.until(&scaled("media", "plex"), "unpaused", |object| {
        !is_true(object, "Paused") && is_true(object, "Ready")
    })
    .await;
    eventually("an autoscaler", async || {
        !home.get(AUTOSCALER).await.is_null()
    })
    .await;
    home.until_pods("media", "plex", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_falls_silent_scales_to_zero() {
    let home = Home::start().await;
    home.controllers.set_trigger("media", "plex", 0.0);
    home.until_pods("media", "plex", 0).await;
    home.until(&scaled("media", "plex"), "inactive", |object| {
        !is_true(object, "Active")
    })
    .await;
}
