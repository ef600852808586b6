//! What scenarios make that the home does not have.

use serde_json::{Value, json};

use crate::integration::kind::{CLAIM, POD, REPLICATION_SOURCE, SECRET};
use crate::integration::world::World;

/// A workload that mounts nothing.
pub(super) fn deployment(name: &str, app: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": app, "app.kubernetes.io/controller": name});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "media", "labels": labels},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": "ghcr.io/home-operations/busybox:1.37.0"}]},
            },
        },
    })
}

/// Makes a source of a claim and the secret of its repository.
pub(super) async fn create_source(world: &World, name: &str, claim: &str, last: &str) {
    let url = format!("/repository/{name}");
    world.repositories().insert(&url, "a password", Vec::new());
    let metadata = |name: &str| json!({"name": name, "namespace": "media"});
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata(&format!("{name}-volsync-secret")),
        "stringData": {"RESTIC_REPOSITORY": url, "RESTIC_PASSWORD": "a password"},
    });
    world.create(SECRET, &secret).await;
    let source = json!({
        "apiVersion": "volsync.backube/v1alpha1", "kind": "ReplicationSource", "metadata": metadata(name),
        "spec": {"sourcePVC": claim, "trigger": {"schedule": "0 */6 * * *"}, "restic": {
            "repository": format!("{name}-volsync-secret"), "copyMethod": "Direct", "cacheCapacity": "1Gi",
            "cacheStorageClassName": "openebs-hostpath", "retain": {"last": last},
        }},
    });
    world.create(REPLICATION_SOURCE, &source).await;
}

/// Makes a volume that is backed up, and nothing else; returns when its first backup is made.
pub(super) async fn create_volume(world: &World, name: &str, last: &str) {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "media"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "ceph-ssd", "resources": {"requests": {"storage": "1Gi"}}},
    });
    world.create(CLAIM, &claim).await;
    world
        .until("the claim is bound", || async {
            world.get(CLAIM, "media", name).await["status"]["phase"] == "Bound"
        })
        .await;
    create_source(world, name, name, last).await;
    first_backup(world, name).await;
}

/// Waits for the backup that VolSync makes of what it sees for the first time, and until nothing is left of its mover.
pub(super) async fn first_backup(world: &World, name: &str) {
    let mover = format!("volsync-src-{name}-");
    world
        .until("VolSync has made its first backup", || async {
            let source = world.get(REPLICATION_SOURCE, "media", name).await;
            let pods = world.list(POD).await;
            let mut names = pods
                .iter()
                .filter_map(|pod| pod["metadata"]["name"].as_str());
            source["status"]["conditions"][0]["reason"] == "WaitingForSchedule"
                && !names.any(|name| name.starts_with(&mover))
        })
        .await;
}

const IMAGE: &str = "ghcr.io/home-operations/busybox:1.37.0";

/// The spec of a pod that mounts a claim.
pub(super) fn mounting(claim: &str) -> Value {
    json!({
        "containers": [{"name": "app", "image": IMAGE, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    })
}

/// A Job that mounts a claim.
pub(super) fn job(name: &str, claim: &str) -> Value {
    let mut pod = mounting(claim);
    pod["restartPolicy"] = json!("Never");
    let labels = json!({"app.kubernetes.io/controller": name});
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "media"},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": pod}},
    })
}

/// A StatefulSet that makes its claim, and deletes it when it is scaled down.
pub(super) fn deleting_set(name: &str) -> Value {
    let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/controller": name});
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": "media", "labels": labels},
        "spec": {
            "replicas": 1, "serviceName": name, "selector": {"matchLabels": labels},
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete", "whenDeleted": "Retain"},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [
                {"name": "app", "image": IMAGE, "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            ]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "ceph-ssd", "resources": {"requests": {"storage": "1Gi"}},
            }}],
        },
    })
}
