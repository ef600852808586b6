//! Tables: what `kubectl get` prints, decided by the server.

pub(crate) mod age;
pub(crate) mod jsonpath;
mod kind;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::resource::Resource;
use crate::respond::accept::{Accept, IncludeObject};
use crate::respond::{partial, versioned};

/// The `meta.k8s.io/v1` Table of `items`.
pub(crate) fn render(
    resource: &Resource,
    items: &[Arc<Value>],
    metadata: Value,
    accept: &Accept,
) -> Value {
    let rows: Vec<Value> = items
        .iter()
        .map(|item| row(resource, item, accept))
        .collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions(resource), "rows": rows,
    })
}

fn row(resource: &Resource, item: &Arc<Value>, accept: &Accept) -> Value {
    let mut row = json!({ "cells": cells(resource, item) });
    match accept.include {
        IncludeObject::None => {}
        IncludeObject::Metadata => row["object"] = partial(item),
        IncludeObject::Object => row["object"] = Value::clone(&versioned(item, resource)),
    }
    row
}

fn definition(
    name: &str,
    type_name: &str,
    format: &str,
    description: &str,
    priority: i64,
) -> Value {
    json!({ "name": name, "type": type_name, "format": format, "description": description, "priority": priority })
}

fn definitions(resource: &Resource) -> Vec<Value> {
    if let Some(layout) = kind::layout(resource) {
        let headings = layout.headings.iter();
        return headings
            .map(|(name, type_name, wide)| {
                let format = if *name == "Name" { "name" } else { "" };
                definition(name, type_name, format, "", i64::from(*wide))
            })
            .collect();
    }
    let name = definition(
        "Name",
        "string",
        "name",
        "Name must be unique within a namespace.",
        0,
    );
    let mut definitions = vec![name];
    definitions.extend(resource.columns.iter().map(|column| {
        definition(
            &column.name,
            &column.type_name,
            &column.format,
            &column.description,
            column.priority,
        )
    }));
    if resource.columns.is_empty() {
        definitions.push(definition("Age", "date", "", "", 0));
    }
    definitions
}

fn cells(resource: &Resource, item: &Value) -> Vec<Value> {
    if let Some(layout) = kind::layout(resource) {
        return (layout.cells)(item);
    }
    let mut cells = vec![item["metadata"]["name"].clone()];
    cells.extend(resource.columns.iter().map(|column| {
        let found = jsonpath::find(&column.path, item);
        if column.type_name == "date" {
            json!(age::of(found.as_ref().and_then(Value::as_str)))
        } else {
            printed(found, &column.type_name)
        }
    }));
    if resource.columns.is_empty() {
        cells.push(json!(age::of(
            item["metadata"]["creationTimestamp"].as_str()
        )));
    }
    cells
}

/// A value of a custom resource in the type of its column.
fn printed(found: Option<Value>, type_name: &str) -> Value {
    match (found, type_name) {
        (None, _) => Value::Null,
        (Some(value @ Value::Number(_)), "integer" | "number")
        | (Some(value @ Value::Bool(_)), "boolean") => value,
        (Some(Value::String(text)), _) => json!(text),
        (Some(other), _) => json!(other.to_string()),
    }
}
