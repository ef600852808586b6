//! Rights on what a capability knows by a name. Most nouns need no others: a machine, a repository, a URL.

use std::fmt;

use super::InvalidRight;
use super::cluster::{any, narrower};
use crate::name::{ThingName, Word};

/// To do one thing, or anything, with one thing of a capability, or any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamedRight {
    /// The capability. `cluster` and `operations` have rights of another form; only `cluster:apply-as:MANAGER` is one of these.
    pub capability: Word,
    /// None for whatever can be done.
    pub verb: Option<Word>,
    /// None for whatever there is.
    pub name: Option<ThingName>,
}

impl NamedRight {
    /// Reads `VERB:NAME`; none when there are not two parts. A name may have a colon in it.
    pub(super) fn parse(capability: &str, text: &str) -> Option<Result<NamedRight, InvalidRight>> {
        let (verb, name) = text.split_once(':')?;
        Some(NamedRight::of_parts(capability, verb, name))
    }

    fn of_parts(capability: &str, verb: &str, name: &str) -> Result<NamedRight, InvalidRight> {
        Ok(NamedRight {
            capability: capability.parse().map_err(InvalidRight::Name)?,
            verb: any(verb)?,
            name: any(name)?,
        })
    }

    /// Returns whether it allows to do something with the thing of that name.
    pub fn allows(&self, capability: &str, verb: &str, name: &str) -> bool {
        self.capability == *capability
            && self.verb.as_deref().is_none_or(|allowed| allowed == verb)
            && self.name.as_deref().is_none_or(|allowed| allowed == name)
    }

    /// Returns what both allow.
    pub(super) fn meet(&self, other: &NamedRight) -> Option<NamedRight> {
        (self.capability == other.capability).then_some(())?;
        Some(NamedRight {
            capability: self.capability.clone(),
            verb: narrower(self.verb.as_ref(), other.verb.as_ref())?,
            name: narrower(self.name.as_ref(), other.name.as_ref())?,
        })
    }

    pub(super) fn covers(&self, other: &NamedRight) -> bool {
        self.capability == other.capability
            && (self.verb.is_none() || self.verb == other.verb)
            && (self.name.is_none() || self.name == other.name)
    }
}

impl fmt::Display for NamedRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, name) = (self.verb.as_deref(), self.name.as_deref());
        write!(
            f,
            "{}:{}:{}",
            self.capability.as_str(),
            verb.unwrap_or("*"),
            name.unwrap_or("*")
        )
    }
}
