//! What is in git, and how kustomize-controller's apply brings an object back to it.
//!
//! Three rules (ops-semantics §1.9): a field that is in git gets git's value, whoever wrote another; a field that is not in git
//! and belongs to a manager whose name starts with `kubectl` is removed; any other manager's field stays. The annotation or
//! label `kustomize.toolkit.fluxcd.io/ssa` softens them.

use crate::kind::Kind;
use crate::object::Object;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

const MANAGER: &str = "kustomize-controller";
const LABEL: &str = "kustomize.toolkit.fluxcd.io/name";
const POLICY: &str = "kustomize.toolkit.fluxcd.io/ssa";

/// Objects that Kustomizations applied, as they were when they were first seen: that is git.
#[derive(Default)]
pub(crate) struct Applied {
    objects: Mutex<BTreeMap<Key, Value>>,
}

impl Applied {
    /// Remembers an object the first time that it is seen, when a Kustomization has labelled it.
    pub(crate) fn learn(&self, kind: Kind, object: &Object) {
        if object.label(LABEL).is_none() || object.is_going() {
            return;
        }
        let key = Key::new(kind, object.namespace(), object.name());
        let mut objects = self.objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.entry(key).or_insert_with(|| manifest(object));
    }

    fn get(&self, key: &Key) -> Option<Value> {
        self.objects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }
}

/// What of an object can be in git. Fields that nobody but `kubectl` has written are not.
fn manifest(object: &Object) -> Value {
    let meta = &object["metadata"];
    let mut manifest = json!({"metadata": {"name": meta["name"], "namespace": meta["namespace"]}, "spec": object["spec"]});
    for part in ["labels", "annotations"] {
        if meta[part].is_object() {
            manifest["metadata"][part] = meta[part].clone();
        }
    }
    if let Some(annotations) = manifest["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|name, _| {
            !name.starts_with("reconcile.fluxcd.io/") && !name.starts_with("pv.kubernetes.io/")
        });
    }
    if let Some(spec) = manifest["spec"].as_object_mut() {
        spec.remove("suspend");
    }
    manifest
}

/// Brings an object back to git: creates it when it is gone, else patches what differs.
pub(super) async fn restore(world: &World, key: &Key) -> Result<()> {
    let Some(git) = world.applied.get(key) else {
        return Ok(());
    };
    let Some(cached) = world.cached(key) else {
        return world.create(key.kind, MANAGER, git).await.map(drop);
    };
    if cached.is_going() || correction(&git, &cached).is_none() {
        return Ok(());
    }
    let Some(live) = world.get(key.kind, &key.namespace, &key.name).await? else {
        return Ok(());
    };
    match correction(&git, &live) {
        Some(patch) => world.patch(key, MANAGER, &patch).await.map(drop),
        None => Ok(()),
    }
}

/// The merge patch that brings a live object back to git; none when nothing differs.
fn correction(git: &Value, live: &Object) -> Option<Value> {
    let policy = live
        .annotation(POLICY)
        .or_else(|| live.label(POLICY))
        .unwrap_or("Override");
    if matches!(policy, "IfNotPresent" | "Ignore") {
        return None;
    }
    let mut patch = difference(git, live).unwrap_or_else(|| json!({}));
    if policy != "Merge" {
        for entry in live.list("/metadata/managedFields") {
            let manager = entry["manager"].as_str().unwrap_or_default();
            if manager.starts_with("kubectl") && entry["subresource"].is_null() {
                unite(&mut patch, removal(&entry["fieldsV1"], git, live));
            }
        }
    }
    (patch.as_object().is_some_and(|fields| !fields.is_empty())).then_some(patch)
}

/// What of `wanted` the live value lacks or has otherwise.
fn difference(wanted: &Value, live: &Value) -> Option<Value> {
    let Some(fields) = wanted.as_object() else {
        return (wanted != live && !wanted.is_null()).then(|| wanted.clone());
    };
    let changes: Map<String, Value> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), difference(value, &live[name])?)))
        .collect();
    (!changes.is_empty()).then_some(Value::Object(changes))
}

/// The merge patch that removes these fields where git has none and the live object has some.
fn removal(set: &Value, git: &Value, live: &Value) -> Value {
    let mut patch = Map::new();
    for (key, inner) in set.as_object().into_iter().flatten() {
        let Some(name) = key.strip_prefix("f:") else {
            continue;
        };
        if live[name].is_null() {
            continue;
        }
        let nested = inner
            .as_object()
            .is_some_and(|inner| inner.keys().any(|key| key.starts_with("f:")));
        if nested && live[name].is_object() {
            let below = removal(inner, &git[name], &live[name]);
            if below.as_object().is_some_and(|below| !below.is_empty()) {
                patch.insert(name.to_owned(), below);
            }
        } else if git[name].is_null() {
            patch.insert(name.to_owned(), Value::Null);
        }
    }
    Value::Object(patch)
}

/// Puts one merge patch on top of another. A null of either stays: it removes a field.
fn unite(patch: &mut Value, more: Value) {
    match (patch, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                match fields.get_mut(&name) {
                    Some(old) => unite(old, value),
                    None => drop(fields.insert(name, value)),
                }
            }
        }
        (patch, more) => *patch = more,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(manager: &str, annotations: Value) -> Object {
        Object(json!({
            "metadata": {
                "name": "plex", "namespace": "media", "annotations": annotations,
                "managedFields": [{
                    "manager": manager, "operation": "Update",
                    "fieldsV1": {"f:metadata": {"f:annotations": {"f:note": {}}}, "f:spec": {"f:suspend": {}}},
                }],
            },
            "spec": {"interval": "1h", "suspend": true},
        }))
    }

    fn git() -> Value {
        json!({"metadata": {"name": "plex", "namespace": "media"}, "spec": {"interval": "1h"}})
    }

    #[test]
    fn a_field_of_kubectl_is_removed() {
        let patch = correction(&git(), &live("kubectl-patch", json!({"note": "x"}))).unwrap();
        assert_eq!(
            patch,
            json!({"metadata": {"annotations": {"note": null}}, "spec": {"suspend": null}})
        );
    }

    #[test]
    fn a_field_of_any_other_manager_stays() {
        assert_eq!(
            correction(&git(), &live("agent", json!({"note": "x"}))),
            None
        );
    }

    #[test]
    fn a_field_that_is_in_git_gets_git_s_value() {
        let mut changed = live("agent", json!({}));
        changed.0["spec"]["interval"] = json!("5m");
        assert_eq!(
            correction(&git(), &changed).unwrap(),
            json!({"spec": {"interval": "1h"}})
        );
    }

    #[test]
    fn the_ssa_policy_softens_it() {
        assert!(
            correction(
                &git(),
                &live("kubectl-patch", json!({"note": "x", POLICY: "Merge"}))
            )
            .is_none()
        );
        assert!(
            correction(
                &git(),
                &live("kubectl-patch", json!({POLICY: "IfNotPresent"}))
            )
            .is_none()
        );
    }
}
