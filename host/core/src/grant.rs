//! Rights: one thing that may be done, as a person grants it and as the gate checks it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::descriptor::Risk;
use crate::id::OperationName;
use crate::manifest::ClusterVerb;
use crate::object::ObjectType;

mod cluster;
mod opens;

pub use cluster::ClusterRight;

/// One right. As text: `cluster:VERB:RESOURCE:NAMESPACE` (`cluster:delete:pods:kube-system`) or `operations:call:OPERATION`
/// (`operations:call:flux.suspend`). `*` stands for a whole part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Right {
    /// To do something with objects of the cluster.
    Cluster(ClusterRight),
    /// To call an operation; `*` for any.
    Call(String),
}

/// A text that is no right.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRight {
    /// Neither form.
    #[error(
        "`{0}` is no right: write `cluster:VERB:RESOURCE:NAMESPACE` or `operations:call:OPERATION`"
    )]
    Form(String),
    /// An unknown verb.
    #[error(
        "`{verb}` is no verb of `cluster`: use one of get, list, watch, create, patch, apply, delete, logs, or `*`"
    )]
    Verb {
        /// The word.
        verb: String,
    },
    /// Not the name of an operation.
    #[error("`{0}` is no operation: write DOMAIN.OPERATION such as `flux.suspend`, or `*`")]
    Operation(String),
}

impl Right {
    /// Returns whether whoever has this right also has the other one.
    pub fn covers(&self, other: &Right) -> bool {
        match (self, other) {
            (Right::Cluster(mine), Right::Cluster(other)) => mine.covers(other),
            (Right::Call(mine), Right::Call(other)) => mine == "*" || mine == other,
            _ => false,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Right::Cluster(right) => write!(f, "cluster:{right}"),
            Right::Call(operation) => write!(f, "operations:call:{operation}"),
        }
    }
}

impl FromStr for Right {
    type Err = InvalidRight;

    fn from_str(text: &str) -> Result<Self, InvalidRight> {
        let form = || InvalidRight::Form(text.to_owned());
        match text.split_once(':').ok_or_else(form)? {
            ("cluster", rest) => ClusterRight::parse(rest)
                .ok_or_else(form)?
                .map(Right::Cluster),
            ("operations", rest) => {
                let operation = rest.strip_prefix("call:").ok_or_else(form)?;
                let valid = operation == "*" || operation.parse::<OperationName>().is_ok();
                if valid {
                    Ok(Right::Call(operation.to_owned()))
                } else {
                    Err(InvalidRight::Operation(operation.to_owned()))
                }
            }
            _ => Err(form()),
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

/// What one run may do: the intersection that [`crate::policy::decide`] computed. The gate asks it for every host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    rights: Vec<Right>,
    risk: Risk,
}

impl Grants {
    /// Makes the grants of a run of an operation with that risk.
    pub fn new(rights: Vec<Right>, risk: Risk) -> Grants {
        Grants { rights, risk }
    }

    /// Makes the grants of a run whose plugin does nothing any more: what it did is put back by the host itself.
    pub fn to_put_back() -> Grants {
        Grants::new(Vec::new(), Risk::Destroy)
    }

    /// Returns how much harm the operation says it can do.
    pub fn risk(&self) -> Risk {
        self.risk
    }

    /// Returns whether `verb` may be done with objects of a type in a namespace. Without a namespace the whole cluster is meant.
    pub fn allow_cluster(
        &self,
        verb: ClusterVerb,
        of: &ObjectType,
        namespace: Option<&str>,
    ) -> bool {
        self.rights.iter().any(
            |right| matches!(right, Right::Cluster(right) if right.allows(verb, of, namespace)),
        )
    }

    /// Returns whether an operation may be called.
    pub fn allow_call(&self, operation: &OperationName) -> bool {
        self.rights.iter().any(|right| matches!(right, Right::Call(allowed) if allowed == "*" || allowed == operation.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(text: &str) -> Right {
        text.parse().expect(text)
    }

    #[test]
    fn rights_read_back() {
        for text in [
            "cluster:delete:pods:kube-system",
            "cluster:*:deployments.apps:*",
            "operations:call:flux.suspend",
            "operations:call:*",
        ] {
            assert_eq!(right(text).to_string(), text);
        }
        for wrong in [
            "",
            "cluster",
            "cluster:get:pods",
            "cluster:eat:pods:*",
            "secrets:reveal",
            "operations:call:flux",
            "operations:hold:*",
        ] {
            assert!(wrong.parse::<Right>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wider_right_covers_a_narrower_one_and_not_the_reverse() {
        let table = [
            ("cluster:*:*:*", "cluster:delete:pods:media"),
            ("cluster:get:pods:*", "cluster:get:pods:media"),
            ("operations:call:*", "operations:call:flux.suspend"),
        ];
        for (wide, narrow) in table {
            assert!(right(wide).covers(&right(narrow)), "{wide} {narrow}");
            assert!(!right(narrow).covers(&right(wide)), "{narrow} {wide}");
        }
    }

    #[test]
    fn a_right_in_one_namespace_is_none_in_the_whole_cluster() {
        let grants = Grants::new(vec![right("cluster:list:pods:media")], Risk::Read);
        let pods = "pods.v1".parse().expect("a type");
        assert!(grants.allow_cluster(ClusterVerb::List, &pods, Some("media")));
        assert!(!grants.allow_cluster(ClusterVerb::List, &pods, Some("default")));
        assert!(!grants.allow_cluster(ClusterVerb::List, &pods, None));
        assert!(!grants.allow_cluster(ClusterVerb::Get, &pods, Some("media")));
    }
}
