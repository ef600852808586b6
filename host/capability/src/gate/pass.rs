//! What the gate hands out.

use std::future::Future;
use std::time::Duration;

use agent_core::effect::Effect;
use agent_core::event::Event;
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::journal::{self, Entry, Survives};
use agent_core::record::Deed;
use agent_core::undo::{Holder, Undo};

use super::{Gate, replay};
use crate::cluster::client::Unanswered;

/// Permission to read, for the host call that it was made for.
pub struct Pass {
    call: CallId,
    /// Whether what is put back must be gone before the next thing is put back.
    thorough: bool,
    gate: Gate,
    patience: Patience,
}

/// What is recorded of an effect before it goes out: see [`journal::Intent`].
pub(crate) struct Announced {
    pub(crate) effect: Effect,
    pub(crate) holder: Option<Holder>,
    pub(crate) undo: Option<Undo>,
    pub(crate) uid: Option<String>,
}

/// How long clients try again when the target does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Some seconds: a person waits for an answer.
    Running,
    /// Longer, also when there is no connection: a lock that stays keeps others away.
    LettingGo,
    /// Minutes: what is not put back now has to be put back by hand.
    PuttingBack,
}

impl Patience {
    /// Returns how long after the first attempt of a request another one may begin.
    pub(crate) fn length(self) -> Duration {
        match self {
            Patience::Running => Duration::from_secs(3),
            Patience::LettingGo => Duration::from_secs(15),
            Patience::PuttingBack => Duration::from_secs(120),
        }
    }

    /// Returns whether a target that cannot be reached at all is waited for.
    pub(crate) fn outlasts_connections(self) -> bool {
        self != Patience::Running
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
    pub(super) fn new(gate: Gate, call: CallId, patience: Patience) -> Pass {
        Pass {
            call,
            thorough: false,
            gate,
            patience,
        }
    }

    pub(super) fn to_put_back(gate: Gate, thorough: bool) -> Pass {
        Pass {
            call: CallId::root(),
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

    /// Returns the effects of this call that an earlier process announced and that may have happened.
    pub(crate) fn attempts(&self) -> &[Deed] {
        self.gate.run.replay.attempts(&self.call)
    }

    /// Announces an effect, lets it happen, and records what came of it. `learnt` tells from its answer how it is put back, where the
    /// announcement could not know.
    ///
    /// # Errors
    /// When the journal cannot keep the announcement, before anything happens; whatever `write` fails with.
    pub(crate) async fn effect<T, F>(
        &self,
        announced: Announced,
        write: impl FnOnce(Intent) -> F,
        learnt: impl FnOnce(&T) -> Option<Undo>,
    ) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        let run = &self.gate.run;
        // What has not gone out yet must not go out any more.
        run.stopped().map_err(Unanswered::surely)?;
        let effect = announced.effect.clone();
        let allowed = run.bound.as_ref().map(|bound| {
            let slot = bound.allow(&self.call, &effect, &run.stand_ins)?;
            Ok((bound, slot))
        });
        // Whatever the plugin makes of it, what is not approved ends the run.
        let allowed = allowed.transpose().map_err(|failure: Failure| {
            run.violate(failure.clone());
            Unanswered::surely(failure)
        })?;
        let (number, secret) = (effect.number, effect.target.of.is_secret());
        let dry_run = run.planning();
        if !dry_run {
            let planned = allowed.as_ref().map(|(_, slot)| slot.planned());
            let announced = Entry::Intent(self.intent(announced, secret, planned));
            run.must_write(announced, Survives::PowerLoss)
                .await
                .map_err(Unanswered::surely)?;
        }
        let result = write(Intent {
            thorough: false,
            dry_run,
            patience: self.patience,
            marker: run.marker(number),
        })
        .await;
        if !dry_run {
            let failed = result.as_ref().err();
            let undo = result.as_ref().ok().and_then(learnt);
            run.note(Entry::Result {
                number,
                failure: failed.map(|unanswered| unanswered.failure.clone()),
                uncertain: failed.is_some_and(|unanswered| unanswered.uncertain),
                undo: undo.map(|undo| replay::without_secrets(undo, secret)),
            });
        }
        if let (Some((bound, slot)), Err(refused)) = (allowed, &result)
            && !refused.uncertain
        {
            bound.give_back(&self.call, number, slot);
        }
        if result.is_ok() {
            if dry_run {
                run.planned(effect);
            } else {
                run.show(Event::Changed { effect });
            }
        }
        result
    }

    /// Permission to try what a write would do, which changes nothing.
    pub(crate) fn rehearsal(&self) -> Intent {
        Intent {
            thorough: false,
            dry_run: true,
            patience: self.patience,
            marker: String::new(),
        }
    }

    fn intent(&self, announced: Announced, secret: bool, planned: Option<u64>) -> journal::Intent {
        journal::Intent {
            effect: announced.effect,
            call: self.call.clone(),
            holder: announced.holder,
            undo: announced
                .undo
                .map(|undo| replay::without_secrets(undo, secret)),
            uid: announced.uid,
            planned,
        }
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
