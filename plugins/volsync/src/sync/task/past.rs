//! A mover that is none of ours and only fails: VolSync would start it again for ever, and nobody would ever have their turn.

use super::super::End;
use super::super::trigger::{self, Turn};
use super::Task;
use crate::mover::{Seen, Trail};

impl Task {
    /// Gets past a mover that is none of ours, and that only fails. Its copy of the volume may be old, so a backup lets it have its end, but at once, and comes
    /// after it; an unlock takes it for itself.
    pub(super) fn get_past(&mut self, seen: &Seen) {
        if self.turn() != Turn::Mover || !(seen.fails() || self.is_to_restart(seen)) {
            return;
        }
        let job = self.trail.job().map(str::to_owned);
        if self.wanted.unlock {
            // One that is on its way is waited for.
            if self.tried.is_none() {
                self.set(job);
            }
        } else if self.is_to_restart(seen) {
            match trigger::restart(&self.source) {
                Ok(()) => {
                    self.restarted = true;
                    self.trail = Trail::after(job);
                }
                Err(error) => self.finish(End::Failed(error)),
            }
        } else {
            let error = self.error(
                "the mover that is running failed before, was begun anew, and fails again",
                &self.trail.log,
            );
            self.finish(End::Failed(error));
        }
    }

    /// Says whether the mover of another synchronisation is to be begun anew, once. VolSync itself waits for up to 17 minutes until it looks again at what
    /// was missing, and a Job for up to 10 until its next try.
    pub(super) fn is_to_restart(&self, seen: &Seen) -> bool {
        let missing = self.source.reason() == Some("Error") && !seen.there;
        self.source.restic().is_some()
            && self.turn() == Turn::Mover
            && !self.restarted
            && (seen.fails() || missing)
    }
}
