//! What becomes permanent, and what becomes of it in a run that goes beyond its plan: then nothing is, for nobody has approved that run.

use agent_core::failure::Failure;
use agent_core::journal::Entry as Note;

use crate::shared::Shared;
use crate::{Entry, Gate};

impl Gate {
    /// Makes what is held permanent; inside a scope, leaves it to that scope.
    ///
    /// # Errors
    /// `cancelled` once the run is stopped, and why it was: what is held stays so, and is put back. `plan.not-planned`.
    pub fn keep(&self, numbers: &[u64]) -> Result<(), Failure> {
        let (run, scope) = (&self.run, self.actor.scope.as_ref());
        let undoes = self.is_compensating();
        if let (Some(violated), false) = (run.ending.exceeded_plan(), undoes) {
            return Err(violated);
        }
        run.ending.stop.goes_on()?;
        if let (Some(plan_guard), None, false) = (&run.plan_guard, scope, undoes)
            && let Err(failure) = plan_guard.may_keep(numbers)
        {
            run.exceed_plan(failure.clone());
            return Err(failure);
        }
        for entry in run.holds.ledger.keep(numbers, scope) {
            let number = entry.number;
            run.plan_builder.keep(number);
            if !undoes {
                run.stands(entry);
            }
            run.note(Note::Kept { number });
        }
        Ok(())
    }

    /// Returns what the run wished that is not in its plan, if that is so. Then all that it has done is held, also what was kept or was never
    /// held, so [`Gate::release_all`] takes all of it back; nothing of it may stay, whatever is to become of a run that fails, and also when the
    /// plugin says that it did well.
    pub fn violated(&self) -> Option<Failure> {
        self.run.ending.exceeded_plan()
    }
}

impl Shared {
    /// Writes down a change that is to stay, for a run that may have to be taken back as a whole.
    pub(crate) fn stands(&self, entry: Entry) {
        if self.plan_guard.is_some() && !self.planning() {
            self.holds.standing.put(entry);
            if self.ending.exceeded_plan().is_some() {
                self.hold_all();
            }
        }
    }

    /// Ends a run that goes beyond its plan.
    pub(crate) fn exceed_plan(&self, why: Failure) {
        self.ending.exceed_plan(why);
        self.hold_all();
    }

    /// Forgets a change that did not happen.
    pub(crate) fn did_not_happen(&self, number: u64) {
        self.holds.ledger.forget(number);
        self.holds.standing.forget(number);
    }

    fn hold_all(&self) {
        for entry in self.holds.standing.take(|_| true) {
            self.holds.ledger.put(entry);
        }
    }
}
