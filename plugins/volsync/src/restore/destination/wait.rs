//! Waits for the end of a restore, and watches that nobody else has the volume meanwhile.

use std::time::Duration;

use agent_sdk::cluster::{WatchEvent, Watcher};
use agent_sdk::diagnosis::{Cause, Outlook, Standing, container};
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::super::drain;
use super::super::look::Scene;
use crate::mover::{self, CONTAINER, Seen, Trail};
use crate::obstacle;
use crate::restic::log::{self, Restored};
use crate::restic::{Snapshot, cause};

const FIELDS: [&str; 4] = [
    "/spec/trigger",
    "/status",
    "/spec/containers",
    "/metadata/annotations",
];
/// The time between two looks at the mover's log, as long as it is young: a small volume is restored in some seconds, and its log is gone then.
const LOOK: Duration = Duration::from_millis(500);
/// The same later on. Each look is on record, and a large volume takes days.
const LATER: Duration = Duration::from_secs(10);
const YOUNG: SignedDuration = SignedDuration::from_mins(5);
/// How long the pods of a mover that was called off may be there: their grace, and a little.
const CALLED_OFF: SignedDuration = SignedDuration::from_secs(60);
/// VolSync reports a success, and nothing was restored.
pub(super) const NOTHING: &str = "volsync.nothing-restored";

pub(super) struct Wait<'a> {
    pub(super) scene: &'a Scene,
    pub(super) name: String,
    uid: String,
    tag: String,
    pub(super) trail: Trail,
    /// Sees pods, and the destination.
    watcher: Option<Watcher>,
    destination: Option<Object>,
    /// Whether a mover has begun, so that it may have written.
    begun: bool,
    /// Whether one has failed, so that it may have written before another one did not.
    failed_before: bool,
    standing: Standing,
}

/// What proves that the chosen snapshot was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The mover named it.
    Named,
    /// VolSync reports that it has done what our tag asked for, and the log, which says more, was gone before it could be read.
    Silent,
}

impl<'a> Wait<'a> {
    /// Begins to watch.
    ///
    /// # Errors
    /// Those of the watch.
    pub(super) fn new(
        scene: &'a Scene,
        name: String,
        uid: String,
        tag: String,
    ) -> Result<Wait<'a>> {
        let namespace = scene.source.namespace.as_str();
        let queries = [
            Query::all(kinds::POD).namespace(namespace),
            Query::all(kinds::REPLICATION_DESTINATION)
                .namespace(namespace)
                .named(&name),
        ];
        let fields = [&FIELDS[..], &drain::FIELDS[..]].concat();
        let watcher = Some(cluster::watch(&queries, &fields)?);
        Ok(Wait {
            watcher,
            ..Wait::of(scene, name, uid, tag)
        })
    }

    /// Makes one that sees nothing yet.
    pub(super) fn of(scene: &'a Scene, name: String, uid: String, tag: String) -> Wait<'a> {
        Wait {
            scene,
            name,
            uid,
            tag,
            trail: Trail::default(),
            watcher: None,
            destination: None,
            begun: false,
            failed_before: false,
            standing: Standing::default(),
        }
    }

    /// Waits for the end of our tag, and returns what VolSync keeps of the mover's log. A mover that gets on may take as long as it needs.
    ///
    /// # Errors
    /// `volsync.restore-failed`, `volsync.volume-in-use`.
    pub(super) fn run(&mut self, step: &Step, timeout: SignedDuration) -> Result<String> {
        let mut deadline = Deadline::after(timeout);
        let mut next_look = Deadline::after(SignedDuration::ZERO);
        let young = Deadline::after(YOUNG);
        loop {
            let left = deadline.left();
            let pause = if young.left().is_zero() { LATER } else { LOOK };
            let seen = self.next(left.min(pause))?;
            if let Some(logs) = self.see(seen)? {
                return Ok(logs);
            }
            if left.is_zero() {
                return Err(self.late(timeout));
            }
            if next_look.left().is_zero() {
                if self.look(step)? {
                    deadline = Deadline::after(timeout);
                }
                next_look = Deadline::after(SignedDuration::try_from(pause).unwrap_or_default());
            }
        }
    }

    /// Calls the restore off where no mover has begun, and makes sure that none does. Says whether the volume is as it was.
    pub(super) fn called_off(&mut self, held: Held, step: &Step) -> bool {
        if self.begun {
            // The host removes it when the run ends, and waits until the mover is gone too.
            return false;
        }
        held.release().is_ok() && self.is_free(step)
    }

    /// Says whether a failure means that nothing was written: the mover found nothing to restore, and none before it has failed.
    pub(super) fn is_untouched(&self, error: &Error) -> bool {
        error.code() == NOTHING && !self.failed_before
    }

    /// Waits until no pod of our mover is left, of which each is seen to its end.
    fn is_free(&mut self, step: &Step) -> bool {
        step.note("waits until the mover is gone");
        let deadline = Deadline::after(CALLED_OFF);
        loop {
            let left = deadline.left();
            let Ok(seen) = self.next(left.min(LOOK)) else {
                return false;
            };
            seen.iter().for_each(|one| self.note(one));
            // Its Job is gone with it, and so is what would make another pod.
            let jobs = mover::of(&self.scene.source.namespace, &self.uid);
            let gone = matches!(jobs, Ok(None)) && self.pods_are_gone();
            if gone || self.begun || left.is_zero() {
                return gone && !self.begun;
            }
        }
    }

    fn pods_are_gone(&self) -> bool {
        let query = Query::all(kinds::POD).namespace(self.scene.source.namespace.as_str());
        let pods = cluster::list(&query, &drain::FIELDS);
        pods.is_ok_and(|pods| {
            let claim = self.scene.source.claim();
            !pods
                .iter()
                .any(|pod| drain::of_volsync(pod) && drain::names(pod, claim))
        })
    }

    fn next(&self, timeout: Duration) -> Result<Vec<WatchEvent>> {
        match &self.watcher {
            Some(watcher) => watcher.next(timeout),
            None => Ok(Vec::new()),
        }
    }

    /// Takes note of what the watch has brought. Pods come first: an end that a pod has spoilt is none.
    fn see(&mut self, events: Vec<WatchEvent>) -> Result<Option<String>> {
        for event in &events {
            self.note(event);
            if let WatchEvent::Applied(0, pod) = event {
                self.keep_out(pod)?;
            }
        }
        for event in events {
            match event {
                WatchEvent::Applied(1, object) => {
                    let state = judge(&object, &self.tag);
                    self.destination = Some(object);
                    match state {
                        State::Running => {}
                        State::Ended(logs) => return Ok(Some(logs)),
                        State::Failed(logs) => {
                            return Err(self.failed(Kind::Failed, "its mover failed", &logs));
                        }
                    }
                }
                WatchEvent::Removed(1, _) => {
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

    /// Takes note of a mover that has begun. A state in between may be missed, and the last one of a pod that is gone tells of it.
    fn note(&mut self, event: &WatchEvent) {
        let (WatchEvent::Applied(0, pod) | WatchEvent::Removed(0, pod)) = event else {
            return;
        };
        if !self.begun && drain::of_volsync(pod) && has_begun(pod) {
            let other = mover::is_of_other(pod, &self.uid);
            let claim = self.scene.source.claim();
            self.begun = drain::names(pod, claim) && !other.unwrap_or(false);
        }
    }

    /// Fails when a pod has the volume that is none of our mover's: it would read and write a half-restored volume.
    fn keep_out(&self, pod: &Object) -> Result<()> {
        if !drain::mounts(pod, self.scene.source.claim()) {
            return Ok(());
        }
        if drain::of_volsync(pod) && !mover::is_of_other(pod, &self.uid)? {
            return Ok(());
        }
        Err(drain::used_meanwhile(self.scene, pod))
    }

    /// Looks at the mover; says whether it got on.
    fn look(&mut self, step: &Step) -> Result<bool> {
        let seen = self.trail.look(&self.scene.source.namespace, &self.uid);
        self.begun |= seen.there && (!self.trail.log.is_empty() || seen.failures > 0);
        self.failed_before |= seen.failures > 0;
        if let Some(failed) = seen.failed {
            let why = cause::why(None, &self.trail.failure().log)
                .map(|why| format!(": {why}"))
                .unwrap_or_default();
            warn!("the mover has failed {failed} times{why}; VolSync tries again");
        }
        if seen.exhausted {
            let log = self.trail.failure().log;
            return Err(self.failed(Kind::Failed, "its mover failed", &log));
        }
        let progress = log::progress(&self.trail.log);
        step.note(progress.unwrap_or_else(|| match seen.there {
            true => "the mover starts".to_owned(),
            false => "waits for VolSync".to_owned(),
        }));
        let outlook = self.outlook(&seen);
        match self.standing.see(step, &outlook) {
            Some(cause) => Err(self.blocked(&cause)),
            None => Ok(seen.moved),
        }
    }

    /// Judges what keeps the mover, or VolSync, from its work.
    fn outlook(&self, seen: &Seen) -> Outlook {
        let subject = format!("ReplicationDestination `{}`", self.name);
        let condition = self
            .destination
            .as_ref()
            .and_then(|one| one.condition("Synchronizing"));
        let told = condition
            .map(|told| obstacle::of_condition(subject, Some(told.reason), Some(told.message)));
        let outlook = seen
            .pods
            .outlook
            .clone()
            .or_else(|| told.unwrap_or_default());
        match seen.there {
            true => outlook,
            false => outlook.or_else(obstacle::of_operator),
        }
    }

    /// VolSync calls it a success when nothing was restored, and does not say that it was another snapshot.
    ///
    /// # Errors
    /// [`NOTHING`], `volsync.other-snapshot`.
    pub(super) fn verify(&self, logs: &str, chosen: &Snapshot) -> Result<Proof> {
        let said = match log::restored(logs) {
            Restored::Silent => self.trail.restored(),
            said => said,
        };
        match said {
            Restored::Snapshot(id) if chosen.id.starts_with(&id) => Ok(Proof::Named),
            Restored::Snapshot(id) => Err(self.wrong(
                "volsync.other-snapshot",
                &format!(
                    "VolSync restored snapshot `{id}` and not `{}`",
                    chosen.short()
                ),
                logs,
            )),
            Restored::Nothing => Err(self.wrong(
                NOTHING,
                "VolSync found no eligible snapshot, restored nothing, and calls that a success",
                logs,
            )),
            // The mover ends with another exit code than 0 for whatever it could not do, but for what is above.
            Restored::Silent => Ok(Proof::Silent),
        }
    }

    fn wrong(&self, code: &str, message: &str, logs: &str) -> Error {
        let message = format!(
            "`{}/{}` is not restored: {message}",
            self.scene.source.namespace, self.scene.app
        );
        lines(Error::conflict(code, message), logs)
    }

    fn late(&self, timeout: SignedDuration) -> Error {
        let what = format!("its mover had not ended after `{timeout:#}`");
        let error = self.failed(Kind::Timeout, &what, "");
        match self.standing.longest() {
            Some(cause) => cause.explain(error),
            None => error,
        }
    }

    fn blocked(&self, cause: &Cause) -> Error {
        let what = match self.begun {
            true => "its mover does not get on",
            false => "its mover does not start",
        };
        cause.explain(self.failed(Kind::Failed, what, ""))
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
        let error = match cause::why(None, logs) {
            Some(why) => error.cause(why),
            None => error,
        };
        let error = lines(error, logs);
        match cause::remedy(logs, &self.scene.source) {
            Some(remedy) => error.hint(remedy),
            None => error,
        }
    }
}

fn lines(error: Error, log: &str) -> Error {
    log::tail(log, 5)
        .into_iter()
        .fold(error, |error, line| error.cause(format!("log: {line}")))
}

/// Says whether the mover of a pod has begun, now or in an earlier try.
fn has_begun(pod: &Object) -> bool {
    let name = container(pod, Some(CONTAINER));
    let all = pod.items("/status/containerStatuses").iter();
    let mut statuses = all.filter(|one| one["name"].as_str() == name);
    statuses.any(|status| {
        let started = |state: &Value| {
            !state["running"].is_null() || state["terminated"]["startedAt"].is_string()
        };
        started(&status["state"]) || started(&status["lastState"])
    })
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
