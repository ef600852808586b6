//! One change, performed the way the gate wants it: what it was before is read first where it can be put back, and what it holds is in the
//! ledger before it goes out.

use std::sync::Arc;

use agent_core::effect::{FieldChange, Verb};
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::record::Deed;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Body, Removal, Unanswered, Wanted, target_of};
use super::failure;
use super::fields::{self, IDENTITY};
use super::projection::Projection;
use crate::gate::{Ask, Gate, Imagined, Pass, Sealed};

mod create;
mod delete;
mod record;
pub(crate) mod redact;
mod risk;
mod set;
mod signal;

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
        how: Removal,
    },
}

/// What a guest is told of a change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The object afterwards, projected; `null` after a deletion.
    pub(crate) object: Sealed,
    /// The numbers under which the ledger holds it: none when it is not held or nothing had to be changed, several when answers were lost.
    pub(crate) held: Vec<u64>,
    /// Whether there was anything to change.
    pub(crate) changed: bool,
}

/// What came of a change.
#[derive(Debug)]
pub(crate) struct Performed {
    /// The object afterwards; null after a deletion.
    pub(crate) object: Value,
    /// As in [`Told`].
    pub(crate) held: Vec<u64>,
    /// As in [`Told`].
    pub(crate) changed: bool,
}

impl Performed {
    fn unheld(object: Value) -> Performed {
        Performed {
            object,
            held: Vec::new(),
            changed: true,
        }
    }

    /// All is as it was wanted already.
    fn unchanged(object: Value) -> Performed {
        Performed {
            changed: false,
            ..Performed::unheld(object)
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

    /// Returns what the guest wrote.
    fn document(&self) -> Option<&Value> {
        match self {
            Change::Create { manifest, .. } | Change::Apply { manifest, .. } => Some(manifest),
            Change::Patch { body, .. } | Change::Signal { body, .. } => Some(body),
            Change::Delete { .. } => None,
        }
    }

    /// Returns pointers to the fields that it sets or removes, as far as the document tells.
    fn fields(&self) -> Vec<String> {
        match self {
            Change::Create { .. } | Change::Delete { .. } => Vec::new(),
            Change::Patch { body, .. } | Change::Signal { body, .. } => paths(body),
            Change::Apply { manifest, .. } => paths(manifest),
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

fn paths(document: &Value) -> Vec<String> {
    let leaves = fields::leaves(document).into_iter();
    leaves.map(|(path, _)| path).collect()
}

/// Performs a change through the gate. With `hold`, or inside a hold over an operation, what can be put back is held.
pub(crate) async fn perform(
    gate: Gate,
    call: CallId,
    change: Change,
    hold: bool,
    projection: Projection,
) -> Result<Told, Failure> {
    let change = signal::or_patch(&gate.actor.grants, change)?;
    let (verb, target) = (change.verb(), change.target()?);
    let own = hold && change.is_reversible();
    let hold = own || change.is_reversible() && gate.actor.scope.is_some();
    let projection = shown(&target, projection);
    // A plan needs to know all that the change makes of it.
    let wanted = if projection.is_metadata_only() && !gate.run.planning() {
        Wanted::Metadata
    } else {
        Wanted::Whole
    };
    let document = change.document().filter(|_| target.of.is_secret());
    let learns = document.cloned().map(Arc::new);
    if let Some(document) = learns.as_ref().filter(|_| gate.went_out(&call)) {
        gate.run.secrets.learn(document);
    }
    let (deed, shape, again) = (target.clone(), projection.clone(), call.clone());
    let ask = Ask::Change(verb, target, change.fields());
    let admitted = gate.admit(call, ask.clone(), |pass| async move {
        let performer = Performer {
            pass,
            target: deed,
            hold,
            own,
            wanted,
            learns,
        };
        let Performed {
            object,
            held,
            changed,
        } = performer.perform(change).await?;
        let object = Sealed::new(&performer.gate().run, &projection.of(object), false);
        Ok(Told {
            object,
            held,
            changed,
        })
    });
    let told = admitted.await?;
    if told.object.is_closed() {
        return told.opened(&gate, &gate.again(&again), &ask, &shape).await;
    }
    Ok(told)
}

impl Told {
    /// Tells again what was told before, and is not on record because the value of a Secret is in it.
    async fn opened(
        mut self,
        gate: &Gate,
        pass: &Pass,
        ask: &Ask,
        projection: &Projection,
    ) -> Result<Told, Failure> {
        let Ask::Change(_, target, _) = ask else {
            return Ok(self);
        };
        let (run, client) = (&gate.run, &gate.run.client);
        let looked = run
            .stop
            .unless_stopped(client.get(pass, target, Wanted::Whole));
        let object = looked.await.map_err(|failure| gate.abandon(failure))?;
        if self.object.open(run, &projection.of(object)) {
            Ok(self)
        } else {
            Err(gate.lost(ask))
        }
    }
}

/// The answer is on record, so of a Secret it only says which one it is: whoever wrote it knows its values.
fn shown(target: &ObjectRef, projection: Projection) -> Projection {
    if target.of.is_secret() {
        Projection::new(IDENTITY.map(str::to_owned).to_vec())
    } else {
        projection
    }
}

struct Performer {
    pass: Pass,
    target: ObjectRef,
    /// Whether it is put back at the end.
    hold: bool,
    /// Whether the plugin that made the change holds it itself.
    own: bool,
    wanted: Wanted,
    /// The Secret that is written: whatever goes out of it is masked from then on.
    learns: Option<Arc<Value>>,
}

impl Performer {
    async fn perform(&self, change: Change) -> Result<Performed, Failure> {
        self.is_heeded(&change).await?;
        match change {
            Change::Create { manifest, .. } => self.create(manifest).await,
            Change::Patch { body, .. } => self.patch(body).await,
            Change::Signal { body, .. } => self.signal(body).await,
            Change::Apply {
                manifest, force, ..
            } => self.apply(manifest, force).await,
            Change::Delete { uid, how, .. } => self.delete(uid, how).await,
        }
    }

    /// Refuses what the server would leave out without a word: the status of an object whose type has a subresource for it.
    async fn is_heeded(&self, change: &Change) -> Result<(), Failure> {
        let sets_status = change
            .document()
            .is_some_and(|document| document.get("status").is_some());
        let run = &self.gate().run;
        let asked = async { Ok(run.client.has_status(&self.target.of).await) };
        if !sets_status || !run.stop.unless_stopped(asked).await? {
            return Ok(());
        }
        let message = format!(
            "{} cannot be given a status: it has a subresource for that, and the API server would leave it out without a word",
            self.target
        );
        Err(Failure::new(Kind::Invalid, "cluster.invalid", message))
    }

    async fn signal(&self, body: Value) -> Result<Performed, Failure> {
        let imagined = self.gate().run.imagined.of(&self.target);
        let changes: Vec<FieldChange> = fields::leaves(&body)
            .into_iter()
            .map(|(path, after)| FieldChange {
                path,
                before: None,
                after,
            })
            .collect();
        self.may_change(Verb::Signal, &Value::Null, &changes)?;
        let effect = self
            .gate()
            .effect(Verb::Signal, self.target.clone(), changes, false);
        match imagined {
            Some(Imagined::Made(mut object)) => {
                fields::merge(&mut object, &body);
                self.gate()
                    .run
                    .imagined
                    .changed(&self.target, object.clone());
                self.gate().run.planned(effect);
                return Ok(Performed::unheld(object));
            }
            Some(Imagined::Gone) => return Err(failure::absent(&self.target)),
            _ => {}
        }
        let client = &self.gate().run.client;
        let sent = self.pass.effect(
            self.announced(effect, None),
            |intent| async move {
                let body = Body::Merge(&body);
                client.patch(&intent, &self.target, body, self.wanted).await
            },
            |_object| None,
        );
        let object = sent.await.map_err(Unanswered::of_write)?;
        Ok(Performed::unheld(object))
    }

    /// Reads the object that is about to be changed; a plan rests on the fields that would be.
    async fn look_before(&self, body: &Value) -> Result<Value, Failure> {
        let now = self.look().await?;
        let touched = fields::touched(&now, body).into_iter();
        let paths: Vec<String> = touched.map(|field| field.path).collect();
        self.gate().saw(&self.target, Some(&now), &paths);
        Ok(now)
    }

    /// Returns the last effect of that sort that an earlier process announced for this change, and that may have happened.
    fn attempt(&self, verb: Verb) -> Option<&Deed> {
        let attempts = self.pass.attempts().iter();
        attempts.rev().find(|deed| deed.effect().verb == verb)
    }

    /// Reads the object in the course of a change, unless the run is stopped.
    async fn look(&self) -> Result<Value, Failure> {
        let run = &self.gate().run;
        run.stop
            .unless_stopped(run.client.get(&self.pass, &self.target, Wanted::Whole))
            .await
    }

    fn gate(&self) -> &Gate {
        self.pass.gate()
    }
}

fn uid_of(object: &Value) -> Option<String> {
    object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .map(str::to_owned)
}
