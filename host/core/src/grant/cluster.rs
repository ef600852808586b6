//! Rights on objects of the cluster.

use std::fmt;

use super::InvalidRight;
use crate::manifest::ClusterVerb;
use crate::object::ObjectType;

/// To do one thing, or anything, with objects of one type, or any, in one namespace, or all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterRight {
    /// None for every verb.
    pub verb: Option<ClusterVerb>,
    /// `PLURAL.GROUP` or `PLURAL`; none for every type.
    pub resource: Option<String>,
    /// None for all namespaces and for cluster-scoped objects.
    pub namespace: Option<String>,
}

impl ClusterRight {
    /// Reads `VERB:RESOURCE:NAMESPACE`; none when there are not three parts.
    pub(super) fn parse(text: &str) -> Option<Result<ClusterRight, InvalidRight>> {
        let parts: Vec<&str> = text.split(':').collect();
        let [verb, resource, namespace] = parts[..] else {
            return None;
        };
        if resource.is_empty() || namespace.is_empty() {
            return None;
        }
        let any = |part: &str| {
            if part == "*" {
                None
            } else {
                Some(part.to_owned())
            }
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
        Some(Ok(ClusterRight {
            verb,
            resource: any(resource),
            namespace: any(namespace),
        }))
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

    pub(super) fn covers(&self, other: &ClusterRight) -> bool {
        (self.verb.is_none() || self.verb == other.verb)
            && (self.resource.is_none() || self.resource == other.resource)
            && (self.namespace.is_none() || self.namespace == other.namespace)
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
