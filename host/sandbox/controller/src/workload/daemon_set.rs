//! DaemonSets: a pod on every node.

use super::{MANAGER, count, template};
use crate::dispatch::Next;
use crate::kind::Kind;
use crate::object::Object;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::sync::Arc;

/// Creates a pod where one is missing, deletes one that is outdated, and writes the status.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(set) = world.cached(key) else {
        return Ok(None);
    };
    if set.is_going() {
        return Ok(None);
    }
    let nodes = world.cached_all(Kind::Node, "");
    if nodes.is_empty() {
        return Ok(Some(std::time::Duration::from_millis(100)));
    }
    let mut pods = world.cached_all(Kind::Pod, set.namespace());
    pods.retain(|pod| pod.is_owned_by(set.uid()));
    let template = &set["spec"]["template"];
    for node in &nodes {
        if !pods.iter().any(|pod| node_of(pod) == node.name()) {
            create(world, &set, node.name(), template).await?;
        }
    }
    let all_ready = pods
        .iter()
        .all(|pod| !pod.is_going() && pod.is_true("Ready"));
    if all_ready && let Some(pod) = pods.iter().find(|pod| !template::made(pod, template)) {
        world
            .delete(&Key::new(Kind::Pod, pod.namespace(), pod.name()), None)
            .await?;
    }
    write_status(world, &set, &pods, nodes.len()).await?;
    Ok(None)
}

/// The node that a pod is on, or that it is made for.
fn node_of(pod: &Object) -> &str {
    match pod.text("/spec/nodeName") {
        "" => pod.text("/spec/nodeSelector/kubernetes.io~1hostname"),
        name => name,
    }
}

async fn create(world: &World, set: &Object, node: &str, template: &Value) -> Result<()> {
    let name = format!(
        "{}-{}",
        set.name(),
        &template::hash(&json!([set.uid(), node, set.generation()]))[..5]
    );
    let mut pod = template::pod(
        set,
        &name,
        template,
        &[("controller-revision-hash", &template::hash(template))],
    );
    pod["spec"]["nodeSelector"]["kubernetes.io/hostname"] = json!(node);
    world.create(Kind::Pod, MANAGER, pod).await.map(drop)
}

async fn write_status(
    world: &World,
    set: &Object,
    pods: &[Arc<Object>],
    nodes: usize,
) -> Result<()> {
    let ready = pods
        .iter()
        .filter(|pod| !pod.is_going() && pod.is_true("Ready"))
        .count();
    let updated = pods
        .iter()
        .filter(|pod| template::made(pod, &set["spec"]["template"]))
        .count();
    let status = json!({
        "observedGeneration": set.generation(), "currentNumberScheduled": pods.len(), "desiredNumberScheduled": nodes,
        "numberMisscheduled": 0, "numberReady": ready, "numberAvailable": count(ready),
        "updatedNumberScheduled": count(updated), "numberUnavailable": count(nodes.saturating_sub(ready)),
    });
    world.settle_status(set, MANAGER, status).await.map(drop)
}
