//! The temporary ReplicationDestination: the restore itself.
//!
//! Its name and its trigger's tag are new each time, for VolSync does nothing about a tag that it has handled. It is held: it is gone as soon
//! as the restore has ended, however that was.

use std::time::Duration;

use agent_sdk::cluster::Sighting;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::look::Scene;
use super::safety::Safety;
use super::select::Pin;
use super::{drain, rival};
use crate::mover;
use crate::restic::Snapshot;
use crate::restic::log::{self, Restored};

const FIELDS: [&str; 2] = ["/spec/trigger", "/status"];
/// The longest time between two looks at the mover's log.
const LOOK: Duration = Duration::from_millis(500);
/// How long a mover that was told to stop may take: its pod's grace, and a little.
const LET_GO: SignedDuration = SignedDuration::from_secs(45);
/// The longest part of a source's name in the name of the destination; VolSync puts prefixes and suffixes around it.
const NAME: usize = 32;

/// Restores, and proves that it was the chosen snapshot.
///
/// # Errors
///
/// `volsync.restore-running`; `volsync.restore-failed`, `volsync.nothing-restored`, `volsync.other-snapshot`, each with the mover's last lines and
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
        log: String::new(),
        failures: 0,
    };
    let end = match rival::find(&scene.source, Some(&wait.name)) {
        Ok(None) => wait.run(&step, Deadline::after(timeout), timeout),
        Ok(Some(rival)) => {
            held.release()?;
            return rival::give_way(scene, &step, &rival, timeout);
        }
        Err(error) => Err(error),
    };
    let restored = end.and_then(|logs| wait.verify(&logs, chosen));
    if let Err(error) = restored {
        stop(scene, held, &step);
        return Err(way_back(error, scene, safety));
    }
    held.release()?;
    step.done("");
    Ok(())
}

/// Removes a destination that failed, and gives its mover a moment to end: the app must not be started while it still writes. What goes wrong
/// here is left out, for there is an error to report already.
fn stop(scene: &Scene, held: cluster::Held, step: &Step) {
    step.note("stopping the mover");
    if held.release().is_ok() {
        drain::wait(scene, LET_GO).ok();
    }
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

struct Wait<'a> {
    scene: &'a Scene,
    name: String,
    uid: String,
    tag: String,
    /// The most that was seen of the mover's log.
    log: String,
    failures: i64,
}

impl Wait<'_> {
    /// Waits for the end of our tag, and returns what VolSync keeps of the mover's log.
    fn run(&mut self, step: &Step, deadline: Deadline, timeout: SignedDuration) -> Result<String> {
        let namespace = self.scene.source.namespace.as_str();
        let query = Query::all(kinds::REPLICATION_DESTINATION)
            .namespace(namespace)
            .named(&self.name);
        let watcher = cluster::watch(&[query], &FIELDS)?;
        loop {
            let left = deadline.left();
            for sighting in watcher.next(left.min(LOOK))? {
                match sighting {
                    Sighting::Present(_, object) => match judge(&object, &self.tag) {
                        State::Running => {}
                        State::Ended(logs) => return Ok(logs),
                        State::Failed(logs) => {
                            return Err(self.failed(Kind::Conflict, "its mover failed", &logs));
                        }
                    },
                    Sighting::Gone(..) => {
                        return Err(self.failed(
                            Kind::Conflict,
                            "its ReplicationDestination was deleted meanwhile",
                            "",
                        ));
                    }
                    Sighting::Synced(_) => {}
                }
            }
            if left.is_zero() {
                return Err(self.failed(
                    Kind::Timeout,
                    &format!("its mover had not ended after `{timeout:#}`"),
                    "",
                ));
            }
            self.look(step);
        }
    }

    /// Shows the mover's log.
    fn look(&mut self, step: &Step) {
        let Ok(Some(mover)) = mover::of(&self.scene.source.namespace, &self.uid) else {
            step.note("waits for VolSync");
            return;
        };
        if let Ok(Some(log)) = mover.log() {
            self.log = log;
        }
        if mover.failed > self.failures {
            self.failures = mover.failed;
            let why = log::why(None, &self.log)
                .map(|why| format!(": {why}"))
                .unwrap_or_default();
            warn!(
                "the mover has failed {} times{why}; VolSync tries again",
                mover.failed
            );
        }
        step.note(log::progress(&self.log).unwrap_or_else(|| "the mover starts".to_owned()));
    }

    /// VolSync calls it a success when nothing was restored, and does not say that it was another snapshot.
    fn verify(&self, logs: &str, chosen: &Snapshot) -> Result<()> {
        let said = match log::restored(logs) {
            Restored::Silent => log::restored(&self.log),
            said => said,
        };
        match said {
            Restored::Snapshot(id) if chosen.id.starts_with(&id) => Ok(()),
            Restored::Snapshot(id) => Err(self.wrong(
                "volsync.other-snapshot",
                &format!("VolSync restored snapshot `{id}` and not `{}`", chosen.short()),
                logs,
            )),
            Restored::Nothing => Err(self.wrong(
                "volsync.nothing-restored",
                "VolSync found no eligible snapshot, restored nothing, and calls that a success",
                logs,
            )),
            Restored::Silent => Err(self.wrong(
                "volsync.nothing-restored",
                "VolSync reports success, but nothing in the mover's log says that a snapshot was restored",
                logs,
            )),
        }
    }

    fn wrong(&self, code: &str, message: &str, logs: &str) -> Error {
        let message = format!(
            "`{}/{}` is not restored: {message}",
            self.scene.source.namespace, self.scene.app
        );
        lines(Error::conflict(code, message), logs)
    }

    fn failed(&self, kind: Kind, what: &str, logs: &str) -> Error {
        let logs = if logs.is_empty() { &self.log } else { logs };
        let message = format!(
            "`{}/{}` is not restored: {what}",
            self.scene.source.namespace, self.scene.app
        );
        let error = Error::new(kind, "volsync.restore-failed", message);
        let error = match log::why(None, logs) {
            Some(why) => error.cause(why),
            None => error,
        };
        lines(error, logs)
    }
}

fn lines(error: Error, log: &str) -> Error {
    log::tail(log, 5)
        .into_iter()
        .fold(error, |error, line| error.cause(format!("log: {line}")))
}

/// The volume may be half overwritten. Says how to get the state from before back.
fn way_back(error: Error, scene: &Scene, safety: &Safety) -> Error {
    let Some(id) = safety.id() else {
        return error.cause("the volume may be partly overwritten");
    };
    error
        .cause(format!(
            "the volume may be partly overwritten; its state from before is snapshot `{id}`"
        ))
        .hint(format!(
            "agent run volsync.restore {} {} --snapshot {id}",
            scene.source.namespace, scene.app
        ))
}

/// How far the restore with our tag is.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Running,
    /// VolSync confirms our tag; the log says what that means.
    Ended(String),
    /// The mover has used up its tries; VolSync starts anew, for ever.
    Failed(String),
}

fn judge(destination: &Object, tag: &str) -> State {
    let result = destination.text("/status/latestMoverStatus/result");
    let logs = destination
        .text("/status/latestMoverStatus/logs")
        .unwrap_or_default()
        .to_owned();
    match (
        destination.text("/status/lastManualSync") == Some(tag),
        result,
    ) {
        (_, Some("Failed")) => State::Failed(logs),
        (true, Some("Successful")) => State::Ended(logs),
        _ => State::Running,
    }
}

#[cfg(test)]
mod tests;
