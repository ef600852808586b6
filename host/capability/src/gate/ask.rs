//! What a host call wishes to do.

use std::fmt;

use agent_core::effect::Verb;
use agent_core::id::OperationName;
use agent_core::manifest::ClusterVerb;
use agent_core::object::{ObjectRef, ObjectType};

/// See the module. Written out, it is what a replay compares.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// To read objects of the cluster.
    Look {
        verb: ClusterVerb,
        of: ObjectType,
        namespace: Option<String>,
        /// A name or a selector.
        which: String,
    },
    /// To change an object of the cluster.
    Change(Verb, ObjectRef),
    /// To call an operation.
    Call(OperationName),
    /// To let time pass.
    Sleep,
    /// To ask the person.
    Confirm,
    /// To put back what is held.
    Release,
}

impl Ask {
    /// To read objects: that with the name `which`, or those that it selects.
    pub(crate) fn look(
        verb: ClusterVerb,
        of: &ObjectType,
        namespace: Option<&str>,
        which: &str,
    ) -> Ask {
        Ask::Look {
            verb,
            of: of.clone(),
            namespace: namespace.map(str::to_owned),
            which: which.to_owned(),
        }
    }

    /// Returns whether its answer must not be on disk. What a change of a Secret answers has no values in it.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Ask::Look { of, .. } if of.is_secret())
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Look {
                verb,
                of,
                namespace,
                which,
            } => {
                write!(f, "{} {of} ", verb.as_str())?;
                if let Some(namespace) = namespace {
                    write!(f, "{namespace}/")?;
                }
                f.write_str(which)
            }
            Ask::Change(verb, target) => write!(f, "{} {target}", verb.as_str()),
            Ask::Call(operation) => write!(f, "call {operation}"),
            Ask::Sleep => f.write_str("sleep"),
            Ask::Confirm => f.write_str("confirm"),
            Ask::Release => f.write_str("release"),
        }
    }
}
