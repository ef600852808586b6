//! The temporary ReplicationDestination: the restore itself.
//!
//! Its name and its trigger's tag are new each time, for VolSync does nothing about a tag that it has handled. It is held: it is gone as soon
//! as the restore has ended, however that was. From before it is made until it is proven what it has done, the volume may be half overwritten, and
//! whatever ends the run brings back what was there, by [`rollback`](super::rollback), before the app is started.

mod wait;

use agent_sdk::operations::Overwritten;
use agent_sdk::prelude::*;

use super::look::Scene;
use super::select::Pin;
use super::{drain, rival, verify};
use crate::restic::Snapshot;
use wait::{Proof, Wait};

/// The longest part of a source's name in the name of the destination; VolSync puts prefixes and suffixes around it.
const NAME: usize = 32;

/// What is said of a volume that no mover has written to.
const UNTOUCHED: &str = "nothing was overwritten";

/// What VolSync is to restore.
pub(super) struct Order<'a> {
    pub(super) pin: &'a Pin,
    /// None while planning, for no list can be read then.
    pub(super) chosen: Option<&'a Snapshot>,
    /// How long its mover may fail or stand still.
    pub(super) timeout: SignedDuration,
    /// Whether the volume is compared with the snapshot afterwards.
    pub(super) verify: bool,
}

/// Restores, and proves that it was the chosen snapshot. Returns what the person should know about that.
///
/// # Errors
///
/// `volsync.restore-running`; `volsync.restore-failed`, `volsync.volume-in-use`, `volsync.nothing-restored`, `volsync.other-snapshot`, each with the
/// mover's last lines; `volsync.not-as-snapshot`. What was announced stays so, unless nothing was overwritten.
pub(super) fn restore(
    scene: &Scene,
    order: &Order,
    announce: impl FnOnce() -> Result<Overwritten>,
) -> Result<Option<String>> {
    let what = order.chosen.map_or_else(
        || "the snapshot".to_owned(),
        |chosen| format!("`{}`", chosen.short()),
    );
    let step = Step::new(format!("Restore {what} into `{}`", scene.source.claim()));
    let (name, tag) = (name(&scene.source.name, &run::token()), run::token());
    if let Some(rival) = rival::find(&scene.source, Some(&name))? {
        rival::give_way(scene, &step, &rival, order.timeout)?;
    }
    let overwritten = announce()?;
    let manifest = manifest(scene, order.pin, &name, &tag);
    let made = Change::create(kinds::REPLICATION_DESTINATION, manifest);
    let (held, made) = match cluster::hold(&[made], &["/metadata/uid"]) {
        Ok(made) => made,
        Err(error) => {
            if is_refusal(&error) {
                overwritten.withdraw();
            }
            return Err(error);
        }
    };
    let (Some(chosen), false) = (order.chosen, run::planning()) else {
        step.skip("VolSync restores when the run starts");
        held.release()?;
        let note = verify::verify(scene, order)?;
        overwritten.settle();
        return Ok(note);
    };
    let uid = made
        .first()
        .map(|made| made.object.uid().to_owned())
        .unwrap_or_default();
    let mut wait = Wait::new(scene, name, uid, tag)?;
    let end = match rival::find(&scene.source, Some(&wait.name)) {
        Ok(None) => wait.run(&step, order.timeout),
        Ok(Some(rival)) => {
            if wait.called_off(held, &step) {
                overwritten.withdraw();
            }
            rival::give_way(scene, &step, &rival, order.timeout)?;
            return Ok(None);
        }
        Err(error) => Err(error),
    };
    match end.and_then(|logs| wait.verify(&logs, chosen)) {
        Ok(proof) => {
            held.release()?;
            step.done("");
            let unproven = verify::verify(scene, order)?;
            drain::refuse_users(scene)?;
            overwritten.settle();
            Ok(unproven.or_else(|| proof.note(chosen).filter(|_| !order.verify)))
        }
        Err(error) => Err(broken_off(error, wait, held, overwritten, &step)),
    }
}

/// Says whether a restore failed before it had written anything.
pub(super) fn left_untouched(error: &Error) -> bool {
    error.causes().iter().any(|cause| cause == UNTOUCHED)
}

/// The server has said no, so there is no destination.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        Kind::Denied | Kind::Invalid | Kind::Conflict | Kind::NotFound | Kind::Unsupported
    )
}

/// Ends a restore that failed. Where no mover has begun, the volume is as it was; else the host brings back what was there.
fn broken_off(
    error: Error,
    mut wait: Wait,
    held: Held,
    overwritten: Overwritten,
    step: &Step,
) -> Error {
    step.note("stopping the mover");
    if wait.is_untouched(&error) || wait.called_off(held, step) {
        overwritten.withdraw();
        return error.cause(UNTOUCHED);
    }
    error.cause("the volume may be partly overwritten")
}

fn name(source: &str, token: &str) -> String {
    let source: String = source.chars().take(NAME).collect();
    let id = crate::text::end(token);
    format!("{}-restore-{id}", source.trim_end_matches(['-', '.']))
}

/// All mover settings of the source, and what makes it a restore into the volume that is there.
fn manifest(scene: &Scene, pin: &Pin, name: &str, tag: &str) -> Value {
    let mut restic = scene.source.mover_settings(&scene.claim_modes);
    let mut set = |field: &str, value: Value| restic.insert(field.to_owned(), value);
    set("destinationPVC", scene.source.claim().into());
    set("copyMethod", "Direct".into());
    set("enableFileDeletion", true.into());
    set("cleanupCachePVC", true.into());
    set("cleanupTempPVC", true.into());
    set("previous", 0.into());
    set("restoreAsOf", pin.restore_as_of.to_string().into());
    json!({
        "apiVersion": "volsync.backube/v1alpha1",
        "kind": "ReplicationDestination",
        "metadata": {
            "name": name,
            "namespace": scene.source.namespace,
            "labels": {"app.kubernetes.io/managed-by": "agent"},
        },
        "spec": {"trigger": {"manual": tag}, "restic": restic},
    })
}

impl Proof {
    fn note(self, chosen: &Snapshot) -> Option<String> {
        match self {
            Proof::Named => None,
            Proof::Silent => Some(format!(
                "VolSync reports that it restored what was asked for, and no log was left that names snapshot `{}`",
                chosen.short()
            )),
        }
    }
}

#[cfg(test)]
mod tests;
