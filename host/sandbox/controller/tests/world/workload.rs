//! Workloads, as a person sees them.

use crate::cluster::{Home, deployment, eventually, is_true};
use serde_json::{Value, json};
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
    let message = &crate::cluster::condition(&pending, "PodScheduled")["message"];
    let message = message.as_str().unwrap_or_default();
    let why = "nodes are available: persistentvolumeclaim \"nothing\" not found. preemption:";
    assert!(message.contains(why), "{message}");
}

/// The newest event about an object of that name with that reason.
async fn event(home: &Home, namespace: &str, name: &str, reason: &str) -> Value {
    let path = format!(
        "/api/v1/namespaces/{namespace}/events?fieldSelector=involvedObject.name%3D{name},reason%3D{reason}"
    );
    let events = home.get(&path).await;
    let all = events["items"].as_array().cloned().unwrap_or_default();
    all.into_iter().next_back().unwrap_or_default()
}

fn claim(name: &str, class: &str, source: &Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": class, "dataSourceRef": source,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_its_class_its_consumer_and_what_fills_it() {
    let home = Home::start().await;
    let nothing =
        json!({"apiGroup": "volsync.backube", "kind": "ReplicationDestination", "name": "none"});
    let cases = [
        (
            "classless",
            "gone",
            Value::Null,
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"gone\" not found",
        ),
        (
            "late",
            "openebs-hostpath",
            Value::Null,
            "WaitForFirstConsumer",
            "waiting for first consumer",
        ),
        (
            "unfilled",
            "ceph-ssd",
            nothing,
            "VolSyncPopulatorReplicationDestinationMissing",
            "\"none\" not found",
        ),
    ];
    for (name, class, source, reason, message) in cases {
        let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
        home.post(claims, claim(name, class, &source)).await;
        eventually("its event", async || {
            let event = event(&home, "default", name, reason).await;
            event["message"]
                .as_str()
                .is_some_and(|told| told.contains(message))
        })
        .await;
        let pending = home.get(&format!("{claims}/{name}")).await;
        assert_eq!(pending["status"]["phase"], "Pending", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_image_cannot_be_pulled_waits_and_says_why() {
    let home = Home::start().await;
    let pod = json!({
        "metadata": {"name": "unpulled", "namespace": "default"},
        "spec": {"containers": [{"name": "app", "image": "registry.invalid/app:1"}]},
    });
    home.post("/api/v1/namespaces/default/pods", pod).await;
    let path = "/api/v1/namespaces/default/pods/unpulled";
    let state = "/status/containerStatuses/0/state/waiting";
    let waiting = home
        .until(path, "waiting", |pod| pod.pointer(state).is_some())
        .await;
    let waiting = waiting.pointer(state).cloned().unwrap_or_default();
    assert_eq!(waiting["reason"], "ImagePullBackOff");
    let message = waiting["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("lookup registry.invalid: no such host"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_refuses_what_it_has_no_room_for() {
    let home = Home::start().await;
    let quota = json!({
        "metadata": {"name": "small", "namespace": "default"},
        "spec": {"hard": {"count/jobs.batch": "0", "limits.memory": "1Gi"}},
    });
    home.post("/api/v1/namespaces/default/resourcequotas", quota)
        .await;
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "alpine"}]}});
    let job = json!({"metadata": {"name": "refused", "namespace": "default"}, "spec": {"template": template}});
    let refused = refusal(&home, "/apis/batch/v1/namespaces/default/jobs", &job).await;
    assert_eq!(
        refused,
        "jobs.batch \"refused\" is forbidden: exceeded quota: small, requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0"
    );
    let pod =
        json!({"metadata": {"name": "silent", "namespace": "default"}, "spec": template["spec"]});
    let refused = refusal(&home, "/api/v1/namespaces/default/pods", &pod).await;
    assert_eq!(
        refused,
        "pods \"silent\" is forbidden: failed quota: small: must specify limits.memory for: app"
    );
}

/// The words with which the server refuses to make an object.
async fn refusal(home: &Home, path: &str, object: &Value) -> String {
    match home.send("POST", path, "application/json", object).await {
        Err(kube::Error::Api(status)) => status.message,
        other => panic!("not refused: {other:?}"),
    }
}
