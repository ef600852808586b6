//! What is written down about a change: in the ledger before it goes out and after its answer, and in the plan.

use agent_core::effect::Effect;
use agent_core::failure::Failure;
use agent_core::manifest::ClusterVerb;
use agent_core::undo::Undo;
use agent_gate::{Announced, Entry, WriteError};
use serde_json::Value;

use super::set::fields_of;
use super::{Edit, Performed, Performer, failure};
use crate::cluster::client::of_write;
use crate::cluster::overlay::Overlaid;

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
            learns: self.learns.clone(),
            secret: self.target.of.is_secret(),
        }
    }

    /// Brings the ledger up to what is known of a change.
    pub(super) fn remember(&self, number: u64, undo: Undo) {
        let entry = Entry {
            number,
            holder: self.gate().holder(self.own),
            target: (&self.target).into(),
            undo,
            secret: false,
        };
        if self.hold {
            self.gate().hold(entry);
        } else if !self.gate().is_compensating() {
            self.gate().stands(entry);
        }
    }

    /// Takes a change that did not happen out of the ledger. One that may have happened stays in it: putting back looks first.
    pub(super) fn abandoned(&self, number: u64, error: WriteError) -> Failure {
        if !error.uncertain {
            self.gate().did_not_happen(number);
        }
        of_write(error)
    }

    /// While planning, writes down what a change that was rehearsed makes of the object.
    pub(super) fn imagine_changed(&self, object: &Value) {
        if self.gate().planning() {
            let imagined = &self.cluster.overlay;
            imagined.changed(&self.target, object.clone());
        }
    }

    /// While planning, sets fields of an object that the plan has made or changed before: the server knows nothing of that, so it cannot
    /// rehearse this. None when the object is as the server has it.
    pub(super) async fn set_imagined(
        &self,
        verb: ClusterVerb,
        edit: &Edit<'_>,
    ) -> Result<Option<Performed>, Failure> {
        let gate = self.gate();
        let mut object = match self.cluster.overlay.of(&self.target) {
            None => return Ok(None),
            Some(Overlaid::Gone) if verb == ClusterVerb::Apply => return Ok(None),
            Some(Overlaid::Gone) => return Err(failure::absent(&self.target)),
            Some(Overlaid::Made(object)) => object,
            Some(Overlaid::Changed(object)) => {
                self.look_before(edit).await?;
                object
            }
        };
        let changes = edit.changes(&object, &self.target)?;
        // An application is sent whether it changes something or not.
        if changes.is_empty() && verb == ClusterVerb::Patch {
            return Ok(Some(Performed::unchanged(object)));
        }
        self.may_make(verb, &object, &changes).await?;
        // It goes out when the plan is applied.
        self.learns.iter().for_each(|learn| learn(gate.secrets()));
        let undo = fields_of(&object, changes.clone());
        let effect = self.effect(verb, changes.clone(), self.hold);
        let number = effect.number;
        edit.apply(&mut object, &self.target)?;
        self.cluster.overlay.changed(&self.target, object.clone());
        gate.planned(effect);
        let mut held = Vec::new();
        if !changes.is_empty() {
            self.remember(number, undo);
            held = self.holding(number);
        }
        Ok(Some(Performed {
            object,
            held,
            changed: !changes.is_empty(),
        }))
    }

    /// Returns what an earlier process may have set in the course of this change, as the list of what the ledger holds.
    pub(super) fn held_before(&self) -> Vec<u64> {
        let attempts = self.pass.attempts().iter();
        let held = attempts.filter(|recorded| recorded.is_held());
        held.map(|recorded| recorded.effect().number).collect()
    }

    /// Returns the number, as the list of what the ledger holds.
    pub(super) fn holding(&self, number: u64) -> Vec<u64> {
        if self.hold { vec![number] } else { Vec::new() }
    }
}
