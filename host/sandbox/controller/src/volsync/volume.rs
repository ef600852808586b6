//! The claims of a synchronisation: the copy of the source, the destination, and the cache.

use super::MANAGER;
use crate::kind::Kind;
use crate::object::{Object, now};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};

/// A claim, or why there is none: a sentence, where something is missing; none, where something is under way.
type Found = std::result::Result<Object, Option<String>>;

/// The claim that the mover works on, once it exists.
pub(super) async fn data(world: &World, object: &Object) -> Result<Found> {
    if object.kind() == "ReplicationSource" {
        source(world, object).await
    } else {
        destination(world, object).await
    }
}

fn missing(name: &str) -> Option<String> {
    Some(format!("PersistentVolumeClaim \"{name}\" not found"))
}

async fn source(world: &World, object: &Object) -> Result<Found> {
    let name = object.text("/spec/sourcePVC");
    let space = object.namespace();
    let Some(claim) = world.get(Kind::PersistentVolumeClaim, space, name).await? else {
        return Ok(Err(missing(name)));
    };
    let copy = match object.text("/spec/restic/copyMethod") {
        "Snapshot" => {
            json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": copy_name(object)})
        }
        "Clone" => json!({"kind": "PersistentVolumeClaim", "name": name}),
        _ => return Ok(Ok(claim)),
    };
    let copied = copy_name(object);
    if let Some(existing) = world
        .get(Kind::PersistentVolumeClaim, space, &copied)
        .await?
    {
        return Ok(if existing.is_going() {
            Err(Some(format!("waiting for \"{copied}\" to go")))
        } else {
            Ok(existing)
        });
    }
    if copy["kind"] == "VolumeSnapshot" && !snapshot(world, object, &copied, name).await? {
        return Ok(Err(None));
    }
    let content = world.volumes.content(space, name);
    let mut wanted = new_claim(
        object,
        &copied,
        &claim["spec"]["resources"]["requests"]["storage"],
        true,
    );
    complete_from(&mut wanted, &claim);
    wanted["spec"]["dataSource"] = copy;
    let made = world
        .create(Kind::PersistentVolumeClaim, MANAGER, wanted)
        .await?;
    world.volumes.write(space, &copied, &content);
    Ok(made.ok_or_else(|| missing(&copied)))
}

fn copy_name(object: &Object) -> String {
    format!("volsync-{}-src", object.name())
}

async fn destination(world: &World, object: &Object) -> Result<Found> {
    let given = object.text("/spec/restic/destinationPVC");
    let space = object.namespace();
    if !given.is_empty() {
        let claim = world.get(Kind::PersistentVolumeClaim, space, given).await?;
        return Ok(claim.ok_or_else(|| missing(given)));
    }
    let name = format!("volsync-{}-dest", object.name());
    if let Some(claim) = world.get(Kind::PersistentVolumeClaim, space, &name).await? {
        return Ok(Ok(claim));
    }
    let temporary = object.flag("/spec/restic/cleanupTempPVC");
    let wanted = new_claim(
        object,
        &name,
        &object["spec"]["restic"]["capacity"],
        temporary,
    );
    let made = world
        .create(Kind::PersistentVolumeClaim, MANAGER, wanted)
        .await?;
    world.volumes.write(space, &name, "");
    Ok(made.ok_or_else(|| missing(&name)))
}

/// The cache of the mover: of the cache class and size, else of the data's class and 1Gi.
pub(super) async fn cache(world: &World, object: &Object, data: &Object) -> Result<Option<Object>> {
    let direction = super::job::direction(object);
    let name = format!("volsync-{direction}-{}-cache", object.name());
    let restic = &object["spec"]["restic"];
    let size = if restic["cacheCapacity"].is_null() {
        json!("1Gi")
    } else {
        restic["cacheCapacity"].clone()
    };
    let key = Key::new(Kind::PersistentVolumeClaim, object.namespace(), &name);
    if let Some(claim) = world.get(key.kind, &key.namespace, &key.name).await? {
        if claim.is_going() || claim["spec"]["resources"]["requests"]["storage"] == size {
            return Ok(Some(claim).filter(|claim| !claim.is_going()));
        }
        let resized = json!({"spec": {"resources": {"requests": {"storage": size}}}});
        return world.patch(&key, MANAGER, &resized).await;
    }
    let mut wanted = new_claim(
        object,
        &name,
        &size,
        object.flag("/spec/restic/cleanupCachePVC"),
    );
    for (field, of_cache) in [
        ("storageClassName", "cacheStorageClassName"),
        ("accessModes", "cacheAccessModes"),
    ] {
        if !restic[of_cache].is_null() {
            wanted["spec"][field] = restic[of_cache].clone();
        }
    }
    complete_from(&mut wanted, data);
    world
        .create(Kind::PersistentVolumeClaim, MANAGER, wanted)
        .await
}

fn new_claim(object: &Object, name: &str, size: &Value, temporary: bool) -> Value {
    let restic = &object["spec"]["restic"];
    let mut spec =
        json!({"resources": {"requests": {"storage": size}}, "volumeMode": "Filesystem"});
    for field in ["storageClassName", "accessModes"] {
        if !restic[field].is_null() {
            spec[field] = restic[field].clone();
        }
    }
    json!({"metadata": metadata(object, name, temporary), "spec": spec})
}

fn complete_from(claim: &mut Value, other: &Object) {
    for field in ["storageClassName", "accessModes"] {
        if claim["spec"][field].is_null() {
            claim["spec"][field] = other["spec"][field].clone();
        }
    }
}

/// Metadata of what VolSync makes: owned, labelled, and marked when it goes at the end of the synchronisation.
pub(super) fn metadata(object: &Object, name: &str, temporary: bool) -> Value {
    let mut labels = json!({"app.kubernetes.io/created-by": "volsync"});
    if temporary {
        labels["volsync.backube/cleanup"] = json!(object.uid());
    }
    json!({"name": name, "namespace": object.namespace(), "labels": labels, "ownerReferences": object.as_owner()})
}

/// Makes a snapshot of a claim; says whether it has been taken.
async fn snapshot(world: &World, object: &Object, name: &str, claim: &str) -> Result<bool> {
    let space = object.namespace();
    if let Some(known) = world.get(Kind::VolumeSnapshot, space, name).await? {
        return Ok(known["status"]["boundVolumeSnapshotContentName"].is_string());
    }
    let mut spec = json!({"source": {"persistentVolumeClaimName": claim}});
    let class = object["spec"]["restic"]["volumeSnapshotClassName"].as_str();
    if let Some(class) = class {
        spec["volumeSnapshotClassName"] = json!(class);
    }
    let temporary = object.kind() == "ReplicationSource";
    let wanted = json!({"metadata": metadata(object, name, temporary), "spec": spec});
    let Some(made) = world.create(Kind::VolumeSnapshot, MANAGER, wanted).await? else {
        return Ok(true);
    };
    let refusal = refusal(world, class).await?;
    let status = match &refusal {
        Some(message) => {
            json!({"readyToUse": false, "error": {"message": message, "time": now()}})
        }
        None => {
            let content = format!("snapcontent-{}", made.uid());
            json!({"readyToUse": true, "creationTime": now(), "boundVolumeSnapshotContentName": content})
        }
    };
    world
        .patch_status(&made, "snapshot-controller", status)
        .await?;
    Ok(refusal.is_none())
}

/// Why the snapshot controller (external-snapshotter 8.2) does not take a snapshot of that class; none: the default one.
async fn refusal(world: &World, class: Option<&str>) -> Result<Option<String>> {
    let Some(class) = class else {
        const DEFAULT: &str = "snapshot.storage.kubernetes.io/is-default-class";
        let classes = world.list(Kind::VolumeSnapshotClass, "", "").await?;
        let mut defaults = classes
            .iter()
            .filter(|class| class["metadata"]["annotations"][DEFAULT] == "true");
        let none =
            "Failed to set default snapshot class with error cannot find default snapshot class";
        return Ok(defaults.next().is_none().then(|| none.to_owned()));
    };
    let known = world.get(Kind::VolumeSnapshotClass, "", class).await?;
    Ok(known.is_none().then(|| {
        format!("Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io \"{class}\" not found")
    }))
}

/// The image of a destination: the claim itself, or a snapshot of it.
pub(super) async fn image(world: &World, object: &Object, data: &Object) -> Result<Value> {
    if object.text("/spec/restic/copyMethod") != "Snapshot" {
        return Ok(json!({"kind": "PersistentVolumeClaim", "name": data.name()}));
    }
    let start = object
        .text("/status/lastSyncStartTime")
        .replace(['-', ':', 'T', 'Z'], "");
    let name = format!("{}-{start}", data.name());
    snapshot(world, object, &name, data.name()).await?;
    Ok(json!({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": name}))
}

/// Deletes what was marked to go.
pub(super) async fn clean_up(world: &World, object: &Object) -> Result<()> {
    let query = format!("labelSelector=volsync.backube%2Fcleanup%3D{}", object.uid());
    for kind in [Kind::Job, Kind::PersistentVolumeClaim, Kind::VolumeSnapshot] {
        let marked = match world.list(kind, object.namespace(), &query).await {
            Err(err) if err.code() == 404 => Vec::new(),
            found => found?,
        };
        for one in marked.iter().filter(|one| !one.is_going()) {
            world
                .delete(&Key::new(kind, one.namespace(), one.name()), None)
                .await?;
        }
    }
    Ok(())
}
