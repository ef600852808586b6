//! One change, performed the way the gate wants it: what it was before is read first where it can be put back, and what it holds is in the
//! ledger before it goes out.

use agent_core::effect::{FieldChange, Verb};
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::record::Deed;
use agent_core::undo::Undo;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Body, Wanted, is_marked, target_of};
use super::failure;
use super::fields::{self, IDENTITY};
use super::projection::Projection;
use crate::gate::{Announced, Ask, Gate, Imagined, Pass, Sealed};

mod record;
pub(super) mod redact;
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
        propagation: &'static str,
    },
}

/// What a guest is told of a change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The object afterwards, projected; `null` after a deletion.
    pub(crate) object: Sealed,
    /// The numbers under which the ledger holds it: none when it is not held or nothing had to be changed, several when answers were lost.
    pub(crate) held: Vec<u64>,
}

/// What came of a change.
#[derive(Debug)]
pub(crate) struct Performed {
    /// The object afterwards; null after a deletion.
    pub(crate) object: Value,
    /// As in [`Told`].
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

    /// Returns what the guest wrote.
    fn document(&self) -> Option<&Value> {
        match self {
            Change::Create { manifest, .. } | Change::Apply { manifest, .. } => Some(manifest),
            Change::Patch { body, .. } | Change::Signal { body, .. } => Some(body),
            Change::Delete { .. } => None,
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
    call: CallId,
    change: Change,
    hold: bool,
    projection: Projection,
) -> Result<Told, Failure> {
    let (verb, target) = (change.verb(), change.target()?);
    if let Change::Signal { body, .. } = &change {
        signal::check(&target.of, body)?;
    }
    let own = hold && change.is_reversible();
    let hold = own || change.is_reversible() && gate.actor.scope.is_some();
    let projection = shown(&target, projection);
    let wanted = if projection.is_metadata_only() {
        Wanted::Metadata
    } else {
        Wanted::Whole
    };
    if let (true, Some(document)) = (target.of.is_secret(), change.document()) {
        gate.run.secrets.learn(document);
    }
    let (deed, shape, again) = (target.clone(), projection.clone(), call.clone());
    let ask = Ask::Change(verb, target);
    let admitted = gate.admit(call, ask.clone(), |pass| async move {
        let performer = Performer {
            pass,
            target: deed,
            hold,
            own,
            wanted,
        };
        let Performed { object, held } = performer.perform(change).await?;
        let object = Sealed::new(&performer.gate().run, &projection.of(object), false);
        Ok(Told { object, held })
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
        let Ask::Change(_, target) = ask else {
            return Ok(self);
        };
        let (run, client) = (&gate.run, &gate.run.client);
        let looked = run.until_stopped(client.get(pass, target, Wanted::Whole));
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
        let mut effect = self.gate().effect(
            Verb::Create,
            self.target.clone(),
            self.whole(&manifest),
            self.hold,
        );
        let before = self.attempt(Verb::Create);
        if let Some(deed) = before {
            // Under its number, and so with its marker: if it is there after all, it is known again.
            effect.number = deed.effect().number;
            if let Some(object) = self.found(effect.number).await? {
                return Ok(self.made(effect.number, object));
            }
        }
        let number = effect.number;
        if self.gate().run.imagined.of(&self.target) == Some(Imagined::Gone) {
            // The server would refuse to rehearse this: to it the object is still there.
            self.gate().run.planned(effect);
            return Ok(self.made(number, manifest));
        }
        let undo = |object: Option<&Value>| Undo::Remove {
            uid: object.and_then(uid_of),
            marker: self.gate().run.marker(number),
        };
        let announced = self.announced(effect, Some(undo(None)));
        let client = &self.gate().run.client;
        let sent = self.pass.effect(
            announced,
            |intent| async move { client.create(&intent, &self.target, &manifest).await },
            |object| Some(undo(Some(object))),
        );
        match sent.await {
            Ok(object) => Ok(self.made(number, object)),
            Err(unanswered) => Err(self.abandoned(number, unanswered)),
        }
    }

    /// Returns the object if an earlier process has made it under that number.
    async fn found(&self, number: u64) -> Result<Option<Value>, Failure> {
        match self.look().await {
            Ok(object) => {
                let ours = is_marked(&object, &self.gate().run.marker(number));
                Ok(ours.then_some(object))
            }
            Err(gone) if gone.kind == Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Writes down that the object is made.
    fn made(&self, number: u64, object: Value) -> Performed {
        let undo = Undo::Remove {
            uid: uid_of(&object),
            marker: self.gate().run.marker(number),
        };
        self.remember(number, undo);
        if self.gate().run.planning() {
            self.gate().run.imagined.made(&self.target, object.clone());
        }
        let held = self.holding(number);
        Performed { object, held }
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
        let shown = self.redacted(&changes);
        let effect = self
            .gate()
            .effect(Verb::Signal, self.target.clone(), shown, false);
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
        let object = sent.await.map_err(|unanswered| unanswered.failure)?;
        Ok(Performed::unheld(object))
    }

    async fn delete(
        &self,
        uid: Option<String>,
        propagation: &'static str,
    ) -> Result<Performed, Failure> {
        let effect = self
            .gate()
            .effect(Verb::Delete, self.target.clone(), Vec::new(), false);
        let imagined = &self.gate().run.imagined;
        match imagined.of(&self.target) {
            Some(Imagined::Made(_)) => {
                imagined.removed(&self.target);
                self.gate().run.planned(effect);
                return Ok(Performed::unheld(Value::Null));
            }
            Some(Imagined::Gone) => return Ok(Performed::unheld(Value::Null)),
            _ => {}
        }
        let before = self.attempt(Verb::Delete);
        let meant = before.and_then(|deed| deed.intent.uid.clone());
        // By uid, always: tried again after a lost answer, a deletion by name could hit what has taken its place.
        let uid = match meant.or(uid) {
            Some(uid) if !self.gate().run.planning() => Some(uid),
            named => match self.look_to_delete().await? {
                Some(object) => named.or_else(|| uid_of(&object)),
                None => return Ok(Performed::unheld(Value::Null)),
            },
        };
        let announced = Announced {
            uid: uid.clone(),
            ..self.announced(effect, None)
        };
        let client = &self.gate().run.client;
        let deletion = self.pass.effect(
            announced,
            |intent| async move {
                client
                    .delete(&intent, &self.target, uid.as_deref(), propagation)
                    .await
            },
            |()| None,
        );
        match deletion.await {
            Ok(()) => {
                if self.gate().run.planning() {
                    imagined.removed(&self.target);
                }
                Ok(Performed::unheld(Value::Null))
            }
            // What was meant before the run was cut off is gone, and something else has its name.
            Err(other) if before.is_some() && other.failure.kind == Kind::Conflict => {
                Ok(Performed::unheld(Value::Null))
            }
            Err(unanswered) => Err(unanswered.failure),
        }
    }

    /// Reads the object that is about to be removed; a plan rests on which one it is.
    async fn look_to_delete(&self) -> Result<Option<Value>, Failure> {
        match self.look().await {
            Ok(object) => {
                let which = ["/metadata/uid".to_owned()];
                self.gate().saw(&self.target, Some(&object), &which);
                Ok(Some(object))
            }
            Err(gone) if gone.kind == Kind::NotFound => {
                self.gate().saw(&self.target, None, &[]);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Reads the object that is about to be changed; a plan rests on the fields that would be.
    async fn look_before(&self, body: &Value) -> Result<Value, Failure> {
        let now = self.look().await?;
        let paths: Vec<String> = fields::leaves(body)
            .into_iter()
            .map(|(path, _)| path)
            .collect();
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
