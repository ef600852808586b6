//! Whether what a run holds still stands, before it goes on as if it did.
//!
//! Between a run's end by force and its being taken up again, a person may have started the app by hand, or a controller may have. The plugin
//! is told what it was told before, and would not look again.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::id::CallId;

use super::{Gate, Pass, Patience};
use crate::cluster;

impl Gate {
    /// Checks that every change that a cut-off run holds is still in place. What it had begun to put back does not count, nor what is older than
    /// that, and neither does a change that it does not know to have happened: both are looked at again in the course of the run.
    ///
    /// # Errors
    /// `conflict` (`run.holds-lost`) with each change that is gone; whatever looking fails with.
    pub async fn holds_stand(&self) -> Result<(), Failure> {
        let pass = Pass::new(self.clone(), CallId::root(), Patience::Running);
        let mut lost = Vec::new();
        for entry in self.run.ledger.entries() {
            if self.run.replay.is_settled(entry.number) {
                let gone = cluster::undo::lost(&self.run.client, &pass, &entry).await?;
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
