//! Undoing what others overwrote at a plugin's wish: an operation brings it back, once everything newer is put back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use agent_core::event::UndoReport;
use agent_core::failure::{Failure, Kind, LOCK_LOST, NOT_COMPENSATED};
use agent_core::grant::Grants;
use agent_core::hint;
use agent_core::id::{CallId, Digest, OperationName};
use agent_core::journal::{Entry as Note, Returned};
use agent_core::undo::{Callee, Compensation};
use jiff::Timestamp;

use crate::gate::Actor;
use crate::ledger::{self, Entry};
use crate::{Gate, PutBack, guarded};

impl Gate {
    /// Returns whether what acts here undoes something.
    pub fn is_compensating(&self) -> bool {
        self.actor.compensating
    }

    /// Opens the gate of an operation that undoes something in this run, and records that it begins. It has rights of its own, and needs no consent.
    pub fn compensating(
        &self,
        call: CallId,
        plugin: String,
        operation: OperationName,
        digest: Digest,
        grants: Grants,
    ) -> Gate {
        let at = Timestamp::now();
        self.run.account.take_back();
        self.run.note(Note::Called {
            call: call.clone(),
            operation: operation.clone(),
            digest,
            at: Some(at),
        });
        let actor = Actor {
            depth: 1,
            agreed: AtomicBool::new(true),
            compensating: true,
            ..Actor::new(call, plugin, operation, grants, at)
        };
        Gate {
            run: self.run.clone(),
            actor: Arc::new(actor),
        }
    }

    /// Returns what taking the run back calls operations for, a sentence each.
    pub fn compensations(&self) -> Vec<String> {
        let entries = self.run.holds.ledger.entries();
        let sentence = |entry: &Entry| {
            let call = entry.undo.compensation()?.call.as_ref()?;
            Some(format!("{} by {}", entry.target, call.operation))
        };
        entries.iter().filter_map(sentence).collect()
    }

    /// Makes what was overwritten permanent, also for whoever holds the operation: it is as it was to become. Once the run is stopped it is undone.
    pub fn settle_overwriting(&self, number: u64) {
        let run = &self.run;
        if run.ending.exceeded_plan().is_some() || run.ending.stop.goes_on().is_err() {
            return;
        }
        for entry in run.holds.ledger.take(|entry| entry.number == number) {
            run.stands(entry);
            run.note(Note::Kept { number });
        }
    }

    /// Takes back what was announced and has not begun.
    pub fn withdraw_overwriting(&self, number: u64) {
        self.run.did_not_happen(number);
        let failure = Failure::new(Kind::Cancelled, "run.withdrawn", "it was not begun");
        self.run.note(Note::Result {
            number,
            failure: Some(failure),
            uncertain: false,
            undo: None,
        });
    }

    /// Returns whether something newer may be half written by now, which is settled or undone later in the run.
    pub(super) fn waits_for_a_compensation(&self, entry: &Entry) -> bool {
        let newest = self.run.holds.ledger.compensations().into_iter().next();
        let later = newest.is_some_and(|newest| newest > entry.number);
        later && !self.run.planning() && self.run.holds.stuck.keeps(entry).is_none()
    }

    /// Leaves it in the ledger. Nobody is told: it goes back later in the run.
    pub(super) fn let_wait(&self, entry: Entry) -> UndoReport {
        let message = "something that was begun after it may be half written by now";
        let failure = Failure::new(Kind::Conflict, "run.not-yet", message);
        let take_back = ledger::unsettled(&entry, failure);
        self.run.holds.ledger.put(entry);
        take_back
    }

    /// Leaves what was overwritten as it is, for good: somebody has seen to it. Returns what that was.
    pub fn leave_overwritten(&self) -> Vec<String> {
        let entries = self
            .run
            .holds
            .ledger
            .take(|entry| entry.undo.compensation().is_some());
        let leave = |entry: Entry| {
            let number = entry.number;
            self.run.note(Note::Kept { number });
            entry.target.to_string()
        };
        entries.into_iter().map(leave).collect()
    }

    /// Undoes an overwriting, unless something newer is still in the way.
    pub(super) async fn compensate(&self, number: u64) -> Vec<UndoReport> {
        let taken = self.run.holds.ledger.take(|entry| entry.number == number);
        let Some(entry) = taken.into_iter().next().filter(|_| !self.run.planning()) else {
            return Vec::new();
        };
        if let Some(until) = self.run.holds.stuck.keeps(&entry) {
            return vec![self.leave_held(entry, &until)];
        }
        self.announce_release(std::slice::from_ref(&entry)).await;
        let compensation = entry.undo.compensation().cloned();
        let done = match compensation {
            Some(compensation) => self.call_back(&entry, compensation).await,
            None => Ok(String::new()),
        };
        let take_back = ledger::report(&entry, done.map(PutBack::done));
        vec![self.conclude(entry, take_back).await]
    }

    async fn call_back(&self, entry: &Entry, how: Compensation) -> Result<String, Failure> {
        let (run, by_hand) = (&self.run.id, how.by_hand);
        let Some(callee) = how.call else {
            let message = "it may be half overwritten, and what was there before was not kept";
            return Err(Failure::new(Kind::Unsupported, NOT_COMPENSATED, message)
                .because(format!("by hand, as its plugin says: {by_hand}"))
                .hinted(hint!(
                    "make it whole by hand, then put back the rest: agent undo {} --leave-data",
                    run
                )));
        };
        // Somebody else is at work there by now.
        if let Err(lost) = self.run.ending.stop.stopped()
            && lost.code == LOCK_LOST
        {
            return Err(lost.because(format!(
                "once nobody else is at work there: agent undo {run}"
            )));
        }
        self.run.ending.stop.lift();
        let operation = callee.operation.clone();
        let failure = match self.call_compensation(entry.number, callee).await {
            Ok(Returned {
                failed: 0, summary, ..
            }) if summary.is_empty() => {
                return Ok(format!("brought back by {operation}"));
            }
            Ok(Returned {
                failed: 0, summary, ..
            }) => return Ok(self.run.secrets.text(summary)),
            Ok(_) => {
                let message = format!("`{operation}` failed for a part");
                Failure::new(Kind::Failed, "operations.failed-in-part", message)
            }
            Err(failure) => failure,
        };
        let failure =
            failure.while_doing("it may be half overwritten, and could not be brought back");
        Err(failure
            .because(format!("once that is mended: agent undo {run}"))
            .because(format!("or start what is older on it as it is: agent undo {run} --leave-data, and then: {by_hand}")))
    }

    async fn call_compensation(&self, number: u64, callee: Callee) -> Result<Returned, Failure> {
        let attempt = self.run.replay.compensated(number) + 1;
        let place = CallId::compensation(number, attempt);
        let operations = self.run.operations.clone();
        guarded(operations.compensate(self.clone(), place, callee)).await
    }
}
