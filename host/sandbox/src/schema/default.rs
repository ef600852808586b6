//! Filling in the defaults that a schema declares.

use serde_json::{Map, Value};

use super::Schema;

/// The defaults of a custom resource: every declared `default` whose parent exists.
pub(crate) fn structural(schema: Schema<'_>, value: &mut Value) {
    walk(schema, value, &|schema, map| {
        for (name, property) in schema.properties() {
            if let Some(default) = property.default_value()
                && property.is_structural()
                && map
                    .get(name)
                    .is_none_or(|current| current.is_null() && !property.is_nullable())
            {
                map.insert(name.clone(), default.clone());
            }
        }
    });
}

/// What Go writes for built-in types whether it was set or not: empty structs, and the zero values of required fields. So a
/// sparse status is whole.
pub(crate) fn zero_values(schema: Schema<'_>, value: &mut Value) {
    walk(schema, value, &|schema, map: &mut Map<String, Value>| {
        if schema.is_structural() {
            return;
        }
        let required = schema.required();
        for (name, property) in schema.properties() {
            let Some(default) = property.default_value() else {
                continue;
            };
            let written = property.is_always_present() || required.contains(&name.as_str());
            if written && map.get(name).is_none_or(Value::is_null) {
                map.insert(name.clone(), default.clone());
            }
        }
    });
}

fn walk(schema: Schema<'_>, value: &mut Value, fill: &dyn Fn(Schema<'_>, &mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            fill(schema, map);
            for (name, child) in map.iter_mut() {
                walk(schema.field(name), child, fill);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| walk(schema.items(), item, fill)),
        _ => {}
    }
}
