//! The schemas of everything that is served, for clients that explain, validate and merge.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::discovery::group_versions;
use crate::resource::Resource;
use crate::respond::Answer;
use crate::schema;
use crate::status::ApiError;

const REFERENCE: &str = "#/components/schemas/";

/// Answers below `/openapi`.
pub(crate) fn answer(resources: &[Arc<Resource>], parts: &[&str]) -> Result<Answer, ApiError> {
    match parts {
        ["v3"] => Ok(Answer::json(index(resources))),
        ["v3", "api", version] => document(resources, "", version).map(Answer::json),
        ["v3", "apis", group, version] => document(resources, group, version).map(Answer::json),
        ["v2"] => Ok(Answer::json(swagger(resources))),
        _ => Err(ApiError::no_such_path()),
    }
}

fn root(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

fn index(resources: &[Arc<Resource>]) -> Value {
    let mut paths = Map::new();
    for (group, versions) in group_versions(resources) {
        for version in versions {
            let root = root(&group, &version);
            let hash = fingerprint(resources, &group, &version);
            paths.insert(
                root.clone(),
                json!({ "serverRelativeURL": format!("/openapi/v3/{root}?hash={hash}") }),
            );
        }
    }
    json!({ "paths": paths })
}

/// Changes when the schemas of a version do: clients keep documents by it.
fn fingerprint(resources: &[Arc<Resource>], group: &str, version: &str) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    for resource in resources
        .iter()
        .filter(|resource| resource.group == group && resource.version == version)
    {
        resource.schema_name().hash(&mut hasher);
        resource
            .custom_schema()
            .map(Value::to_string)
            .hash(&mut hasher);
    }
    format!("{:016X}", hasher.finish())
}

fn document(resources: &[Arc<Resource>], group: &str, version: &str) -> Result<Value, ApiError> {
    let chosen: Vec<&Arc<Resource>> = resources
        .iter()
        .filter(|resource| resource.group == group && resource.version == version)
        .collect();
    if chosen.is_empty() {
        return Err(ApiError::no_such_path());
    }
    let (mut schemas, mut paths) = (Map::new(), Map::new());
    for resource in chosen {
        add_schemas(resource, &mut schemas);
        add_paths(resource, &mut paths);
    }
    Ok(json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "v1.36.3" },
        "paths": paths, "components": { "schemas": schemas },
    }))
}

fn gvk(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn add_schemas(resource: &Resource, schemas: &mut Map<String, Value>) {
    let own = match resource.custom_schema() {
        None => json!({ "$ref": format!("{REFERENCE}{}", resource.schema_name()) }),
        Some(declared) => {
            let schema = published(declared, resource);
            schemas.insert(resource.schema_name(), schema.clone());
            schema
        }
    };
    reach(&own, schemas);
    let list = json!({
        "type": "object", "required": ["items"], "x-kubernetes-group-version-kind": [{ "group": resource.group, "version": resource.version, "kind": resource.list_kind }],
        "properties": {
            "apiVersion": { "type": "string" }, "kind": { "type": "string" },
            "metadata": { "$ref": format!("{REFERENCE}io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta") },
            "items": { "type": "array", "items": { "$ref": format!("{REFERENCE}{}", resource.schema_name()) } },
        },
    });
    reach(&list, schemas);
    schemas.insert(format!("{}List", resource.schema_name()), list);
}

/// A declared schema as it is published: with its kind, and the fields that every object has.
fn published(declared: &Value, resource: &Resource) -> Value {
    let mut schema = declared.clone();
    schema["x-kubernetes-group-version-kind"] = json!([gvk(resource)]);
    let properties = crate::object::child_mut(&mut schema, "properties");
    for name in ["apiVersion", "kind"] {
        properties
            .entry(name)
            .or_insert_with(|| json!({ "type": "string" }));
    }
    schema
}

/// Adds every built-in schema that `value` refers to, and what those refer to.
fn reach(value: &Value, schemas: &mut Map<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                let Some(name) = child
                    .as_str()
                    .filter(|_| key == "$ref")
                    .and_then(|path| path.strip_prefix(REFERENCE))
                else {
                    reach(child, schemas);
                    continue;
                };
                if let Some(found) = schema::builtin()
                    .get(name)
                    .filter(|_| !schemas.contains_key(name))
                {
                    schemas.insert(name.to_owned(), found.clone());
                    reach(found, schemas);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| reach(item, schemas)),
        _ => {}
    }
}

/// The operations, as far as clients look at them: which parameters each takes.
fn add_paths(resource: &Resource, paths: &mut Map<String, Value>) {
    let space = if resource.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    let collection = format!(
        "/{}{space}/{}",
        root(&resource.group, &resource.version),
        resource.plural
    );
    let query = |name: &str| json!({ "in": "query", "name": name, "schema": { "type": "string", "uniqueItems": true } });
    let write = json!([
        query("dryRun"),
        query("fieldManager"),
        query("fieldValidation")
    ]);
    let schema = json!({ "$ref": format!("{REFERENCE}{}", resource.schema_name()) });
    let operation = |action: &str, parameters: &Value| {
        json!({
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk(resource), "parameters": parameters,
            "responses": { "200": { "description": "OK", "content": { "application/json": { "schema": schema } } } },
        })
    };
    let none = json!([]);
    paths.insert(
        collection.clone(),
        json!({ "get": operation("list", &none), "post": operation("post", &write) }),
    );
    if resource.verbs.contains(&"patch") {
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({
                "get": operation("get", &none), "put": operation("put", &write), "patch": operation("patch", &write),
                "delete": operation("delete", &json!([query("dryRun")])),
            }),
        );
    }
}

/// The older document, of everything at once.
fn swagger(resources: &[Arc<Resource>]) -> Value {
    let (mut schemas, mut paths) = (Map::new(), Map::new());
    for resource in resources {
        add_schemas(resource, &mut schemas);
        add_paths(resource, &mut paths);
    }
    let mut definitions = Value::Object(schemas);
    rename_references(&mut definitions);
    json!({ "swagger": "2.0", "info": { "title": "Kubernetes", "version": "v1.36.3" }, "paths": {}, "definitions": definitions })
}

fn rename_references(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, child) in map.iter_mut() {
                match child
                    .as_str()
                    .filter(|_| key == "$ref")
                    .and_then(|path| path.strip_prefix(REFERENCE))
                {
                    Some(name) => *child = json!(format!("#/definitions/{name}")),
                    None => rename_references(child),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename_references),
        _ => {}
    }
}
