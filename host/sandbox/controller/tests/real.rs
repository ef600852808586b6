//! The same controllers against a real control plane: real API server, Jobs, Deployments and scheduler, nodes by kwok.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics when what it stands on breaks"
)]

use agent_sandbox_controller::{Controllers, Options, settle};
use agent_testbed::Testbed;
use kube::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(90);
const PLEX: &str = "/repository/plex";

struct Real {
    testbed: Testbed,
    controllers: Controllers,
    client: Client,
}

async fn start() -> Real {
    let testbed = Testbed::start().await.unwrap();
    let client = testbed.client();
    agent_testbed::load(&client, &without_kustomizations())
        .await
        .unwrap();
    settle(&client, &agent_sandbox_home::objects())
        .await
        .unwrap();
    let options = Options {
        mover_time: Duration::from_millis(100),
        ..Options::testbed(testbed.logs().sink())
    };
    let controllers = Controllers::start(client.clone(), options);
    for repository in agent_sandbox_home::repositories() {
        let snapshots = repository
            .snapshots
            .into_iter()
            .map(|one| serde_json::from_value(one).unwrap())
            .collect();
        controllers
            .repositories()
            .insert(&repository.url, &repository.password, snapshots);
    }
    controllers.begun().await;
    Real {
        testbed,
        controllers,
        client,
    }
}

/// Kustomizations are the real controller's; the testbed's own tests show it at work.
fn without_kustomizations() -> Vec<Value> {
    let foreign = ["Kustomization", "GitRepository"];
    agent_sandbox_home::desired()
        .into_iter()
        .filter(|object| !foreign.iter().any(|kind| object["kind"] == *kind))
        .collect()
}

impl Real {
    async fn send(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: Value,
    ) -> Result<Value, kube::Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media);
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.client.request(request.body(bytes).unwrap()).await
    }

    async fn patch(&self, path: &str, body: Value) {
        let path = format!("{path}?fieldManager=agent&fieldValidation=Strict");
        self.send("PATCH", &path, "application/merge-patch+json", body)
            .await
            .unwrap();
    }

    async fn post(&self, path: &str, body: Value) {
        self.send(
            "POST",
            &format!("{path}?fieldValidation=Strict"),
            "application/json",
            body,
        )
        .await
        .unwrap();
    }

    async fn until(&self, path: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let object = self
                .send("GET", path, "application/json", Value::Null)
                .await
                .unwrap_or(Value::Null);
            if wanted(&object) {
                return object;
            }
            assert!(start.elapsed() < PATIENCE, "{path}: not {what}: {object:#}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn is_true(object: &Value, kind: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter()
            .any(|one| one["type"] == kind && one["status"] == "True")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_controllers_do_on_a_real_control_plane_what_they_do_in_the_sandbox() {
    let real = start().await;
    a_backup_saves_what_is_on_the_claim(&real).await;
    a_job_lists_the_snapshots(&real).await;
    keda_holds_an_app_at_zero(&real).await;
    a_restore_puts_a_snapshot_back(&real).await;
    a_forced_release_puts_the_replicas_back(&real).await;
    assert!(real.controllers.volumes().violations().is_empty());
    drop(real.testbed);
}

async fn a_backup_saves_what_is_on_the_claim(real: &Real) {
    real.controllers
        .volumes()
        .write("media", "plex", "what plex wrote");
    let path = "/apis/volsync.backube/v1alpha1/namespaces/media/replicationsources/plex";
    real.patch(path, json!({"spec": {"trigger": {"manual": "b1"}}}))
        .await;
    let done = real
        .until(path, "backed up", |object| {
            object["status"]["lastManualSync"] == "b1"
        })
        .await;
    assert_eq!(done["status"]["latestMoverStatus"]["result"], "Successful");
    assert_eq!(
        real.controllers
            .repositories()
            .snapshots(PLEX)
            .pop()
            .unwrap()
            .tree,
        "what plex wrote"
    );
}

async fn a_job_lists_the_snapshots(real: &Real) {
    let job = json!({
        "metadata": {"name": "list-plex", "namespace": "media"},
        "spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{
                "name": "restic", "image": "docker.io/restic/restic:0.18.1", "args": ["snapshots", "--json"],
                "envFrom": [{"secretRef": {"name": "plex-volsync-secret"}}],
                "volumeMounts": [{"name": "repository", "mountPath": "/repository"}],
            }],
            "volumes": [{"name": "repository", "nfs": {"server": "nas.internal", "path": "/volsync"}}],
        }}},
    });
    real.post("/apis/batch/v1/namespaces/media/jobs", job).await;
    let path = "/apis/batch/v1/namespaces/media/jobs/list-plex";
    real.until(path, "complete", |job| is_true(job, "Complete"))
        .await;
    let pods = real
        .until(
            "/api/v1/namespaces/media/pods?labelSelector=job-name%3Dlist-plex",
            "there",
            |list| list["items"][0].is_object(),
        )
        .await;
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap();
    let request = http::Request::get(format!("/api/v1/namespaces/media/pods/{pod}/log"))
        .body(Vec::new())
        .unwrap();
    let log = real.client.request_text(request).await.unwrap();
    let line = log
        .lines()
        .find(|line| line.starts_with('['))
        .unwrap_or_else(|| panic!("no JSON in {log:?}"));
    let listed: Vec<Value> = serde_json::from_str(line).unwrap();
    assert_eq!(
        listed.len(),
        real.controllers.repositories().snapshots(PLEX).len()
    );
}

async fn keda_holds_an_app_at_zero(real: &Real) {
    let scaled = "/apis/keda.sh/v1alpha1/namespaces/media/scaledobjects/plex";
    real.patch(
        scaled,
        json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": "true"}}}),
    )
    .await;
    real.until(scaled, "paused", |object| is_true(object, "Paused"))
        .await;
    real.patch(
        "/apis/apps/v1/namespaces/media/deployments/plex",
        json!({"spec": {"replicas": 0}}),
    )
    .await;
    let pods = "/api/v1/namespaces/media/pods?labelSelector=app.kubernetes.io%2Fname%3Dplex";
    real.until(pods, "gone", |list| {
        list["items"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
}

async fn a_restore_puts_a_snapshot_back(real: &Real) {
    let snapshots = real.controllers.repositories().snapshots(PLEX);
    let wanted = &snapshots[snapshots.len() - 2];
    let restore = json!({
        "apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationDestination",
        "metadata": {"name": "plex-r1", "namespace": "media"},
        "spec": {"trigger": {"manual": "r1"}, "restic": {
            "repository": "plex-volsync-secret", "destinationPVC": "plex", "copyMethod": "Direct", "previous": 1,
            "enableFileDeletion": true, "cleanupCachePVC": true, "cacheCapacity": "40Gi",
            "cacheStorageClassName": "openebs-hostpath", "cacheAccessModes": ["ReadWriteOnce"],
        }},
    });
    real.post(
        "/apis/volsync.backube/v1alpha1/namespaces/media/replicationdestinations",
        restore,
    )
    .await;
    let path = "/apis/volsync.backube/v1alpha1/namespaces/media/replicationdestinations/plex-r1";
    let done = real
        .until(path, "restored", |object| {
            object["status"]["lastManualSync"] == "r1"
        })
        .await;
    let logs = done["status"]["latestMoverStatus"]["logs"]
        .as_str()
        .unwrap();
    assert!(
        logs.contains(&format!("restoring snapshot {}", wanted.short_id)),
        "{logs}"
    );
    assert_eq!(
        real.controllers.volumes().content("media", "plex"),
        wanted.tree
    );
}

async fn a_forced_release_puts_the_replicas_back(real: &Real) {
    let path = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/media/helmreleases/plex";
    let token =
        json!({"reconcile.fluxcd.io/requestedAt": "f1", "reconcile.fluxcd.io/forceAt": "f1"});
    real.patch(path, json!({"metadata": {"annotations": token}}))
        .await;
    let done = real
        .until(path, "forced", |object| {
            object["status"]["lastHandledForceAt"] == "f1" && is_true(object, "Ready")
        })
        .await;
    assert_eq!(done["status"]["history"][0]["version"], 8);
    real.until(
        "/apis/apps/v1/namespaces/media/deployments/plex",
        "up",
        |object| object["status"]["readyReplicas"] == 1,
    )
    .await;
}
