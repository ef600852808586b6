//! Flux: requests, suspension, force, failures, and whose field it is.

use crate::cluster::{Home, condition, deployment, eventually, is_true, kustomization, release};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const GIT: &str =
    "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/flux-system";

async fn ask(home: &Home, path: &str, annotations: Value) {
    home.patch(
        path,
        "agent",
        json!({"metadata": {"annotations": annotations}}),
    )
    .await;
}

async fn reconcile(home: &Home, path: &str, token: &str) -> Value {
    ask(
        home,
        path,
        json!({"reconcile.fluxcd.io/requestedAt": token}),
    )
    .await;
    home.until(path, "reconciled", |object| {
        object["status"]["lastHandledReconcileAt"] == token
            && condition(object, "Ready")["status"] != "Unknown"
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_with_its_token() {
    let home = Home::start().await;
    let start = Instant::now();
    let done = reconcile(&home, &kustomization("media", "plex"), "t1").await;
    assert!(is_true(&done, "Ready"));
    assert_eq!(
        done["status"]["observedGeneration"],
        done["metadata"]["generation"]
    );
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    let done = reconcile(&home, &release("media", "plex"), "t1").await;
    assert_eq!(
        done["status"]["history"][0]["version"], 7,
        "a plain request upgrades nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_object_ignores_requests() {
    let home = Home::start().await;
    for path in [kustomization("media", "plex"), release("media", "plex")] {
        home.patch(&path, "agent", json!({"spec": {"suspend": true}}))
            .await;
        ask(
            &home,
            &path,
            json!({"reconcile.fluxcd.io/requestedAt": "t1"}),
        )
        .await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_ne!(
            home.get(&path).await["status"]["lastHandledReconcileAt"],
            "t1"
        );
        home.patch(&path, "agent", json!({"spec": {"suspend": null}}))
            .await;
        let resumed = home
            .until(&path, "resumed", |object| {
                object["status"]["observedGeneration"] == object["metadata"]["generation"]
                    && is_true(object, "Ready")
            })
            .await;
        assert_eq!(resumed["status"]["lastHandledReconcileAt"], "t1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_s_suspension_of_a_release_is_reverted_and_ours_stays() {
    let home = Home::start().await;
    let path = release("media", "plex");
    home.patch(&path, "kubectl-patch", json!({"spec": {"suspend": true}}))
        .await;
    reconcile(&home, &kustomization("media", "plex"), "t1").await;
    assert_ne!(home.get(&path).await["spec"]["suspend"], true);
    home.patch(&path, "agent", json!({"spec": {"suspend": true}}))
        .await;
    reconcile(&home, &kustomization("media", "plex"), "t2").await;
    assert_eq!(home.get(&path).await["spec"]["suspend"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_in_git_is_put_back_and_a_deleted_object_too() {
    let home = Home::start().await;
    let source = crate::cluster::source("media", "plex");
    home.patch(
        &source,
        "agent",
        json!({"spec": {"trigger": {"schedule": "0 0 * * *"}}}),
    )
    .await;
    home.delete("/apis/keda.sh/v1alpha1/namespaces/media/scaledobjects/plex")
        .await;
    eventually("it is gone", async || {
        home.get(&crate::cluster::scaled("media", "plex"))
            .await
            .is_null()
    })
    .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    reconcile(&home, &kustomization("media", "plex"), "t1").await;
    assert_eq!(
        home.get(&source).await["spec"]["trigger"]["schedule"],
        "0 */6 * * *"
    );
    assert!(
        !home
            .get(&crate::cluster::scaled("media", "plex"))
            .await
            .is_null()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn force_upgrades_once_and_puts_the_replicas_back() {
    let home = Home::start().await;
    let path = release("media", "seerr");
    home.patch(
        &deployment("media", "seerr"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    home.until_pods("media", "seerr", 0).await;
    reconcile(&home, &path, "plain").await;
    assert_eq!(
        home.get(&deployment("media", "seerr")).await["spec"]["replicas"],
        0,
        "drift is not corrected"
    );
    ask(
        &home,
        &path,
        json!({"reconcile.fluxcd.io/requestedAt": "f1", "reconcile.fluxcd.io/forceAt": "f1"}),
    )
    .await;
    let done = home
        .until(&path, "forced", |object| {
            object["status"]["lastHandledForceAt"] == "f1" && is_true(object, "Ready")
        })
        .await;
    assert_eq!(done["status"]["history"][0]["version"], 8);
    home.until_pods("media", "seerr", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_force_that_differs_from_the_request_is_used_up() {
    let home = Home::start().await;
    let path = release("media", "seerr");
    ask(
        &home,
        &path,
        json!({"reconcile.fluxcd.io/requestedAt": "t1", "reconcile.fluxcd.io/forceAt": "other"}),
    )
    .await;
    let done = home
        .until(&path, "handled", |object| {
            object["status"]["lastHandledReconcileAt"] == "t1"
        })
        .await;
    assert_eq!(done["status"]["lastHandledForceAt"], "other");
    assert_eq!(done["status"]["history"][0]["version"], 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_kustomization_keeps_reconciling_and_its_old_generation() {
    let home = Home::start().await;
    home.controllers.break_object(
        "Kustomization",
        "media",
        "plex",
        "BuildFailed",
        "kustomize build failed",
    );
    let path = kustomization("media", "plex");
    let failed = reconcile(&home, &path, "t1").await;
    assert_eq!(condition(&failed, "Ready")["reason"], "BuildFailed");
    assert_eq!(
        condition(&failed, "Reconciling")["reason"],
        "ProgressingWithRetry"
    );
    home.controllers
        .mend_object("Kustomization", "media", "plex");
    let mended = home
        .until(&path, "ready", |object| is_true(object, "Ready"))
        .await;
    assert!(condition(&mended, "Reconciling").is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_that_is_not_ready_holds_back() {
    let home = Home::start().await;
    home.controllers.break_object(
        "Kustomization",
        "volsync-system",
        "volsync",
        "BuildFailed",
        "no",
    );
    reconcile(&home, &kustomization("volsync-system", "volsync"), "t1").await;
    let held = reconcile(&home, &kustomization("media", "plex"), "t1").await;
    assert_eq!(condition(&held, "Ready")["reason"], "DependencyNotReady");
    home.controllers
        .mend_object("Kustomization", "volsync-system", "volsync");
    home.until(&kustomization("media", "plex"), "ready", |object| {
        is_true(object, "Ready")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exhausted_retries_stall_and_reset_begins_anew() {
    let home = Home::start().await;
    let path = release("media", "seerr");
    home.controllers.break_object(
        "HelmRelease",
        "media",
        "seerr",
        "UpgradeFailed",
        "timed out",
    );
    home.patch(&path, "agent", json!({"spec": {"values": {"new": true}}}))
        .await;
    let stalled = home
        .until(&path, "stalled", |object| is_true(object, "Stalled"))
        .await;
    assert_eq!(condition(&stalled, "Stalled")["reason"], "RetriesExceeded");
    home.controllers
        .mend_object("HelmRelease", "media", "seerr");
    let still = reconcile(&home, &path, "plain").await;
    assert!(
        is_true(&still, "Stalled"),
        "a plain request does not unstick it"
    );
    ask(
        &home,
        &path,
        json!({"reconcile.fluxcd.io/requestedAt": "r1", "reconcile.fluxcd.io/resetAt": "r1"}),
    )
    .await;
    let done = home
        .until(&path, "ready", |object| is_true(object, "Ready"))
        .await;
    assert_eq!(done["status"]["lastHandledResetAt"], "r1");
    assert!(condition(&done, "Stalled").is_null() && done["status"]["failures"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_whose_pods_do_not_get_ready_fails() {
    let home = Home::start().await;
    let path = release("media", "seerr");
    home.controllers.keep_unready("media", "seerr");
    home.patch(&path, "agent", json!({"spec": {"timeout": "1s"}}))
        .await;
    home.until(&path, "settled", |object| {
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
    })
    .await;
    home.patch(
        &deployment("media", "seerr"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    home.until_pods("media", "seerr", 0).await;
    ask(
        &home,
        &path,
        json!({"reconcile.fluxcd.io/requestedAt": "f1", "reconcile.fluxcd.io/forceAt": "f1"}),
    )
    .await;
    let failed = home
        .until(&path, "failed", |object| {
            condition(object, "Released")["status"] == "False"
        })
        .await;
    assert!(
        condition(&failed, "Released")["message"]
            .as_str()
            .unwrap()
            .contains("InProgress")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_revision_reaches_kustomizations_when_the_source_is_asked() {
    let home = Home::start().await;
    let revision = format!("refs/heads/main@sha1:{}", "a".repeat(40));
    home.controllers
        .push_revision("GitRepository", "flux-system", "flux-system", &revision);
    ask(&home, GIT, json!({"reconcile.fluxcd.io/requestedAt": "g1"})).await;
    let fetched = home
        .until(GIT, "fetched", |object| {
            object["status"]["lastHandledReconcileAt"] == "g1"
        })
        .await;
    assert_eq!(fetched["status"]["artifact"]["revision"], revision.as_str());
    home.until(&kustomization("media", "plex"), "applied", |object| {
        object["status"]["lastAppliedRevision"] == revision.as_str()
    })
    .await;
}
