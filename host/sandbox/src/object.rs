//! Reading and writing the parts that every Kubernetes object has.
//!
//! An object is JSON text to this crate; these functions are its only vocabulary for `metadata`. None of them fails: what is
//! absent reads as empty.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The text at `metadata.<key>`, or "".
pub(crate) fn metadata<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}

pub(crate) fn name(object: &Value) -> &str {
    metadata(object, "name")
}

pub(crate) fn namespace(object: &Value) -> &str {
    metadata(object, "namespace")
}

pub(crate) fn uid(object: &Value) -> &str {
    metadata(object, "uid")
}

pub(crate) fn is_terminating(object: &Value) -> bool {
    object["metadata"]
        .get("deletionTimestamp")
        .is_some_and(|time| !time.is_null())
}

pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    strings(&object["metadata"]["finalizers"])
}

pub(crate) fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The items at `key`, to change; none where there is no list.
pub(crate) fn items_mut<'a>(
    value: &'a mut Value,
    key: &str,
) -> impl Iterator<Item = &'a mut Value> {
    value
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// `metadata` as a map, made when it is absent.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    child_mut(object, "metadata")
}

/// The map at `key`, made when it is absent or not a map.
pub(crate) fn child_mut<'a>(object: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !object.is_object() {
        *object = json!({});
    }
    let slot = &mut object[key];
    if !slot.is_object() {
        *slot = json!({});
    }
    match slot {
        Value::Object(map) => map,
        _ => unreachable!("the slot was just made a map"),
    }
}

pub(crate) fn set_metadata(object: &mut Value, key: &str, value: Value) {
    metadata_mut(object).insert(key.to_owned(), value);
}

pub(crate) fn remove_metadata(object: &mut Value, key: &str) {
    metadata_mut(object).remove(key);
}

pub(crate) fn remove_finalizer(object: &mut Value, finalizer: &str) {
    let list = object
        .get_mut("metadata")
        .and_then(|metadata| metadata.get_mut("finalizers"));
    if let Some(list) = list.and_then(Value::as_array_mut) {
        list.retain(|entry| entry != finalizer);
        if list.is_empty() {
            remove_metadata(object, "finalizers");
        }
    }
}

/// Writes `metadata.resourceVersion`.
pub(crate) fn stamp(object: &mut Value, revision: u64) {
    set_metadata(object, "resourceVersion", json!(revision.to_string()));
}

/// Sets `key` only where the object has none.
pub(crate) fn default(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Value::Object(map) = object
        && map.get(key).is_none_or(Value::is_null)
    {
        map.insert(key.to_owned(), value.into());
    }
}

/// Now, with the second resolution of `metav1.Time`.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A random UUID, version 4.
pub(crate) fn new_uid() -> String {
    let mut bytes = [0_u8; 16];
    random(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Five characters of the alphabet that `generateName` uses.
pub(crate) fn name_suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut bytes = [0_u8; 5];
    random(&mut bytes);
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random bytes");
}
