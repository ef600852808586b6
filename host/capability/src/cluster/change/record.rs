//! What is written down about a change: in the ledger before it goes out and after its answer, and in the plan.

use agent_core::effect::Verb;
use agent_core::event::Event;
use agent_core::failure::Failure;
use serde_json::Value;

use super::{Performer, fields};
use crate::cluster::client::Unanswered;
use crate::gate::{Entry, Undo};

impl Performer {
    /// Puts a change into the ledger before it goes out.
    pub(super) fn remember(&self, number: u64, undo: Undo) {
        if self.hold && !self.gate().run.planning() {
            let (owner, scope) = (self.gate().actor.id, self.gate().actor.scope);
            self.gate().run.ledger.put(Entry {
                number,
                owner,
                own: self.own,
                scope,
                target: self.target.clone(),
                undo,
            });
        }
    }

    /// Brings the ledger up to what came of a change. One that may have happened stays in it: putting back looks first.
    pub(super) fn settle(
        &self,
        number: u64,
        sent: Result<Value, Unanswered>,
        undo: impl FnOnce(&Value) -> Undo,
    ) -> Result<Value, Failure> {
        match sent {
            Ok(object) => {
                self.remember(number, undo(&object));
                Ok(object)
            }
            Err(unanswered) => Err(self.abandoned(number, unanswered)),
        }
    }

    pub(super) fn abandoned(&self, number: u64, unanswered: Unanswered) -> Failure {
        if !unanswered.uncertain {
            self.gate().run.ledger.forget(number);
        }
        unanswered.failure
    }

    pub(super) fn imagine(&self, object: &Value) {
        if self.gate().run.planning() {
            self.gate().run.imagine(self.target.clone(), object.clone());
        }
    }

    /// While planning, patches an object that exists only in the plan.
    pub(super) fn patch_imagined(&self, body: &Value) -> Option<Value> {
        let mut object = self.gate().run.imagined(&self.target)?;
        let changes = fields::changes(&object, body);
        let effect = self.gate().effect(
            Verb::Patch,
            self.target.clone(),
            self.redacted(&changes),
            self.hold,
        );
        fields::merge(&mut object, body);
        self.gate().run.imagine(self.target.clone(), object.clone());
        self.gate().run.emit(Event::Planned { effect });
        Some(object)
    }

    /// Returns the number, as the list of what the ledger holds.
    pub(super) fn holding(&self, number: u64) -> Vec<u64> {
        if self.hold { vec![number] } else { Vec::new() }
    }
}
