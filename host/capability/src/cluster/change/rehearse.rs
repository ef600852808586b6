//! What a change would make of an object, as the server says. Nothing happens, so nothing is announced, and an operation that only reads may ask.

use std::sync::Arc;

use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_gate::{Gate, WriteError};
use serde_json::Value;

use super::set::CONFLICTS;
use super::{
    Change, Cluster, Edit, Performed, Performer, Told, failure, fields, secret_of, shown, signal,
};
use crate::cluster::ask::{Ask, Wished};
use crate::cluster::client::{Removal, Wanted};
use crate::cluster::overlay::Overlaid;
use crate::cluster::projection::Projection;
use crate::cluster::sealed::Sealed;

/// Asks for it through the gate.
pub(in crate::cluster) async fn rehearse(
    cluster: Arc<Cluster>,
    gate: Gate,
    call: CallId,
    change: Change,
    projection: Projection,
) -> Result<Told, Failure> {
    let change = signal::or_patch(gate.grants(), change)?;
    let (verb, target) = (change.verb(), change.target()?);
    let projection = shown(&target, projection);
    let learns = secret_of(&change, &target)?;
    let manager = change.manager().cloned();
    let ask = Ask::Rehearse(Wished {
        verb,
        target: target.clone(),
        fields: change.fields(),
        manager: manager.clone(),
    });
    let admitted = gate.admit(call, ask.clone(), |pass| async move {
        let performer = Performer {
            cluster,
            pass,
            target,
            hold: false,
            own: false,
            wanted: Wanted::Whole,
            learns,
            manager,
        };
        let Performed {
            object, changed, ..
        } = performer.rehearse(change).await?;
        Ok(Told {
            object: Sealed::new(performer.gate(), &projection.of(object), false),
            held: Vec::new(),
            changed,
        })
    });
    let told = admitted.await?;
    // What the object would have been then, nobody can say again.
    match told.object.is_closed() {
        true => Err(gate.lost(&ask)),
        false => Ok(told),
    }
}

impl Performer {
    async fn rehearse(&self, change: Change) -> Result<Performed, Failure> {
        self.heeds_document(&change).await?;
        match change {
            Change::Create { manifest, .. } => self.rehearse_creation(manifest).await,
            Change::Patch { body, .. } => self.rehearse_edit(&Edit::read(&body)?).await,
            Change::Signal { body, .. } => self.rehearse_edit(&Edit::Merge(&body)).await,
            Change::Apply {
                manifest, force, ..
            } => self.rehearse_application(&manifest, force).await,
            Change::Delete { uid, how, .. } => self.rehearse_removal(uid, how, false).await,
            Change::Evict { uid, how, .. } => self.rehearse_removal(uid, how, true).await,
        }
    }

    async fn rehearse_creation(&self, manifest: Value) -> Result<Performed, Failure> {
        if self.imagined() == Some(Overlaid::Gone) {
            return Ok(Performed::unheld(manifest));
        }
        let intent = self.pass.rehearsal();
        let client = &self.cluster.client;
        let tried = client.create(&intent, &self.target, &manifest, self.manager());
        self.told(tried.await).map(Performed::unheld)
    }

    async fn rehearse_edit(&self, edit: &Edit<'_>) -> Result<Performed, Failure> {
        for _ in 0..CONFLICTS {
            let imagined = match self.imagined() {
                None => None,
                Some(Overlaid::Made(object) | Overlaid::Changed(object)) => Some(object),
                Some(Overlaid::Gone) => return Err(failure::absent(&self.target)),
            };
            let is_imagined = imagined.is_some();
            let now = match imagined {
                Some(object) => object,
                None => self.look_before(edit).await?,
            };
            let changes = edit.changes(&now, &self.target)?;
            if changes.is_empty() {
                return Ok(Performed::unchanged(now));
            }
            let paths = changes.iter().map(|change| change.path.as_str());
            self.heeds(paths).await?;
            if is_imagined {
                let mut object = now;
                edit.apply(&mut object, &self.target)?;
                return Ok(Performed::unheld(object));
            }
            let intent = self.pass.rehearsal();
            let patch = edit.patch(&now, &self.target)?;
            let client = &self.cluster.client;
            let tried = client.patch(&intent, &self.target, patch.body(), Wanted::Whole);
            match self.told(tried.await) {
                Ok(object) => return Ok(compared(&now, object)),
                Err(other) if other.kind == Kind::Conflict && !edit.names_version() => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(self.contended())
    }

    async fn rehearse_application(
        &self,
        manifest: &Value,
        force: bool,
    ) -> Result<Performed, Failure> {
        let now = match self.imagined() {
            Some(Overlaid::Made(mut object) | Overlaid::Changed(mut object)) => {
                let now = object.clone();
                fields::merge(&mut object, manifest);
                return Ok(compared(&now, object));
            }
            Some(Overlaid::Gone) => return Ok(Performed::unheld(manifest.clone())),
            None => self.look_before(&Edit::Merge(manifest)).await,
        };
        let now = match now {
            Ok(now) => Some(now),
            Err(absent) if absent.kind == Kind::NotFound => None,
            Err(failure) => return Err(failure),
        };
        let intent = self.pass.rehearsal();
        let body = self.application(manifest, force);
        let tried = self
            .cluster
            .client
            .patch(&intent, &self.target, body, Wanted::Whole);
        let object = self.told(tried.await)?;
        Ok(match now {
            Some(now) => compared(&now, object),
            None => Performed::unheld(object),
        })
    }

    async fn rehearse_removal(
        &self,
        uid: Option<String>,
        how: Removal,
        evicts: bool,
    ) -> Result<Performed, Failure> {
        match self.imagined() {
            Some(Overlaid::Made(_)) => return Ok(Performed::unheld(Value::Null)),
            Some(Overlaid::Gone) => return Ok(Performed::unchanged(Value::Null)),
            Some(Overlaid::Changed(_)) | None => {}
        }
        if self.look_to_delete().await?.is_none() {
            return Ok(Performed::unchanged(Value::Null));
        }
        let intent = self.pass.rehearsal();
        let (client, target, uid) = (&self.cluster.client, &self.target, uid.as_deref());
        let tried = match evicts {
            true => client.evict(&intent, target, uid, how).await,
            false => client.delete(&intent, target, uid, how).await,
        };
        self.told(tried).map(|()| Performed::unheld(Value::Null))
    }

    fn imagined(&self) -> Option<Overlaid> {
        self.cluster.overlay.of(&self.target)
    }

    fn told<T>(&self, tried: Result<T, WriteError>) -> Result<T, Failure> {
        tried.map_err(|refused| self.unlearnt(refused).failure)
    }
}

/// Returns what became of an object, and whether anything did.
fn compared(now: &Value, object: Value) -> Performed {
    match fields::difference(now, &object).is_empty() {
        true => Performed::unchanged(object),
        false => Performed::unheld(object),
    }
}
