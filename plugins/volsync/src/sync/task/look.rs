//! Looks at the mover of a synchronisation, and ends what does not get on.

use std::time::Duration;

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::super::failure::failure;
use super::super::{End, LOOK};
use super::{State, Task};
use crate::mover::Seen;
use crate::restic::cause;
use crate::text;

/// How often a mover may fail in a way that lasts. VolSync tries again after 10 s, 20 s, and so on.
const TRIES: i64 = 3;

impl Task {
    /// Returns when it was looked at last, when it is to be looked at again.
    pub(in super::super) fn due(&self) -> Option<Option<Duration>> {
        let rested = |looked| run::elapsed().saturating_sub(looked) >= LOOK;
        let due = self.running() && self.looked.is_none_or(rested);
        due.then_some(self.looked)
    }

    /// Looks at the mover, and at what keeps it or VolSync from going on. A mover that gets on is given more time; one that has used up its tries
    /// has failed, whatever the status says: of two failures with the same log it says nothing new.
    pub(in super::super) fn look(&mut self, step: &Step) {
        self.looked = Some(run::elapsed());
        let seen = self.trail.look(&self.source.namespace, &self.source.uid);
        let outlook = self.outlook(&seen);
        self.note = self.describe(&seen, &outlook);
        if let Some(failed) = seen.failed {
            warn!(
                "{}: the mover has failed {}",
                self.source.name,
                again(failed, &self.trail.failure().log)
            );
        }
        match self.state {
            State::Busy => self.get_past(&seen),
            State::Tagged { .. } => self.follow(&seen),
            State::Waiting | State::Ended(_) => return,
        }
        if !self.running() || self.lock.is_some() {
            return;
        }
        if let Some(cause) = self.standing.see(step, &outlook) {
            self.finish(End::Failed(self.blocked(&cause)));
        }
    }

    /// Judges the mover of our own synchronisation.
    fn follow(&mut self, seen: &Seen) {
        if seen.moved {
            self.deadline = Deadline::after(self.wanted.timeout);
        }
        if self.waits_for_lock(seen) {
            return;
        }
        let log = self.trail.failure().log;
        let in_vain = seen.fails() && seen.failures >= TRIES && cause::lasts(&log);
        if seen.exhausted || (in_vain && self.holder().is_none()) {
            let error = self.error(why_failed(seen), &log);
            self.finish(End::Failed(error));
        }
    }

    /// Ends it when its time is up.
    pub(in super::super) fn expire(&mut self, step: &Step) {
        if !self.running() || !self.deadline.left().is_zero() {
            return;
        }
        // Of many that run, only some are looked at all the time.
        self.look(step);
        if !self.running() || !self.deadline.left().is_zero() {
            return;
        }
        let timeout = self.wanted.timeout;
        let standing = self.standing.longest().cloned();
        let error = match (&self.state, &standing) {
            (State::Busy, Some(cause)) => self.blocked(cause),
            (State::Busy, None) => self.turn().late(&self.source, timeout),
            (_, standing) => {
                let what = format!("its mover had not ended after `{timeout:#}`");
                let (source, unlock) = (&self.source, self.wanted.unlock);
                let error = failure(Kind::Timeout, source, unlock, &what, &self.trail.log);
                match standing {
                    Some(cause) => cause.explain(error),
                    None => error,
                }
            }
        };
        self.finish(End::Failed(error));
    }
}

fn why_failed(seen: &Seen) -> &'static str {
    if seen.pods.killed {
        "its mover ran out of memory: see `moverResources`"
    } else {
        "its mover failed"
    }
}

/// Says how often a mover has failed, and why.
pub(super) fn again(failed: i64, log: &str) -> String {
    let times = text::count(failed.unsigned_abs() as usize, "time");
    let why = cause::why(None, log).map(|why| format!(": {why}"));
    format!("{times}{}; VolSync tries again", why.unwrap_or_default())
}
