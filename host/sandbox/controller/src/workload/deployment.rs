//! Deployments: a ReplicaSet per template, and how replicas move from the old ones to the new.

use super::{MANAGER, count, template};
use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::{Object, condition, with_condition};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::sync::Arc;

const REVISION: &str = "deployment.kubernetes.io/revision";

/// Brings the ReplicaSets of a Deployment, and its status, to what they should be.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(deployment) = world.cached(key) else {
        return Ok(None);
    };
    if deployment.is_going() {
        return Ok(None);
    }
    let sets = sets_of(world, &deployment);
    let Some(current) = sets.iter().find(|set| is_current(set, &deployment)) else {
        create_set(world, &deployment, &sets).await?;
        return Ok(None);
    };
    let old: Vec<&Arc<Object>> = sets
        .iter()
        .filter(|set| set.uid() != current.uid())
        .collect();
    move_replicas(world, &deployment, current, &old).await?;
    write_status(world, &deployment, current, &sets).await?;
    Ok(None)
}

fn sets_of(world: &World, deployment: &Object) -> Vec<Arc<Object>> {
    let sets = world.cached_all(Kind::ReplicaSet, deployment.namespace());
    sets.into_iter()
        .filter(|set| set.is_owned_by(deployment.uid()))
        .collect()
}

fn is_current(set: &Object, deployment: &Object) -> bool {
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    template["spec"] == deployment["spec"]["template"]["spec"]
        && ["labels", "annotations"].iter().all(|part| {
            template["metadata"][*part] == deployment["spec"]["template"]["metadata"][*part]
        })
}

fn revision(object: &Object) -> i64 {
    object
        .annotation(REVISION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

async fn create_set(world: &World, deployment: &Object, sets: &[Arc<Object>]) -> Result<()> {
    let template = &deployment["spec"]["template"];
    let hash = template::hash(template);
    let number = sets.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
    let mut labelled = template.clone();
    labelled["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    let set = json!({
        "metadata": {
            "name": format!("{}-{hash}", deployment.name()), "namespace": deployment.namespace(),
            "labels": labelled["metadata"]["labels"], "ownerReferences": deployment.as_owner(),
            "annotations": {REVISION: number.to_string()},
        },
        "spec": {"replicas": 0, "selector": selector, "template": labelled},
    });
    world.create(Kind::ReplicaSet, MANAGER, set).await?;
    let key = Key::new(Kind::Deployment, deployment.namespace(), deployment.name());
    world
        .patch(
            &key,
            MANAGER,
            &json!({"metadata": {"annotations": {REVISION: number.to_string()}}}),
        )
        .await?;
    Ok(())
}

async fn move_replicas(
    world: &World,
    deployment: &Object,
    current: &Object,
    old: &[&Arc<Object>],
) -> Result<()> {
    let wanted = deployment.int("/spec/replicas").unwrap_or(1);
    let recreate = deployment.text("/spec/strategy/type") == "Recreate";
    let old_pods: i64 = old
        .iter()
        .map(|set| set.int("/status/replicas").unwrap_or(0))
        .sum();
    let new_is_up = current.int("/status/availableReplicas").unwrap_or(0) >= wanted;
    if !recreate || old_pods == 0 {
        scale(world, deployment, current, wanted).await?;
    }
    for set in old {
        if recreate || new_is_up {
            scale(world, deployment, set, 0).await?;
        }
    }
    Ok(())
}

async fn scale(world: &World, deployment: &Object, set: &Object, wanted: i64) -> Result<()> {
    let now = set.int("/spec/replicas").unwrap_or(1);
    if now == wanted {
        return Ok(());
    }
    let key = Key::new(Kind::ReplicaSet, set.namespace(), set.name());
    world
        .patch(&key, MANAGER, &json!({"spec": {"replicas": wanted}}))
        .await?;
    let direction = if wanted > now { "up" } else { "down" };
    let message = format!(
        "Scaled {direction} replica set {} from {now} to {wanted}",
        set.name()
    );
    event::normal(
        world,
        deployment,
        "deployment-controller",
        "ScalingReplicaSet",
        &message,
    );
    Ok(())
}

async fn write_status(
    world: &World,
    deployment: &Object,
    current: &Object,
    sets: &[Arc<Object>],
) -> Result<()> {
    let sum = |field: &str| {
        sets.iter()
            .filter_map(|set| set["status"][field].as_u64())
            .sum::<u64>() as usize
    };
    let wanted = deployment.int("/spec/replicas").unwrap_or(1);
    let updated = current["status"]["replicas"].as_u64().unwrap_or(0) as usize;
    let available = sum("availableReplicas");
    let complete = usize::try_from(wanted)
        .is_ok_and(|wanted| updated == wanted && available == wanted && sum("replicas") == wanted);
    let conditions = conditions(
        deployment,
        current,
        complete,
        usize::try_from(wanted).unwrap_or(0) <= available,
    );
    let status = json!({
        "observedGeneration": deployment.generation(), "replicas": count(sum("replicas")),
        "updatedReplicas": count(updated), "readyReplicas": count(sum("readyReplicas")),
        "availableReplicas": count(available),
        "unavailableReplicas": count(usize::try_from(wanted).unwrap_or(0).saturating_sub(available)),
        "conditions": conditions,
    });
    world
        .settle_status(deployment, MANAGER, status)
        .await
        .map(drop)
}

fn conditions(
    deployment: &Object,
    current: &Object,
    complete: bool,
    available: bool,
) -> Vec<Value> {
    let name = current.name();
    let (reason, message) = if complete {
        (
            "NewReplicaSetAvailable",
            format!("ReplicaSet \"{name}\" has successfully progressed."),
        )
    } else {
        (
            "ReplicaSetUpdated",
            format!("ReplicaSet \"{name}\" is progressing."),
        )
    };
    let up = if available {
        condition(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let kept = |mut new: Value| {
        let old = deployment.condition(new["type"].as_str().unwrap_or_default());
        let same =
            old.is_some_and(|old| old["status"] == new["status"] && old["reason"] == new["reason"]);
        new["lastUpdateTime"] = match old.filter(|_| same) {
            Some(old) => old["lastUpdateTime"].clone(),
            None => new["lastTransitionTime"].clone(),
        };
        new
    };
    let all = with_condition(
        deployment.list("/status/conditions"),
        kept(condition("Progressing", "True", reason, &message)),
    );
    with_condition(&all, kept(up))
}
