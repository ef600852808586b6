//! Waits for the end of a restore, and watches that nobody else has the volume meanwhile.

use std::time::Duration;

use agent_sdk::cluster::Sighting;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::super::drain;
use super::super::look::Scene;
use crate::mover::{self, Trail};
use crate::restic::Snapshot;
use crate::restic::log::{self, Restored};

const FIELDS: [&str; 2] = ["/spec/trigger", "/status"];
/// The time between two looks at the mover's log.
const LOOK: Duration = Duration::from_millis(500);

pub(super) struct Wait<'a> {
    pub(super) scene: &'a Scene,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) tag: String,
    pub(super) trail: Trail,
}

impl Wait<'_> {
    /// Waits for the end of our tag, and returns what VolSync keeps of the mover's log. A mover that gets on may take as long as it needs.
    pub(super) fn run(&mut self, step: &Step, timeout: SignedDuration) -> Result<String> {
        let namespace = self.scene.source.namespace.as_str();
        let queries = [
            Query::all(kinds::POD).namespace(namespace),
            Query::all(kinds::REPLICATION_DESTINATION)
                .namespace(namespace)
                .named(&self.name),
        ];
        let watcher = cluster::watch(&queries, &[&FIELDS[..], &drain::FIELDS[..]].concat())?;
        let mut deadline = Deadline::after(timeout);
        let mut next_look = Deadline::after(SignedDuration::ZERO);
        loop {
            let left = deadline.left();
            let end = self.see(watcher.next(left.min(LOOK))?)?;
            if let Some(logs) = end {
                return Ok(logs);
            }
            if left.is_zero() {
                return Err(self.failed(
                    Kind::Timeout,
                    &format!("its mover had not ended after `{timeout:#}`"),
                    "",
                ));
            }
            if next_look.left().is_zero() {
                if self.look(step)? {
                    deadline = Deadline::after(timeout);
                }
                next_look = Deadline::after(SignedDuration::try_from(LOOK).unwrap_or_default());
            }
        }
    }

    /// Takes note of what the watch has brought. Pods come first: an end that a pod has spoilt is none.
    fn see(&self, sightings: Vec<Sighting>) -> Result<Option<String>> {
        for sighting in &sightings {
            if let Sighting::Present(0, pod) = sighting {
                self.keep_out(pod)?;
            }
        }
        for sighting in sightings {
            match sighting {
                Sighting::Present(1, object) => match judge(&object, &self.tag) {
                    State::Running => {}
                    State::Ended(logs) => return Ok(Some(logs)),
                    State::Failed(logs) => {
                        return Err(self.failed(Kind::Conflict, "its mover failed", &logs));
                    }
                },
                Sighting::Gone(1, _) => {
                    return Err(self.failed(
                        Kind::Conflict,
                        "its ReplicationDestination was deleted meanwhile",
                        "",
                    ));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Fails when a pod has the volume that is none of our mover's: it would read and write a half-restored volume.
    fn keep_out(&self, pod: &Object) -> Result<()> {
        if !drain::mounts(pod, self.scene.source.claim()) {
            return Ok(());
        }
        if drain::of_volsync(pod) && !mover::is_of_other(pod, &self.uid)? {
            return Ok(());
        }
        let what = drain::describe(pod, run::now());
        let message = format!(
            "`{}/{}` is not restored: {what}, mounted the volume while it was overwritten",
            self.scene.source.namespace, self.scene.app
        );
        Err(Error::conflict("volsync.volume-in-use", message))
    }

    /// Looks at the mover; says whether it got on.
    fn look(&mut self, step: &Step) -> Result<bool> {
        let seen = self.trail.look(&self.scene.source.namespace, &self.uid);
        if !seen.there {
            step.note("waits for VolSync");
            return Ok(false);
        }
        if let Some(failed) = seen.failed {
            let why = log::why(None, &self.trail.log)
                .map(|why| format!(": {why}"))
                .unwrap_or_default();
            warn!("the mover has failed {failed} times{why}; VolSync tries again");
        }
        if seen.exhausted {
            return Err(self.failed(Kind::Conflict, "its mover failed", ""));
        }
        let progress = log::progress(&self.trail.log);
        step.note(progress.unwrap_or_else(|| "the mover starts".to_owned()));
        Ok(seen.moved)
    }

    /// VolSync calls it a success when nothing was restored, and does not say that it was another snapshot.
    pub(super) fn verify(&self, logs: &str, chosen: &Snapshot) -> Result<()> {
        let said = match log::restored(logs) {
            Restored::Silent => log::restored(&self.trail.log),
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
        let logs = if logs.is_empty() {
            &self.trail.log
        } else {
            logs
        };
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

/// How far the restore with our tag is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// VolSync confirms our tag; the log says what that means.
    Ended(String),
    /// The mover has used up its tries; VolSync starts anew, for ever.
    Failed(String),
}

pub(super) fn judge(destination: &Object, tag: &str) -> State {
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
