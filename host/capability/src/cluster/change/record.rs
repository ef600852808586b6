//! What is written down about a change: in the ledger before it goes out and after its answer, and in the plan.

use agent_core::effect::{Effect, Verb};
use agent_core::failure::Failure;
use agent_core::undo::Undo;
use serde_json::Value;

use super::{Performer, fields};
use crate::cluster::client::Unanswered;
use crate::gate::{Announced, Entry};

impl Performer {
    /// Says what is recorded of an effect before it goes out, and puts it into the ledger.
    pub(super) fn announced(&self, effect: Effect, undo: Option<Undo>) -> Announced {
        if let Some(undo) = &undo {
            self.remember(effect.number, undo.clone());
        }
        let holder = self.hold.then(|| self.gate().holder(self.own));
        Announced {
            effect,
            holder,
            undo,
            uid: None,
        }
    }

    /// Brings the ledger up to what is known of a change.
    pub(super) fn remember(&self, number: u64, undo: Undo) {
        if self.hold && !self.gate().run.planning() {
            self.gate().run.ledger.put(Entry {
                number,
                holder: self.gate().holder(self.own),
                target: self.target.clone(),
                undo,
            });
        }
    }

    /// Takes a change that did not happen out of the ledger. One that may have happened stays in it: putting back looks first.
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
        self.gate().run.planned(effect);
        Some(object)
    }

    /// Returns what an earlier process may have set in the course of this change, as the list of what the ledger holds.
    pub(super) fn held_before(&self) -> Vec<u64> {
        let attempts = self.pass.attempts().iter();
        let held = attempts.filter(|deed| deed.is_held());
        held.map(|deed| deed.effect().number).collect()
    }

    /// Returns the number, as the list of what the ledger holds.
    pub(super) fn holding(&self, number: u64) -> Vec<u64> {
        if self.hold { vec![number] } else { Vec::new() }
    }
}
