//! What a run may do: imports ∩ requested ∩ granted ∩ this invocation.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::descriptor::Operation;
use crate::failure::{Failure, Kind};
use crate::grant::{CallRight, ClusterRight, Grants, Reach, Right};
use crate::hint;
use crate::hint::Words;
use crate::id::{Digest, OperationName};
use crate::manifest::{ClusterRequest, Manifest, OperationsRequest, Request};
use crate::name::{Misnamed, Namespace, ParameterName, Place, Resources};

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
    /// An argument that says where the plugin may act does not.
    #[error("`{parameter}` says where the plugin may act")]
    NoNamespace {
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        #[source]
        source: Misnamed,
    },
    /// An argument that says where the plugin may act is not given. Artifacts in which that could be are refused before.
    #[error("`{parameter}` says where the plugin may act, and is not given")]
    Open {
        /// The parameter.
        parameter: String,
    },
}

impl Refusal {
    /// Turns it into a failure with the command that mends it, for the artifact that was refused and for no other that may lie in its place by then.
    pub fn into_failure(self, artifact: &Digest) -> Failure {
        let (kind, code, hint) = match &self {
            Refusal::NotGranted { plugin, missing } => {
                let grantee = format!("{plugin}@{artifact}");
                let hint = match missing.len() {
                    ..=PASTED => hint!("agent plugin grant {} {}", grantee, Words(missing.clone())),
                    _ => hint!("agent plugin inspect {}", plugin),
                };
                (Kind::Denied, "plugin.not-granted", Some(hint))
            }
            Refusal::NotRequested { .. } => (
                Kind::Denied,
                "plugin.not-requested",
                Some("ask whoever made the plugin to add a [[request]] to its plugin.toml".into()),
            ),
            Refusal::NoNamespace { .. } | Refusal::Open { .. } => {
                (Kind::Invalid, "operations.arguments", None)
            }
        };
        Failure::of(kind, code, &self).hinted_if(hint)
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
    let requests = manifest.requests.iter();
    let mut rights = BTreeSet::new();
    for request in requests.filter(|request| request.is_for(&operation.name)) {
        rights.extend(rights_of(request, Some(arguments))?);
    }
    Ok(Grants::new(rights.into_iter().collect(), operation.risk))
}

/// Returns the rights that a manifest requests and that were not granted.
pub fn missing(manifest: &Manifest, granted: &Granted) -> Vec<Right> {
    match granted {
        Granted::Requested => Vec::new(),
        Granted::Rights(rights) => {
            let exactly: BTreeSet<&Right> = rights.iter().collect();
            let wide: Vec<&Right> = exactly.iter().copied().filter(|it| it.is_wide()).collect();
            let is_granted = |wanted: &Right| {
                exactly.contains(wanted) || wide.iter().any(|right| right.covers(wanted))
            };
            let requested = requested(manifest).into_iter();
            requested.filter(|wanted| !is_granted(wanted)).collect()
        }
    }
}

/// Returns every right that a manifest requests, with `*` for namespaces that depend on the invocation.
pub fn requested(manifest: &Manifest) -> Vec<Right> {
    let rights = manifest
        .requests
        .iter()
        .flat_map(|request| rights_of(request, None).unwrap_or_default());
    rights.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the rights of a request in one invocation; without arguments, what would have to be granted for every one.
///
/// # Errors
/// An argument that should name a namespace and does not.
fn rights_of(
    request: &Request,
    arguments: Option<&Map<String, Value>>,
) -> Result<Vec<Right>, Refusal> {
    let places = request.places().iter();
    let places: Vec<Option<Namespace>> = places
        .map(|place| bind(place, arguments))
        .collect::<Result<_, _>>()?;
    Ok(match request {
        Request::Operations(request) => calls(request, &places),
        Request::Cluster(request) => on_cluster(request, &places),
    })
}

fn calls(request: &OperationsRequest, places: &[Option<Namespace>]) -> Vec<Right> {
    let mut reaches: Vec<Reach> = places
        .iter()
        .map(|place| place.clone().map_or(Reach::Everywhere, Reach::Namespace))
        .collect();
    if reaches.is_empty() {
        reaches.push(Reach::OfCaller);
    }
    let right = |operation: &OperationName, reach: &Reach| {
        Right::Call(CallRight {
            operation: Some(operation.clone()),
            reach: reach.clone(),
        })
    };
    let operations = request.call.iter();
    operations
        .flat_map(|operation| reaches.iter().map(move |reach| right(operation, reach)))
        .collect()
}

fn on_cluster(request: &ClusterRequest, places: &[Option<Namespace>]) -> Vec<Right> {
    let mut rights = Vec::new();
    for namespace in places {
        for resource in &request.resources {
            let resource = match resource {
                Resources::Any => None,
                Resources::One(resource) => Some(resource.clone()),
            };
            rights.extend(request.verbs.iter().map(|verb| {
                Right::Cluster(ClusterRight {
                    verb: Some(*verb),
                    resource: resource.clone(),
                    namespace: namespace.clone(),
                })
            }));
        }
    }
    rights
}

/// Resolves a place of a request: none means everywhere. Whatever an invocation leaves open, or names that is no namespace, is refused unless the place
/// itself says that it means everywhere then.
fn bind(
    place: &Place,
    arguments: Option<&Map<String, Value>>,
) -> Result<Option<Namespace>, Refusal> {
    let named = |parameter: &ParameterName, value: &Value| {
        let text = value.as_str().unwrap_or_default();
        let namespace = text.parse().map_err(|source| Refusal::NoNamespace {
            parameter: parameter.to_string(),
            source,
        });
        namespace.map(Some)
    };
    // Whoever grants a right does so for all invocations.
    let Some(arguments) = arguments else {
        return Ok(match place {
            Place::Namespace(namespace) => Some(namespace.clone()),
            Place::Everywhere | Place::Named(_) | Place::NamedOrEverywhere(_) => None,
        });
    };
    let given = |parameter: &ParameterName| {
        let value = arguments.get(parameter.as_str());
        value.filter(|value| !value.is_null())
    };
    match place {
        Place::Everywhere => Ok(None),
        Place::Namespace(namespace) => Ok(Some(namespace.clone())),
        Place::Named(parameter) => match given(parameter) {
            Some(value) => named(parameter, value),
            None => Err(Refusal::Open {
                parameter: parameter.to_string(),
            }),
        },
        Place::NamedOrEverywhere(parameter) => match given(parameter) {
            Some(value) => named(parameter, value),
            None => Ok(None),
        },
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

/// How many rights a message names; the hint has all of them.
const NAMED: usize = 3;

/// How many rights somebody may be expected to look at before pasting them.
pub const PASTED: usize = 64;

fn list(rights: &[Right]) -> String {
    let named = rights.iter().take(NAMED).map(|right| format!("`{right}`"));
    let named = named.collect::<Vec<_>>().join(", ");
    match rights.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
