//! StatefulSets: pods with an ordinal, one after the other.

use super::{MANAGER, count, template};
use crate::dispatch::Next;
use crate::kind::Kind;
use crate::object::Object;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::sync::Arc;

/// Creates the next pod, deletes the last or an outdated one, and writes the status.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(set) = world.cached(key) else {
        return Ok(None);
    };
    if set.is_going() {
        return Ok(None);
    }
    let wanted = usize::try_from(set.int("/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let pods: Vec<Arc<Object>> = world
        .cached_all(Kind::Pod, set.namespace())
        .into_iter()
        .filter(|pod| pod.is_owned_by(set.uid()))
        .collect();
    step(world, &set, &pods, wanted).await?;
    let alive = pods.iter().filter(|pod| !pod.is_going()).count();
    let ready = pods
        .iter()
        .filter(|pod| !pod.is_going() && pod.is_true("Ready"))
        .count();
    let updated = pods
        .iter()
        .filter(|pod| template::made(pod, &set["spec"]["template"]))
        .count();
    let revision = format!(
        "{}-{}",
        set.name(),
        template::hash(&set["spec"]["template"])
    );
    let settled = updated == pods.len() && alive == wanted;
    let mut status = json!({
        "observedGeneration": set.generation(), "replicas": alive, "readyReplicas": count(ready),
        "availableReplicas": ready, "updatedReplicas": count(updated), "currentReplicas": count(alive),
    });
    if updated < pods.len() || set.text("/status/updateRevision").is_empty() {
        status["updateRevision"] = json!(revision);
    }
    if settled && set.text("/status/currentRevision") != set.text("/status/updateRevision") {
        status["currentRevision"] = set["status"]["updateRevision"].clone();
    }
    world.settle_status(&set, MANAGER, status).await?;
    Ok(None)
}

async fn step(world: &World, set: &Object, pods: &[Arc<Object>], wanted: usize) -> Result<()> {
    let named = |index: usize| {
        pods.iter()
            .find(|pod| pod.name() == format!("{}-{index}", set.name()))
    };
    for index in 0..wanted {
        match named(index) {
            None => return create(world, set, index).await,
            Some(pod) if pod.is_going() || !pod.is_true("Ready") => return Ok(()),
            Some(_) => {}
        }
    }
    let surplus = pods
        .iter()
        .filter(|pod| !pod.is_going() && ordinal(pod).is_none_or(|index| index >= wanted))
        .max_by_key(|pod| ordinal(pod));
    let outdated = || {
        pods.iter()
            .rev()
            .find(|pod| !pod.is_going() && !template::made(pod, &set["spec"]["template"]))
    };
    if let Some(index) = surplus.and_then(|pod| ordinal(pod)) {
        drop_claims(world, set, index).await?;
    }
    if let Some(pod) = surplus.or_else(outdated) {
        world
            .delete(&Key::new(Kind::Pod, pod.namespace(), pod.name()), None)
            .await?;
    }
    Ok(())
}

fn ordinal(pod: &Object) -> Option<usize> {
    pod.name().rsplit('-').next()?.parse().ok()
}

/// The claims that belong to a pod of the set: the names of the templates, and of the claims.
fn claims(set: &Object, index: usize) -> Vec<(&Value, Key)> {
    let of = |template| {
        let claim = Object(Value::clone(template));
        let name = format!("{}-{}-{index}", claim.name(), set.name());
        let key = Key::new(Kind::PersistentVolumeClaim, set.namespace(), &name);
        (template, key)
    };
    let templates = set.list("/spec/volumeClaimTemplates");
    templates.iter().map(of).collect()
}

/// A set that is scaled down keeps its claims, unless it is told to delete them. They go as soon as nobody mounts them.
async fn drop_claims(world: &World, set: &Object, index: usize) -> Result<()> {
    if set.text("/spec/persistentVolumeClaimRetentionPolicy/whenScaled") != "Delete" {
        return Ok(());
    }
    for (_, key) in claims(set, index) {
        world.delete(&key, None).await?;
    }
    Ok(())
}

async fn make_claims(world: &World, set: &Object, index: usize) -> Result<()> {
    for (template, key) in claims(set, index) {
        if world
            .get(key.kind, &key.namespace, &key.name)
            .await?
            .is_none()
        {
            let mut claim = template.clone();
            claim["metadata"] = json!({
                "name": key.name, "namespace": key.namespace, "labels": set["spec"]["selector"]["matchLabels"],
            });
            world.create(key.kind, MANAGER, claim).await?;
        }
    }
    Ok(())
}

/// The template of a pod, with the volumes of its claims.
fn with_claims(set: &Object, index: usize) -> Value {
    let mut template = set["spec"]["template"].clone();
    let mut volumes = template["spec"]["volumes"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    for (claim, key) in claims(set, index) {
        let source = json!({"claimName": key.name});
        volumes.push(json!({"name": claim["metadata"]["name"], "persistentVolumeClaim": source}));
    }
    if !volumes.is_empty() {
        template["spec"]["volumes"] = json!(volumes);
    }
    template
}

async fn create(world: &World, set: &Object, index: usize) -> Result<()> {
    make_claims(world, set, index).await?;
    let name = format!("{}-{index}", set.name());
    let template = &with_claims(set, index);
    let revision = format!(
        "{}-{}",
        set.name(),
        template::hash(&set["spec"]["template"])
    );
    let ordinal = index.to_string();
    let labels = [
        ("controller-revision-hash", revision.as_str()),
        ("statefulset.kubernetes.io/pod-name", name.as_str()),
        ("apps.kubernetes.io/pod-index", ordinal.as_str()),
    ];
    world
        .create(
            Kind::Pod,
            MANAGER,
            template::pod(set, &name, template, &labels),
        )
        .await
        .map(drop)
}
