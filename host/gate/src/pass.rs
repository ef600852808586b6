//! What the gate hands out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use agent_core::effect::Effect;
use agent_core::event::Event;
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::journal::{self, Entry};
use agent_core::record::RecordedEffect;
use agent_core::undo::{Holder, Undo};

use crate::Gate;
use crate::plan_guard::Reservation;
use crate::secrets::Secrets;

/// Permission to read, for the host call that it was made for.
pub struct Pass {
    call: CallId,
    /// Whether it was given for a request to write, so that what it needs was checked.
    writes: bool,
    /// Whether what is put back must be gone before the next thing is put back.
    wait_for_dependents: bool,
    /// Whether something older is held, which what is put back now is in the way of.
    in_the_way: bool,
    gate: Gate,
    retry_policy: RetryPolicy,
}

/// What is recorded of an effect before it goes out: see [`journal::Intent`].
pub struct Announced {
    /// The effect.
    pub effect: Effect,
    /// Who puts it back at the end; none when it is to stay.
    pub holder: Option<Holder>,
    /// How it would be put back; none when it cannot be.
    pub undo: Option<Undo>,
    /// What identifies that which is removed.
    pub uid: Option<String>,
    /// What is secret in what goes out, to be masked once it has.
    pub learns: Option<Learns>,
    /// Whether all values of the target are secret: what puts them back is sealed on record.
    pub secret: bool,
}

/// Has a mask learn what is secret in something.
pub type Learns = Arc<dyn Fn(&Secrets) + Send + Sync>;

/// Why a write did not succeed, and whether it may have happened all the same.
#[derive(Debug)]
pub struct WriteError {
    /// Why.
    pub failure: Failure,
    /// Whether it may have happened.
    pub uncertain: bool,
    /// Whether the target cannot tell beforehand what the write would do.
    pub unrehearsed: bool,
}

impl WriteError {
    /// A failure before which nothing can have happened.
    pub fn surely(failure: Failure) -> WriteError {
        WriteError {
            failure,
            uncertain: false,
            unrehearsed: false,
        }
    }

    /// Takes out what is secret in what was sent: a server may repeat what it refuses.
    pub fn hide(&mut self, learns: &Learns) {
        let secrets = Secrets::default();
        learns(&secrets);
        self.failure = secrets.failure(self.failure.clone());
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        error.failure
    }
}

/// How long clients try again when the target does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Some seconds: a person waits for an answer.
    Call,
    /// Longer, also when there is no connection: a lock that stays keeps others away.
    Unlock,
    /// Minutes: what is not put back now has to be put back by hand.
    Undo,
}

impl RetryPolicy {
    /// Returns how long after the first attempt of a request another one may begin.
    pub fn length(self) -> Duration {
        match self {
            RetryPolicy::Call => Duration::from_secs(3),
            RetryPolicy::Unlock => Duration::from_secs(15),
            RetryPolicy::Undo => Duration::from_secs(120),
        }
    }

    /// Returns whether a target that cannot be reached at all is waited for.
    pub fn outlasts_connections(self) -> bool {
        self != RetryPolicy::Call
    }
}

/// Permission to write what was announced. While planning it is permission for a dry-run only.
pub struct WritePass {
    wait_for_dependents: bool,
    dry_run: bool,
    retry_policy: RetryPolicy,
    marker: String,
}

impl Pass {
    pub(super) fn new(gate: Gate, call: CallId, writes: bool) -> Pass {
        Pass {
            call,
            writes,
            wait_for_dependents: false,
            in_the_way: false,
            gate,
            retry_policy: RetryPolicy::Call,
        }
    }

    pub(super) fn to_put_back(gate: Gate, wait_for_dependents: bool, in_the_way: bool) -> Pass {
        Pass {
            call: CallId::root(),
            writes: false,
            wait_for_dependents,
            in_the_way,
            gate,
            retry_policy: RetryPolicy::Undo,
        }
    }

    /// Returns the gate of the operation that acts.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns how long to try again.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry_policy
    }

    /// Returns whether something older is held, which must not be put back beside what is put back now.
    pub fn is_in_the_way(&self) -> bool {
        self.in_the_way
    }

    /// Returns the effects of this call that an earlier process announced and that may have happened.
    pub fn attempts(&self) -> &[RecordedEffect] {
        self.gate.run.replay.attempts(&self.call)
    }

    /// Announces an effect, lets it happen, and records what came of it. `learnt` tells from its answer how it is put back, where the
    /// announcement could not know.
    ///
    /// # Errors
    /// When the journal cannot keep the announcement, before anything happens; whatever `write` fails with.
    pub async fn effect<T, F>(
        &self,
        announced: Announced,
        write: impl FnOnce(WritePass) -> F,
        learnt: impl FnOnce(&T) -> Option<Undo>,
    ) -> Result<T, WriteError>
    where
        F: Future<Output = Result<T, WriteError>>,
    {
        self.may_write(&announced.effect)
            .map_err(WriteError::surely)?;
        // What has not gone out yet must not go out any more.
        self.gate
            .run
            .ending
            .stop
            .goes_on()
            .map_err(WriteError::surely)?;
        let effect = announced.effect.clone();
        let (learns, secret) = (announced.learns.clone(), announced.secret);
        let mut reservation = self.reservation(&effect).map_err(WriteError::surely)?;
        self.announce(announced, reservation.as_ref())
            .await
            .map_err(WriteError::surely)?;
        if let Some(reservation) = &mut reservation {
            reservation.spend();
        }
        let mut result = write(self.to_write(effect.number)).await;
        if let Some(learns) = learns {
            self.learn(&learns, &mut result);
        }
        if let (Some(reservation), Err(refused)) = (reservation, &result)
            && !refused.uncertain
        {
            reservation.give_back();
        }
        self.settle(effect, secret, &result, learnt);
        result
    }

    /// Refuses what a capability has got wrong, before anything is on record that nobody could put back.
    fn may_write(&self, effect: &Effect) -> Result<(), Failure> {
        if !self.writes {
            let message = "a pass for reading was used to write";
            return Err(Failure::new(Kind::Internal, "agent.bug", message));
        }
        let capability = &effect.target.capability;
        self.gate
            .run
            .capability_named(capability, "something was to be changed by it")?;
        Ok(())
    }

    /// Has the run mask what was secret in what went out. What was refused is hidden in the refusal alone, or a plugin could have anything masked, and nothing
    /// would be on record of it.
    fn learn<T>(&self, learns: &Learns, result: &mut Result<T, WriteError>) {
        let run = &self.gate.run;
        match result {
            Err(refused) if !refused.uncertain || run.planning() => refused.hide(learns),
            _ => learns(&run.secrets),
        }
    }

    /// Takes the effect's place in the plan, where there is one.
    fn reservation(&self, effect: &Effect) -> Result<Option<Reservation<'_>>, Failure> {
        let run = &self.gate.run;
        let Some(plan_guard) = run
            .plan_guard
            .as_ref()
            .filter(|_| !self.gate.is_compensating())
        else {
            return Ok(None);
        };
        match plan_guard.allow(&self.call, effect, &run.placeholders) {
            Ok(reservation) => Ok(Some(reservation)),
            Err(failure) => {
                // Whatever the plugin makes of it, what is not approved ends the run.
                run.exceed_plan(failure.clone());
                Err(failure)
            }
        }
    }

    /// Records what is about to go out.
    async fn announce(
        &self,
        announced: Announced,
        reservation: Option<&Reservation<'_>>,
    ) -> Result<(), Failure> {
        let run = &self.gate.run;
        if run.planning() {
            return Ok(());
        }
        let announced =
            Entry::Intent(self.intent(announced, reservation.map(Reservation::planned)));
        match run.must_announce(announced).await? {
            true => Ok(()),
            false => Err(self.gate.too_much_on_record()),
        }
    }

    fn to_write(&self, number: u64) -> WritePass {
        WritePass {
            wait_for_dependents: false,
            dry_run: self.gate.run.planning(),
            retry_policy: self.retry_policy,
            marker: self.gate.run.marker(number),
        }
    }

    /// Records and tells what came of it.
    fn settle<T>(
        &self,
        effect: Effect,
        secret: bool,
        result: &Result<T, WriteError>,
        learnt: impl FnOnce(&T) -> Option<Undo>,
    ) {
        let run = &self.gate.run;
        let dry_run = run.planning();
        if !dry_run {
            let failed = result.as_ref().err();
            let undo = result.as_ref().ok().and_then(learnt);
            run.note(Entry::Result {
                number: effect.number,
                failure: failed.map(|error| error.failure.clone()),
                uncertain: failed.is_some_and(|error| error.uncertain),
                undo: undo
                    .map(|undo| run.recorded_undo(undo, effect.number, &effect.target, secret)),
            });
        }
        match result {
            Ok(_) if dry_run => run.planned(effect),
            Ok(_) => run.show(Event::Changed { effect }),
            Err(_) => {}
        }
    }

    /// Permission to try what a write would do, which changes nothing.
    pub fn rehearsal(&self) -> WritePass {
        WritePass {
            wait_for_dependents: false,
            dry_run: true,
            retry_policy: self.retry_policy,
            marker: String::new(),
        }
    }

    fn intent(&self, announced: Announced, planned: Option<u64>) -> journal::Intent {
        let (number, target) = (announced.effect.number, &announced.effect.target);
        let run = &self.gate.run;
        let undo = announced.undo;
        let secret = announced.secret;
        let undo = undo.map(|undo| run.recorded_undo(undo, number, target, secret));
        journal::Intent {
            effect: announced.effect,
            call: self.call.clone(),
            holder: announced.holder,
            undo,
            uid: announced.uid,
            planned,
        }
    }

    /// Permission to put back what an entry of the ledger holds; its record is the journal's `put_back`.
    ///
    /// # Errors
    /// `internal` (`agent.bug`) when the pass was given for something else.
    pub fn put_back(&self, number: u64) -> Result<WritePass, Failure> {
        if self.retry_policy != RetryPolicy::Undo {
            return Err(Failure::new(
                Kind::Internal,
                "agent.bug",
                "a pass for reading was used to put something back",
            ));
        }
        Ok(WritePass {
            wait_for_dependents: self.wait_for_dependents,
            dry_run: false,
            retry_policy: self.retry_policy,
            marker: self.gate.run.marker(number),
        })
    }
}

impl WritePass {
    /// Returns whether it is for a dry-run only.
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// Returns how long to try again.
    pub fn retry_policy(&self) -> RetryPolicy {
        self.retry_policy
    }

    /// Returns whether an object that is removed must be gone before the next thing is put back.
    pub fn wait_for_dependents(&self) -> bool {
        self.wait_for_dependents
    }

    /// Returns a text that is unique for the effect, by which an object that it made is known again.
    pub fn marker(&self) -> &str {
        &self.marker
    }
}

#[cfg(test)]
mod tests;
