//! Object metadata: names, stable uids, labels, owners and field managers.

use crate::clock::Clock;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The hexadecimal SHA-256 of a text: ids that are the same in every run.
pub(crate) fn hex_id(seed: &str) -> String {
    hex::encode(Sha256::digest(seed.as_bytes()))
}

/// A uid in the shape of a version 4 UUID.
pub(crate) fn uid(kind: &str, namespace: &str, name: &str) -> String {
    let id = hex_id(&format!("{kind}/{namespace}/{name}"));
    format!(
        "{}-{}-4{}-a{}-{}",
        &id[0..8],
        &id[8..12],
        &id[13..16],
        &id[17..20],
        &id[20..32]
    )
}

/// A suffix as the API server generates for names: only letters that spell no words.
pub(crate) fn suffix(seed: &str, length: usize) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = Sha256::digest(seed.as_bytes());
    digest
        .iter()
        .take(length)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

/// An object with metadata that a server would have completed. `namespace` is empty for what has none.
pub(crate) fn object(
    clock: &Clock,
    api_version: &str,
    kind: &str,
    namespace: &str,
    name: &str,
) -> Value {
    let mut metadata = json!({
        "name": name,
        "uid": uid(kind, namespace, name),
        "creationTimestamp": clock.days_ago(age_in_days(namespace, name)),
    });
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})
}

fn age_in_days(namespace: &str, name: &str) -> i64 {
    let digest = Sha256::digest(format!("{namespace}/{name}").as_bytes());
    40 + i64::from(digest[0]) % 180
}

/// Labels that Flux sets on what a Kustomization applied.
pub(crate) fn kustomized(object: &mut Value, namespace: &str, kustomization: &str) {
    let labels = &mut object["metadata"]["labels"];
    labels["kustomize.toolkit.fluxcd.io/name"] = json!(kustomization);
    labels["kustomize.toolkit.fluxcd.io/namespace"] = json!(namespace);
}

/// Labels that helm-controller sets on what a HelmRelease installed.
pub(crate) fn helmed(object: &mut Value, namespace: &str, release: &str) {
    let labels = &mut object["metadata"]["labels"];
    labels["app.kubernetes.io/managed-by"] = json!("Helm");
    labels["helm.toolkit.fluxcd.io/name"] = json!(release);
    labels["helm.toolkit.fluxcd.io/namespace"] = json!(namespace);
}

/// Says that `owner` controls the object.
pub(crate) fn owned(object: &mut Value, owner: &Value) {
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    }]);
}

/// Records that `manager` wrote the labels, annotations and spec that the object has now, by server-side apply, and that
/// `controller` (none when empty) wrote its status. Lists are recorded whole, as atomic ones are.
pub(crate) fn managed(object: &mut Value, manager: &str, controller: &str) {
    let time = object["metadata"]["creationTimestamp"].clone();
    let api_version = object["apiVersion"].clone();
    let mut fields = Map::new();
    for part in ["labels", "annotations"] {
        if object["metadata"][part].is_object() {
            fields.insert(format!("f:{part}"), field_set(&object["metadata"][part]));
        }
    }
    let mut set = json!({"f:metadata": fields});
    if object["spec"].is_object() {
        set["f:spec"] = field_set(&object["spec"]);
    }
    let mut entries = vec![json!({
        "manager": manager, "operation": "Apply", "apiVersion": api_version, "time": time,
        "fieldsType": "FieldsV1", "fieldsV1": set,
    })];
    if !controller.is_empty() && object["status"].is_object() {
        entries.push(json!({
            "manager": controller, "operation": "Update", "apiVersion": object["apiVersion"], "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": {"f:status": field_set(&object["status"])}, "subresource": "status",
        }));
    }
    object["metadata"]["managedFields"] = json!(entries);
}

fn field_set(value: &Value) -> Value {
    match value.as_object() {
        Some(fields) => fields
            .iter()
            .map(|(name, value)| (format!("f:{name}"), field_set(value)))
            .collect(),
        None => json!({}),
    }
}

/// A `Ready`-like condition.
pub(crate) fn condition(kind: &str, reason: &str, message: &str, time: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": time})
}

/// The object as a person would send it.
pub(crate) fn without_server_fields(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(fields) = object["metadata"].as_object_mut() {
        for name in [
            "uid",
            "creationTimestamp",
            "managedFields",
            "generation",
            "resourceVersion",
        ] {
            fields.remove(name);
        }
    }
    object
}
