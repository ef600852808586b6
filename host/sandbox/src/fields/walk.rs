//! Which fields an applied configuration names, and taking fields out of an object.

use serde_json::{Value, json};

use super::{Element, FieldSet, Path, item_element};
use crate::schema::{ListType, Schema};

/// The fields that a configuration has an opinion about.
pub(crate) fn fields_of(schema: Schema<'_>, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    visit(schema, value, &mut Vec::new(), &mut set);
    set
}

fn visit(schema: Schema<'_>, value: &Value, path: &mut Path, set: &mut FieldSet) {
    match value {
        Value::Object(map) if !schema.is_atomic_map() => {
            for (name, child) in map {
                path.push(Element::Field(name.clone()));
                let is_empty =
                    child.is_null() || child.as_object().is_some_and(serde_json::Map::is_empty);
                if is_empty || schema.property(name).is_none() {
                    set.insert(path);
                }
                visit(schema.field(name), child, path, set);
                path.pop();
            }
        }
        Value::Array(items) if schema.list_type() != ListType::Atomic => {
            let list_type = schema.list_type();
            for item in items {
                let Some(element) = item_element(schema, &list_type, item) else {
                    continue;
                };
                path.push(element);
                set.insert(path);
                visit(schema.items(), item, path, set);
                path.pop();
            }
        }
        _ => set.insert(path),
    }
}

/// The value at `path`.
pub(crate) fn find<'a>(
    schema: Schema<'_>,
    value: &'a Value,
    path: &[Element],
) -> Option<&'a Value> {
    let Some((first, rest)) = path.split_first() else {
        return Some(value);
    };
    match first {
        Element::Field(name) => find(schema.field(name), value.get(name)?, rest),
        Element::Index(index) => find(schema.items(), value.get(*index)?, rest),
        Element::Key(_) | Element::Value(_) => {
            let list_type = schema.list_type();
            let item = value
                .as_array()?
                .iter()
                .find(|item| item_element(schema, &list_type, item).as_ref() == Some(first))?;
            find(schema.items(), item, rest)
        }
    }
}

/// Takes the value at `path` out of its parent.
pub(crate) fn take_out(schema: Schema<'_>, value: &mut Value, path: &[Element]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match first {
        Element::Field(name) if rest.is_empty() => {
            if let Some(map) = value.as_object_mut() {
                map.remove(name);
            }
        }
        Element::Field(name) => {
            if let Some(child) = value.get_mut(name) {
                take_out(schema.field(name), child, rest);
            }
        }
        Element::Key(_) | Element::Value(_) => take_out_item(schema, value, first, rest),
        Element::Index(_) => {}
    }
}

fn take_out_item(schema: Schema<'_>, value: &mut Value, element: &Element, rest: &[Element]) {
    let list_type = schema.list_type();
    let Some(items) = value.as_array_mut() else {
        return;
    };
    let Some(at) = items
        .iter()
        .position(|item| item_element(schema, &list_type, item).as_ref() == Some(element))
    else {
        return;
    };
    if rest.is_empty() {
        items.remove(at);
    } else {
        take_out(schema.items(), &mut items[at], rest);
    }
}

/// Merges a configuration into an object, item by item where lists have keys.
pub(crate) fn merge(schema: Schema<'_>, live: &mut Value, config: &Value) {
    match (&mut *live, config) {
        (Value::Object(mine), Value::Object(theirs)) if !schema.is_atomic_map() => {
            for (name, child) in theirs {
                match mine.get_mut(name) {
                    Some(current) => merge(schema.field(name), current, child),
                    None => drop(mine.insert(name.clone(), child.clone())),
                }
            }
        }
        (Value::Array(mine), Value::Array(theirs)) if schema.list_type() != ListType::Atomic => {
            let list_type = schema.list_type();
            for item in theirs {
                let element = item_element(schema, &list_type, item);
                match mine
                    .iter_mut()
                    .find(|current| item_element(schema, &list_type, current) == element)
                {
                    Some(current) => merge(schema.items(), current, item),
                    None => mine.push(item.clone()),
                }
            }
        }
        _ => *live = config.clone(),
    }
}

/// Removes what ownership never speaks of: identity, and what the server writes.
pub(crate) fn strip(set: &mut FieldSet) {
    let field = |name: &str| Element::Field(name.to_owned());
    for name in ["apiVersion", "kind"] {
        set.remove(&[field(name)]);
    }
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        set.remove(&[field("metadata"), field(name)]);
    }
    // `metadata` itself is nobody's, though its labels are somebody's.
    let inner = set.at(&[field("metadata")]).map(FieldSet::to_json);
    if let Some(inner) = inner {
        set.remove(&[field("metadata")]);
        *set = set.union(&FieldSet::from_json(
            &json!({ "f:metadata": without_dot(inner) }),
        ));
    }
}

fn without_dot(mut inner: Value) -> Value {
    if let Some(map) = inner.as_object_mut() {
        map.remove(".");
    }
    if inner.as_object().is_some_and(serde_json::Map::is_empty) {
        Value::Null
    } else {
        inner
    }
}
