//! The run, as the capabilities see it.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use agent_core::effect::Effect;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::{CallId, RunId};
use agent_core::record::RecordedEffect;
use agent_core::undo::{Scope, Undo};
use serde::Serialize;

use crate::{Capability, Entry, Gate, Operations, Secrets};

impl Gate {
    /// Returns what a capability has for this run.
    ///
    /// # Errors
    /// `internal` (`agent.bug`) when the run was opened without it.
    pub fn capability<C: Capability>(&self) -> Result<Arc<C>, Failure> {
        let mut all = self.run.capabilities.iter().cloned();
        all.find_map(|one| (one as Arc<dyn Any + Send + Sync>).downcast().ok())
            .ok_or_else(|| {
                let what = std::any::type_name::<C>();
                let message = format!("the run has no {what}");
                Failure::new(Kind::Internal, "agent.bug", message)
            })
    }

    /// Returns the run's id.
    pub fn run_id(&self) -> &RunId {
        &self.run.id
    }

    /// Returns the rights of the operation.
    pub fn grants(&self) -> &Grants {
        &self.actor.grants
    }

    /// Returns where the operation stands in the run.
    pub fn place(&self) -> &CallId {
        &self.actor.id
    }

    /// Returns the hold that keeps what the operation changes, when it is called as a hold.
    pub fn scope(&self) -> Option<&Scope> {
        self.actor.scope.as_ref()
    }

    /// Returns whether the run only plans: nothing is written.
    pub fn planning(&self) -> bool {
        self.run.planning()
    }

    /// Returns how long processes have been at the run.
    pub fn elapsed(&self) -> Duration {
        self.run.elapsed()
    }

    /// Returns what the run masks.
    pub fn secrets(&self) -> &Secrets {
        &self.run.secrets
    }

    /// Returns how operations are called.
    pub fn operations(&self) -> &Arc<dyn Operations> {
        &self.run.operations
    }

    /// Fails with the reason once the run was stopped, which the operation hears of: it has not come to its end by itself.
    ///
    /// # Errors
    /// `cancelled`; whatever else it was stopped for.
    pub fn goes_on(&self) -> Result<(), Failure> {
        self.run.ending.stop.goes_on()
    }

    /// Fails with the reason once the run was stopped.
    ///
    /// # Errors
    /// `cancelled`; whatever else it was stopped for.
    pub fn stopped(&self) -> Result<(), Failure> {
        self.run.ending.stop.stopped()
    }

    /// Waits for something as long as the run is not stopped.
    ///
    /// # Errors
    /// Why the run was stopped; what the work fails with.
    pub async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.run.ending.stop.unless_stopped(work).await
    }

    /// Adds an effect to the plan that cannot be tried.
    pub fn planned(&self, effect: Effect) {
        self.run.planned(effect);
    }

    /// Returns a text that is unique for an effect, by which what it made is known again.
    pub fn marker(&self, effect: u64) -> String {
        self.run.marker(effect)
    }

    /// Writes down that the run has made something, by what identifies it: the run may remove it.
    pub fn makes(&self, uid: String) {
        self.run.holds.makes(uid);
    }

    /// Returns whether the run has made what that identifies.
    pub fn has_made(&self, uid: &str) -> bool {
        self.run.holds.has_made(uid)
    }

    /// Puts a change into the ledger, before it goes out; once more under the same number when more is known of it.
    pub fn hold(&self, entry: Entry) {
        self.run.holds.ledger.put(entry);
    }

    /// Writes down a change that is to stay, for a run that may have to be taken back as a whole.
    pub fn stands(&self, entry: Entry) {
        self.run.stands(entry);
    }

    /// Forgets a change that did not happen.
    pub fn did_not_happen(&self, number: u64) {
        self.run.did_not_happen(number);
    }

    /// Returns the numbers of what a scope holds.
    pub fn held_in(&self, scope: &Scope) -> Vec<u64> {
        self.run.holds.ledger.numbers_in(scope)
    }

    /// Returns how an effect of an earlier process is put back; none when that cannot be read any more.
    pub fn undo_of(&self, recorded: &RecordedEffect) -> Option<Undo> {
        self.run.undo_of(recorded)
    }

    /// Returns the keyed hash by which a secret is compared.
    pub fn keyed_hash(&self, value: &impl Serialize) -> String {
        self.run.keyed_hash(value)
    }

    /// Takes room of the run's log for a text of so many bytes. Returns whether there was so much, and it was not said in vain.
    pub fn say(&self, bytes: usize, in_vain: bool) -> bool {
        self.run.account.say(bytes, in_vain)
    }

    /// Returns how many texts had no room since this was asked for last.
    pub fn unsaid(&self) -> u64 {
        self.run.account.unsaid()
    }
}
