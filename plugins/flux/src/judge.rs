//! Judges a wait for an object of Flux by all that belongs to it: its own status, its source, and what it depends on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use agent_sdk::diagnosis::{Cause, Outlook, Patience};
use agent_sdk::prelude::*;

use crate::controller;
use crate::dependency::{self, NOT_READY, State};
use crate::health;
use crate::kind;
use crate::readiness::{FIELDS, Readiness, readiness};
use crate::request::REQUESTED_AT;

/// For so long what was read of a source or a dependency is not read again: many may have the same.
const FRESH: Duration = Duration::from_secs(2);

/// A wait that lasts so long is asked about.
const LASTS: Duration = Duration::from_secs(5);

/// What is behind a wait is looked at so often.
const BEHIND: Duration = Duration::from_secs(10);

/// Where more than so many objects are waited for, what is behind each is not looked at: it would cost more than it tells.
const FEW: usize = 8;

/// A canceled health check is followed by the next attempt at once; in kustomize-controller 1.8 it could stay canceled.
const CANCELED: Duration = Duration::from_secs(120);

/// How the controllers begin when they had no artifact to work on. With one that is there they begin anew, so this ends by itself; whatever
/// else they say of an artifact that is there, such as that it cannot be unpacked, does not.
const NO_ARTIFACT_YET: [&str; 5] = [
    "Source artifact not found",
    "Source is not ready",
    "Source not ready",
    "Source '",
    "could not get Source object",
];

/// Reads what belongs to the objects of one wait.
#[derive(Default)]
pub(crate) struct Judge {
    read: RefCell<BTreeMap<ObjectRef, (Duration, Option<Object>)>>,
    /// What is behind the wait for an object, and until when that is fresh.
    behind: RefCell<BTreeMap<ObjectRef, (Duration, Outlook)>>,
    few: bool,
    since: Duration,
}

impl Judge {
    /// Begins the wait for so many objects.
    pub(crate) fn of(objects: usize) -> Judge {
        Judge {
            few: objects <= FEW,
            since: run::elapsed(),
            ..Judge::default()
        }
    }

    #[cfg(test)]
    pub(crate) fn knowing(objects: &[(ObjectRef, Option<Object>)]) -> Judge {
        let read = objects.iter().cloned();
        Judge {
            read: RefCell::new(
                read.map(|(target, found)| (target, (Duration::MAX, found)))
                    .collect(),
            ),
            ..Judge::default()
        }
    }

    /// Returns an object, as it was some moments ago.
    pub(crate) fn find(&self, target: &ObjectRef) -> Result<Option<Object>> {
        if let Some((until, found)) = self.read.borrow().get(target)
            && (*until == Duration::MAX || *until > run::elapsed())
        {
            return Ok(found.clone());
        }
        let found = cluster::find(target, &FIELDS)?;
        let until = run::elapsed().saturating_add(FRESH);
        self.read
            .borrow_mut()
            .insert(target.clone(), (until, found.clone()));
        Ok(found)
    }

    /// Returns whether somebody has asked for a reconciliation that Flux has not done yet: what the status says is from before.
    pub(crate) fn is_asked(&self, object: &Object) -> bool {
        let asked = object.annotation(REQUESTED_AT);
        asked.is_some() && asked != object.text("/status/lastHandledReconcileAt")
    }

    /// Judges an object that its controller has looked at since it was asked.
    pub(crate) fn verdict(&self, target: &ObjectRef, object: &Object) -> Verdict<String> {
        match readiness(object) {
            Readiness::Ready(revision) => Verdict::Done(self.ready(target, object, revision)),
            Readiness::Pending(note) => self.pending(target, object, note),
            Readiness::Failed { reason, message } => {
                Verdict::Failed(not_ready(target, &reason, &message))
            }
            Readiness::Failing { reason, message } => {
                let error = not_ready(target, &reason, &message);
                Verdict::Blocked(
                    Cause::new(target.to_string(), &reason, &message, Patience::SOON),
                    error,
                )
            }
            Readiness::Artifact { reason, message } => {
                match self.source_failure(target, object, (&reason, &message)) {
                    Some(cause) => {
                        Verdict::Failed(not_ready(target, &reason, &message).cause(cause))
                    }
                    None => self.blocked(target, &reason, &message, Patience::DEADLINE),
                }
            }
        }
    }

    /// Returns what is said of an object that is ready. One that is made of a suspended source stays at its revision, whatever is pushed.
    fn ready(&self, target: &ObjectRef, object: &Object, revision: String) -> String {
        let source = crate::reconcile::source::nearest(target, object).and_then(Result::ok);
        let Some(source) = source.filter(|_| self.few) else {
            return revision;
        };
        let found = self.find(&source).ok().flatten();
        if !found.is_some_and(|found| found.flag("/spec/suspend")) {
            return revision;
        }
        format!("{revision}; {source} is suspended, so nothing newer comes")
    }

    /// Judges an object whose controller has not done yet what it was asked for. It says so at the end of its work only, which may take minutes.
    pub(crate) fn untaken(&self, target: &ObjectRef, object: &Object) -> Verdict<String> {
        if health::is_checking(object) {
            return self.at_work(target, object);
        }
        let note = "waiting for Flux to take the request";
        let outlook = self.behind(target, LASTS, || controller::outlook(target));
        match outlook {
            Outlook::Clear => self.blocked(target, "", note, Patience::DEADLINE),
            Outlook::Busy(why) => {
                self.blocked(target, "", &format!("{note}: {why}"), Patience::DEADLINE)
            }
            Outlook::Blocked(cause) => {
                let why = format!("{note}: {cause}");
                self.blocked(target, "", &why, cause.patience)
            }
        }
    }

    /// Judges an object that is being reconciled right now.
    fn at_work(&self, target: &ObjectRef, object: &Object) -> Verdict<String> {
        let reconciling = object.condition("Reconciling");
        let mut message = reconciling.map_or("", |one| one.message).to_owned();
        let behind = self.behind(target, LASTS, || {
            health::waits_for(target).map_or(Outlook::Clear, Outlook::Busy)
        });
        if let Outlook::Busy(what) = behind {
            message = format!("{message}; it waits for {what}");
        }
        if let Some(slow) = health::outlasts_interval(object) {
            message = format!("{message}; {slow}");
        }
        self.blocked(target, "", &message, Patience::DEADLINE)
    }

    /// Returns what is behind the wait for an object, once it lasts.
    fn behind(
        &self,
        target: &ObjectRef,
        after: Duration,
        look: impl FnOnce() -> Outlook,
    ) -> Outlook {
        if !self.few {
            return Outlook::Clear;
        }
        let now = run::elapsed();
        if now.saturating_sub(self.since) < after {
            return Outlook::Clear;
        }
        if let Some((until, outlook)) = self.behind.borrow().get(target)
            && *until > now
        {
            return outlook.clone();
        }
        let outlook = look();
        let kept = (now.saturating_add(BEHIND), outlook.clone());
        self.behind.borrow_mut().insert(target.clone(), kept);
        outlook
    }

    fn pending(&self, target: &ObjectRef, object: &Object, note: String) -> Verdict<String> {
        if health::is_checking(object) {
            return self.at_work(target, object);
        }
        let ready = object.condition("Ready").filter(|one| one.is_false());
        let Some(ready) = ready else {
            return Verdict::Pending(note);
        };
        match ready.reason {
            NOT_READY => self.depends(target, object, ready.message),
            "HealthCheckCanceled" => {
                self.blocked(target, ready.reason, ready.message, Patience::of(CANCELED))
            }
            _ => Verdict::Pending(note),
        }
    }

    fn depends(&self, target: &ObjectRef, object: &Object, said: &str) -> Verdict<String> {
        match dependency::state(self, std::slice::from_ref(target), object, said) {
            State::Failed(why) => Verdict::Failed(not_ready(target, NOT_READY, &why)),
            State::Settled(why) => self.blocked(target, NOT_READY, &why, Patience::MINUTE),
            State::AtWork(why) => self.blocked(target, NOT_READY, &why, Patience::DEADLINE),
            State::Ready => {
                let note = "what it depends on is ready; Flux looks again within 30 s";
                self.blocked(target, "", note, Patience::DEADLINE)
            }
        }
    }

    fn blocked(
        &self,
        target: &ObjectRef,
        reason: &str,
        message: &str,
        patience: Patience,
    ) -> Verdict<String> {
        let cause = Cause::new(target.to_string(), reason, message, patience);
        Verdict::Blocked(cause, not_ready(target, reason, message))
    }

    /// Returns why waiting for the artifact is in vain; none while the source may still make it.
    pub(crate) fn source_failure(
        &self,
        target: &ObjectRef,
        object: &Object,
        said: (&str, &str),
    ) -> Option<String> {
        let source = crate::reconcile::source::nearest(target, object)?.ok()?;
        match self.find(&source) {
            Ok(found) => self.broken(&source, found.as_ref()).or_else(|| {
                let settled = matches!(readiness(&found?), Readiness::Ready(_));
                in_vain(settled, said)
                    .then(|| format!("{source} is ready, so nothing new will come"))
            }),
            Err(error) => {
                debug!("{source} cannot be read: {error}");
                None
            }
        }
    }

    /// Returns why a source will make no artifact; none while it may. A chart has a source of its own, which says more.
    fn broken(&self, source: &ObjectRef, found: Option<&Object>) -> Option<String> {
        let Some(found) = found else {
            return Some(format!("{source} does not exist"));
        };
        if found.flag("/spec/suspend") {
            return Some(format!("{source} is suspended"));
        }
        if self.is_asked(found) || matches!(readiness(found), Readiness::Ready(_)) {
            return None;
        }
        let own = crate::reconcile::source::nearest(source, found).and_then(Result::ok);
        let deeper = own.and_then(|own| self.broken(&own, self.find(&own).ok()?.as_ref()));
        deeper.or_else(|| match readiness(found) {
            Readiness::Failed { message, .. } => Some(format!("{source}: {message}")),
            _ => None,
        })
    }
}

/// Returns whether what a controller says of an artifact is the end, given that the source has done its part.
fn in_vain(settled: bool, (reason, message): (&str, &str)) -> bool {
    let none_yet = NO_ARTIFACT_YET
        .iter()
        .any(|start| message.starts_with(start));
    settled && reason == "ArtifactFailed" && !none_yet
}

fn not_ready(target: &ObjectRef, reason: &str, message: &str) -> Error {
    let what = match reason {
        "" => format!("{target} is not ready"),
        NOT_READY => format!("{target} cannot become ready"),
        reason => format!("{target} failed: `{reason}`"),
    };
    let error = Error::failed("flux.not-ready", what).cause(message.trim().trim_end_matches('.'));
    match (reason, kind::command("reconcile", target)) {
        ("RetriesExceeded", Some(command)) => error
            .cause("its retries are used up, and a plain request does not start them again")
            .hint(format!("{command} --reset")),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
