//! KEDA: ScaledObjects, paused and not, and ScaledJobs, as its operator of 2.20 treats them.

pub(crate) mod job;
mod pause;

use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::{Object, now};
use crate::queue::Key;
use crate::world::{Result, World};
use pause::{Pause, is_true, one_way};
use serde_json::{Value, json};

const MANAGER: &str = "keda";

/// What KEDA keeps its objects by until it has acted.
const FINALIZER: &str = "finalizer.keda.sh";

/// Brings autoscaler, replicas and status of a ScaledObject to what they should be, and looks again at the next poll.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(item) = world.cached(key) else {
        return Ok(None);
    };
    if item.is_going() {
        if !item.has_finalizer(FINALIZER) {
            return Ok(None);
        }
        let patch = item.without_finalizer(FINALIZER);
        return world.patch(key, MANAGER, &patch).await.map(|_| None);
    }
    match Pause::of(&item) {
        Pause::None => run(world, key, &item).await,
        paused => pause(world, &item, paused).await.map(|()| None),
    }
}

fn autoscaler(item: &Object) -> Key {
    let given = item.text("/spec/advanced/horizontalPodAutoscalerConfig/name");
    let name = if given.is_empty() {
        format!("keda-hpa-{}", item.name())
    } else {
        given.to_owned()
    };
    Key::new(Kind::HorizontalPodAutoscaler, item.namespace(), &name)
}

/// Paused: the autoscaler is deleted, the loop stands. Replicas stay as they are, or go to the number that is asked for.
async fn pause(world: &World, item: &Object, paused: Pause) -> Result<()> {
    if world.cached(&autoscaler(item)).is_some() {
        world.delete(&autoscaler(item), None).await?;
    }
    if let Pause::At(replicas) = paused {
        scale(world, item, replicas).await?;
    }
    let status = json!({
        "conditions": conditions(item, Some("ScaledObject is paused"), item.is_true("Active")),
        "pausedReplicaCount": match paused { Pause::At(replicas) => json!(replicas), _ => Value::Null },
    });
    if world.settle_status(item, MANAGER, status).await? {
        event::normal(
            world,
            item,
            "keda-operator",
            "ScaledObjectPaused",
            "ScaledObject is paused",
        );
    }
    Ok(())
}

async fn run(world: &World, key: &Key, item: &Object) -> Result<Next> {
    ensure_autoscaler(world, item).await?;
    let value = world
        .memory()
        .triggers
        .get(&(key.namespace.clone(), key.name.clone()))
        .copied()
        .unwrap_or(1.0);
    let active = value >= 1.0 || is_true(item, "force-activation");
    let (not_in, not_out) = one_way(item);
    let replicas = target(world, item).map(|target| target.int("/spec/replicas").unwrap_or(1));
    let least = item.int("/spec/minReplicaCount").unwrap_or(0);
    match replicas {
        Some(0) if active && !not_out => scale(world, item, least.max(1)).await?,
        Some(running) if !active && !not_in && running > least => scale(world, item, least).await?,
        _ => {}
    }
    let was_paused = item.is_true("Paused");
    // The same condition as for a pause of everything; only the autoscaler tells them apart.
    let message = (not_in || not_out).then_some("ScaledObject is paused");
    let mut status = json!({"conditions": conditions(item, message, active), "pausedReplicaCount": Value::Null,
        "hpaName": autoscaler(item).name});
    if was_paused || item.text("/status/lastActiveTime").is_empty() {
        status["lastActiveTime"] = json!(now());
        status["originalReplicaCount"] = json!(replicas.unwrap_or(1).max(1));
        status["scaleTargetKind"] = json!("apps/v1.Deployment");
        status["scaleTargetGVKR"] = json!({"group": "apps", "kind": "Deployment", "resource": "deployments", "version": "v1"});
    }
    let unpaused = was_paused && message.is_none();
    if world.settle_status(item, MANAGER, status).await? && unpaused {
        event::normal(
            world,
            item,
            "keda-operator",
            "ScaledObjectUnpaused",
            "ScaledObject is unpaused",
        );
    }
    Ok(Some(world.options.keda_poll))
}

/// Makes the autoscaler, or changes what the annotations say of its directions.
async fn ensure_autoscaler(world: &World, item: &Object) -> Result<()> {
    let wanted = new_autoscaler(item);
    let Some(there) = world.cached(&autoscaler(item)) else {
        return world
            .create(Kind::HorizontalPodAutoscaler, MANAGER, wanted)
            .await
            .map(|_| ());
    };
    let policy = |of: &Value, way: &str| {
        let at = format!("/spec/behavior/{way}/selectPolicy");
        of.pointer(&at).is_some_and(|policy| policy == "Disabled")
    };
    let same = |way: &&str| policy(&there.0, way) == policy(&wanted, way);
    if ["scaleDown", "scaleUp"].iter().all(same) {
        return Ok(());
    }
    let behavior = json!({"spec": {"behavior": wanted["spec"]["behavior"]}});
    world
        .patch(&autoscaler(item), MANAGER, &behavior)
        .await
        .map(|_| ())
}

fn target_key(item: &Object) -> Option<Key> {
    let kind = match item.text("/spec/scaleTargetRef/kind") {
        "" => Kind::Deployment,
        name => Kind::named(name)?,
    };
    Some(Key::new(
        kind,
        item.namespace(),
        item.text("/spec/scaleTargetRef/name"),
    ))
}

fn target(world: &World, item: &Object) -> Option<std::sync::Arc<Object>> {
    world.cached(&target_key(item)?)
}

async fn scale(world: &World, item: &Object, replicas: i64) -> Result<()> {
    let Some(key) = target_key(item) else {
        return Ok(());
    };
    let Some(now) = target(world, item).map(|target| target.int("/spec/replicas").unwrap_or(1))
    else {
        return Ok(());
    };
    if now == replicas {
        return Ok(());
    }
    world
        .patch(&key, MANAGER, &json!({"spec": {"replicas": replicas}}))
        .await?;
    let message = format!(
        "Scaled apps/v1.Deployment {}/{} from {now} to {replicas}",
        key.namespace, key.name
    );
    let reason = if replicas == 0 {
        "KEDAScaleTargetDeactivated"
    } else {
        "KEDAScaleTargetActivated"
    };
    event::normal(world, item, "keda-operator", reason, &message);
    Ok(())
}

/// KEDA's conditions carry no time.
fn conditions(item: &Object, paused: Option<&str>, active: bool) -> Vec<Value> {
    let one = |kind: &str, status: bool, reason: &str, message: &str| {
        let status = if status { "True" } else { "False" };
        json!({"type": kind, "status": status, "reason": reason, "message": message})
    };
    let ready = "ScaledObject is defined correctly and is ready for scaling";
    let mut new = vec![one("Ready", true, "ScaledObjectReady", ready)];
    new.push(if active {
        one(
            "Active",
            true,
            "ScalerActive",
            "Scaling is performed because triggers are active",
        )
    } else {
        one(
            "Active",
            false,
            "ScalerNotActive",
            "Scaling is not performed because triggers are not active",
        )
    });
    new.push(one(
        "Fallback",
        false,
        "NoFallbackFound",
        "No fallbacks are active on this scaled object",
    ));
    new.push(match paused {
        Some(message) => one("Paused", true, "ScaledObjectPaused", message),
        None => one(
            "Paused",
            false,
            "ScaledObjectUnpaused",
            "ScaledObject is not paused",
        ),
    });
    let others = item
        .list("/status/conditions")
        .iter()
        .filter(|old| !new.iter().any(|one| one["type"] == old["type"]));
    new.iter().cloned().chain(others.cloned()).collect()
}

fn new_autoscaler(item: &Object) -> Value {
    let key = autoscaler(item);
    let most = item.int("/spec/maxReplicaCount").unwrap_or(100);
    let selector = json!({"matchLabels": {"scaledobject.keda.sh/name": item.name()}});
    let mut made = json!({
        "metadata": {
            "name": key.name, "namespace": key.namespace, "ownerReferences": item.as_owner(),
            "labels": {
                "app.kubernetes.io/managed-by": "keda-operator", "app.kubernetes.io/name": key.name,
                "app.kubernetes.io/part-of": item.name(), "scaledobject.keda.sh/name": item.name(),
            },
        },
        "spec": {
            "minReplicas": item.int("/spec/minReplicaCount").unwrap_or(0).max(1), "maxReplicas": most.max(1),
            "scaleTargetRef": {
                "apiVersion": "apps/v1", "kind": "Deployment", "name": item.text("/spec/scaleTargetRef/name"),
            },
            "metrics": [{"type": "External", "external": {
                "metric": {"name": "s0-prometheus", "selector": selector},
                "target": {"type": "AverageValue", "averageValue": "1"},
            }}],
        },
    });
    let (not_in, not_out) = one_way(item);
    for (off, way) in [(not_in, "scaleDown"), (not_out, "scaleUp")] {
        if off {
            made["spec"]["behavior"][way] = json!({"selectPolicy": "Disabled"});
        }
    }
    made
}
