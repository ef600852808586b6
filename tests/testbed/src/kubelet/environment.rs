//! The environment of a container.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::Api;
use serde_json::Value;

use super::Node;
use super::volume::{text, values};

/// The variables of a container, or in the inner error what keeps it from being made: a kubelet's `CreateContainerConfigError`.
pub(super) async fn of(
    node: &Node,
    pod: &Value,
    container: &Value,
) -> Result<Result<BTreeMap<String, String>, String>> {
    let namespace = text(&pod["metadata"]["namespace"]);
    let mut variables = BTreeMap::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        for kind in ["secret", "configMap"] {
            let reference = &source[format!("{kind}Ref")];
            if !reference.is_object() {
                continue;
            }
            match read(node, namespace, kind, text(&reference["name"])).await? {
                Some(data) => variables.extend(data),
                None if reference["optional"] == true => {}
                None => return Ok(Err(missing(kind, reference))),
            }
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = text(&variable["name"]).to_owned();
        let from = &variable["valueFrom"];
        let kinds = ["secret", "configMap"];
        let kind = kinds
            .into_iter()
            .find(|kind| from[key_of(kind)].is_object());
        let Some(kind) = kind else {
            let field = text(&from["fieldRef"]["fieldPath"]).replace('.', "/");
            let field = pod.pointer(&format!("/{field}")).and_then(Value::as_str);
            let value = variable["value"].as_str().or(field).unwrap_or_default();
            variables.insert(name, value.to_owned());
            continue;
        };
        let reference = &from[key_of(kind)];
        let optional = reference["optional"] == true;
        let data = read(node, namespace, kind, text(&reference["name"])).await?;
        let key = text(&reference["key"]);
        match data.map(|mut data| data.remove(key)) {
            Some(Some(value)) => drop(variables.insert(name, value)),
            _ if optional => {}
            None => return Ok(Err(missing(kind, reference))),
            Some(None) => {
                let (of, name) = (capital(kind), text(&reference["name"]));
                let why = format!("couldn't find key {key} in {of} {namespace}/{name}");
                return Ok(Err(why));
            }
        }
    }
    Ok(Ok(variables))
}

fn key_of(kind: &str) -> String {
    format!("{kind}KeyRef")
}

fn capital(kind: &str) -> &'static str {
    match kind {
        "secret" => "Secret",
        _ => "ConfigMap",
    }
}

fn missing(kind: &str, reference: &Value) -> String {
    let name = text(&reference["name"]);
    format!("{} \"{name}\" not found", kind.to_lowercase())
}

async fn read(
    node: &Node,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Result<Option<BTreeMap<String, String>>> {
    if kind == "secret" {
        let secrets: Api<Secret> = Api::namespaced(node.client.clone(), namespace);
        let secret = secrets.get_opt(name).await?;
        let data = secret.map(|secret| serde_json::to_value(secret.data));
        return Ok(data.transpose()?.as_ref().map(values));
    }
    let maps: Api<ConfigMap> = Api::namespaced(node.client.clone(), namespace);
    let map = maps.get_opt(name).await?;
    Ok(map.map(|map| map.data.unwrap_or_default()))
}
