//! Removing what a schema does not know, and saying what was removed.

use serde_json::Value;

use super::{OBJECT_META, Rest, Schema, join, named};

/// Drops unknown fields, and nulls where the schema has no null; appends the paths of unknown fields to `unknown`.
pub(crate) fn prune(schema: Schema<'_>, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(_) => prune_object(schema, value, path, unknown),
        Value::Array(items) => {
            let each = schema.items();
            for (index, item) in items.iter_mut().enumerate() {
                prune(each, item, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

fn prune_object(schema: Schema<'_>, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    let Value::Object(map) = value else { return };
    let names: Vec<String> = map.keys().cloned().collect();
    for name in names {
        let known = schema
            .property(&name)
            .or_else(|| envelope(schema, path, &name));
        let inner = match (known, schema.rest()) {
            (Some(inner), _) | (None, Rest::Each(inner)) => inner,
            (None, Rest::Anything) => continue,
            (None, Rest::Nothing) => {
                unknown.push(join(path, &name));
                map.remove(&name);
                continue;
            }
        };
        if map[&name].is_null() && !inner.is_nullable() && !inner.preserves_unknown() {
            map.remove(&name);
        } else if let Some(child) = map.get_mut(&name) {
            prune(inner, child, &join(path, &name), unknown);
        }
    }
}

/// The fields that the root of a custom resource has without declaring them, and an embedded object likewise.
fn envelope(schema: Schema<'_>, path: &str, name: &str) -> Option<Schema<'static>> {
    if !path.is_empty() && !schema.is_embedded_resource() {
        return None;
    }
    match name {
        "apiVersion" | "kind" => Some(Schema::anything()),
        "metadata" => Some(named(OBJECT_META)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_go_and_are_named() {
        let schema = json!({"type":"object","properties":{"spec":{"type":"object","properties":{
            "list":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}}},
            "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}});
        let mut value = json!({"apiVersion":"v1","kind":"X","metadata":{"name":"n","nope":1},
            "spec":{"list":[{"a":"x","b":1}],"free":{"z":null},"other":2}});
        let mut unknown = Vec::new();
        prune(Schema::structural(&schema), &mut value, "", &mut unknown);
        unknown.sort();
        assert_eq!(unknown, ["metadata.nope", "spec.list[0].b", "spec.other"]);
        assert_eq!(value["spec"], json!({"list":[{"a":"x"}],"free":{"z":null}}));
    }
}
