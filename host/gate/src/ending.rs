//! How a run comes to its end: what it has reached by now, whether it was stopped, and what is to become of it then.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use agent_core::failure::Failure;

use crate::stop::Stop;

/// See the module.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) stop: Stop,
    /// The number of a [`Phase`].
    phase: AtomicU8,
    verdict: OnceLock<Verdict>,
}

/// What a run has reached. It never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// The plugin is at work.
    Working,
    /// It is on record, or about to be, what the plugin came to.
    Ended,
    /// The plugin is gone, and everything that is held goes back.
    TakingBack,
}

/// What is to become of a run that was stopped by what it did. The first one counts.
#[derive(Debug)]
enum Verdict {
    /// It cannot be resumed, and stays as it is.
    Abandoned(Failure),
    /// It went beyond its plan, and is taken back with all that it did, also what was to stay.
    ExceedsPlan(Failure),
}

impl Ending {
    /// Makes the ending of a run; of one that went beyond its plan in an earlier process, with why.
    pub(crate) fn new(exceeded: Option<Failure>) -> Ending {
        Ending {
            stop: Stop::default(),
            phase: AtomicU8::new(Phase::Working as u8),
            verdict: exceeded.map_or_else(OnceLock::new, |why| Verdict::ExceedsPlan(why).into()),
        }
    }

    /// Returns whether the run has reached a phase.
    pub(crate) fn is_at(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Acquire) >= phase as u8
    }

    /// Notes that the run has reached a phase.
    pub(crate) fn reach(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
    }

    /// Ends the run without taking it back.
    pub(crate) fn abandon(&self, why: Failure) {
        drop(self.verdict.set(Verdict::Abandoned(why.clone())));
        self.stop.stop(why);
    }

    /// Returns why the run is abandoned, if it is.
    pub(crate) fn abandoned(&self) -> Option<Failure> {
        match self.verdict.get() {
            Some(Verdict::Abandoned(why)) => Some(why.clone()),
            Some(Verdict::ExceedsPlan(_)) | None => None,
        }
    }

    /// Ends a run that goes beyond its plan.
    pub(crate) fn exceed_plan(&self, why: Failure) {
        drop(self.verdict.set(Verdict::ExceedsPlan(why.clone())));
        self.stop.stop(why);
    }

    /// Returns what the run wished that is not in its plan, if that is so.
    pub(crate) fn exceeded_plan(&self) -> Option<Failure> {
        match self.verdict.get() {
            Some(Verdict::ExceedsPlan(why)) => Some(why.clone()),
            Some(Verdict::Abandoned(_)) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_never_goes_back() {
        let ending = Ending::new(None);
        assert!(ending.is_at(Phase::Working) && !ending.is_at(Phase::Ended));
        ending.reach(Phase::TakingBack);
        ending.reach(Phase::Ended);
        assert!(ending.is_at(Phase::TakingBack));
    }

    #[test]
    fn first_verdict_counts_and_stops_the_run() {
        let ending = Ending::new(None);
        ending.exceed_plan(Failure::cancelled());
        ending.abandon(Failure::cancelled());
        assert!(ending.exceeded_plan().is_some() && ending.abandoned().is_none());
        assert!(ending.stop.stopped().is_err());
    }
}
