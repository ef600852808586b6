//! Quotas: how many objects a namespace may hold, and what its pods must say. The words are those of the API server 1.36.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::{Bucket, Inner};

/// What a pod must say of each container when a quota limits it.
const COMPUTE: [(&str, &str, &str); 6] = [
    ("cpu", "requests", "cpu"),
    ("memory", "requests", "memory"),
    ("requests.cpu", "requests", "cpu"),
    ("requests.memory", "requests", "memory"),
    ("limits.cpu", "limits", "cpu"),
    ("limits.memory", "limits", "memory"),
];

/// Refuses an object that a quota of its namespace has no room for.
pub(crate) fn check(resource: &Resource, value: &Value, store: &Inner) -> Result<(), ApiError> {
    let space = object::namespace(value);
    for quota in quotas(space, store) {
        let refuse = |why: String| Err(forbidden(resource, object::name(value), &why));
        let missing = unsaid(resource, value, &quota["spec"]["hard"]);
        if !missing.is_empty() {
            return refuse(format!(
                "failed quota: {}: must specify {}",
                object::name(&quota),
                missing.join("; ")
            ));
        }
        for (key, used) in counted(resource, space, store) {
            let Some(hard) = number(&quota["spec"]["hard"][&key]) else {
                continue;
            };
            if used + 1 > hard {
                return refuse(format!(
                    "exceeded quota: {}, requested: {key}=1, used: {key}={used}, limited: {key}={hard}",
                    object::name(&quota)
                ));
            }
        }
    }
    Ok(())
}

fn quotas(space: &str, store: &Inner) -> Vec<Arc<Value>> {
    if space.is_empty() {
        return Vec::new();
    }
    store.list(&Bucket::new("", "resourcequotas"), Some(space), None)
}

/// The names by which quotas count objects of a kind, and how many there are. Pods that are over count for `count/pods` only.
fn counted(resource: &Resource, space: &str, store: &Inner) -> Vec<(String, i64)> {
    let all = store.list(&resource.bucket(), Some(space), None);
    let count = |all: usize| i64::try_from(all).unwrap_or(i64::MAX);
    let plural = resource.plural.as_str();
    if !resource.group.is_empty() {
        return vec![(
            format!("count/{plural}.{}", resource.group),
            count(all.len()),
        )];
    }
    let live = all
        .iter()
        .filter(|one| plural != "pods" || !super::is_over(one));
    vec![
        (format!("count/{plural}"), count(all.len())),
        (plural.to_owned(), count(live.count())),
    ]
}

fn unsaid(resource: &Resource, pod: &Value, hard: &Value) -> Vec<String> {
    if !resource.is("", "pods") {
        return Vec::new();
    }
    let limited = COMPUTE.iter().filter(|(key, ..)| !hard[*key].is_null());
    limited
        .filter_map(|(key, list, kind)| {
            let silent = |one: &&Value| one["resources"][*list][*kind].is_null();
            let containers = object::list(&pod["spec"]["containers"]);
            let names: Vec<&str> = containers
                .iter()
                .filter(silent)
                .filter_map(|one| one["name"].as_str())
                .collect();
            (!names.is_empty()).then(|| format!("{key} for: {}", names.join(",")))
        })
        .collect()
}

fn number(quantity: &Value) -> Option<i64> {
    quantity
        .as_i64()
        .or_else(|| quantity.as_str()?.parse().ok())
}

/// What the quota controller has counted.
pub(crate) fn status(value: &Value) -> Value {
    let hard = &value["spec"]["hard"];
    let keys = hard.as_object().into_iter().flatten();
    let used: serde_json::Map<String, Value> =
        keys.map(|(key, _)| (key.clone(), json!("0"))).collect();
    json!({ "hard": hard, "used": used })
}

fn forbidden(resource: &Resource, name: &str, why: &str) -> ApiError {
    let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
    let mut err = ApiError::new(403, "Forbidden", message);
    err.details = Some(json!({ "name": name, "kind": resource.plural, "group": resource.group }));
    err
}
