//! The record of runs: what was meant, what came of it, what is held. `journal` keeps it; the gate writes it.

use crate::call::Call;
use crate::effect::Effect;
use crate::event::{Outcome, TakeBack};
use crate::failure::Failure;
use crate::id::{Digest, RunId};

/// Keeps records of runs.
pub trait Journal: Send + Sync {
    /// Opens the record of a new run.
    ///
    /// # Errors
    /// `unavailable` when the record cannot be kept; the run must not start then.
    fn begin(
        &self,
        run: &RunId,
        call: &Call,
        plugin: &Digest,
    ) -> Result<Box<dyn RunJournal>, Failure>;
}

/// The record of one run. Calls come in the order in which things happen: an intent before its effect goes out, its result before the guest
/// sees it.
pub trait RunJournal: Send + Sync {
    /// Notes that an effect is about to happen.
    ///
    /// # Errors
    /// `unavailable` when it cannot be noted; the effect must not happen then.
    fn intent(&self, effect: &Effect) -> Result<(), Failure>;

    /// Notes what came of the effect with that number.
    fn result(&self, number: u64, result: Result<(), &Failure>);

    /// Notes that a held effect was put back, or why not.
    fn put_back(&self, number: u64, take_back: &TakeBack);

    /// Notes that a held effect is permanent now.
    fn kept(&self, number: u64);

    /// Closes the record.
    fn finish(&self, outcome: &Outcome);
}
