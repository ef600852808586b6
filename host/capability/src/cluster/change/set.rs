//! Setting fields: what they were is read first, the write says on which version it rests, and when somebody was faster it begins anew.

use agent_core::effect::FieldChange;
use agent_core::failure::{Failure, Kind};
use agent_core::manifest::ClusterVerb;
use agent_core::undo::Undo;
use agent_gate::{Announced, WriteError};
use serde_json::Value;

use super::{Edit, Performed, Performer, failure, fields, uid_of};
use crate::cluster::FIELD_MANAGER;
use crate::cluster::client::{ANSWER_LOST, Body, Wanted};
use crate::cluster::overlay::Overlaid;

/// How often it begins anew when somebody else changes the object in between.
pub(super) const CONFLICTS: u32 = 8;

/// One attempt that did not come to its end: the effect's number, and why.
type Missed = (u64, WriteError);

impl Performer {
    pub(super) async fn patch(&self, body: Value) -> Result<Performed, Failure> {
        let edit = Edit::read(&body)?;
        if let Some(performed) = self.set_imagined(ClusterVerb::Patch, &edit).await? {
            return Ok(performed);
        }
        let mut held = self.held_before();
        let mut attempts = match edit.counts() {
            true => self.attempted(),
            false => Vec::new(),
        };
        for _ in 0..CONFLICTS {
            let now = self.look_before(&edit).await?;
            let is_done = self.has_happened(&now, &attempts)?;
            let changes = match is_done {
                true => Vec::new(),
                false => edit.changes(&now, &self.target)?,
            };
            if changes.is_empty() {
                return Ok(Performed {
                    object: now,
                    held,
                    // An earlier process may have done it.
                    changed: is_done || !self.pass.attempts().is_empty(),
                });
            }
            match self.patch_once(&now, &edit, changes.clone()).await {
                Ok((number, object)) => {
                    held.extend(self.holding(number));
                    return Ok(Performed {
                        object,
                        held,
                        changed: true,
                    });
                }
                Err(missed) => {
                    if missed.1.uncertain && edit.counts() {
                        attempts.push(Some(fields_of(&now, changes)));
                    }
                    self.again(missed, !edit.names_version(), &mut held)?;
                }
            }
        }
        Err(self.contended())
    }

    /// Returns what earlier processes may have set in the course of this change; none for what cannot be read any more.
    fn attempted(&self) -> Vec<Option<Undo>> {
        let gate = self.gate();
        let attempts = self.pass.attempts().iter();
        attempts.map(|recorded| gate.undo_of(recorded)).collect()
    }

    /// Returns whether one of several attempts, whose answers were lost, has happened.
    ///
    /// # Errors
    /// `uncertain` when nobody can tell: somebody has changed the same fields since.
    fn has_happened(&self, now: &Value, attempts: &[Option<Undo>]) -> Result<bool, Failure> {
        for attempt in attempts {
            match attempt {
                Some(Undo::Fields { uid, .. }) if *uid != uid_of(now) => {}
                Some(Undo::Fields { fields, .. }) if fields::is_before(now, fields) => {}
                Some(Undo::Fields { fields, .. }) if fields::has_happened(now, fields) => {
                    return Ok(true);
                }
                _ => {
                    let message = format!(
                        "nobody can say whether {} was patched: it has changed since",
                        self.target
                    );
                    return Err(Failure::new(Kind::Uncertain, ANSWER_LOST, message));
                }
            }
        }
        Ok(false)
    }

    /// Refuses changes of fields that the server would leave out without a word, that go beyond the rights, or that can do more harm than the operation says.
    pub(super) async fn may_make(
        &self,
        verb: ClusterVerb,
        now: &Value,
        changes: &[FieldChange],
    ) -> Result<(), Failure> {
        self.heeds(changes.iter().map(|change| change.path.as_str()))
            .await?;
        self.may_change(verb, now, changes)
    }

    pub(super) async fn apply(&self, manifest: Value, force: bool) -> Result<Performed, Failure> {
        let edit = Edit::Merge(&manifest);
        if let Some(performed) = self.set_imagined(ClusterVerb::Apply, &edit).await? {
            return Ok(performed);
        }
        let is_whole = self.target.of.subresource.is_none();
        if self.cluster.overlay.of(&self.target) == Some(Overlaid::Gone) {
            return match is_whole {
                true => self.create(manifest).await,
                false => Err(failure::absent(&self.target)),
            };
        }
        let mut held = self.held_before();
        for _ in 0..CONFLICTS {
            let now = match self.look_before(&edit).await {
                Ok(now) => now,
                // Made by `create`, which knows its own object again: a server-side apply cannot tell whether it made one.
                Err(failure) if failure.kind == Kind::NotFound && is_whole => {
                    match self.create(manifest.clone()).await {
                        Err(failure) if failure.code == "cluster.already-exists" => continue,
                        created => return created,
                    }
                }
                Err(failure) => return Err(failure),
            };
            match self.apply_once(&now, &manifest, force).await {
                Ok((number, object)) => {
                    held.extend(number.into_iter().flat_map(|number| self.holding(number)));
                    return Ok(Performed {
                        object,
                        held,
                        changed: number.is_some() || !self.pass.attempts().is_empty(),
                    });
                }
                Err(missed) => {
                    let contended = missed.1.failure.code == "cluster.conflict";
                    self.again(missed, contended, &mut held)?;
                }
            }
        }
        Err(self.contended())
    }

    /// Decides whether to begin anew. Either somebody was faster, or it was ourselves: then the answer to an earlier attempt was lost, and the
    /// ledger keeps that attempt, because putting back looks first.
    fn again(&self, missed: Missed, anew: bool, held: &mut Vec<u64>) -> Result<(), Failure> {
        let (number, sent) = missed;
        if sent.failure.kind != Kind::Conflict || !anew {
            return Err(self.abandoned(number, sent));
        }
        if sent.uncertain {
            held.extend(self.holding(number));
        } else {
            self.gate().did_not_happen(number);
        }
        Ok(())
    }

    pub(super) fn contended(&self) -> Failure {
        let message = format!("{} keeps being changed by somebody else", self.target);
        Failure::new(Kind::Conflict, "cluster.conflict", message)
    }

    async fn patch_once(
        &self,
        now: &Value,
        edit: &Edit<'_>,
        changes: Vec<FieldChange>,
    ) -> Result<(u64, Value), Missed> {
        let refused = |harmful| (0, WriteError::surely(harmful));
        self.may_make(ClusterVerb::Patch, now, &changes)
            .await
            .map_err(refused)?;
        let patch = edit.patch(now, &self.target).map_err(refused)?;
        let undo = fields_of(now, changes.clone());
        let (number, announced) = self.announce(ClusterVerb::Patch, changes.clone(), undo);
        let client = &self.cluster.client;
        let undo = |object: &Value| fields_of(now, answered(changes.clone(), object));
        let sent = self.pass.effect(
            announced,
            |intent| async move {
                client
                    .patch(&intent, &self.target, patch.body(), Wanted::Whole)
                    .await
            },
            |object| Some(undo(object)),
        );
        let object = sent.await.map_err(|error| (number, error))?;
        self.remember(number, undo(&object));
        self.imagine_changed(&object);
        Ok((number, object))
    }

    /// Returns the number under which it is held, if it changed anything.
    async fn apply_once(
        &self,
        now: &Value,
        manifest: &Value,
        force: bool,
    ) -> Result<(Option<u64>, Value), Missed> {
        let changes = fields::changes(now, manifest);
        let manifest = resting_on(now, manifest);
        let rehearsed = self.rehearse_apply(now, &manifest, force, &changes);
        let rehearsed = rehearsed.await.map_err(|refused| (0, refused))?;
        let refused = |harmful| (0, WriteError::surely(harmful));
        self.may_change(ClusterVerb::Apply, now, &rehearsed)
            .map_err(refused)?;
        let shown = with_removed(changes, &rehearsed);
        let undo = fields_of(now, rehearsed);
        let (number, announced) = self.announce(ClusterVerb::Apply, shown, undo);
        let client = &self.cluster.client;
        let sent = self.pass.effect(
            announced,
            |intent| async move {
                let body = self.application(&manifest, force);
                client
                    .patch(&intent, &self.target, body, Wanted::Whole)
                    .await
            },
            |object| Some(fields_of(now, fields::difference(now, object))),
        );
        let object = sent.await.map_err(|error| (number, error))?;
        // Fields that were applied before and are no longer in the manifest went as well.
        let changes = fields::difference(now, &object);
        if changes.is_empty() {
            self.gate().did_not_happen(number);
            return Ok((None, object));
        }
        self.remember(number, fields_of(now, changes));
        self.imagine_changed(&object);
        Ok((Some(number), object))
    }

    /// Returns the fields that an application will change, so that they are on record before it goes out: the server removes what was applied
    /// before and is no longer in the manifest, and writes values in its own form.
    async fn rehearse_apply(
        &self,
        now: &Value,
        manifest: &Value,
        force: bool,
        changes: &[FieldChange],
    ) -> Result<Vec<FieldChange>, WriteError> {
        let (intent, body) = (self.pass.rehearsal(), self.application(manifest, force));
        let tried = self
            .cluster
            .client
            .patch(&intent, &self.target, body, Wanted::Whole);
        match tried.await {
            Ok(object) => Ok(fields::difference(now, &object)),
            // An admission webhook with effects of its own refuses to rehearse; then only the answer to the write itself tells the rest.
            Err(refused) if refused.unrehearsed => {
                let unseen = self.may_apply_unseen(now);
                unseen.map_err(WriteError::surely)?;
                Ok(changes.to_vec())
            }
            Err(refused) => Err(self.unlearnt(refused)),
        }
    }

    pub(super) fn application<'a>(&'a self, manifest: &'a Value, force: bool) -> Body<'a> {
        Body::Apply {
            manifest,
            force,
            manager: self.manager(),
        }
    }

    /// Returns as which field manager it is made.
    pub(super) fn manager(&self) -> &str {
        self.manager.as_deref().unwrap_or(FIELD_MANAGER)
    }

    /// Names an effect and puts into the ledger how it is put back.
    fn announce(
        &self,
        verb: ClusterVerb,
        changes: Vec<FieldChange>,
        undo: Undo,
    ) -> (u64, Announced) {
        let effect = self.effect(verb, changes, self.hold);
        (effect.number, self.announced(effect, Some(undo)))
    }
}

/// Adds to what a manifest sets what goes because it was applied before and is no longer in it.
fn with_removed(mut changes: Vec<FieldChange>, rehearsed: &[FieldChange]) -> Vec<FieldChange> {
    let removed = rehearsed.iter().filter(|field| field.after.is_none());
    for field in removed {
        if changes.iter().all(|known| known.path != field.path) {
            changes.push(field.clone());
        }
    }
    changes
}

pub(super) fn fields_of(now: &Value, changes: Vec<FieldChange>) -> Undo {
    Undo::Fields {
        uid: uid_of(now),
        grown: fields::grown(now, &changes),
        fields: changes,
    }
}

/// Writes into a document the version of the object that it was computed on, unless it names one.
fn resting_on(now: &Value, document: &Value) -> Value {
    let mut document = document.clone();
    let version = "/metadata/resourceVersion";
    if let (Some(found), None) = (now.pointer(version), document.pointer(version)) {
        fields::set(&mut document, version, found.clone());
    }
    document
}

/// Takes over what the server made of the values, which is what it will show later.
fn answered(mut changes: Vec<FieldChange>, object: &Value) -> Vec<FieldChange> {
    for change in &mut changes {
        change.after = fields::at(object, &change.path).cloned();
    }
    changes
}

#[cfg(test)]
mod tests;
