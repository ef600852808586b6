//! What keeps a synchronisation from going on, and how that is told.

use agent_sdk::diagnosis::{Cause, Outlook};
use agent_sdk::prelude::*;

use super::super::trigger::Turn;
use super::look::again;
use super::{State, Task};
use crate::mover::Seen;
use crate::obstacle;
use crate::restic::log;

/// So long VolSync may take to begin.
const BEGIN: SignedDuration = SignedDuration::from_secs(10);

impl Task {
    /// Judges by what VolSync says, by the mover's Job and pods, by the copy of the volume, and by VolSync itself.
    pub(super) fn outlook(&self, seen: &Seen) -> Outlook {
        let source = &self.source;
        let subject = format!("ReplicationSource `{}/{}`", source.namespace, source.name);
        let waited = run::now().duration_since(self.started);
        let asked =
            matches!(self.state, State::Tagged { .. }) || matches!(self.turn(), Turn::Asked(_));
        obstacle::of_condition(subject, source.reason(), source.message())
            .or_else(|| seen.pods.outlook.clone())
            .or_else(|| match (seen.there, source.synchronizing()) {
                (false, true) => obstacle::of_copy(source),
                (false, false) if asked && waited > BEGIN => obstacle::of_operator(),
                _ => Outlook::Clear,
            })
    }

    /// Says in a few words how far it is.
    pub(super) fn describe(&self, seen: &Seen, outlook: &Outlook) -> String {
        if let Some(note) = outlook.note() {
            return note;
        }
        if seen.failures > 0 && seen.fails() {
            let times = again(seen.failures, &self.trail.failure().log);
            return format!("its mover has failed {times}");
        }
        match self.state {
            State::Tagged { .. } => log::progress(&self.trail.log).unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// Makes the error of a cause that has stood for too long.
    pub(super) fn blocked(&self, cause: &Cause) -> Error {
        let what = match self.state {
            State::Busy if self.source.reason() != Some("Error") => {
                "the synchronisation that is under way cannot go on"
            }
            _ => "VolSync cannot go on",
        };
        let error = self.error(what, "");
        cause.explain(error)
    }
}
