//! How a change is put back, and who holds it.

use serde::{Deserialize, Serialize};

use crate::effect::FieldChange;
use crate::id::CallId;

/// How a change is put back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "undo",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Undo {
    /// These fields get their values before, where they still have those after.
    Fields {
        /// The object's uid; none when it was not learnt.
        uid: Option<String>,
        /// With their real values, also those of a Secret: this is no text for a screen, and not for the journal either.
        fields: Vec<FieldChange>,
        /// Pointers to objects that the change made to hold its fields: they go when they are empty again.
        grown: Vec<String>,
    },
    /// The object is removed.
    Remove {
        /// Its uid; none when the answer to its creation was lost, so that only the marker tells.
        uid: Option<String>,
        /// What its annotation `agent.ops/effect` says when it is ours.
        marker: String,
    },
    /// It was a change of values that the journal does not keep, so nobody can put it back any more.
    Withheld,
}

/// Who puts a change back at the end. The default is nobody but the run itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The operation that made the change.
    pub actor: CallId,
    /// Whether that operation holds it itself, and not only whoever called it.
    pub own: bool,
    /// The hold over a called operation that it belongs to.
    pub scope: Option<Scope>,
}

/// A hold over whatever an operation changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The call that holds.
    pub id: CallId,
    /// The operation that made that call.
    pub opener: CallId,
}

impl Holder {
    /// Returns whether the change goes when that operation is over.
    pub fn is(&self, actor: &CallId) -> bool {
        let held_over = self
            .scope
            .as_ref()
            .is_some_and(|scope| scope.opener == *actor);
        self.own && self.actor == *actor || held_over
    }

    /// Returns whether the change goes when that operation is broken off, with all that it had called.
    pub fn is_within(&self, operation: &CallId) -> bool {
        let held_over = self
            .scope
            .as_ref()
            .is_some_and(|scope| scope.opener.is_within(operation));
        self.own && self.actor.is_within(operation) || held_over
    }
}
