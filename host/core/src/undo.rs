//! How a change is put back, and who holds it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::descriptor::Risk;
use crate::effect::FieldChange;
use crate::grant::Bound;
use crate::id::{CallId, Digest, OperationName};

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
    /// As another of these, encrypted with the journal's key: values of Secrets are in it. Only on record.
    Sealed {
        /// The base64 of it.
        sealed: String,
    },
    /// It was a change of values that the journal did not keep, or that are sealed with another key, so nobody can put it back any more.
    Withheld,
    /// An operation brings back what others overwrote.
    Compensate(Compensation),
}

/// What undoes a change that is not one of the host's own, such as that of a controller which overwrites a volume. In the literature of long
/// transactions (sagas): a compensating transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Compensation {
    /// The operation that is called; none when nothing brings back what was there.
    pub call: Option<Callee>,
    /// What a person does where that cannot be done: a command to paste.
    pub by_hand: String,
}

/// An operation to be called later, as it was found when it was named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Callee {
    /// Which one.
    pub operation: OperationName,
    /// With which arguments, by parameter name.
    pub arguments: Map<String, Value>,
    /// The arguments encrypted with the journal's key, where values of Secrets are among them. Only on record, and `arguments` are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
    /// The artifact that it is in.
    pub digest: Digest,
    /// How much harm it may do at most: as much as the operation that named it.
    pub risk: Risk,
    /// What the operations let it do that are above it, see [`crate::grant::Grants::bounds_for`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Bound>,
}

impl Compensation {
    /// Where an effect tells which operation is called, and what a person does.
    pub const OPERATION: &str = "/compensation/operation";
    /// See [`Compensation::OPERATION`].
    pub const BY_HAND: &str = "/compensation/by-hand";

    /// Returns it as an effect tells it: a plan shows what may be called when it is applied, and nothing else is.
    pub fn fields(&self) -> Vec<FieldChange> {
        let field = |path: String, after: Value| FieldChange {
            path,
            before: None,
            after: Some(after),
        };
        let mut fields = Vec::new();
        if let Some(callee) = &self.call {
            let operation = Value::from(callee.operation.as_str());
            fields.push(field(Self::OPERATION.to_owned(), operation));
            for (name, value) in &callee.arguments {
                let name = name.replace('~', "~0").replace('/', "~1");
                fields.push(field(
                    format!("/compensation/arguments/{name}"),
                    value.clone(),
                ));
            }
            let artifact = Value::from(callee.digest.as_str());
            fields.push(field("/compensation/artifact".to_owned(), artifact));
        }
        fields.push(field(
            Self::BY_HAND.to_owned(),
            Value::from(self.by_hand.as_str()),
        ));
        fields
    }
}

impl Undo {
    /// Returns the operation that undoes it, if it is undone so.
    pub fn compensation(&self) -> Option<&Compensation> {
        match self {
            Undo::Compensate(compensation) => Some(compensation),
            _ => None,
        }
    }
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
