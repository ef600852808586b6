//! Claims: each gets a volume at once, and gives it back when it goes and nobody mounts it any more.

use super::MANAGER;
use crate::dispatch::Next;
use crate::kind::Kind;
use crate::object::Object;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::time::Duration;

/// Binds a claim, or lets it and its volume go.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(claim) = world.cached(key) else {
        return release_volumes(world, key).await.map(|()| None);
    };
    if claim.is_going() {
        return let_go(world, key, &claim).await;
    }
    if claim.text("/status/phase") != "Bound" {
        bind(world, key, &claim).await?;
    }
    Ok(None)
}

async fn bind(world: &World, key: &Key, claim: &Object) -> Result<()> {
    let volume = match claim.text("/spec/volumeName") {
        "" => format!("pvc-{}", claim.uid()),
        name => name.to_owned(),
    };
    let capacity = json!({"storage": claim["spec"]["resources"]["requests"]["storage"]});
    let persistent = json!({
        "metadata": {"name": volume, "annotations": {"pv.kubernetes.io/provisioned-by": "sandbox"}},
        "spec": {
            "accessModes": claim["spec"]["accessModes"], "capacity": capacity, "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": claim["spec"]["storageClassName"],
            "csi": {"driver": "rook-ceph.rbd.csi.ceph.com", "volumeHandle": volume, "fsType": "ext4"},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim.name(),
                         "namespace": claim.namespace(), "uid": claim.uid()},
        },
    });
    if let Some(made) = world
        .create(Kind::PersistentVolume, MANAGER, persistent)
        .await?
    {
        world
            .patch_status(&made, MANAGER, json!({"phase": "Bound"}))
            .await?;
    }
    let patch = json!({
        "metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}, "spec": {"volumeName": volume},
    });
    if let Some(claim) = world.patch(key, MANAGER, &patch).await? {
        let status = json!({"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": capacity});
        world.patch_status(&claim, MANAGER, status).await?;
    }
    Ok(())
}

async fn let_go(world: &World, key: &Key, claim: &Object) -> Result<Next> {
    let mounts = |pod: &Object| {
        pod.claims().contains(&claim.name())
            && !matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
    };
    if world
        .cached_all(Kind::Pod, claim.namespace())
        .iter()
        .any(|pod| mounts(pod))
    {
        return Ok(Some(Duration::from_millis(100)));
    }
    world
        .patch(
            key,
            MANAGER,
            &json!({"metadata": {"finalizers": Value::Null}}),
        )
        .await?;
    Ok(None)
}

async fn release_volumes(world: &World, key: &Key) -> Result<()> {
    for volume in world.cached_all(Kind::PersistentVolume, "") {
        let of_claim = volume.text("/spec/claimRef/namespace") == key.namespace
            && volume.text("/spec/claimRef/name") == key.name
            && volume.text("/spec/persistentVolumeReclaimPolicy") == "Delete";
        if of_claim {
            let volume_key = Key::new(Kind::PersistentVolume, "", volume.name());
            world
                .patch(
                    &volume_key,
                    MANAGER,
                    &json!({"metadata": {"finalizers": Value::Null}}),
                )
                .await?;
            world.delete(&volume_key, None).await?;
        }
    }
    Ok(())
}
