//! What a write may not change, and what it changes by itself.

use serde_json::{Value, json};

use crate::object;
use crate::resource::Resource;
use crate::status::ApiError;

/// The revision and uid that the new object names must be those of the old one.
pub(crate) fn check_preconditions(
    resource: &Resource,
    old: &Value,
    new: &Value,
) -> Result<(), ApiError> {
    let revision = object::metadata(new, "resourceVersion");
    if !revision.is_empty()
        && revision != "0"
        && revision != object::metadata(old, "resourceVersion")
    {
        return Err(ApiError::stale(resource, object::name(old)));
    }
    let (wanted, found) = (object::uid(new), object::uid(old));
    if !wanted.is_empty() && wanted != found {
        let why = format!(
            "Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}"
        );
        return Err(ApiError::conflict(resource, object::name(old), &why));
    }
    Ok(())
}

/// Carries over what the writer of this subresource has no say in.
pub(crate) fn keep(resource: &Resource, sub: Option<&str>, old: &Value, new: &mut Value) {
    for key in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "name",
        "namespace",
        "resourceVersion",
        "selfLink",
    ] {
        match old["metadata"].get(key) {
            Some(value) => object::set_metadata(new, key, value.clone()),
            None => object::remove_metadata(new, key),
        }
    }
    if sub == Some("status") {
        keep_all_but_status(resource, old, new);
    } else if resource.has_status {
        keep_field(old, new, "status");
    }
    if object::is_terminating(old) {
        // Finalizers may only go while an object is on its way out.
        let before = object::finalizers(old);
        if let Some(list) = new["metadata"]
            .get_mut("finalizers")
            .and_then(Value::as_array_mut)
        {
            list.retain(|entry| entry.as_str().is_some_and(|entry| before.contains(&entry)));
        }
    }
    if resource.is("", "namespaces") && sub.is_none() {
        keep_field(old, new, "spec");
    }
}

fn keep_all_but_status(resource: &Resource, old: &Value, new: &mut Value) {
    let status = new.get("status").cloned();
    let mut metadata = old["metadata"].clone();
    if !resource.is_custom {
        for key in ["annotations", "finalizers"] {
            match new["metadata"].get(key) {
                Some(value) => metadata[key] = value.clone(),
                None => {
                    if let Some(map) = metadata.as_object_mut() {
                        map.remove(key);
                    }
                }
            }
        }
    }
    *new = old.clone();
    new["metadata"] = metadata;
    match (status, new.as_object_mut()) {
        (Some(status), Some(map)) => drop(map.insert("status".into(), status)),
        (None, Some(map)) => drop(map.remove("status")),
        (_, None) => {}
    }
}

fn keep_field(old: &Value, new: &mut Value, key: &str) {
    let Some(map) = new.as_object_mut() else {
        return;
    };
    match old.get(key) {
        Some(value) => drop(map.insert(key.to_owned(), value.clone())),
        None => drop(map.remove(key)),
    }
}

/// One more where what is wanted changed.
pub(crate) fn generation(resource: &Resource, old: &Value, new: &mut Value) {
    if !super::has_generation(resource) {
        return;
    }
    let without = |object: &Value| {
        let mut map = object.as_object().cloned().unwrap_or_default();
        map.remove("metadata");
        map.remove("status");
        map
    };
    let changed = if resource.is_custom {
        without(old) != without(new)
    } else {
        // A Deployment counts its annotations too.
        let annotations = |object: &Value| object["metadata"]["annotations"].clone();
        old["spec"] != new["spec"]
            || resource.is("apps", "deployments") && annotations(old) != annotations(new)
    };
    if changed {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        object::set_metadata(new, "generation", json!(generation));
    }
}
