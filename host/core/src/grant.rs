//! Rights: one thing that may be done, as a person grants it and as the gate checks it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::descriptor::Risk;
use crate::id::{InvalidName, OperationName};
use crate::manifest::ClusterVerb;
use crate::name::{Field, Misnamed, shown};
use crate::object::ObjectRef;

mod bounds;
mod call;
mod cluster;
mod field;
mod named;
mod opens;

pub use bounds::Bound;
pub use call::{CallRight, Reach};
pub use cluster::{ClusterRight, Lack, Wish};
pub use named::NamedRight;

/// One right. As text: `cluster:VERB:RESOURCE[#FIELD]:NAMESPACE[/NAME]`, `operations:call:OPERATION` (`operations:call:flux.suspend`: what is called acts
/// where the caller may), `operations:call:OPERATION:NAMESPACE` (there, too), or `CAPABILITY:VERB:NAME` for what any other capability knows by a name. `*` stands
/// for a whole part. `cluster:apply-as:MANAGER` is to apply as that field manager what other rights let one apply.
///
/// `cluster:delete:pods:kube-system` is for all pods there, `cluster:list:pods:media/plex` for one. RESOURCE may have a subresource, which is a type of its
/// own: `deployments.apps/scale`. FIELD is a JSON Pointer and stands for what is below it, too; without one, a right is for all fields. Only `patch`, `apply`,
/// `signal` and `ignore` have fields: `cluster:patch:deployments.apps#/spec/replicas:media`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Right {
    /// To do something with objects of the cluster.
    Cluster(ClusterRight),
    /// To call an operation.
    Call(CallRight),
    /// To do something with what another capability knows by a name.
    Named(NamedRight),
}

/// A text that is no right.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRight {
    /// Neither form.
    #[error(
        "`{}` is no right: write `cluster:VERB:RESOURCE[#FIELD]:NAMESPACE[/NAME]`, `operations:call:OPERATION:NAMESPACE` or `CAPABILITY:VERB:NAME`",
        shown(.0)
    )]
    Form(String),
    /// An unknown verb.
    #[error(
        "`{}` is no verb of `cluster`: use one of get, list, watch, create, patch, apply, signal, delete, evict, logs, ignore, or `*`",
        shown(verb)
    )]
    Verb {
        /// The word.
        verb: String,
    },
    /// A field of a verb that has none.
    #[error("`{verb}` has no fields: a right to patch, apply, signal or ignore has")]
    Fieldless {
        /// The verb, or `*`.
        verb: &'static str,
    },
    /// Not the name of an operation, nor `*`.
    #[error(transparent)]
    Operation(InvalidName),
    /// Not a resource, a field, a namespace or a name of an object, nor `*`.
    #[error(transparent)]
    Name(Misnamed),
}

impl Right {
    /// Returns what both allow; none when that is nothing.
    pub fn meet(&self, other: &Right) -> Option<Right> {
        match (self, other) {
            (Right::Cluster(mine), Right::Cluster(other)) => mine.meet(other).map(Right::Cluster),
            (Right::Call(mine), Right::Call(other)) => mine.meet(other).map(Right::Call),
            (Right::Named(mine), Right::Named(other)) => mine.meet(other).map(Right::Named),
            _ => None,
        }
    }

    /// Returns whether whoever has this right also has the other one.
    pub fn covers(&self, other: &Right) -> bool {
        match (self, other) {
            (Right::Cluster(mine), Right::Cluster(other)) => mine.covers(other),
            (Right::Call(mine), Right::Call(other)) => mine.covers(other),
            (Right::Named(mine), Right::Named(other)) => mine.covers(other),
            _ => false,
        }
    }

    /// Returns whether it can cover another one than itself.
    pub(crate) fn is_wide(&self) -> bool {
        match self {
            // One for an object of one name, or without fields, can cover only itself.
            Right::Cluster(right) => {
                let places = right.resource.is_none() || right.namespace.is_none();
                let fields = right.verb.is_none_or(ClusterVerb::has_fields);
                places || fields || right.name.is_none()
            }
            Right::Call(right) => right.operation.is_none() || right.reach == Reach::Everywhere,
            Right::Named(right) => right.verb.is_none() || right.name.is_none(),
        }
    }

    fn as_cluster(&self) -> Option<&ClusterRight> {
        match self {
            Right::Cluster(right) => Some(right),
            Right::Call(_) | Right::Named(_) => None,
        }
    }

    fn as_call(&self) -> Option<&CallRight> {
        match self {
            Right::Call(right) => Some(right),
            Right::Cluster(_) | Right::Named(_) => None,
        }
    }

    pub(super) fn as_named(&self) -> Option<&NamedRight> {
        match self {
            Right::Named(right) => Some(right),
            Right::Cluster(_) | Right::Call(_) => None,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Right::Cluster(right) => write!(f, "cluster:{right}"),
            Right::Call(right) => write!(f, "operations:call:{right}"),
            Right::Named(right) => right.fmt(f),
        }
    }
}

impl FromStr for Right {
    type Err = InvalidRight;

    fn from_str(text: &str) -> Result<Self, InvalidRight> {
        let form = || InvalidRight::Form(text.to_owned());
        match text.split_once(':').ok_or_else(form)? {
            // As which field manager, wherever something else may be applied.
            ("cluster", rest) if rest.starts_with("apply-as:") => {
                NamedRight::parse("cluster", rest)
                    .ok_or_else(form)?
                    .map(Right::Named)
            }
            ("cluster", rest) => ClusterRight::parse(rest)
                .ok_or_else(form)?
                .map(Right::Cluster),
            ("operations", rest) => {
                let rest = rest.strip_prefix("call:").ok_or_else(form)?;
                CallRight::parse(rest).map(Right::Call)
            }
            (capability, rest) => NamedRight::parse(capability, rest)
                .ok_or_else(form)?
                .map(Right::Named),
        }
    }
}

impl TryFrom<String> for Right {
    type Error = InvalidRight;

    fn try_from(text: String) -> Result<Self, InvalidRight> {
        text.parse()
    }
}

impl From<Right> for String {
    fn from(right: Right) -> String {
        right.to_string()
    }
}

/// What one operation of a run may do: the intersection that [`crate::policy::decide`] computed, within what its callers let it do. The gate asks it for
/// every host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    rights: Vec<Right>,
    risk: Risk,
    /// One for each operation above this one.
    bounds: Vec<Bound>,
}

impl Grants {
    /// Makes the grants of a run of an operation with that risk.
    pub fn new(rights: Vec<Right>, risk: Risk) -> Grants {
        Grants {
            rights,
            risk,
            bounds: Vec::new(),
        }
    }

    /// Makes the grants of a run whose plugin does nothing any more: what it did is put back by the host itself.
    pub fn to_put_back() -> Grants {
        Grants::new(Vec::new(), Risk::Destroy)
    }

    /// Returns these grants within what the operation with the grants `caller` lets one do that it calls by the name `operation`.
    #[must_use]
    pub fn under(self, caller: &Grants, operation: &OperationName) -> Grants {
        self.within(caller.bounds_for(operation))
    }

    /// Returns these grants within bounds, in place of those that they had.
    #[must_use]
    pub fn within(self, bounds: Vec<Bound>) -> Grants {
        Grants { bounds, ..self }
    }

    /// Returns what bounds an operation that this one calls: what bounds this one, and where this one may act. A right on one object or on some fields opens
    /// its namespace to nobody: it is what the caller may do itself, and no more.
    pub fn bounds_for(&self, operation: &OperationName) -> Vec<Bound> {
        let calls = self.rights.iter().filter_map(Right::as_call);
        let reaches: Vec<&Reach> = calls
            .filter(|right| right.allows(operation))
            .map(|right| &right.reach)
            .collect();
        let mut bound = Bound {
            everywhere: reaches.contains(&&Reach::Everywhere),
            namespaces: Default::default(),
            rights: Vec::new(),
        };
        if !bound.everywhere {
            bound.rights = self.accesses().cloned().map(Right::Cluster).collect();
            for reach in reaches {
                match reach {
                    Reach::Namespace(namespace) => {
                        bound.namespaces.insert(namespace.clone());
                    }
                    Reach::OfCaller => {
                        let whole = self.accesses().filter(|right| right.is_unbounded());
                        let named = whole.filter_map(|right| right.namespace.clone());
                        bound.namespaces.extend(named);
                    }
                    Reach::Everywhere => {}
                }
            }
        }
        let rights = self.rights.iter();
        let named = rights.filter(|right| right.as_named().is_some());
        bound.rights.extend(named.cloned());
        let mut bounds = self.bounds.clone();
        bounds.push(bound);
        bounds
    }

    fn cluster(&self) -> impl Iterator<Item = &ClusterRight> {
        self.rights.iter().filter_map(Right::as_cluster)
    }

    /// Returns the rights by which something can be read or written.
    fn accesses(&self) -> impl Iterator<Item = &ClusterRight> {
        self.cluster().filter(|right| right.is_access())
    }

    /// Returns how much harm the operation says it can do.
    pub fn risk(&self) -> Risk {
        self.risk
    }

    /// Returns whether there is anything in the cluster that the operation may do itself.
    pub fn has_any_cluster_right(&self) -> bool {
        self.accesses().next().is_some()
    }

    /// Returns whether all of a wish is allowed: by the rights of the plugin, and by everybody who has called it.
    pub fn allow_cluster(&self, wish: &Wish<'_>) -> bool {
        self.lacks(wish).is_none() && self.bounds.iter().all(|bound| bound.allows(wish))
    }

    /// Returns what the plugin itself has no right to, whatever its callers let it do.
    pub fn lacks<'w>(&self, wish: &Wish<'w>) -> Option<Lack<'w>> {
        cluster::lacking(self.cluster(), wish)
    }

    /// Returns the fields of an object that no plan of the plugin rests on: those that it was granted to signal, and to ignore.
    pub fn restless(&self, object: &ObjectRef) -> Vec<Field> {
        let restless = |verb| {
            let wish = Wish {
                verb,
                of: &object.of,
                namespace: object.namespace.as_deref(),
                names: &[&object.name],
                fields: &[],
            };
            cluster::fields_of(self.cluster(), &wish)
        };
        let mut fields = restless(ClusterVerb::Signal);
        fields.extend(restless(ClusterVerb::Ignore));
        fields.sort();
        fields.dedup();
        fields
    }

    /// Returns whether something may be done with what a capability knows by that name: by the rights of the plugin, and by everybody who has called it.
    pub fn allow_named(&self, capability: &str, verb: &str, name: &str) -> bool {
        self.has_named(capability, verb, name)
            && self
                .bounds
                .iter()
                .all(|bound| bound.allows_named(capability, verb, name))
    }

    /// Returns whether the plugin itself has the right to that, whatever its callers let it do.
    pub fn has_named(&self, capability: &str, verb: &str, name: &str) -> bool {
        let mut rights = self.rights.iter().filter_map(Right::as_named);
        rights.any(|right| right.allows(capability, verb, name))
    }

    /// Returns whether an operation may be called.
    pub fn allow_call(&self, operation: &OperationName) -> bool {
        let mut rights = self.rights.iter().filter_map(Right::as_call);
        rights.any(|right| right.allows(operation))
    }
}

#[cfg(test)]
mod tests;
