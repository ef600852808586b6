//! Whether what a run holds still stands, and what its plan rests on is still so, before it goes on as if it did.
//!
//! Between a run's end by force and its being taken up again, a person may have started the app by hand, or a controller may have. The plugin
//! is told what it was told before, and would not look again.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::id::CallId;
use agent_core::plan::Plan;

use crate::{Gate, Pass};

impl Gate {
    /// Returns permission to read for the host itself, which is on nobody's record.
    fn look_around(&self) -> Pass {
        Pass::new(self.clone(), CallId::root(), false)
    }

    /// Checks that what a plan rests on is still so.
    ///
    /// # Errors
    /// `conflict` (`plan.outdated`) with whatever has changed; whatever looking fails with; `unsupported` (`run.no-capability`).
    pub async fn is_up_to_date(&self, plan: &Plan) -> Result<(), Failure> {
        let mut changes = Vec::new();
        for (name, rests_on) in &plan.rests_on {
            let capability = self.run.capability_named(name, "the plan rests on it")?;
            changes.extend(capability.changed(&self.look_around(), rests_on).await?);
        }
        if changes.is_empty() {
            return Ok(());
        }
        let message = "what the plan rests on has changed since it was made";
        let failure = Failure::new(Kind::Conflict, "plan.outdated", message)
            .hinted("make a new plan: agent run OPERATION … --plan --out FILE");
        Err(changes.into_iter().fold(failure, Failure::because))
    }

    /// Checks that every change that a cut-off run holds is still in place. What it had begun to put back does not count, nor what is older than
    /// that, and neither does a change that it does not know to have happened: both are looked at again in the course of the run.
    ///
    /// # Errors
    /// `conflict` (`run.holds-lost`) with each change that is gone; whatever looking fails with.
    pub async fn verify_holds(&self) -> Result<(), Failure> {
        let pass = self.look_around();
        let mut lost = Vec::new();
        for entry in self.run.holds.ledger.entries() {
            if self.run.replay.is_settled(entry.number) {
                let capability = self.run.capability_of(&entry)?;
                let gone = capability.lost(&pass, &entry).await?;
                lost.extend(gone.map(|what| format!("{}: {what}", entry.target)));
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        let run = &self.run.id;
        let message = "the run cannot go on: what it held is not so any more";
        let failure = Failure::new(Kind::Conflict, "run.holds-lost", message)
            .hinted(hint!("agent undo {}", run));
        Err(lost.into_iter().fold(failure, Failure::because))
    }
}
