//! One change, performed the way the gate wants it: what it was before is read first where it can be put back, and what it holds is in the
//! ledger before it goes out.

use std::sync::Arc;

use agent_core::effect::{Effect, FieldChange, Recovery, Verb};
use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::id::CallId;
use agent_core::manifest::ClusterVerb;
use agent_core::name::ThingName;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::record::RecordedEffect;
use agent_gate::{Draft, Gate, Learns, Pass, WriteError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ask::{Ask, Wished};
use super::client::{Body, Removal, Wanted, of_write, target_of};
use super::fields::{self, IDENTITY};
use super::overlay::Overlaid;
use super::projection::Projection;
use super::sealed::Sealed;
use super::{Cluster, failure, secret};

mod create;
mod delete;
mod edit;
mod record;
pub(crate) mod redact;
mod rehearse;
mod risk;
mod set;
mod signal;

pub(super) use edit::Edit;
pub(super) use rehearse::rehearse;

/// Where an object says who manages which of its fields.
const MANAGED: &str = "/metadata/managedFields";

/// Subresources and the one field that each of them changes. Of others nobody knows.
const STATUS: (&str, &str) = ("status", "/status");
const SCALE: (&str, &str) = ("scale", "/spec");

/// One change, as a guest wishes it.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create {
        of: ObjectType,
        manifest: Value,
    },
    Patch {
        target: ObjectRef,
        /// An array is a JSON patch.
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
        /// As which field manager; none for the agent's own.
        manager: Option<ThingName>,
    },
    Delete {
        target: ObjectRef,
        uid: Option<String>,
        how: Removal,
    },
    /// Of a pod.
    Evict {
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
    fn verb(&self) -> ClusterVerb {
        match self {
            Change::Create { .. } => ClusterVerb::Create,
            Change::Patch { .. } => ClusterVerb::Patch,
            Change::Signal { .. } => ClusterVerb::Signal,
            Change::Apply { .. } => ClusterVerb::Apply,
            Change::Delete { .. } => ClusterVerb::Delete,
            Change::Evict { .. } => ClusterVerb::Evict,
        }
    }

    fn target(&self) -> Result<ObjectRef, Failure> {
        match self {
            Change::Create { of, manifest } | Change::Apply { of, manifest, .. } => {
                target_of(of, manifest)
            }
            Change::Patch { target, .. }
            | Change::Signal { target, .. }
            | Change::Delete { target, .. }
            | Change::Evict { target, .. } => Ok(target.clone()),
        }
    }

    /// Returns what is written of a Secret, with its values where those of one are.
    fn secret(&self) -> Result<Option<Value>, Failure> {
        let Some(document) = self.document() else {
            return Ok(None);
        };
        let Edit::Operations(operations) = Edit::read(document)? else {
            return Ok(Some(document.clone()));
        };
        // Nobody would know whose value it is where it arrives.
        if operations.move_values() {
            let message = "the values of a Secret are neither copied nor moved by a JSON patch";
            return Err(Failure::new(Kind::Invalid, "cluster.invalid", message));
        }
        Ok(Some(operations.written()))
    }

    /// Returns as which field manager it is made, if that is not the agent's own.
    fn manager(&self) -> Option<&ThingName> {
        match self {
            Change::Apply { manager, .. } => manager.as_ref(),
            _ => None,
        }
    }

    /// Returns what the guest wrote.
    fn document(&self) -> Option<&Value> {
        match self {
            Change::Create { manifest, .. } | Change::Apply { manifest, .. } => Some(manifest),
            Change::Patch { body, .. } | Change::Signal { body, .. } => Some(body),
            Change::Delete { .. } | Change::Evict { .. } => None,
        }
    }

    /// Returns pointers to the fields that it sets or removes, as far as the document tells.
    fn fields(&self) -> Vec<String> {
        match self {
            Change::Create { .. } | Change::Delete { .. } | Change::Evict { .. } => Vec::new(),
            Change::Patch { body, .. } | Change::Signal { body, .. } => match Edit::read(body) {
                Ok(Edit::Operations(operations)) => operations.paths().collect(),
                Ok(Edit::Merge(_)) | Err(_) => paths(body),
            },
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
    cluster: Arc<Cluster>,
    gate: Gate,
    call: CallId,
    change: Change,
    hold: bool,
    projection: Projection,
) -> Result<Told, Failure> {
    let change = signal::or_patch(gate.grants(), change)?;
    let (verb, target) = (change.verb(), change.target()?);
    let own = hold && change.is_reversible();
    let hold = own || change.is_reversible() && gate.scope().is_some();
    let projection = shown(&target, projection);
    // A plan needs to know all that the change makes of it.
    let wanted = if projection.is_metadata_only() && !gate.planning() {
        Wanted::Metadata
    } else {
        Wanted::Whole
    };
    let learns = secret_of(&change, &target)?;
    if let Some(learn) = learns.as_ref().filter(|_| gate.went_out(&call)) {
        learn(gate.secrets());
    }
    let (changed, shape, again) = (target.clone(), projection.clone(), call.clone());
    let of_run = cluster.clone();
    let manager = change.manager().cloned();
    let ask = Ask::Change(Wished {
        verb,
        target,
        fields: change.fields(),
        manager: manager.clone(),
    });
    let admitted = gate.admit(call, ask.clone(), |pass| async move {
        let performer = Performer {
            cluster: of_run,
            pass,
            target: changed,
            hold,
            own,
            wanted,
            learns,
            manager,
        };
        let Performed {
            object,
            held,
            changed,
        } = performer.perform(change).await?;
        let object = Sealed::new(performer.gate(), &projection.of(object), false);
        Ok(Told {
            object,
            held,
            changed,
        })
    });
    let told = admitted.await?;
    if told.object.is_closed() {
        return told
            .opened(&cluster, &gate, &gate.again(&again), &ask, &shape)
            .await;
    }
    Ok(told)
}

impl Told {
    /// Tells again what was told before, and is not on record because the value of a Secret is in it.
    async fn opened(
        mut self,
        cluster: &Cluster,
        gate: &Gate,
        pass: &Pass,
        ask: &Ask,
        projection: &Projection,
    ) -> Result<Told, Failure> {
        let Ask::Change(Wished { target, .. }) = ask else {
            return Ok(self);
        };
        let client = &cluster.client;
        let looked = gate.unless_stopped(client.get(pass, target, Wanted::Whole));
        let object = looked.await.map_err(|failure| gate.abandon(failure))?;
        if self.object.open(gate, &projection.of(object)) {
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

/// Returns what is secret in a change, if it writes a Secret.
fn secret_of(change: &Change, target: &ObjectRef) -> Result<Option<Learns>, Failure> {
    if !target.of.is_secret() {
        return Ok(None);
    }
    let learns = |written: Value| -> Learns { Arc::new(move |mask| secret::learn(mask, &written)) };
    Ok(change.secret()?.map(learns))
}

struct Performer {
    cluster: Arc<Cluster>,
    pass: Pass,
    target: ObjectRef,
    /// Whether it is put back at the end.
    hold: bool,
    /// Whether the plugin that made the change holds it itself.
    own: bool,
    wanted: Wanted,
    /// The Secret that is written: whatever goes out of it is masked from then on.
    learns: Option<Learns>,
    /// As which field manager it is applied; none for the agent's own.
    manager: Option<ThingName>,
}

impl Performer {
    async fn perform(&self, change: Change) -> Result<Performed, Failure> {
        self.heeds_document(&change).await?;
        match change {
            Change::Create { manifest, .. } => self.create(manifest).await,
            Change::Patch { body, .. } => self.patch(body).await,
            Change::Signal { body, .. } => self.signal(body).await,
            Change::Apply {
                manifest, force, ..
            } => self.apply(manifest, force).await,
            Change::Delete { uid, how, .. } => self.remove(ClusterVerb::Delete, uid, how).await,
            Change::Evict { uid, how, .. } => self.remove(ClusterVerb::Evict, uid, how).await,
        }
    }

    async fn heeds_document(&self, change: &Change) -> Result<(), Failure> {
        let written = change.document().map(fields::leaves).unwrap_or_default();
        let paths = written.iter().map(|(path, _)| path.as_str());
        self.heeds(paths.filter(|path| !path.is_empty())).await
    }

    /// Refuses what the server would leave out without a word: the status of an object whose type has a subresource for it, and what a subresource is
    /// not for.
    async fn heeds(&self, mut paths: impl Iterator<Item = &str> + Send) -> Result<(), Failure> {
        let (of, client) = (&self.target.of, &self.cluster.client);
        let left_out = match &of.subresource {
            None => paths.find(|path| is_within(path, STATUS.1)),
            Some(part) => {
                let own = [STATUS, SCALE].into_iter().find(|(name, _)| name == part);
                own.and_then(|(_, field)| paths.find(|path| !is_within(path, field)))
            }
        };
        let Some(path) = left_out else {
            return Ok(());
        };
        let asked = async { Ok(of.subresource.is_some() || client.has_status(of).await) };
        if !self.gate().unless_stopped(asked).await? {
            return Ok(());
        }
        let message = format!(
            "`{}` of {} is not changed by this: the API server would leave it out without a word",
            fields::dotted(path),
            self.target
        );
        let other = match &of.subresource {
            None => of.part(Some(STATUS.0)),
            Some(_) => of.whole(),
        };
        let failure = Failure::new(Kind::Invalid, "cluster.invalid", message);
        Err(failure.hinted(hint!("patch it as the type {}", other)))
    }

    async fn signal(&self, body: Value) -> Result<Performed, Failure> {
        let imagined = self.cluster.overlay.of(&self.target);
        let changes: Vec<FieldChange> = fields::leaves(&body)
            .into_iter()
            .map(|(path, after)| FieldChange {
                path,
                before: None,
                after,
            })
            .collect();
        self.may_change(ClusterVerb::Signal, &Value::Null, &changes)?;
        let effect = self.effect(ClusterVerb::Signal, changes, false);
        match imagined {
            Some(Overlaid::Made(mut object)) => {
                fields::merge(&mut object, &body);
                self.cluster.overlay.changed(&self.target, object.clone());
                self.gate().planned(effect);
                return Ok(Performed::unheld(object));
            }
            Some(Overlaid::Gone) => return Err(failure::absent(&self.target)),
            _ => {}
        }
        let client = &self.cluster.client;
        let sent = self.pass.effect(
            self.announced(effect, None),
            |intent| async move {
                let body = Body::Merge(&body);
                client.patch(&intent, &self.target, body, self.wanted).await
            },
            |_object| None,
        );
        let object = sent.await.map_err(of_write)?;
        Ok(Performed::unheld(object))
    }

    /// Reads the object that is about to be changed; a plan rests on the fields that would be.
    async fn look_before(&self, edit: &Edit<'_>) -> Result<Value, Failure> {
        let now = self.look().await?;
        self.cluster
            .saw(self.gate(), &self.target, Some(&now), &edit.paths(&now));
        Ok(now)
    }

    /// Returns the last effect of that sort that an earlier process announced for this change, and that may have happened.
    fn attempt(&self, verb: ClusterVerb) -> Option<&RecordedEffect> {
        let attempts = self.pass.attempts().iter();
        attempts
            .rev()
            .find(|recorded| recorded.effect().verb.as_str() == verb.as_str())
    }

    /// Reads the object in the course of a change, unless the run is stopped.
    async fn look(&self) -> Result<Value, Failure> {
        let gate = self.gate();
        gate.unless_stopped(
            self.cluster
                .client
                .get(&self.pass, &self.target, Wanted::Whole),
        )
        .await
    }

    fn gate(&self) -> &Gate {
        self.pass.gate()
    }

    /// Takes what was to be written out of what refuses it: it teaches the mask nothing, so a Secret in it is hidden in the refusal alone.
    fn unlearnt(&self, refused: WriteError) -> WriteError {
        let mut refused = WriteError::surely(refused.failure);
        if let Some(learns) = &self.learns {
            refused.hide(learns);
        }
        refused
    }

    /// Gives a change its number. Nobody sees the values of a Secret.
    fn effect(&self, verb: ClusterVerb, mut fields: Vec<FieldChange>, temporary: bool) -> Effect {
        let of = &self.target.of;
        // Whoever agrees to it, or to a plan of it, sees in whose name it is done.
        fields.extend(self.manager.as_deref().map(|manager| FieldChange {
            path: MANAGED.to_owned(),
            before: None,
            after: Some(json!({ "manager": manager })),
        }));
        self.gate().effect(Draft {
            verb: Verb::of(verb.as_str()),
            recovery: recovery(verb),
            target: (&self.target).into(),
            shown: of.is_secret().then(|| redact::changes(of, &fields)),
            fields,
            temporary,
        })
    }
}

/// Returns how a change is recovered of which nobody knows whether it was made. This is the one table of it.
fn recovery(verb: ClusterVerb) -> Recovery {
    match verb {
        ClusterVerb::Create => Recovery::Check,
        // Each looks first, or rests on a version or a uid, so that once more changes nothing.
        _ => Recovery::Retry,
    }
}

/// Returns whether a field is another one, or in it.
fn is_within(path: &str, field: &str) -> bool {
    let rest = path.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn uid_of(object: &Value) -> Option<String> {
    object
        .pointer("/metadata/uid")
        .and_then(Value::as_str)
        .map(str::to_owned)
}
