//! What the gate hands out.

use std::future::Future;
use std::time::Duration;

use agent_core::effect::Effect;
use agent_core::event::Event;
use agent_core::failure::{Failure, Kind};

use super::Gate;
use crate::cluster::client::Unanswered;

/// Permission to read, for the host call that it was made for.
pub struct Pass {
    /// Whether what is put back must be gone before the next thing is put back.
    thorough: bool,
    gate: Gate,
    patience: Patience,
}

/// How long clients try again when the target does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Some seconds: a person waits for an answer.
    Running,
    /// Minutes: what is not put back now has to be put back by hand.
    PuttingBack,
}

impl Patience {
    /// Returns how long after the first attempt of a request another one may begin.
    pub(crate) fn length(self) -> Duration {
        match self {
            Patience::Running => Duration::from_secs(3),
            Patience::PuttingBack => Duration::from_secs(120),
        }
    }
}

/// Permission to write what was announced. While planning it is permission for a dry-run only.
pub struct Intent {
    thorough: bool,
    dry_run: bool,
    patience: Patience,
    marker: String,
}

impl Pass {
    pub(super) fn new(gate: Gate, patience: Patience) -> Pass {
        Pass {
            thorough: false,
            gate,
            patience,
        }
    }

    pub(super) fn to_put_back(gate: Gate, thorough: bool) -> Pass {
        Pass {
            thorough,
            gate,
            patience: Patience::PuttingBack,
        }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Announces an effect, lets it happen, and records what came of it.
    ///
    /// # Errors
    /// When the journal cannot keep the announcement, before anything happens; whatever `write` fails with.
    pub(crate) async fn effect<T, F>(
        &self,
        effect: Effect,
        write: impl FnOnce(Intent) -> F,
    ) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        let run = &self.gate.run;
        // What has not gone out yet must not go out any more.
        run.stopped().map_err(Unanswered::surely)?;
        let marker = run.marker(effect.number);
        let dry_run = run.planning();
        if !dry_run {
            run.journal.intent(&effect).map_err(Unanswered::surely)?;
        }
        let result = write(Intent {
            thorough: false,
            dry_run,
            patience: self.patience,
            marker,
        })
        .await;
        if !dry_run {
            let result = result
                .as_ref()
                .map(|_| ())
                .map_err(|unanswered| &unanswered.failure);
            run.journal.result(effect.number, result);
        }
        if result.is_ok() {
            run.emit(if dry_run {
                Event::Planned { effect }
            } else {
                Event::Changed { effect }
            });
        }
        result
    }

    /// Permission to put back what an entry of the ledger holds; its record is the journal's `put_back`.
    pub(crate) fn put_back(&self, number: u64) -> Result<Intent, Failure> {
        if self.patience != Patience::PuttingBack {
            return Err(Failure::new(
                Kind::Internal,
                "agent.bug",
                "a pass for reading was used to put something back",
            ));
        }
        Ok(Intent {
            thorough: self.thorough,
            dry_run: false,
            patience: self.patience,
            marker: self.gate.run.marker(number),
        })
    }
}

impl Intent {
    pub(crate) fn dry_run(&self) -> bool {
        self.dry_run
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Returns whether an object that is removed must be gone before the next thing is put back.
    pub(crate) fn thorough(&self) -> bool {
        self.thorough
    }

    /// Returns a text that is unique for the effect, by which an object that it made is known again.
    pub(crate) fn marker(&self) -> &str {
        &self.marker
    }
}
