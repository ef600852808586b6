//! The environment of a container, with what it takes from Secrets.

use crate::kind::Kind;
use crate::object::Object;
use crate::world::{Result, World};
use serde_json::Value;
use std::collections::BTreeMap;

/// The variables of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the environment of a pod's first container. The inner error is what the kubelet reports when a Secret or a key is
    /// missing: the container does not start until it is there.
    pub(crate) async fn of(
        world: &World,
        pod: &Object,
    ) -> Result<std::result::Result<Self, String>> {
        let mut variables = BTreeMap::new();
        let mut secrets = BTreeMap::new();
        for source in pod.list("/spec/containers/0/envFrom") {
            let Some(name) = source["secretRef"]["name"].as_str() else {
                continue;
            };
            match world.get(Kind::Secret, pod.namespace(), name).await? {
                Some(secret) => variables.extend(data(&secret)),
                None if source["secretRef"]["optional"] == true => {}
                None => return Ok(Err(format!("secret \"{name}\" not found"))),
            }
        }
        for variable in pod.list("/spec/containers/0/env") {
            let name = variable["name"].as_str().unwrap_or_default().to_owned();
            let reference = &variable["valueFrom"]["secretKeyRef"];
            if reference.is_object() {
                match from_secret(world, pod, reference, &mut secrets).await? {
                    Ok(Some(value)) => drop(variables.insert(name, value)),
                    Ok(None) => {}
                    Err(message) => return Ok(Err(message)),
                }
            } else if let Some(value) = variable["value"].as_str() {
                variables.insert(name, value.to_owned());
            }
        }
        Ok(Ok(Self { variables }))
    }

    /// A variable; empty when it is not set.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    #[cfg(test)]
    pub(crate) fn with(pairs: &[(&str, &str)]) -> Self {
        Self {
            variables: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }
}

async fn from_secret(
    world: &World,
    pod: &Object,
    reference: &Value,
    secrets: &mut BTreeMap<String, Option<Object>>,
) -> Result<std::result::Result<Option<String>, String>> {
    let name = reference["name"].as_str().unwrap_or_default();
    let key = reference["key"].as_str().unwrap_or_default();
    let optional = reference["optional"] == true;
    if !secrets.contains_key(name) {
        secrets.insert(
            name.to_owned(),
            world.get(Kind::Secret, pod.namespace(), name).await?,
        );
    }
    let Some(Some(secret)) = secrets.get(name) else {
        return Ok(if optional {
            Ok(None)
        } else {
            Err(format!("secret \"{name}\" not found"))
        });
    };
    match data(secret).remove(key) {
        Some(value) => Ok(Ok(Some(value))),
        None if optional => Ok(Ok(None)),
        None => Ok(Err(format!(
            "couldn't find key {key} in Secret {}/{name}",
            pod.namespace()
        ))),
    }
}

/// The data of a Secret as text.
pub(crate) fn data(secret: &Object) -> BTreeMap<String, String> {
    let Some(fields) = secret["data"].as_object() else {
        return BTreeMap::new();
    };
    fields
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), decode(value.as_str()?)?)))
        .collect()
}

fn decode(text: &str) -> Option<String> {
    use base64::Engine;
    String::from_utf8(
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .ok()?,
    )
    .ok()
}
