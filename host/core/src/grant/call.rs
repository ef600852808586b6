//! Rights to call operations.

use std::fmt;

use super::InvalidRight;
use super::cluster::{any, narrower};
use crate::id::OperationName;
use crate::name::Namespace;

/// To call an operation, or any, and where what is called may act.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallRight {
    /// None for every operation.
    pub operation: Option<OperationName>,
    /// Where what is called may act by the rights of its own plugin.
    pub reach: Reach,
}

/// Where an operation that is called may act, beyond what its caller may do itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// In the namespaces that the caller's own rights name.
    OfCaller,
    /// In this namespace.
    Namespace(Namespace),
    /// Wherever its own plugin may.
    Everywhere,
}

/// What a right to call opens, in words, to stand behind it.
impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reach::OfCaller => f.write_str("which may act where this plugin may itself"),
            Reach::Namespace(namespace) => write!(f, "which may act in {namespace}"),
            Reach::Everywhere => f.write_str("which may act in all namespaces"),
        }
    }
}

impl CallRight {
    /// Reads `OPERATION` or `OPERATION:NAMESPACE`.
    pub(super) fn parse(text: &str) -> Result<CallRight, InvalidRight> {
        let (operation, reach) = match text.split_once(':') {
            None => (text, Reach::OfCaller),
            Some((operation, place)) => {
                let reach = any(place)?.map_or(Reach::Everywhere, Reach::Namespace);
                (operation, reach)
            }
        };
        let operation = match operation {
            "*" => None,
            one => Some(one.parse().map_err(InvalidRight::Operation)?),
        };
        Ok(CallRight { operation, reach })
    }

    pub(super) fn allows(&self, operation: &OperationName) -> bool {
        self.operation
            .as_ref()
            .is_none_or(|allowed| allowed == operation)
    }

    /// Returns what both allow.
    pub(super) fn meet(&self, other: &CallRight) -> Option<CallRight> {
        let reach = match (&self.reach, &other.reach) {
            (Reach::Everywhere, reach) | (reach, Reach::Everywhere) => reach,
            (one, other) => (one == other).then_some(one)?,
        };
        Some(CallRight {
            operation: narrower(self.operation.as_ref(), other.operation.as_ref())?,
            reach: reach.clone(),
        })
    }

    pub(super) fn covers(&self, other: &CallRight) -> bool {
        (self.operation.is_none() || self.operation == other.operation)
            && (self.reach == Reach::Everywhere || self.reach == other.reach)
    }
}

impl fmt::Display for CallRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operation {
            Some(operation) => write!(f, "{operation}")?,
            None => f.write_str("*")?,
        }
        match &self.reach {
            Reach::OfCaller => Ok(()),
            Reach::Namespace(namespace) => write!(f, ":{namespace}"),
            Reach::Everywhere => f.write_str(":*"),
        }
    }
}
