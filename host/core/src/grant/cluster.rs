//! Rights on objects of the cluster.

use std::fmt;
use std::str::FromStr;

use super::InvalidRight;
use crate::manifest::ClusterVerb;
use crate::name::{Misnamed, Namespace, Resource};
use crate::object::ObjectType;

/// To do one thing, or anything, with objects of one type, or any, in one namespace, or all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterRight {
    /// None for every verb.
    pub verb: Option<ClusterVerb>,
    /// None for every type.
    pub resource: Option<Resource>,
    /// None for all namespaces and for cluster-scoped objects.
    pub namespace: Option<Namespace>,
}

impl ClusterRight {
    /// Reads `VERB:RESOURCE:NAMESPACE`; none when there are not three parts.
    pub(super) fn parse(text: &str) -> Option<Result<ClusterRight, InvalidRight>> {
        let parts: Vec<&str> = text.split(':').collect();
        let [verb, resource, namespace] = parts[..] else {
            return None;
        };
        let verb = match ClusterVerb::ALL
            .into_iter()
            .find(|known| known.as_str() == verb)
        {
            Some(verb) => Some(verb),
            None if verb == "*" => None,
            None => {
                return Some(Err(InvalidRight::Verb {
                    verb: verb.to_owned(),
                }));
            }
        };
        let parsed = || {
            Ok(ClusterRight {
                verb,
                resource: any(resource)?,
                namespace: any(namespace)?,
            })
        };
        Some(parsed())
    }

    pub(super) fn allows(
        &self,
        verb: ClusterVerb,
        of: &ObjectType,
        namespace: Option<&str>,
    ) -> bool {
        self.verb.is_none_or(|allowed| allowed == verb)
            && self
                .resource
                .as_ref()
                .is_none_or(|allowed| *allowed == of.resource())
            && self
                .namespace
                .as_deref()
                .is_none_or(|allowed| namespace == Some(allowed))
    }

    /// Returns what both allow.
    pub(super) fn meet(&self, other: &ClusterRight) -> Option<ClusterRight> {
        Some(ClusterRight {
            verb: narrower(self.verb.as_ref(), other.verb.as_ref())?,
            resource: narrower(self.resource.as_ref(), other.resource.as_ref())?,
            namespace: narrower(self.namespace.as_ref(), other.namespace.as_ref())?,
        })
    }

    pub(super) fn covers(&self, other: &ClusterRight) -> bool {
        (self.verb.is_none() || self.verb == other.verb)
            && (self.resource.is_none() || self.resource == other.resource)
            && (self.namespace.is_none() || self.namespace == other.namespace)
    }
}

/// Returns the part of a right that two such parts have in common, where none stands for everything; none when they have nothing in common.
pub(super) fn narrower<T: Clone + PartialEq>(
    one: Option<&T>,
    other: Option<&T>,
) -> Option<Option<T>> {
    match (one, other) {
        (None, any) | (any, None) => Some(any.cloned()),
        (Some(one), Some(other)) => (one == other).then(|| Some(one.clone())),
    }
}

/// Reads a part of a right, which `*` stands for whole.
pub(super) fn any<T: FromStr<Err = Misnamed>>(part: &str) -> Result<Option<T>, InvalidRight> {
    match part {
        "*" => Ok(None),
        one => one.parse().map(Some).map_err(InvalidRight::Name),
    }
}

impl fmt::Display for ClusterRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.verb.map_or("*", ClusterVerb::as_str);
        write!(
            f,
            "{verb}:{}:{}",
            self.resource.as_deref().unwrap_or("*"),
            self.namespace.as_deref().unwrap_or("*")
        )
    }
}
