//! Workloads, as a person sees them.

use crate::cluster::{Home, deployment, eventually, is_true};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn scaling_to_zero_and_back_takes_a_moment() {
    let home = Home::start().await;
    let start = Instant::now();
    home.patch(
        &deployment("media", "tautulli"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    home.until_pods("media", "tautulli", 0).await;
    let gone = start.elapsed();
    home.patch(
        &deployment("media", "tautulli"),
        "agent",
        json!({"spec": {"replicas": 1}}),
    )
    .await;
    home.until_pods("media", "tautulli", 1).await;
    let done = home
        .until(&deployment("media", "tautulli"), "available", |object| {
            object["status"]["availableReplicas"] == 1
        })
        .await;
    assert!(is_true(&done, "Available") && is_true(&done, "Progressing"));
    assert!(
        gone < Duration::from_secs(2) && start.elapsed() < Duration::from_secs(4),
        "{gone:?} {:?}",
        start.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_replaces_the_pod() {
    let home = Home::start().await;
    let before = home.pods("default", "homepage").await[0]["metadata"]["name"].clone();
    let restarted = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-23T16:00:00Z"});
    let patch = json!({"spec": {"template": {"metadata": {"annotations": restarted}}}});
    home.patch(&deployment("default", "homepage"), "agent", patch)
        .await;
    eventually("another pod", async || {
        let pods = home.pods("default", "homepage").await;
        pods.len() == 1 && pods[0]["metadata"]["name"] != before && is_true(&pods[0], "Ready")
    })
    .await;
    home.until(&deployment("default", "homepage"), "complete", |object| {
        object["status"]["observedGeneration"] == object["metadata"]["generation"]
            && object["status"]["updatedReplicas"] == 1
            && object["status"]["replicas"] == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_comes_back() {
    let home = Home::start().await;
    for (namespace, app) in [
        ("media", "seerr"),
        ("default", "zigbee2mqtt"),
        ("kube-system", "spegel"),
    ] {
        let pods = home.pods(namespace, app).await;
        let (name, uid) = (
            pods[0]["metadata"]["name"].as_str().unwrap().to_owned(),
            pods[0]["metadata"]["uid"].clone(),
        );
        home.delete(&format!("/api/v1/namespaces/{namespace}/pods/{name}"))
            .await;
        eventually(&format!("another pod of {app}"), async || {
            let now = home.pods(namespace, app).await;
            now.len() == pods.len()
                && now
                    .iter()
                    .all(|pod| pod["metadata"]["uid"] != uid && is_true(pod, "Ready"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_pod_stays_until_it_is_freed() {
    let home = Home::start().await;
    let pod = home.pods("media", "seerr").await[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    home.controllers.stick_pod("media", &pod);
    home.patch(
        &deployment("media", "seerr"),
        "agent",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    let path = format!("/api/v1/namespaces/media/pods/{pod}");
    home.until(&path, "going", |object| {
        object["metadata"]["deletionTimestamp"].is_string()
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!home.get(&path).await.is_null());
    home.controllers.free_pod("media", &pod);
    home.until_pods("media", "seerr", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_scales() {
    let home = Home::start().await;
    let path = "/apis/apps/v1/namespaces/default/statefulsets/zigbee2mqtt";
    home.patch(path, "agent", json!({"spec": {"replicas": 0}}))
        .await;
    home.until_pods("default", "zigbee2mqtt", 0).await;
    home.patch(path, "agent", json!({"spec": {"replicas": 1}}))
        .await;
    home.until_pods("default", "zigbee2mqtt", 1).await;
    home.until(path, "ready", |object| {
        object["status"]["readyReplicas"] == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_bound_and_its_volume_goes_with_it() {
    let home = Home::start().await;
    let claim = json!({
        "metadata": {"name": "new", "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "ceph-ssd", "resources": {"requests": {"storage": "1Gi"}}},
    });
    home.post("/api/v1/namespaces/default/persistentvolumeclaims", claim)
        .await;
    let path = "/api/v1/namespaces/default/persistentvolumeclaims/new";
    let bound = home
        .until(path, "bound", |object| object["status"]["phase"] == "Bound")
        .await;
    let volume = format!(
        "/api/v1/persistentvolumes/{}",
        bound["spec"]["volumeName"].as_str().unwrap()
    );
    home.delete(path).await;
    eventually("both gone", async || {
        home.get(path).await.is_null() && home.get(&volume).await.is_null()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_without_its_claim_stays_pending_and_says_so() {
    let home = Home::start().await;
    let pod = json!({
        "metadata": {"name": "lonely", "namespace": "default"},
        "spec": {"containers": [{"name": "app", "image": "alpine"}],
                 "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "nothing"}}]},
    });
    home.post("/api/v1/namespaces/default/pods", pod).await;
    let pending = home
        .until(
            "/api/v1/namespaces/default/pods/lonely",
            "unschedulable",
            |object| crate::cluster::condition(object, "PodScheduled")["status"] == "False",
        )
        .await;
    assert_eq!(pending["status"]["phase"], "Pending");
    assert_eq!(
        crate::cluster::condition(&pending, "PodScheduled")["message"],
        "persistentvolumeclaim \"nothing\" not found"
    );
}
