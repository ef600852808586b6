//! What a run may do: imports ∩ requested ∩ granted ∩ this invocation.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::descriptor::Operation;
use crate::failure::{Failure, Kind};
use crate::grant::{CallRight, ClusterRight, Grants, NamedRight, Reach, Right};
use crate::hint;
use crate::id::OperationName;
use crate::manifest::{
    ClusterRequest, ClusterVerb, Manifest, NamedRequest, OperationsRequest, Request,
};
use crate::name::{
    Field, Misnamed, Named, Namespace, ObjectName, ParameterName, Place, Resource, Resources,
    Things,
};
use crate::object::CLUSTER;

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
    /// An argument that says where the plugin may act does not.
    #[error("`{parameter}` cannot be a namespace")]
    NoNamespace {
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        #[source]
        source: Misnamed,
    },
    /// An argument that says with which object the plugin may act does not.
    #[error("`{parameter}` cannot be the name of an object")]
    NoName {
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        #[source]
        source: Misnamed,
    },
    /// An argument that says where or with which object the plugin may act is not given. Artifacts in which that could be are refused before.
    #[error("`{parameter}` says where or with what the plugin may act, and is not given")]
    Open {
        /// The parameter.
        parameter: String,
    },
}

impl Refusal {
    /// Turns it into a failure with what mends it. What a plugin asks for is looked at before it is granted, and what shows it ends with the command that
    /// grants it to that artifact and no other.
    pub fn into_failure(self) -> Failure {
        let (kind, code, hint) = match &self {
            Refusal::NotGranted { plugin, .. } => {
                let hint = hint!("agent plugin inspect {}", plugin);
                (Kind::Denied, "plugin.not-granted", Some(hint))
            }
            Refusal::NoNamespace { .. } | Refusal::NoName { .. } | Refusal::Open { .. } => {
                (Kind::Invalid, "operations.arguments", None)
            }
        };
        Failure::of(kind, code, &self).hinted_if(hint)
    }
}

/// Decides what one run of an operation may do: what its manifest requests for it, what was granted, and what this invocation names, all at once. Who is
/// granted a part of what an operation wants may run it, and is refused the rest when it comes to that. `arguments` are complete.
///
/// # Errors
/// [`Refusal`], before any guest code runs.
pub fn decide(
    manifest: &Manifest,
    granted: &Granted,
    operation: &Operation,
    arguments: &Map<String, Value>,
) -> Result<Grants, Refusal> {
    let requests = manifest.requests.iter();
    let mut wanted = BTreeSet::new();
    for request in requests.filter(|request| request.is_for(&operation.name)) {
        wanted.extend(rights_of(request, Some(arguments))?);
    }
    let rights = match granted {
        Granted::Requested => wanted.into_iter().collect(),
        Granted::Rights(granted) => {
            let (rights, missing) = in_common(&wanted, granted);
            if !missing.is_empty() {
                return Err(Refusal::NotGranted {
                    plugin: manifest.id.to_string(),
                    missing,
                });
            }
            rights
        }
    };
    Ok(Grants::new(rights, operation.risk))
}

/// Returns the rights that were wanted as far as they were granted, and those of which nothing was.
fn in_common(wanted: &BTreeSet<Right>, granted: &[Right]) -> (Vec<Right>, Vec<Right>) {
    let exactly: BTreeSet<&Right> = granted.iter().collect();
    let (mut rights, mut missing) = (BTreeSet::new(), Vec::new());
    for wanted in wanted {
        if exactly.contains(wanted) {
            rights.insert(wanted.clone());
            continue;
        }
        let mut common = granted
            .iter()
            .filter_map(|right| right.meet(wanted))
            .peekable();
        if common.peek().is_none() {
            missing.push(wanted.clone());
        }
        rights.extend(common);
    }
    (rights.into_iter().collect(), missing)
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
    let names = request.names().iter();
    let names: Vec<Option<ObjectName>> = names
        .map(|named| meant(named, arguments))
        .collect::<Result<_, _>>()?;
    Ok(match request {
        Request::Operations(request) => calls(request, &places),
        Request::Named(request) => on_things(request, arguments)?,
        Request::Cluster(request) => on_cluster(request, &places, &names),
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

fn on_things(
    request: &NamedRequest,
    arguments: Option<&Map<String, Value>>,
) -> Result<Vec<Right>, Refusal> {
    let mut rights = Vec::new();
    for things in &request.names {
        let name = match (things, arguments) {
            (Things::One(name), _) => Some(name.clone()),
            (Things::Any, _) | (Things::Parameter(_), None) => None,
            (Things::Parameter(parameter), Some(arguments)) => {
                Some(named_by(parameter, arguments)?)
            }
        };
        rights.extend(request.verbs.iter().map(|verb| {
            Right::Named(NamedRight {
                capability: request.capability.clone(),
                verb: Some(verb.clone()),
                name: name.clone(),
            })
        }));
    }
    Ok(rights)
}

fn on_cluster(
    request: &ClusterRequest,
    places: &[Option<Namespace>],
    names: &[Option<ObjectName>],
) -> Vec<Right> {
    let resources = request.resources.iter().map(|resource| match resource {
        Resources::Any => None,
        Resources::One(resource) => Some(resource.clone()),
    });
    let resources: Vec<Option<Resource>> = resources.collect();
    let fields: Vec<Option<Field>> = request.fields.iter().cloned().map(Some).collect();
    let mut rights = Vec::new();
    for verb in &request.verbs {
        for resource in &resources {
            for field in or_all(&fields) {
                for namespace in places {
                    rights.extend(or_all(names).iter().map(|name| {
                        Right::Cluster(ClusterRight {
                            verb: Some(*verb),
                            resource: resource.clone(),
                            field: field.clone(),
                            namespace: namespace.clone(),
                            name: name.clone(),
                        })
                    }));
                }
            }
        }
    }
    rights.extend(request.managers.iter().filter_map(|manager| {
        Some(Right::Named(NamedRight {
            capability: CLUSTER.parse().ok()?,
            verb: Some(ClusterVerb::APPLY_AS.parse().ok()?),
            name: Some(manager.clone()),
        }))
    }));
    rights
}

/// Returns what a request lists; where that is nothing, it asks for all.
fn or_all<T>(listed: &[Option<T>]) -> &[Option<T>] {
    match listed {
        [] => &[None],
        listed => listed,
    }
}

/// Resolves an object of a request: none means any, for whoever grants a right does so for all invocations.
fn meant(
    named: &Named,
    arguments: Option<&Map<String, Value>>,
) -> Result<Option<ObjectName>, Refusal> {
    match (named, arguments) {
        (Named::Object(name), _) => Ok(Some(name.clone())),
        (Named::Parameter(_), None) => Ok(None),
        (Named::Parameter(parameter), Some(arguments)) => named_by(parameter, arguments).map(Some),
    }
}

/// Returns the name that an argument is.
fn named_by<T: FromStr<Err = Misnamed>>(
    parameter: &ParameterName,
    arguments: &Map<String, Value>,
) -> Result<T, Refusal> {
    let Some(value) = given(parameter, arguments) else {
        return Err(Refusal::Open {
            parameter: parameter.to_string(),
        });
    };
    let name = value.as_str().unwrap_or_default().parse();
    name.map_err(|source| Refusal::NoName {
        parameter: parameter.to_string(),
        source,
    })
}

fn given<'a>(parameter: &ParameterName, arguments: &'a Map<String, Value>) -> Option<&'a Value> {
    let value = arguments.get(parameter.as_str());
    value.filter(|value| !value.is_null())
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
    match place {
        Place::Everywhere => Ok(None),
        Place::Namespace(namespace) => Ok(Some(namespace.clone())),
        Place::Named(parameter) => match given(parameter, arguments) {
            Some(value) => named(parameter, value),
            None => Err(Refusal::Open {
                parameter: parameter.to_string(),
            }),
        },
        Place::NamedOrEverywhere(parameter) => match given(parameter, arguments) {
            Some(value) => named(parameter, value),
            None => Ok(None),
        },
    }
}

/// How many rights a message names; `agent plugin inspect` has all of them.
const NAMED: usize = 3;

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
