//! Which fields a merge patch sets, what they were before, and the patch that puts them back.

use std::borrow::Cow;

use agent_core::effect::FieldChange;
use serde_json::{Map, Value};

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

/// Returns the changes that a patch makes to an object: leaves that already have the wanted value are left out.
pub(crate) fn changes(before: &Value, patch: &Value) -> Vec<FieldChange> {
    leaves(patch)
        .into_iter()
        .map(|(path, after)| FieldChange {
            before: present(before, &path),
            path,
            after,
        })
        .filter(|change| change.before != change.after)
        .collect()
}

/// Returns the pointers to objects that do not exist in `before` and that the changes bring about, outermost first.
pub(crate) fn grown(before: &Value, changes: &[FieldChange]) -> Vec<String> {
    let mut grown: Vec<String> = changes
        .iter()
        .filter(|change| change.after.is_some())
        .flat_map(|change| ancestors(&change.path))
        .filter(|path| present(before, path).is_none())
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
    /// The merge patch; null when nothing is to be done.
    pub(crate) patch: Value,
    /// The fields that it restores.
    pub(crate) restored: Vec<FieldChange>,
    /// What is left to others: the fields with the values that they have now.
    pub(crate) left: Vec<FieldChange>,
}

/// Returns how to put fields back that still have the value which was set. Over anybody else's later change it goes not.
pub(crate) fn put_back(now: &Value, fields: &[FieldChange], grown: &[String]) -> PutBack {
    let (mut restored, mut left) = (Vec::new(), Vec::new());
    let mut patch = Value::Null;
    for field in fields {
        let present = present(now, &field.path);
        if present == field.before {
            continue;
        }
        if present != field.after {
            left.push(FieldChange {
                path: field.path.clone(),
                before: field.before.clone(),
                after: present,
            });
            continue;
        }
        set(
            &mut patch,
            &field.path,
            field.before.clone().unwrap_or(Value::Null),
        );
        restored.push(field.clone());
    }
    prune(now, &mut patch, grown);
    PutBack {
        patch,
        restored,
        left,
    }
}

/// Returns the changes from one state of an object to another, without what the server keeps for itself.
pub(crate) fn difference(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(Some(before), Some(after), String::new(), &mut found);
    found
}

fn compare(
    before: Option<&Value>,
    after: Option<&Value>,
    path: String,
    found: &mut Vec<FieldChange>,
) {
    let (before, after) = (
        before.filter(|value| !value.is_null()),
        after.filter(|value| !value.is_null()),
    );
    if before == after || is_servers(&path) {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) {
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let path = format!("{path}/{}", escape(key));
            compare(old.get(key), new.get(key), path, found);
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
    const SERVERS: [&str; 4] = [
        "/status",
        "/metadata/managedFields",
        "/metadata/generation",
        "/metadata/creationTimestamp",
    ];
    SERVERS.contains(&path) || is_identity(path)
}

/// Removes objects that were made for the fields, where the patch would leave them empty: innermost first, so that a chain goes as a whole.
fn prune(now: &Value, patch: &mut Value, grown: &[String]) {
    if patch.is_null() {
        return;
    }
    for path in grown.iter().rev() {
        let Some(Value::Object(mut there)) = present(now, path) else {
            continue;
        };
        if let Some(Value::Object(fields)) = patch.pointer(path) {
            there.retain(|key, _| fields.get(key) != Some(&Value::Null));
        }
        if there.is_empty() && patch.pointer(path).is_some() {
            set(patch, path, Value::Null);
        }
    }
}

/// Sets a value in a merge patch, making the objects on the way.
pub(crate) fn set(patch: &mut Value, path: &str, value: Value) {
    let mut at = patch;
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

fn present(value: &Value, path: &str) -> Option<Value> {
    value
        .pointer(path)
        .filter(|value| !value.is_null())
        .cloned()
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

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Returns a part of a pointer as the key that it stands for. Hardly any has an escape in it.
pub(super) fn unescape(key: &str) -> Cow<'_, str> {
    if key.contains('~') {
        Cow::Owned(key.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(key)
    }
}

#[cfg(test)]
mod tests;
