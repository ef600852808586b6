//! ReplicaSets: as many pods as wanted.

use super::{MANAGER, count, template};
use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::Object;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::json;

/// Creates or deletes pods of a ReplicaSet and writes its status.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(set) = world.cached(key) else {
        return Ok(None);
    };
    if set.is_going() {
        return Ok(None);
    }
    let wanted = usize::try_from(set.int("/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let mut pods: Vec<Object> = world
        .cached_all(Kind::Pod, set.namespace())
        .iter()
        .map(|pod| Object::clone(pod))
        .collect();
    pods.retain(|pod| counts(pod, &set));
    if pods.len() != wanted {
        pods = world.list(Kind::Pod, set.namespace(), "").await?;
        pods.retain(|pod| counts(pod, &set));
        adjust(world, &set, &pods, wanted).await?;
    }
    let ready = pods.iter().filter(|pod| pod.is_true("Ready")).count();
    let status = json!({
        "observedGeneration": set.generation(), "replicas": pods.len(), "fullyLabeledReplicas": count(pods.len()),
        "readyReplicas": count(ready), "availableReplicas": count(ready),
    });
    world.settle_status(&set, MANAGER, status).await?;
    Ok(None)
}

fn counts(pod: &Object, set: &Object) -> bool {
    pod.is_owned_by(set.uid())
        && !pod.is_going()
        && !matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

async fn adjust(world: &World, set: &Object, pods: &[Object], wanted: usize) -> Result<()> {
    for _ in pods.len()..wanted {
        let name = format!("{}-{}", set.name(), template::fresh_suffix());
        let pod = template::pod(set, &name, &set["spec"]["template"], &[]);
        world.create(Kind::Pod, MANAGER, pod).await?;
        event::normal(
            world,
            set,
            "replicaset-controller",
            "SuccessfulCreate",
            &format!("Created pod: {name}"),
        );
    }
    let mut victims: Vec<&Object> = pods.iter().collect();
    victims.sort_by_key(|pod| {
        (
            pod.is_true("Ready"),
            std::cmp::Reverse(pod.text("/metadata/creationTimestamp").to_owned()),
        )
    });
    for pod in victims.into_iter().take(pods.len().saturating_sub(wanted)) {
        world
            .delete(&Key::new(Kind::Pod, pod.namespace(), pod.name()), None)
            .await?;
        let message = format!("Deleted pod: {}", pod.name());
        event::normal(
            world,
            set,
            "replicaset-controller",
            "SuccessfulDelete",
            &message,
        );
    }
    Ok(())
}
