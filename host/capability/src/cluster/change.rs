//! One change, performed the way the gate wants it: what it was before is read first where it can be put back, and what it holds is in the
//! ledger before it goes out.

use agent_core::effect::{FieldChange, Verb};
use agent_core::event::Event;
use agent_core::failure::{Failure, Kind};
use agent_core::object::{ObjectRef, ObjectType};
use serde_json::Value;

use super::client::{Body, Wanted, target_of};
use super::fields;
use crate::gate::{Ask, Gate, Pass, Undo};

mod record;
pub(super) mod redact;
mod set;

/// One change, as a guest wishes it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create {
        of: ObjectType,
        manifest: Value,
    },
    Patch {
        target: ObjectRef,
        body: Value,
    },
    Signal {
        target: ObjectRef,
        body: Value,
    },
    Apply {
        of: ObjectType,
        manifest: Value,
        force: bool,
    },
    Delete {
        target: ObjectRef,
        uid: Option<String>,
        propagation: &'static str,
    },
}

/// What came of a change.
#[derive(Debug)]
pub(crate) struct Performed {
    /// The object afterwards; null after a deletion.
    pub(crate) object: Value,
    /// The numbers under which the ledger holds it: none when it is not held or nothing had to be changed, several when answers were lost.
    pub(crate) held: Vec<u64>,
}

impl Performed {
    fn unheld(object: Value) -> Performed {
        Performed {
            object,
            held: Vec::new(),
        }
    }
}

impl Change {
    fn verb(&self) -> Verb {
        match self {
            Change::Create { .. } => Verb::Create,
            Change::Patch { .. } => Verb::Patch,
            Change::Signal { .. } => Verb::Signal,
            Change::Apply { .. } => Verb::Apply,
            Change::Delete { .. } => Verb::Delete,
        }
    }

    fn target(&self) -> Result<ObjectRef, Failure> {
        match self {
            Change::Create { of, manifest } | Change::Apply { of, manifest, .. } => {
                target_of(of, manifest)
            }
            Change::Patch { target, .. }
            | Change::Signal { target, .. }
            | Change::Delete { target, .. } => Ok(target.clone()),
        }
    }

    /// Returns whether it can be held.
    pub(crate) fn is_reversible(&self) -> bool {
        matches!(
            self,
            Change::Create { .. } | Change::Patch { .. } | Change::Apply { .. }
        )
    }
}

/// Performs a change through the gate. With `hold`, or inside a hold over an operation, what can be put back is held.
pub(crate) async fn perform(
    gate: Gate,
    change: Change,
    hold: bool,
    wanted: Wanted,
) -> Result<Performed, Failure> {
    let (verb, target) = (change.verb(), change.target()?);
    let own = hold && change.is_reversible();
    let hold = own || change.is_reversible() && gate.actor.scope.is_some();
    let deed = target.clone();
    gate.admit(Ask::Change(verb, target), |pass| async move {
        Performer {
            pass,
            target: deed,
            hold,
            own,
            wanted,
        }
        .perform(change)
        .await
    })
    .await
}

struct Performer {
    pass: Pass,
    target: ObjectRef,
    /// Whether it is put back at the end.
    hold: bool,
    /// Whether the plugin that made the change holds it itself.
    own: bool,
    wanted: Wanted,
}

impl Performer {
    async fn perform(&self, change: Change) -> Result<Performed, Failure> {
        match change {
            Change::Create { manifest, .. } => self.create(manifest).await,
            Change::Patch { body, .. } => self.patch(body).await,
            Change::Signal { body, .. } => self.signal(body).await,
            Change::Apply {
                manifest, force, ..
            } => self.apply(manifest, force).await,
            Change::Delete {
                uid, propagation, ..
            } => self.delete(uid, propagation).await,
        }
    }

    async fn create(&self, manifest: Value) -> Result<Performed, Failure> {
        let effect = self.gate().effect(
            Verb::Create,
            self.target.clone(),
            self.whole(&manifest),
            self.hold,
        );
        let number = effect.number;
        self.remember(
            number,
            Undo::Remove {
                uid: None,
                marker: self.gate().run.marker(number),
            },
        );
        let client = &self.gate().run.client;
        let sent = self
            .pass
            .effect(effect, |intent| async move {
                client.create(&intent, &self.target, &manifest).await
            })
            .await;
        let object = self.settle(number, sent, |object| Undo::Remove {
            uid: uid_of(object),
            marker: self.gate().run.marker(number),
        })?;
        self.imagine(&object);
        Ok(Performed {
            object,
            held: self.holding(number),
        })
    }

    async fn signal(&self, body: Value) -> Result<Performed, Failure> {
        if let Some(object) = self.patch_imagined(&body) {
            return Ok(Performed::unheld(object));
        }
        let changes: Vec<FieldChange> = fields::leaves(&body)
            .into_iter()
            .map(|(path, after)| FieldChange {
                path,
                before: None,
                after,
            })
            .collect();
        let effect = self.gate().effect(
            Verb::Signal,
            self.target.clone(),
            self.redacted(&changes),
            false,
        );
        let client = &self.gate().run.client;
        let sent = self
            .pass
            .effect(effect, |intent| async move {
                client
                    .patch(&intent, &self.target, Body::Merge(&body), self.wanted)
                    .await
            })
            .await;
        Ok(Performed {
            object: sent?,
            held: Vec::new(),
        })
    }

    async fn delete(
        &self,
        uid: Option<String>,
        propagation: &'static str,
    ) -> Result<Performed, Failure> {
        let effect = self
            .gate()
            .effect(Verb::Delete, self.target.clone(), Vec::new(), false);
        if self.gate().run.forget_imagined(&self.target) {
            self.gate().run.emit(Event::Planned { effect });
            return Ok(Performed::unheld(Value::Null));
        }
        // By uid, always: tried again after a lost answer, a deletion by name could hit what has taken its place.
        let uid = match uid {
            Some(uid) => Some(uid),
            None => match self.look().await {
                Ok(object) => uid_of(&object),
                Err(gone) if gone.kind == Kind::NotFound => {
                    return Ok(Performed::unheld(Value::Null));
                }
                Err(failure) => return Err(failure),
            },
        };
        let client = &self.gate().run.client;
        let deletion = self.pass.effect(effect, |intent| async move {
            client
                .delete(&intent, &self.target, uid.as_deref(), propagation)
                .await
        });
        deletion.await?;
        Ok(Performed::unheld(Value::Null))
    }

    /// Reads the object in the course of a change, unless the run is stopped.
    async fn look(&self) -> Result<Value, Failure> {
        let run = &self.gate().run;
        run.until_stopped(run.client.get(&self.pass, &self.target, Wanted::Whole))
            .await
    }

    fn gate(&self) -> &Gate {
        self.pass.gate()
    }

    fn whole(&self, manifest: &Value) -> Vec<FieldChange> {
        self.redacted(&[FieldChange {
            path: String::new(),
            before: None,
            after: Some(manifest.clone()),
        }])
    }

    fn redacted(&self, changes: &[FieldChange]) -> Vec<FieldChange> {
        redact::changes(&self.target.of, changes)
    }
}

fn uid_of(object: &Value) -> Option<String> {
    object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .map(str::to_owned)
}
