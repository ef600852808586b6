//! Claims and the volumes that they are bound to.

use crate::app::App;
use crate::clock::Clock;
use crate::meta::{kustomized, managed, object, uid};
use serde_json::{Value, json};

pub(crate) fn objects(clock: &Clock, app: &App) -> Vec<Value> {
    let Some(backup) = app.backup else {
        return Vec::new();
    };
    let cache = format!("volsync-src-{}-cache", app.source().unwrap_or_default());
    let mut claim = claim(clock, app, app.name, "ceph-ssd", backup.capacity);
    claim["spec"]["dataSourceRef"] = json!({
        "apiGroup": "volsync.backube", "kind": "ReplicationDestination", "name": format!("{}-dst", app.name),
    });
    kustomized(&mut claim, app.namespace, app.name);
    managed(&mut claim, "kustomize-controller", "");
    let mut cache_claim = self::claim(clock, app, &cache, "openebs-hostpath", backup.cache);
    cache_claim["metadata"]["labels"] = json!({"app.kubernetes.io/created-by": "volsync"});
    let volumes = [volume(clock, &claim), volume(clock, &cache_claim)];
    [claim, cache_claim].into_iter().chain(volumes).collect()
}

fn claim(clock: &Clock, app: &App, name: &str, class: &str, capacity: &str) -> Value {
    let mut claim = object(clock, "v1", "PersistentVolumeClaim", app.namespace, name);
    claim["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
    claim["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
    claim["spec"] = json!({
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": capacity}},
        "storageClassName": class, "volumeMode": "Filesystem",
        "volumeName": format!("pvc-{}", uid("PersistentVolumeClaim", app.namespace, name)),
    });
    claim["status"] = json!({"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": capacity}});
    claim
}

fn volume(clock: &Clock, claim: &Value) -> Value {
    let name = claim["spec"]["volumeName"].as_str().unwrap_or_default();
    let class = claim["spec"]["storageClassName"]
        .as_str()
        .unwrap_or_default();
    let mut volume = object(clock, "v1", "PersistentVolume", "", name);
    volume["metadata"]["finalizers"] = json!(["kubernetes.io/pv-protection"]);
    volume["spec"] = json!({
        "accessModes": claim["spec"]["accessModes"], "capacity": claim["status"]["capacity"],
        "persistentVolumeReclaimPolicy": "Delete", "storageClassName": class, "volumeMode": "Filesystem",
        "claimRef": {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim["metadata"]["name"],
            "namespace": claim["metadata"]["namespace"], "uid": claim["metadata"]["uid"],
        },
    });
    if class == "openebs-hostpath" {
        volume["spec"]["local"] = json!({"path": format!("/var/openebs/local/{name}")});
    } else {
        volume["spec"]["csi"] = json!({"driver": "rook-ceph.rbd.csi.ceph.com", "fsType": "ext4", "volumeHandle": format!("0001-0009-rook-ceph-{name}")});
    }
    volume["status"] = json!({"phase": "Bound"});
    volume
}
