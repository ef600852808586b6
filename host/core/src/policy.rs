//! What a run may do: imports ∩ requested ∩ granted ∩ this invocation.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::descriptor::Operation;
use crate::failure::{Failure, Kind};
use crate::grant::{ClusterRight, Grants, Right};
use crate::id::Digest;
use crate::manifest::{Manifest, Request};

/// What people have granted to one plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Whatever it requests: bundled plugins, which come with the agent itself.
    Requested,
    /// These rights.
    Rights(Vec<Right>),
}

/// Why a run may not start.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The plugin asks for rights that nobody granted.
    #[error(
        "plugin `{plugin}` asks for rights that it was not granted: {}",
        list(missing)
    )]
    NotGranted {
        /// The plugin.
        plugin: String,
        /// What is missing.
        missing: Vec<Right>,
    },
    /// The component imports a capability that its manifest does not ask for.
    #[error("plugin `{plugin}` imports `{import}` but its manifest requests nothing of it")]
    NotRequested {
        /// The plugin.
        plugin: String,
        /// The interface.
        import: String,
    },
}

impl Refusal {
    /// Turns it into a failure with the command that mends it, for the artifact that was refused and for no other that may lie in its place by then.
    pub fn into_failure(self, artifact: &Digest) -> Failure {
        let (code, hint) = match &self {
            Refusal::NotGranted { plugin, missing } => {
                let rights: Vec<String> =
                    missing.iter().map(|right| format!("'{right}'")).collect();
                (
                    "plugin.not-granted",
                    format!(
                        "agent plugin grant {plugin}@{artifact} {}",
                        rights.join(" ")
                    ),
                )
            }
            Refusal::NotRequested { .. } => (
                "plugin.not-requested",
                "ask the plugin's author to add a [[request]] to its plugin.toml".to_owned(),
            ),
        };
        Failure::new(Kind::Denied, code, self.to_string()).hinted(hint)
    }
}

/// Decides what one run of an operation may do.
///
/// `imports` are the interfaces of the component (`ops:cluster/cluster@0.1.0`); `arguments` are complete.
///
/// # Errors
/// [`Refusal`], before any guest code runs.
pub fn decide(
    manifest: &Manifest,
    imports: &[String],
    granted: &Granted,
    operation: &Operation,
    arguments: &Map<String, Value>,
) -> Result<Grants, Refusal> {
    if let Some(import) = imports
        .iter()
        .find(|import| is_capability(import) && !is_requested(manifest, import))
    {
        return Err(Refusal::NotRequested {
            plugin: manifest.id.to_string(),
            import: import.clone(),
        });
    }
    let missing = missing(manifest, granted);
    if !missing.is_empty() {
        return Err(Refusal::NotGranted {
            plugin: manifest.id.to_string(),
            missing,
        });
    }
    let rights = manifest
        .requests
        .iter()
        .filter(|request| needed_by(request, &operation.name));
    Ok(Grants::new(
        rights
            .flat_map(|request| rights_of(request, Some(arguments)))
            .collect(),
        operation.risk,
    ))
}

/// Returns the rights that a manifest requests and that were not granted.
pub fn missing(manifest: &Manifest, granted: &Granted) -> Vec<Right> {
    match granted {
        Granted::Requested => Vec::new(),
        Granted::Rights(rights) => requested(manifest)
            .into_iter()
            .filter(|wanted| !rights.iter().any(|right| right.covers(wanted)))
            .collect(),
    }
}

/// Returns every right that a manifest requests, with `*` for namespaces that depend on the invocation.
pub fn requested(manifest: &Manifest) -> Vec<Right> {
    manifest
        .requests
        .iter()
        .flat_map(|request| rights_of(request, None))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn needed_by(request: &Request, operation: &str) -> bool {
    let operations = match request {
        Request::Cluster(request) => &request.operations,
        Request::Operations(request) => &request.operations,
    };
    operations.is_empty() || operations.iter().any(|name| name == operation)
}

fn rights_of(request: &Request, arguments: Option<&Map<String, Value>>) -> Vec<Right> {
    match request {
        Request::Operations(request) => request.call.iter().cloned().map(Right::Call).collect(),
        Request::Cluster(request) => request
            .namespaces
            .iter()
            .map(|namespace| bind(namespace, arguments))
            .flat_map(|namespace| {
                request.resources.iter().flat_map(move |resource| {
                    let namespace = namespace.clone();
                    let resource = if resource == "*" {
                        None
                    } else {
                        Some(resource.clone())
                    };
                    request.verbs.iter().map(move |verb| {
                        Right::Cluster(ClusterRight {
                            verb: Some(*verb),
                            resource: resource.clone(),
                            namespace: namespace.clone(),
                        })
                    })
                })
            })
            .collect(),
    }
}

/// Resolves a namespace of a request: `*` and the placeholder of an argument that was not given mean all.
fn bind(namespace: &str, arguments: Option<&Map<String, Value>>) -> Option<String> {
    if let Some(parameter) = namespace
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        return arguments
            .and_then(|arguments| arguments.get(parameter))
            .and_then(Value::as_str)
            .map(str::to_owned);
    }
    if namespace == "*" {
        None
    } else {
        Some(namespace.to_owned())
    }
}

fn is_capability(import: &str) -> bool {
    import.starts_with("ops:cluster/") || import.starts_with("ops:operations/")
}

fn is_requested(manifest: &Manifest, import: &str) -> bool {
    manifest.requests.iter().any(|request| match request {
        Request::Cluster(_) => import.starts_with("ops:cluster/"),
        Request::Operations(_) => import.starts_with("ops:operations/"),
    })
}

fn list(rights: &[Right]) -> String {
    rights
        .iter()
        .map(|right| format!("`{right}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests;
