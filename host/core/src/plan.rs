//! A plan in a file: what was approved, so that `agent apply` does that and nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::effect::Effect;
use crate::id::{Digest, OperationName};
use crate::object::{ObjectRef, ObjectType};
use crate::record::{Cluster, Who};

/// The only version of the format that there is.
pub const FORMAT: u32 = 1;

/// What a run would do, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The operation.
    pub operation: OperationName,
    /// With all defaults filled in.
    pub arguments: Map<String, Value>,
    /// The secrets that it was planned with, as keyed hashes by the names of their parameters. Whoever applies it gives them again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Id and version of the plugin.
    pub plugin: String,
    /// The artifact.
    pub digest: Digest,
    /// Where it was planned.
    pub cluster: Cluster,
    /// Who planned it.
    pub who: Who,
    /// When.
    pub made: Timestamp,
    /// The changes, in the order in which they would be made.
    pub effects: Vec<Effect>,
    /// The objects that it looked at.
    pub rests_on: Vec<Rest>,
    /// The lists that it looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<Listing>,
    /// Texts in the effects that only a run knows, such as tokens and times.
    pub stand_ins: Vec<StandIn>,
}

/// What a plan has seen of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rest {
    /// The object.
    pub target: ObjectRef,
    /// Its uid; none when there was no such object.
    pub uid: Option<String>,
    /// Its generation, where it has one: it grows with each change of the spec.
    pub generation: Option<i64>,
    /// The fields that were read, as JSON Pointers with their values. Those of a Secret are keyed hashes.
    pub fields: Map<String, Value>,
}

/// Which objects a plan has found by a query. Those that a controller made and replaces at will do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listing {
    /// Their type.
    pub of: ObjectType,
    /// The namespace that was looked in; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The label selector; empty for all.
    pub labels: String,
    /// The field selector; empty for all.
    pub fields: String,
    /// What was found: uid and name, with the namespace in front where there is one.
    pub found: BTreeMap<String, String>,
}

/// A text that stands for something which only a run knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StandIn {
    /// What it stands for, such as `token`.
    pub name: String,
    /// The text.
    pub text: String,
}
