//! A mover that is none of ours and only fails: VolSync would start it again for ever, and nobody would ever have their turn.

use agent_sdk::prelude::*;

use super::super::End;
use super::super::trigger::{self, Turn};
use super::Task;
use crate::mover::Seen;

impl Task {
    /// Gets past a mover that is none of ours, and that only fails. Its copy of the volume may be old, so a backup lets it have its end, but at once, and comes
    /// after it; an unlock takes it for itself.
    pub(super) fn get_past(&mut self, seen: &Seen) {
        if self.turn() != Turn::Mover || !(seen.fails() || self.is_to_restart(seen)) {
            return;
        }
        if self.wanted.unlock {
            // One that is on its way is waited for.
            if self.tried.is_none() {
                self.set();
            }
        } else if self.is_to_restart(seen) {
            self.restarted = true;
            if let Err(error) = self.restart() {
                self.finish(End::Failed(error));
            }
        } else {
            let error = self.error(
                "the mover that is running failed before, was begun anew, and fails again",
                &self.trail.failure().log,
            );
            self.finish(End::Failed(error));
        }
    }

    /// Has VolSync begin the mover anew, or try again to begin one.
    pub(super) fn restart(&mut self) -> Result<()> {
        if self.source.reason() == Some("Error") {
            trigger::look_again(&self.source)?;
        }
        self.trail.restart(&self.source.namespace)
    }

    /// Says whether the mover of another synchronisation is to be begun anew, once. VolSync itself waits for up to 17 minutes until it looks again at what
    /// was missing, and a Job for up to 10 until its next try.
    pub(super) fn is_to_restart(&self, seen: &Seen) -> bool {
        let missing = self.source.reason() == Some("Error") && !seen.there;
        self.turn() == Turn::Mover && !self.restarted && (seen.fails() || missing)
    }
}
