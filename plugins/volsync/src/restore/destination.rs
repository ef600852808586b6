//! The temporary ReplicationDestination: the restore itself.
//!
//! Its name and its trigger's tag are new each time, for VolSync does nothing about a tag that it has handled. It is held: it is gone as soon
//! as the restore has ended, however that was.

mod wait;

use agent_sdk::prelude::*;

use super::look::Scene;
use super::rival;
use super::safety::Safety;
use super::select::Pin;
use crate::mover::Trail;
use crate::restic::Snapshot;
use wait::Wait;

/// The longest part of a source's name in the name of the destination; VolSync puts prefixes and suffixes around it.
const NAME: usize = 32;

/// Restores, and proves that it was the chosen snapshot.
///
/// # Errors
///
/// `volsync.restore-running`; `volsync.restore-failed`, `volsync.volume-in-use`, `volsync.nothing-restored`, `volsync.other-snapshot`, each with the mover's last lines and
/// the way back.
pub(super) fn restore(
    scene: &Scene,
    pin: &Pin,
    chosen: Option<&Snapshot>,
    safety: &Safety,
    timeout: SignedDuration,
) -> Result<()> {
    let what = chosen.map_or_else(
        || "the snapshot".to_owned(),
        |chosen| format!("`{}`", chosen.short()),
    );
    let step = Step::new(format!("Restore {what} into `{}`", scene.source.claim()));
    let (name, tag) = (name(&scene.source.name, &run::id()), run::token());
    if let Some(rival) = rival::find(&scene.source, Some(&name))? {
        return rival::give_way(scene, &step, &rival, timeout);
    }
    let manifest = manifest(scene, pin, &name, &tag);
    let held = cluster::hold(
        &[Change::create(kinds::REPLICATION_DESTINATION, manifest)],
        &["/metadata/uid"],
    )?;
    let (Some(chosen), false) = (chosen, run::planning()) else {
        step.skip("VolSync restores when the run starts");
        return Ok(());
    };
    let uid = held
        .objects()
        .first()
        .map(|object| object.uid().to_owned())
        .unwrap_or_default();
    let mut wait = Wait {
        scene,
        name,
        uid,
        tag,
        trail: Trail::default(),
    };
    let end = match rival::find(&scene.source, Some(&wait.name)) {
        Ok(None) => wait.run(&step, timeout),
        Ok(Some(rival)) => {
            held.release()?;
            return rival::give_way(scene, &step, &rival, timeout);
        }
        Err(error) => Err(error),
    };
    let restored = end.and_then(|logs| wait.verify(&logs, chosen));
    if let Err(error) = restored {
        step.note("stopping the mover");
        // The host removes it when the run ends, and waits until the mover is gone too.
        std::mem::forget(held);
        return Err(way_back(error, scene, safety));
    }
    held.release()?;
    step.done("");
    Ok(())
}

fn name(source: &str, id: &str) -> String {
    let source: String = source.chars().take(NAME).collect();
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

/// The volume may be half overwritten. Says how to get the state from before back.
fn way_back(error: Error, scene: &Scene, safety: &Safety) -> Error {
    let Some(id) = safety.id() else {
        return error.cause("the volume may be partly overwritten, and the app runs on it again");
    };
    error
        .cause(format!(
            "the volume may be partly overwritten, and the app runs on it again; its state from before is snapshot `{id}`"
        ))
        .hint(format!(
            "agent run volsync.restore {} {} --snapshot {id}",
            scene.source.namespace, scene.app
        ))
}

#[cfg(test)]
mod tests;
