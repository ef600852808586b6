//! Strategic merge patch, for built-in kinds: lists merge by key, and directives say what to delete or replace.

use serde_json::{Map, Value};

use crate::object;
use crate::schema::Schema;
use crate::status::ApiError;

const DIRECTIVE: &str = "$patch";
const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";
const RETAIN: &str = "$retainKeys";

/// Merges `patch` into `value`.
pub(crate) fn patch(schema: Schema<'_>, value: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let Value::Object(changes) = patch else {
        *value = patch.clone();
        return Ok(());
    };
    match changes.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            *value = without_directives(patch);
            return Ok(());
        }
        Some("delete") => {
            *value = Value::Object(Map::new());
            return Ok(());
        }
        _ => {}
    }
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let server = value.clone();
    retain(value, changes);
    for (key, change) in changes {
        if let Some(name) = key.strip_prefix(DELETE_PRIMITIVES) {
            delete_primitives(value, name, change);
        } else if !key.starts_with('$') {
            field(schema, value, key, change)?;
        }
    }
    for (key, order) in changes {
        if let Some(name) = key.strip_prefix(ORDER) {
            let schema = schema.field(name);
            sort(
                schema,
                value.get_mut(name),
                &server[name],
                object::list(order),
            );
        }
    }
    for (key, change) in changes {
        let merged = change.is_array() && schema.field(key).patch_strategy().contains(&"merge");
        if merged && !changes.contains_key(&format!("{ORDER}{key}")) {
            sort(
                schema.field(key),
                value.get_mut(key),
                &server[key.as_str()],
                object::list(change),
            );
        }
    }
    Ok(())
}

fn field(schema: Schema<'_>, value: &mut Value, key: &str, change: &Value) -> Result<(), ApiError> {
    let schema = schema.field(key);
    let Some(map) = value.as_object_mut() else {
        return Ok(());
    };
    match change {
        Value::Null => drop(map.remove(key)),
        Value::Object(_) if schema.patch_strategy().contains(&"replace") => {
            drop(map.insert(key.to_owned(), without_directives(change)))
        }
        Value::Object(_) => {
            let slot = map.entry(key).or_insert_with(|| Value::Object(Map::new()));
            patch(schema, slot, change)?;
        }
        Value::Array(changes) if schema.patch_strategy().contains(&"merge") => {
            let slot = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            list(schema, slot, changes)?;
        }
        other => drop(map.insert(key.to_owned(), other.clone())),
    }
    Ok(())
}

fn list(schema: Schema<'_>, value: &mut Value, changes: &[Value]) -> Result<(), ApiError> {
    let Some(items) = value.as_array_mut() else {
        return Ok(());
    };
    if changes.iter().any(|change| change[DIRECTIVE] == "replace") {
        *items = changes
            .iter()
            .filter(|change| change.get(DIRECTIVE).is_none())
            .cloned()
            .collect();
        return Ok(());
    }
    let Some(key) = schema.merge_key() else {
        for change in changes {
            if !items.contains(change) {
                items.push(change.clone());
            }
        }
        return Ok(());
    };
    for change in changes {
        let id = change.get(key).ok_or_else(|| {
            ApiError::bad_request(format!(
                "map: {change} does not contain declared merge key: {key}"
            ))
        })?;
        let at = items.iter().position(|item| item.get(key) == Some(id));
        match (change[DIRECTIVE].as_str(), at) {
            (Some("delete"), _) => items.retain(|item| item.get(key) != Some(id)),
            (_, Some(at)) => patch(schema.items(), &mut items[at], change)?,
            (_, None) => {
                let mut item = Value::Object(Map::new());
                patch(schema.items(), &mut item, change)?;
                items.push(item);
            }
        }
    }
    Ok(())
}

fn delete_primitives(value: &mut Value, name: &str, unwanted: &Value) {
    let unwanted = object::list(unwanted);
    if let Some(items) = value.get_mut(name).and_then(Value::as_array_mut) {
        items.retain(|item| !unwanted.contains(item));
    }
}

fn retain(value: &mut Value, changes: &Map<String, Value>) {
    let Some(keys) = changes.get(RETAIN).map(object::strings) else {
        return;
    };
    if let Some(map) = value.as_object_mut() {
        map.retain(|key, _| keys.contains(&key.as_str()));
    }
}

/// Puts the items that the patch speaks of into the patch's order, and the others, which only the server has, between them
/// where they stood: behind what stood before them, and behind what is new.
fn sort(schema: Schema<'_>, value: Option<&mut Value>, server: &Value, order: &[Value]) {
    let Some(items) = value.and_then(Value::as_array_mut) else {
        return;
    };
    let key = schema.merge_key();
    let same = |one: &Value, other: &Value| match key {
        Some(key) => one.get(key) == other.get(key),
        None => one == other,
    };
    let rank = |item: &Value| order.iter().position(|wanted| same(wanted, item));
    let stood = |item: &Value| object::list(server).iter().position(|old| same(old, item));
    let (mut named, others): (Vec<Value>, Vec<Value>) =
        items.drain(..).partition(|item| rank(item).is_some());
    named.sort_by_key(&rank);
    let (mut named, mut others) = (named.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let others_first = match (others.peek(), named.peek()) {
            (None, None) => return,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(other), Some(named)) => {
                matches!((stood(other), stood(named)), (Some(one), Some(two)) if one < two)
            }
        };
        items.extend(if others_first {
            others.next()
        } else {
            named.next()
        });
    }
}

fn without_directives(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !key.starts_with('$'))
            .map(|(key, child)| (key.clone(), without_directives(child)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema;

    fn patched(mut value: Value, change: Value) -> Value {
        patch(
            schema::named("io.k8s.api.apps.v1.Deployment"),
            &mut value,
            &change,
        )
        .expect("a patch");
        value
    }

    #[test]
    fn containers_merge_by_name() {
        let old = json!({"spec":{"template":{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}}}});
        let new = patched(
            old,
            json!({"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"b"}],
            "containers":[{"name":"b","image":"2"},{"name":"a","$patch":"delete"},{"name":"c","image":"3"}]}}}}),
        );
        assert_eq!(
            new["spec"]["template"]["spec"]["containers"],
            json!([{"name":"c","image":"3"},{"name":"b","image":"2"}])
        );
    }

    #[test]
    fn null_deletes_and_retain_keys_keeps_only_those() {
        let old = json!({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}},"paused":true}});
        let new = patched(
            old,
            json!({"spec":{"paused":null,"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}),
        );
        assert_eq!(new, json!({"spec":{"strategy":{"type":"Recreate"}}}));
    }
}
