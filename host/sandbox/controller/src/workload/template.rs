//! Pod templates: their hash, whether a pod was made from one, and the pod that is made.

use crate::object::Object;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

fn letters(seed: &[u8], length: usize) -> String {
    let digest = Sha256::digest(seed);
    digest
        .iter()
        .take(length)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

/// The hash of a template, in the letters of generated names.
pub(crate) fn hash(template: &Value) -> String {
    letters(template.to_string().as_bytes(), 10)
}

/// A suffix that no other name in this process has.
pub(crate) fn fresh_suffix() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    letters(
        format!("{count} {}", jiff::Timestamp::now().as_nanosecond()).as_bytes(),
        5,
    )
}

/// Whether a pod runs what the template says: images, commands, environment, volumes, labels and annotations. Fields that
/// the server completes are not compared.
pub(crate) fn made(pod: &Object, template: &Value) -> bool {
    let containers = template["spec"]["containers"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let runs = pod.list("/spec/containers");
    let same = |wanted: &Value, got: &Value| {
        ["name", "image", "command", "args", "env", "envFrom"]
            .iter()
            .all(|field| wanted[*field] == got[*field])
    };
    containers.len() == runs.len()
        && containers
            .iter()
            .zip(runs)
            .all(|(wanted, got)| same(wanted, got))
        && ["labels", "annotations"]
            .iter()
            .all(|part| is_part(&template["metadata"][*part], &pod["metadata"][*part]))
}

fn is_part(wanted: &Value, got: &Value) -> bool {
    wanted
        .as_object()
        .is_none_or(|wanted| wanted.iter().all(|(name, value)| got[name] == *value))
}

/// A new pod of an owner.
pub(crate) fn pod(owner: &Object, name: &str, template: &Value, labels: &[(&str, &str)]) -> Value {
    let mut metadata = template["metadata"].clone();
    if !metadata.is_object() {
        metadata = json!({});
    }
    metadata["name"] = json!(name);
    metadata["namespace"] = json!(owner.namespace());
    metadata["ownerReferences"] = owner.as_owner();
    metadata["generateName"] = json!(format!("{}-", owner.name()));
    for (label, value) in labels {
        metadata["labels"][*label] = json!(value);
    }
    if let Some(fields) = metadata.as_object_mut() {
        fields.remove("creationTimestamp");
    }
    json!({"metadata": metadata, "spec": template["spec"]})
}
