//! What a host call asks for, as its capability says it.

use std::fmt;

use agent_core::failure::Failure;
use serde_json::Value;

use crate::Gate;

/// A wish of a guest. Written out, it is what a replay compares and what people read while it takes its time, such as `patch deployments media/plex`; so
/// there is no secret in it, and it is the same at every replay.
pub trait Request: fmt::Display + Send + Sync {
    /// The capability that is asked, such as `cluster`.
    fn capability(&self) -> &'static str;

    /// What it does, by which the gate treats it.
    fn access(&self) -> Access;

    /// Returns whether the operation has the rights that it needs.
    ///
    /// # Errors
    /// `denied`, see [`crate::denial`].
    fn allowed(&self, gate: &Gate) -> Result<(), Failure>;

    /// Returns whether its answer as a whole must not be on record: it is asked for again at a replay, and compared by a keyed hash.
    fn is_secret(&self) -> bool {
        false
    }

    /// Returns what of an answer is compared then: all but what changes when nothing has changed.
    fn compared(&self, answer: Value) -> Value {
        answer
    }
}

/// To wait for something of the run's own, such as time or a person's answer, which wants no right. The word says for what.
pub struct Wait(pub &'static str);

impl Request for Wait {
    fn capability(&self) -> &'static str {
        "run"
    }

    fn access(&self) -> Access {
        Access::Wait
    }

    fn allowed(&self, _gate: &Gate) -> Result<(), Failure> {
        Ok(())
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It looks, and is broken off when the run is stopped.
    Read,
    /// It waits for something that may never come, such as a change, time or a person, and is broken off when the run is stopped.
    Wait,
    /// It may change something, so it is finished even when the guest is gone. An operation that only reads has none, and one that destroys has none before
    /// the person has agreed. What it does is announced by [`crate::Pass::effect`].
    Write,
    /// It has others act, who hear of a stop by themselves.
    Call,
    /// It puts back what is held, and nothing keeps it waiting.
    Release,
}
