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
    Look(Look),
    /// To watch objects of the cluster, by any number of queries at once.
    Watch(Vec<Look>),
    /// To change an object of the cluster, in these fields.
    Change(Verb, ObjectRef, Vec<String>),
    /// To be told what a change of an object, in these fields, would make of it.
    Rehearse(Verb, ObjectRef, Vec<String>),
    /// To call an operation.
    Call(OperationName),
    /// To have others overwrite what is behind an object, which the operation undoes.
    Overwrite(ObjectRef, Option<OperationName>),
    /// To let time pass.
    Sleep,
    /// To ask the person.
    Confirm,
    /// To put back what is held.
    Release,
}

/// Which objects are to be read, and how.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) verb: ClusterVerb,
    pub(crate) of: ObjectType,
    pub(crate) namespace: Option<String>,
    /// A name or a selector.
    pub(crate) which: String,
    /// The names of the objects; empty for all that it selects.
    pub(crate) names: Vec<String>,
}

impl Ask {
    /// To read the object of that name.
    pub(crate) fn look(
        verb: ClusterVerb,
        of: &ObjectType,
        namespace: Option<&str>,
        name: &str,
    ) -> Ask {
        Ask::Look(Look {
            verb,
            of: of.clone(),
            namespace: namespace.map(str::to_owned),
            which: name.to_owned(),
            names: vec![name.to_owned()],
        })
    }

    /// Returns whether its answer as a whole must not be on disk. What a watch and a change answer keeps its secrets by itself, object by
    /// object: see [`super::Sealed`].
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self, Ask::Look(look) if look.of.is_secret())
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Look(look) => look.fmt(f),
            Ask::Watch(looks) => {
                for (index, look) in looks.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{look}")?;
                }
                Ok(())
            }
            Ask::Change(verb, target, _) => write!(f, "{} {target}", verb.as_str()),
            Ask::Rehearse(verb, target, _) => write!(f, "rehearse {} {target}", verb.as_str()),
            Ask::Call(operation) => write!(f, "call {operation}"),
            Ask::Overwrite(target, _) => write!(f, "overwrite {target}"),
            Ask::Sleep => f.write_str("sleep"),
            Ask::Confirm => f.write_str("confirm"),
            Ask::Release => f.write_str("release"),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.verb.as_str(), self.of)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.which)
    }
}
