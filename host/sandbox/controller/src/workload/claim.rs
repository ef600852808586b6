//! Claims: each gets a volume as soon as its class and what fills it let it, and gives it back when it goes and nobody mounts it any more.
//!
//! What is told of a claim that waits are the words of Kubernetes 1.36 (`pkg/controller/volume/persistentvolume`), of external-provisioner 6 and of
//! VolSync's populator 0.16.

use super::MANAGER;
use crate::dispatch::Next;
use crate::event;
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
    if claim.text("/status/phase") == "Bound" {
        return Ok(None);
    }
    if let Some(obstacle) = obstacle(world, &claim).await? {
        tell(world, &claim, &obstacle);
        return Ok(Some(AGAIN));
    }
    world.memory().waiting_claims.remove(claim.uid());
    bind(world, key, &claim).await.map(|()| None)
}

const AGAIN: Duration = Duration::from_millis(100);

/// The reason of a claim that waits as it should.
const LATE: &str = "WaitForFirstConsumer";

/// Why a claim gets no volume: who tells it, and the reason and message of the event.
struct Obstacle {
    from: &'static str,
    reason: &'static str,
    message: String,
    warning: bool,
}

/// Whether a claim that is not bound waits for more than for a pod, as far as it has been looked at.
pub(super) fn is_stuck(world: &World, claim: &Object) -> bool {
    let memory = world.memory();
    let told = memory.waiting_claims.get(claim.uid());
    told.is_some_and(|told| told.iter().any(|reason| *reason != LATE))
}

/// Tells it once.
fn tell(world: &World, claim: &Object, obstacle: &Obstacle) {
    let mut memory = world.memory();
    let told = memory
        .waiting_claims
        .entry(claim.uid().to_owned())
        .or_default();
    if !told.insert(obstacle.reason) {
        return;
    }
    drop(memory);
    let (from, reason, message) = (obstacle.from, obstacle.reason, &obstacle.message);
    if obstacle.warning {
        event::warning(world, claim, from, reason, message);
    } else {
        event::normal(world, claim, from, reason, message);
    }
}

async fn obstacle(world: &World, claim: &Object) -> Result<Option<Obstacle>> {
    const CONTROLLER: &str = "persistentvolume-controller";
    if !claim.text("/spec/volumeName").is_empty() {
        return Ok(None);
    }
    let Some(class) = class_name(world, claim).await? else {
        return Ok(Some(Obstacle {
            from: CONTROLLER,
            reason: "FailedBinding",
            message: "no persistent volumes available for this claim and no storage class is set"
                .to_owned(),
            warning: false,
        }));
    };
    let Some(found) = world.get(Kind::StorageClass, "", &class).await? else {
        return Ok(Some(Obstacle {
            from: CONTROLLER,
            reason: "ProvisioningFailed",
            message: format!("storageclass.storage.k8s.io \"{class}\" not found"),
            warning: true,
        }));
    };
    if found.text("/volumeBindingMode") == LATE && !is_wanted(world, claim) {
        return Ok(Some(Obstacle {
            from: CONTROLLER,
            reason: LATE,
            message: "waiting for first consumer to be created before binding".to_owned(),
            warning: false,
        }));
    }
    unfilled(world, claim).await
}

/// The class that a claim names, or the default one.
async fn class_name(world: &World, claim: &Object) -> Result<Option<String>> {
    if let Some(name) = claim["spec"]["storageClassName"].as_str() {
        return Ok(Some(name.to_owned()).filter(|name| !name.is_empty()));
    }
    let all = world.list(Kind::StorageClass, "", "").await?;
    let default = |class: &&Object| {
        class.annotation("storageclass.kubernetes.io/is-default-class") == Some("true")
    };
    Ok(all
        .iter()
        .find(default)
        .map(|class| class.name().to_owned()))
}

fn is_wanted(world: &World, claim: &Object) -> bool {
    let pods = world.cached_all(Kind::Pod, claim.namespace());
    pods.iter().any(|pod| pod.claims().contains(&claim.name()))
}

/// What is to fill a volume and does not: a provisioner leaves it to a populator, of which there is only VolSync's here.
async fn unfilled(world: &World, claim: &Object) -> Result<Option<Obstacle>> {
    let source = &claim["spec"]["dataSourceRef"];
    let text = |field: &str| source[field].as_str().unwrap_or_default();
    if matches!(text("apiGroup"), "" | "snapshot.storage.k8s.io") {
        return Ok(None);
    }
    if text("kind") != "ReplicationDestination" {
        return Ok(Some(Obstacle {
            from: "external-provisioner",
            reason: "Provisioning",
            message: "Assuming an external populator will provision the volume".to_owned(),
            warning: false,
        }));
    }
    let name = text("name");
    let found = world
        .get(Kind::ReplicationDestination, claim.namespace(), name)
        .await?;
    let (reason, message) = match found {
        None => (
            "VolSyncPopulatorReplicationDestinationMissing",
            format!(
                "Unable to populate volume: ReplicationDestination.volsync.backube \"{name}\" not found"
            ),
        ),
        Some(found) if found["status"]["latestImage"].is_null() => (
            "VolSyncPopulatorReplicationDestinationNoLatestImage",
            format!(
                "Unable to populate volume, waiting for replicationdestination {name} to have latestImage"
            ),
        ),
        Some(_) => return Ok(None),
    };
    Ok(Some(Obstacle {
        from: "volsync-controller",
        reason,
        message,
        warning: true,
    }))
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
