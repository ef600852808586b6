//! What differs between two states of an object, as sets of fields.

use serde_json::Value;

use super::{Element, FieldSet, Path, item_element};
use crate::schema::{ListType, Schema};

/// The result of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

pub(crate) fn compare(schema: Schema<'_>, old: &Value, new: &Value) -> Comparison {
    let mut comparison = Comparison::default();
    comparison.both(schema, old, new, &mut Vec::new());
    comparison
}

impl Comparison {
    fn both(&mut self, schema: Schema<'_>, old: &Value, new: &Value, path: &mut Path) {
        if old == new {
            return;
        }
        match (old, new) {
            (Value::Object(before), Value::Object(after)) if !schema.is_atomic_map() => {
                let names = before
                    .keys()
                    .chain(after.keys().filter(|name| !before.contains_key(*name)));
                for name in names {
                    path.push(Element::Field(name.clone()));
                    self.pair(schema.field(name), before.get(name), after.get(name), path);
                    path.pop();
                }
            }
            (Value::Array(before), Value::Array(after))
                if schema.list_type() != ListType::Atomic =>
            {
                self.lists(schema, before, after, path);
            }
            (Value::Null, Value::Array(after)) if schema.list_type() != ListType::Atomic => {
                self.lists(schema, &[], after, path);
            }
            _ => self.modified.insert(path),
        }
    }

    fn lists(&mut self, schema: Schema<'_>, before: &[Value], after: &[Value], path: &mut Path) {
        let list_type = schema.list_type();
        let keyed = |items: &[Value]| -> Vec<(Option<Element>, Value)> {
            items
                .iter()
                .map(|item| (item_element(schema, &list_type, item), item.clone()))
                .collect()
        };
        let (before, after) = (keyed(before), keyed(after));
        let find = |items: &[(Option<Element>, Value)], element: &Option<Element>| {
            items
                .iter()
                .find(|(other, _)| other == element)
                .map(|(_, item)| item.clone())
        };
        for (element, item) in &before {
            let Some(step) = element else { continue };
            path.push(step.clone());
            self.pair(
                schema.items(),
                Some(item),
                find(&after, element).as_ref(),
                path,
            );
            path.pop();
        }
        for (element, item) in &after {
            let Some(step) = element
                .as_ref()
                .filter(|_| find(&before, element).is_none())
            else {
                continue;
            };
            path.push(step.clone());
            self.pair(schema.items(), None, Some(item), path);
            path.pop();
        }
    }

    fn pair(
        &mut self,
        schema: Schema<'_>,
        old: Option<&Value>,
        new: Option<&Value>,
        path: &mut Path,
    ) {
        match (old, new) {
            (Some(old), Some(new)) => self.both(schema, old, new, path),
            (None, Some(new)) => every(schema, new, path, &mut self.added),
            (Some(old), None) => every(schema, old, path, &mut self.removed),
            (None, None) => {}
        }
    }
}

/// Adds a value and everything in it.
fn every(schema: Schema<'_>, value: &Value, path: &mut Path, set: &mut FieldSet) {
    let is_item = !matches!(path.last(), Some(Element::Field(_)));
    let is_empty = value.as_object().is_none_or(serde_json::Map::is_empty);
    if is_item || is_empty || !schema.is_always_present() {
        set.insert(path);
    }
    match value {
        Value::Object(map) if !schema.is_atomic_map() => {
            for (name, child) in map {
                path.push(Element::Field(name.clone()));
                every(schema.field(name), child, path, set);
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
                every(schema.items(), item, path, set);
                path.pop();
            }
        }
        _ => {}
    }
}
