//! Which fields a merge patch sets, what they were before, and the patch that puts them back.

use std::borrow::Cow;

use agent_core::effect::FieldChange;
use serde_json::{Map, Value, json};

use super::client::Body;

mod operations;

pub(crate) use operations::Operations;

/// Returns the JSON Pointers of the leaves of a merge patch (RFC 7386), with their values; none for a field that the patch removes.
/// Whatever identifies the object is no field to change.
pub(crate) fn leaves(patch: &Value) -> Vec<(String, Option<Value>)> {
    let mut found = Vec::new();
    descend(patch, String::new(), &mut found);
    found.retain(|(path, _)| !is_identity(path));
    found
}

fn descend(value: &Value, path: String, found: &mut Vec<(String, Option<Value>)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                descend(value, format!("{path}/{}", escape(key)), found);
            }
        }
        Value::Null => found.push((path, None)),
        _ => found.push((path, Some(value.clone()))),
    }
}

/// What tells which object it is, and in which version.
pub(crate) const IDENTITY: [&str; 6] = [
    "/apiVersion",
    "/kind",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/uid",
    "/metadata/resourceVersion",
];

fn is_identity(path: &str) -> bool {
    IDENTITY.contains(&path)
}

/// Returns every field that a merge patch says something of, as it is and as it becomes, also where that is the same.
///
/// Both are walked: where the patch has an object and the object has something else, such as an array, a text or an explicit null, a merge patch replaces
/// all of that, so it is the field.
pub(crate) fn touched(before: &Value, patch: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    walk(Some(before), patch, String::new(), &mut found);
    found.retain(|change| !is_identity(&change.path));
    found
}

/// Returns the changes that a patch makes to an object: fields that already have the wanted value are left out.
pub(crate) fn changes(before: &Value, patch: &Value) -> Vec<FieldChange> {
    let mut changes = touched(before, patch);
    changes.retain(|change| change.before != change.after);
    changes
}

fn walk(before: Option<&Value>, patch: &Value, path: String, found: &mut Vec<FieldChange>) {
    let Value::Object(fields) = patch else {
        return found.push(FieldChange {
            path,
            before: before.cloned(),
            after: Some(patch.clone()).filter(|value| !value.is_null()),
        });
    };
    match before {
        Some(Value::Object(there)) => {
            for (key, value) in fields {
                let path = format!("{path}/{}", escape(key));
                walk(there.get(key), value, path, found);
            }
        }
        None => {
            let begin = found.len();
            for (key, value) in fields {
                walk(None, value, format!("{path}/{}", escape(key)), found);
            }
            // With nothing in it, it is made all the same.
            if found[begin..].iter().all(|change| change.after.is_none()) {
                found.push(replaced(path, None, patch));
            }
        }
        Some(other) => found.push(replaced(path, Some(other), patch)),
    }
}

fn replaced(path: String, before: Option<&Value>, patch: &Value) -> FieldChange {
    let mut after = Value::Null;
    merge(&mut after, patch);
    FieldChange {
        path,
        before: before.cloned(),
        after: Some(after),
    }
}

/// Returns the pointers to objects that do not exist in `before` and that the changes bring about, outermost first.
pub(crate) fn grown(before: &Value, changes: &[FieldChange]) -> Vec<String> {
    let mut grown: Vec<String> = changes
        .iter()
        .filter(|change| change.after.is_some())
        .flat_map(|change| ancestors(&change.path))
        .filter(|path| at(before, path).is_none())
        .collect();
    grown.sort();
    grown.dedup();
    grown
}

fn ancestors(path: &str) -> impl Iterator<Item = String> + '_ {
    path.match_indices('/')
        .skip(1)
        .map(|(end, _)| path[..end].to_owned())
}

/// What a put-back does to the object as it is now.
#[derive(Debug, PartialEq)]
pub(crate) struct PutBack {
    /// The object as it is to be.
    pub(crate) wanted: Value,
    /// The fields that it restores; none when nothing is to be done.
    pub(crate) restored: Vec<FieldChange>,
    /// What is left to others: the fields with the values that they have now.
    pub(crate) left: Vec<FieldChange>,
}

/// Returns how to put fields back that still have the value which was set. Over anybody else's later change it goes not.
pub(crate) fn put_back(now: &Value, fields: &[FieldChange], grown: &[String]) -> PutBack {
    let (mut restored, mut left) = (Vec::new(), Vec::new());
    let mut wanted = now.clone();
    for field in fields {
        let present = at(now, &field.path);
        if present == field.before.as_ref() {
            continue;
        }
        if present != field.after.as_ref() || is_cut_off(now, &field.path) {
            left.push(FieldChange {
                path: field.path.clone(),
                before: field.before.clone(),
                after: present.cloned(),
            });
            continue;
        }
        match &field.before {
            Some(before) => set(&mut wanted, &field.path, before.clone()),
            None => remove(&mut wanted, &field.path),
        }
        restored.push(field.clone());
    }
    prune(now, &mut wanted, grown);
    PutBack {
        wanted,
        restored,
        left,
    }
}

/// How one state of an object is made of another one.
#[derive(Debug, PartialEq)]
pub(crate) enum Patch {
    /// A JSON merge patch (RFC 7386).
    Merge(Value),
    /// The operations of a JSON patch (RFC 6902): a merge patch cannot set an explicit null.
    Operations(Value),
}

impl Patch {
    /// Returns the operations that make `wanted` of `now`.
    pub(crate) fn operations(now: &Value, wanted: &Value) -> Patch {
        let mut operations = Vec::new();
        json_patch(now, wanted, String::new(), &mut operations);
        Patch::Operations(Value::Array(operations))
    }

    /// Returns what makes `wanted` of `now`.
    pub(crate) fn between(now: &Value, wanted: &Value) -> Patch {
        let patch = merge_patch(now, wanted);
        let mut tried = now.clone();
        merge(&mut tried, &patch);
        if tried == *wanted {
            return Patch::Merge(patch);
        }
        Patch::operations(now, wanted)
    }

    /// Returns it as the body of a request.
    pub(crate) fn body(&self) -> Body<'_> {
        match self {
            Patch::Merge(patch) => Body::Merge(patch),
            Patch::Operations(operations) => Body::Operations(operations),
        }
    }

    /// Has it refused when the object has changed since.
    pub(crate) fn rest_on(&mut self, version: &Value) {
        let path = "/metadata/resourceVersion";
        match self {
            Patch::Merge(patch) => set(patch, path, version.clone()),
            Patch::Operations(Value::Array(operations)) => {
                operations.push(json!({"op": "add", "path": path, "value": version}));
            }
            Patch::Operations(_) => {}
        }
    }
}

fn merge_patch(now: &Value, wanted: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (now, wanted) else {
        return wanted.clone();
    };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        match old.get(key) {
            Some(same) if same == value => {}
            Some(old) => {
                patch.insert(key.clone(), merge_patch(old, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

fn json_patch(now: &Value, wanted: &Value, path: String, operations: &mut Vec<Value>) {
    let (Value::Object(old), Value::Object(new)) = (now, wanted) else {
        if now != wanted {
            operations.push(json!({"op": "add", "path": path, "value": wanted}));
        }
        return;
    };
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        operations.push(json!({"op": "remove", "path": format!("{path}/{}", escape(key))}));
    }
    for (key, value) in new {
        let path = format!("{path}/{}", escape(key));
        match old.get(key) {
            Some(old) => json_patch(old, value, path, operations),
            None => operations.push(json!({"op": "add", "path": path, "value": value})),
        }
    }
}

/// Returns the changes from one state of an object to another, without what the server keeps for itself.
pub(crate) fn difference(before: &Value, after: &Value) -> Vec<FieldChange> {
    difference_of(before, after, is_servers)
}

/// Returns the changes from one state of an object to another, but for some fields.
fn difference_of(before: &Value, after: &Value, but: fn(&str) -> bool) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(Some(before), Some(after), String::new(), but, &mut found);
    found
}

fn compare(
    before: Option<&Value>,
    after: Option<&Value>,
    path: String,
    but: fn(&str) -> bool,
    found: &mut Vec<FieldChange>,
) {
    if before == after || but(&path) {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let path = format!("{path}/{}", escape(key));
            compare(old.get(key), new.get(key), path, but, found);
        }
        return;
    }
    found.push(FieldChange {
        path,
        before: before.cloned(),
        after: after.cloned(),
    });
}

fn is_servers(path: &str) -> bool {
    // Not the status: where it is a resource of its own, a write leaves it as it is, and elsewhere it is a field like any other.
    const SERVERS: [&str; 3] = [
        "/metadata/managedFields",
        "/metadata/generation",
        "/metadata/creationTimestamp",
    ];
    SERVERS.contains(&path) || is_identity(path)
}

/// Removes objects that were made for the fields, where nothing is left in them: innermost first, so that a chain goes as a whole.
fn prune(now: &Value, wanted: &mut Value, grown: &[String]) {
    for path in grown.iter().rev() {
        let left = at(wanted, path);
        let is_empty = matches!(left, Some(Value::Object(fields)) if fields.is_empty());
        if is_empty && left != at(now, path) {
            remove(wanted, path);
        }
    }
}

/// Returns whether something that is no object stands where a field has to be in one.
fn is_cut_off(value: &Value, path: &str) -> bool {
    let mut ancestors = ancestors(path).filter_map(|path| at(value, &path));
    ancestors.any(|value| !value.is_object())
}

/// Sets a value in an object or a merge patch, making the objects on the way.
pub(crate) fn set(object: &mut Value, path: &str, value: Value) {
    let mut at = object;
    for key in path.split('/').skip(1) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Value::Object(fields) = at else { return };
        at = fields.entry(unescape(key)).or_insert(Value::Null);
    }
    *at = value;
}

/// Applies a merge patch (RFC 7386).
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else {
        return;
    };
    for (key, value) in fields {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Merges a value into an object at a pointer, where it may have been written before.
fn merge_at(object: &mut Value, path: &str, value: &Value) {
    let mut patch = value.clone();
    for key in path
        .split('/')
        .skip(1)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
    {
        patch = Value::Object(Map::from_iter([(unescape(key).into_owned(), patch)]));
    }
    merge(object, &patch);
}

/// Returns whether a change may have happened to an object: it has what was set, and perhaps more that the server adds to it.
pub(crate) fn has_happened(now: &Value, changes: &[FieldChange]) -> bool {
    let happened = |change: &FieldChange| match (at(now, &change.path), &change.after) {
        (Some(now), Some(after)) => holds(now, after),
        (now, after) => now.is_none() && after.is_none(),
    };
    changes.iter().all(happened)
}

/// Returns whether nothing of a change has happened to an object.
pub(crate) fn is_before(now: &Value, changes: &[FieldChange]) -> bool {
    let before = |change: &FieldChange| at(now, &change.path) == change.before.as_ref();
    changes.iter().all(before)
}

/// Returns whether a value has another one in it, with fields that were added to its objects.
fn holds(value: &Value, other: &Value) -> bool {
    match (value, other) {
        (Value::Object(fields), Value::Object(others)) => others
            .iter()
            .all(|(key, other)| fields.get(key).is_some_and(|value| holds(value, other))),
        (Value::Array(items), Value::Array(others)) => {
            let mut both = items.iter().zip(others);
            items.len() == others.len() && both.all(|(value, other)| holds(value, other))
        }
        _ => value == other,
    }
}

/// Removes a field of an object.
fn remove(object: &mut Value, path: &str) {
    let mut at = object;
    let mut keys = path.split('/').skip(1).peekable();
    while let (Some(key), Value::Object(fields)) = (keys.next(), at) {
        if keys.peek().is_none() {
            fields.remove(&*unescape(key));
            return;
        }
        match fields.get_mut(&*unescape(key)) {
            Some(next) => at = next,
            None => return,
        }
    }
}

/// Returns a field. Unlike what RFC 6901 says of pointers, a path of a field leads through objects only: a merge patch replaces an array as a whole.
pub(crate) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('/').skip(1);
    keys.try_fold(value, |value, key| value.as_object()?.get(&*unescape(key)))
}

/// Returns a pointer the way people write it: `spec.replicas`.
pub(crate) fn dotted(path: &str) -> String {
    path.split('/')
        .skip(1)
        .map(unescape)
        .collect::<Vec<_>>()
        .join(".")
}

/// Returns a value the way people read it.
pub(crate) fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| format!("`{value}`"))
}

/// Returns a key as a part of a pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Returns a part of a pointer as the key that it stands for. Hardly any has an escape in it.
pub(in crate::cluster) fn unescape(key: &str) -> Cow<'_, str> {
    if key.contains('~') {
        Cow::Owned(key.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(key)
    }
}

#[cfg(test)]
mod tests;
