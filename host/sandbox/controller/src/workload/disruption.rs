//! Disruption budgets: how many of their pods may be evicted now. The API server asks their status and nothing else.

use super::MANAGER;
use crate::dispatch::Next;
use crate::kind::Kind;
use crate::object::{Object, now};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Writes the status of a budget.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(budget) = world.cached(key) else {
        return Ok(None);
    };
    let mut pods = world.cached_all(Kind::Pod, budget.namespace());
    pods.retain(|pod| is_selected(pod, &budget["spec"]["selector"]) && !is_over(pod));
    let (evicted, disrupted) = disrupted(&budget, &pods);
    let is_healthy = |pod: &&Arc<Object>| {
        pod.is_true("Ready") && !pod.is_going() && !evicted.contains(pod.name())
    };
    let healthy = count(pods.iter().filter(is_healthy).count());
    let (expected, desired) = wanted(world, &budget, &pods);
    let allowed = match expected {
        0 => 0,
        _ => (healthy - desired).max(0),
    };
    let status = json!({
        "observedGeneration": budget.generation(), "disruptionsAllowed": allowed, "currentHealthy": healthy,
        "desiredHealthy": desired, "expectedPods": expected, "disruptedPods": disrupted,
        "conditions": [condition(&budget, allowed > 0)],
    });
    world.settle_status(&budget, MANAGER, status).await?;
    Ok(None)
}

fn is_over(pod: &Object) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The pods whose eviction the API server has let through and that are not on their way out yet, and the patch of that list.
fn disrupted(budget: &Object, pods: &[Arc<Object>]) -> (BTreeSet<String>, Value) {
    let is_left = |name: &str| pods.iter().any(|pod| pod.name() == name && !pod.is_going());
    let noted = budget["status"]["disruptedPods"].as_object();
    let mut patch = Map::new();
    let mut left = BTreeSet::new();
    for (name, time) in noted.into_iter().flatten() {
        if is_left(name) {
            left.insert(name.clone());
            patch.insert(name.clone(), time.clone());
        } else {
            patch.insert(name.clone(), Value::Null);
        }
    }
    match patch.is_empty() {
        true => (left, Value::Null),
        false => (left, Value::Object(patch)),
    }
}

/// How many pods there are to be, and how many of them have to be healthy.
fn wanted(world: &World, budget: &Object, pods: &[Arc<Object>]) -> (i64, i64) {
    let spec = &budget["spec"];
    if let Some(number) = spec["minAvailable"].as_i64() {
        return (count(pods.len()), number);
    }
    let owners: BTreeSet<(&str, &str)> = pods.iter().filter_map(|pod| pod.owner()).collect();
    let replicas = |(kind, name): &(&str, &str)| {
        let key = Key::new(Kind::named(kind)?, budget.namespace(), name);
        world.cached(&key)?.int("/spec/replicas")
    };
    let expected: i64 = owners.iter().filter_map(replicas).sum();
    let scaled = |value: &Value| match value.as_i64() {
        Some(number) => number,
        None => {
            let percent = value.as_str().and_then(|text| text.strip_suffix('%'));
            let percent: i64 = percent.and_then(|text| text.parse().ok()).unwrap_or(0);
            (expected * percent + 99) / 100
        }
    };
    match spec.get("maxUnavailable") {
        Some(most) => (expected, (expected - scaled(most)).max(0)),
        None => (expected, scaled(&spec["minAvailable"])),
    }
}

fn condition(budget: &Object, allowed: bool) -> Value {
    let (status, reason) = match allowed {
        true => ("True", "SufficientPods"),
        false => ("False", "InsufficientPods"),
    };
    let before = budget.condition("DisruptionAllowed");
    let same = before.filter(|before| before["status"] == status);
    let since = same.map_or_else(
        || json!(now()),
        |before| before["lastTransitionTime"].clone(),
    );
    json!({
        "type": "DisruptionAllowed", "status": status, "reason": reason, "message": "",
        "observedGeneration": budget.generation(), "lastTransitionTime": since,
    })
}

fn is_selected(pod: &Object, selector: &Value) -> bool {
    let Some(selector) = selector.as_object() else {
        return false;
    };
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut labels = labels.into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    let mut expressions = expressions.into_iter().flatten();
    let holds = |expression: &Value| {
        let value = pod.label(expression["key"].as_str().unwrap_or_default());
        let values = expression["values"].as_array();
        let is_among = value.is_some_and(|value| {
            values.is_some_and(|values| values.iter().any(|one| one == value))
        });
        match expression["operator"].as_str() {
            Some("In") => is_among,
            Some("NotIn") => !is_among,
            Some("Exists") => value.is_some(),
            Some("DoesNotExist") => value.is_none(),
            _ => false,
        }
    };
    labels.all(|(key, value)| pod.label(key) == value.as_str()) && expressions.all(holds)
}
