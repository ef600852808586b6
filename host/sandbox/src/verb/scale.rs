//! `scale`: the number of replicas of anything that has one, as `autoscaling/v1` Scale.

use serde_json::{Value, json};

use super::write::{Ownership, Write};
use crate::object;
use crate::request::Request;
use crate::resource::ScalePaths;
use crate::respond::{Answer, Reply};
use crate::route::Target;
use crate::status::ApiError;
use crate::world::World;

pub(crate) fn scale(world: &World, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let paths = target
        .resource
        .scale
        .as_ref()
        .ok_or_else(ApiError::no_such_path)?;
    let mut store = world.store.lock();
    let Some(old) = store.get(&target.resource.bucket(), target.space(), target.name()) else {
        return Err(ApiError::not_found(&target.resource, target.name()));
    };
    let present = read(&old, paths);
    let wanted = match request.method.as_str() {
        "GET" => return Ok(Answer::json(present).into()),
        "PUT" => request.object()?,
        "PATCH" => patched(&present, request)?,
        _ => return Err(ApiError::method_not_allowed()),
    };
    let mut value = Value::clone(&old);
    if let Some(revision) = wanted["metadata"].get("resourceVersion") {
        object::set_metadata(&mut value, "resourceVersion", revision.clone());
    }
    let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        return Err(ApiError::bad_request(format!(
            "Scale.autoscaling \"{}\" is invalid: spec.replicas: Invalid value: {replicas}: must be greater than or equal to 0",
            target.name()
        )));
    }
    set(&mut value, &paths.spec, json!(replicas));
    let mut write = Write::new(world, target, request)?;
    let stored = write.update(&mut store, &old, value, Ownership::Update)?;
    Ok(Answer::json(read(&stored, paths)).into())
}

fn patched(present: &Value, request: &Request) -> Result<Value, ApiError> {
    let mut wanted = present.clone();
    let patch = if request.content_type() == "application/apply-patch+yaml" {
        request.yaml()?
    } else {
        request.json()?
    };
    if patch.is_array() {
        let operations: json_patch::Patch = serde_json::from_value(patch)
            .map_err(|err| ApiError::bad_request(format!("error decoding patch: {err}")))?;
        json_patch::patch(&mut wanted, &operations)
            .map_err(|err| ApiError::bad_request(err.to_string()))?;
    } else {
        json_patch::merge(&mut wanted, &patch);
    }
    Ok(wanted)
}

fn read(value: &Value, paths: &ScalePaths) -> Value {
    let metadata = &value["metadata"];
    let mut kept = json!({});
    for key in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(field) = metadata.get(key) {
            kept[key] = field.clone();
        }
    }
    let number = |path: &str| {
        value
            .pointer(&pointer(path))
            .and_then(Value::as_i64)
            .unwrap_or(0)
    };
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept,
        "spec": {}, "status": { "replicas": number(&paths.status) },
    });
    if number(&paths.spec) != 0 {
        scale["spec"]["replicas"] = json!(number(&paths.spec));
    }
    let selector = match &paths.selector {
        Some(path) => value
            .pointer(&pointer(path))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        None => selector(&value["spec"]["selector"]),
    };
    if !selector.is_empty() {
        scale["status"]["selector"] = json!(selector);
    }
    scale
}

/// A label selector as text.
fn selector(value: &Value) -> String {
    let pairs = value["matchLabels"].as_object().into_iter().flatten();
    pairs
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(",")
}

fn pointer(path: &str) -> String {
    path.replace('.', "/")
}

fn set(value: &mut Value, path: &str, new: Value) {
    let (parents, last) = path
        .trim_start_matches('.')
        .rsplit_once('.')
        .unwrap_or(("", path));
    let parent = parents
        .split('.')
        .filter(|key| !key.is_empty())
        .fold(value, |value, key| {
            object::child_mut(value, key);
            &mut value[key]
        });
    parent[last] = new;
}
