//! What a plugin says of itself: who it is and which rights it asks for. Written by its author as `plugin.toml`, embedded by the SDK in the
//! component's custom section `agent:manifest` as JSON.

use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

use crate::id::{OperationName, PluginId};
use crate::limits::Requested;
use crate::name::{Field, Named, OperationPart, Place, Resources, ThingName, Things, Word};

/// The manifest of one plugin. Unknown keys are errors: a misspelt limit must not be no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The version of this format: 1.
    pub manifest: u32,
    /// The id, which is also the domain of its operations.
    pub id: PluginId,
    /// Its version.
    pub version: Version,
    /// One line without a full stop.
    pub description: String,
    /// An SPDX expression.
    pub license: String,
    /// The oldest agent that it works with.
    pub min_agent: Version,
    /// The rights that it asks for. They are not granted here.
    #[serde(default, rename = "request")]
    pub requests: Vec<Request>,
    /// Limits below the host's.
    #[serde(default)]
    pub limits: Requested,
}

/// One request for rights. `capability` says which form it has.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Rights on objects of the cluster.
    Cluster(ClusterRequest),
    /// The right to call operations.
    Operations(OperationsRequest),
    /// Rights on what another capability knows by a name.
    Named(NamedRequest),
}

/// Rights on what a capability knows by a name: each verb on each thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NamedRequest {
    /// The capability, such as `talos`.
    pub capability: Word,
    /// What is done, in the words of the capability.
    pub verbs: Vec<Word>,
    /// The things by their names; `*` for any, `{parameter}` for the one that the invocation names, which it must then.
    pub names: Vec<Things>,
    /// The operations that need it; empty for all.
    #[serde(default)]
    pub operations: Vec<OperationPart>,
    /// Why, for the person who grants it.
    pub why: String,
}

/// The key of a request that says which form it has.
const CAPABILITY: &str = "capability";

impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (capability, fields) = match self {
            Request::Cluster(request) => (Some("cluster"), serde_json::to_value(request)),
            Request::Operations(request) => (Some("operations"), serde_json::to_value(request)),
            Request::Named(request) => (None, serde_json::to_value(request)),
        };
        let mut fields = fields.map_err(ser::Error::custom)?;
        if let Some(capability) = capability {
            fields[CAPABILITY] = capability.into();
        }
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let capability = fields.get(CAPABILITY).and_then(Value::as_str);
        let capability = capability.map(str::to_owned);
        let request = match capability.as_deref() {
            Some("cluster") => {
                fields.remove(CAPABILITY);
                serde_json::from_value(fields.into()).map(Request::Cluster)
            }
            Some("operations") => {
                fields.remove(CAPABILITY);
                serde_json::from_value(fields.into()).map(Request::Operations)
            }
            _ => serde_json::from_value(fields.into()).map(Request::Named),
        };
        request.map_err(de::Error::custom)
    }
}

/// Rights on objects of the cluster: each verb on each resource in each namespace, with each field, on each object that is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClusterRequest {
    /// Of `get`, `list`, `watch`, `create`, `patch`, `apply`, `signal`, `delete`, `evict`, `logs`, `ignore`.
    pub verbs: Vec<ClusterVerb>,
    /// `PLURAL.GROUP`, or `PLURAL` for the core group, with `/SUBRESOURCE` for one of those; `*` for any.
    pub resources: Vec<Resources>,
    /// The fields that are set, as JSON Pointers, each with what is below it; empty for all. `patch` and `apply` may have them, `signal` and `ignore` must, and
    /// the other verbs have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Namespaces; `*` for all, `{parameter}` for the one that the invocation names, which it must then, and `{parameter|*}` for that one, or all when it
    /// names none. Cluster-scoped objects are matched by all only.
    pub namespaces: Vec<Place>,
    /// Objects by their names; empty for all. `{parameter}` for the one that the invocation names, which it must then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Named>,
    /// The field managers as which `apply` is done, beside the agent's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<ThingName>,
    /// The operations that need it; empty for all.
    #[serde(default)]
    pub operations: Vec<OperationPart>,
    /// Why, for the person who grants it.
    pub why: String,
}

/// What may be done with objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterVerb {
    /// Read one.
    Get,
    /// Read many.
    List,
    /// See them change.
    Watch,
    /// Make one.
    Create,
    /// Set fields.
    Patch,
    /// Server-side apply.
    Apply,
    /// Set fields that only ask a controller to act. Nobody puts them back.
    Signal,
    /// Remove one.
    Delete,
    /// Move a pod away, as far as its disruption budgets allow it.
    Evict,
    /// Read a pod's log.
    Logs,
    /// Nothing: fields that change without anybody's wish, on which no plan rests that has read them.
    Ignore,
}

impl Request {
    /// Returns the operations that need it; empty for all.
    pub fn operations(&self) -> &[OperationPart] {
        match self {
            Request::Cluster(request) => &request.operations,
            Request::Operations(request) => &request.operations,
            Request::Named(request) => &request.operations,
        }
    }

    /// Returns whether an operation of the plugin has what it asks for.
    pub fn is_for(&self, operation: &str) -> bool {
        let operations = self.operations();
        operations.is_empty() || operations.iter().any(|name| *name == *operation)
    }

    /// Returns the places in it.
    pub fn places(&self) -> &[Place] {
        match self {
            Request::Cluster(request) => &request.namespaces,
            Request::Operations(request) => &request.namespaces,
            Request::Named(_) => &[],
        }
    }

    /// Returns the objects that it names.
    pub fn names(&self) -> &[Named] {
        match self {
            Request::Cluster(request) => &request.names,
            Request::Operations(_) | Request::Named(_) => &[],
        }
    }

    /// Returns the things that it names.
    pub fn things(&self) -> &[Things] {
        match self {
            Request::Named(request) => &request.names,
            Request::Cluster(_) | Request::Operations(_) => &[],
        }
    }

    /// Returns the capability that it is about.
    pub fn capability(&self) -> &str {
        match self {
            Request::Cluster(_) => "cluster",
            Request::Operations(_) => "operations",
            Request::Named(request) => &request.capability,
        }
    }

    /// Returns why, for the person who grants it.
    pub fn why(&self) -> &str {
        match self {
            Request::Cluster(request) => &request.why,
            Request::Operations(request) => &request.why,
            Request::Named(request) => &request.why,
        }
    }
}

impl ClusterVerb {
    /// What is done with a field manager: to apply as that one.
    pub const APPLY_AS: &str = "apply-as";

    /// Every verb, in the order of the documentation.
    pub const ALL: [ClusterVerb; 11] = [
        ClusterVerb::Get,
        ClusterVerb::List,
        ClusterVerb::Watch,
        ClusterVerb::Create,
        ClusterVerb::Patch,
        ClusterVerb::Apply,
        ClusterVerb::Signal,
        ClusterVerb::Delete,
        ClusterVerb::Evict,
        ClusterVerb::Logs,
        ClusterVerb::Ignore,
    ];

    /// Returns the word.
    pub fn as_str(self) -> &'static str {
        match self {
            ClusterVerb::Get => "get",
            ClusterVerb::List => "list",
            ClusterVerb::Watch => "watch",
            ClusterVerb::Create => "create",
            ClusterVerb::Patch => "patch",
            ClusterVerb::Apply => "apply",
            ClusterVerb::Signal => "signal",
            ClusterVerb::Delete => "delete",
            ClusterVerb::Evict => "evict",
            ClusterVerb::Logs => "logs",
            ClusterVerb::Ignore => "ignore",
        }
    }

    /// Returns whether a right to it may be for some fields only.
    pub fn has_fields(self) -> bool {
        matches!(self, ClusterVerb::Patch | ClusterVerb::Apply) || self.needs_fields()
    }

    /// Returns whether a request for it has to say for which fields.
    pub fn needs_fields(self) -> bool {
        matches!(self, ClusterVerb::Signal | ClusterVerb::Ignore)
    }
}

/// The right to call operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OperationsRequest {
    /// Full names, such as `flux.suspend`.
    pub call: Vec<OperationName>,
    /// The namespaces in which what is called may act, by the rights of its own plugin: as for the cluster. Without any, only in those that the caller's
    /// own rights name in this invocation. What the caller may do itself, what it calls may do too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<Place>,
    /// The operations that need it; empty for all.
    #[serde(default)]
    pub operations: Vec<OperationPart>,
    /// Why, for the person who grants it.
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        manifest = 1
        id = "volsync"
        version = "0.1.0"
        description = "Back up and restore volumes"
        license = "Apache-2.0"
        min-agent = "0.1.0"
        [[request]]
        capability = "cluster"
        verbs = ["get"]
        resources = ["pods"]
        namespaces = ["{namespace}"]
        why = "find the pods that mount the volume"
    "#;

    #[test]
    fn manifest_reads_back_as_json() {
        let manifest: Manifest = toml::from_str(MANIFEST).expect("valid");
        let json = serde_json::to_string(&manifest).expect("serialises");
        assert_eq!(
            serde_json::from_str::<Manifest>(&json).expect("reads back"),
            manifest
        );
    }

    #[test]
    fn unknown_keys_are_refused_at_every_level() {
        for (from, to) in [
            ("license", "licence"),
            ("verbs", "verb"),
            ("[[request]]", "[limits]\ncpu = 1\n[[request]]"),
        ] {
            assert!(
                toml::from_str::<Manifest>(&MANIFEST.replacen(from, to, 1)).is_err(),
                "{to}"
            );
        }
    }
}
