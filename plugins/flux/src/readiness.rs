//! Whether an object is ready, on its way, or has failed, by what its controller says of it.
//!
//! Flux's own command line treats `Ready=False` as "in progress" and polls until its timeout. Controllers say more than that: they say
//! whether they will try again without anything new, so a failure can be told at once (knowledge: the agent rule).

use agent_sdk::prelude::*;

use crate::kind;

/// The fields that are looked at.
pub(crate) const FIELDS: [&str; 15] = [
    "/metadata/generation",
    "/metadata/deletionTimestamp",
    "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
    "/spec/suspend",
    "/spec/type",
    "/spec/sourceRef",
    "/spec/chartRef",
    "/spec/chart/spec/sourceRef",
    "/status/observedGeneration",
    "/status/conditions",
    "/status/lastHandledReconcileAt",
    "/status/lastHandledForceAt",
    "/status/lastAppliedRevision",
    "/status/artifact/revision",
    "/status/history",
];

/// Reasons for `Ready=False` that end by themselves. Health checks are canceled by a newer reconciliation, which follows at once.
const ON_ITS_WAY: [&str; 5] = [
    "HealthCheckCanceled",
    "Progressing",
    "DependencyNotReady",
    "ProgressingWithRetry",
    "Reconciling",
];

/// Reasons that depend on whether the source is still at work.
const UP_TO_THE_SOURCE: [&str; 2] = ["ArtifactFailed", "SourceNotReady"];

/// What kustomize-controller says, with the reason `ArtifactFailed`, when the artifact is there and has no such folder.
const NO_SUCH_PATH: &str = "kustomization path not found";

/// How the controllers begin when they had no artifact to work on. With one that is there they begin anew, so this ends by itself; whatever
/// else they say of an artifact that is there, such as that it cannot be unpacked, does not.
const NO_ARTIFACT_YET: [&str; 5] = [
    "Source artifact not found",
    "Source is not ready",
    "Source not ready",
    "Source '",
    "could not get Source object",
];

/// What an object's status says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Readiness {
    /// It is ready, at that revision.
    Ready(String),
    /// It is on its way.
    Pending(String),
    /// It waits for an artifact: pending while its source is at work, failed otherwise.
    Artifact { reason: String, message: String },
    /// It failed and will not become ready without something new.
    Failed { reason: String, message: String },
}

/// Judges the status of an object that its controller has looked at since it was asked.
pub(crate) fn readiness(object: &Object) -> Readiness {
    if object.text("/metadata/deletionTimestamp").is_some() {
        return failed("Terminating", "it is being deleted");
    }
    let generation = object.generation();
    let current = |observed: i64| observed == 0 || observed >= generation;
    if let Some(stalled) = object.condition("Stalled")
        && stalled.is_true()
        && current(stalled.observed_generation)
    {
        return failed(stalled.reason, stalled.message);
    }
    let Some(ready) = object.condition("Ready") else {
        return Readiness::Pending("waiting to be reconciled".to_owned());
    };
    let observed = object.integer("/status/observedGeneration");
    if ready.is_true() {
        return when_ready(object, observed.unwrap_or(generation) == generation);
    }
    if !ready.is_false() || !current(ready.observed_generation) {
        return pending(ready.message);
    }
    when_not_ready(object, ready.reason, ready.message)
}

fn when_ready(object: &Object, observed: bool) -> Readiness {
    let reconciling = object.condition("Reconciling").filter(|one| one.is_true());
    match (observed, reconciling) {
        (true, None) => Readiness::Ready(revision(object)),
        (true, Some(reconciling)) => pending(reconciling.message),
        (false, _) => pending("its newest generation has not been looked at"),
    }
}

fn when_not_ready(object: &Object, reason: &str, message: &str) -> Readiness {
    let reconciling = object.condition("Reconciling").filter(|one| one.is_true());
    let gave_up = reconciling.is_none_or(|one| one.reason == "ProgressingWithRetry");
    if UP_TO_THE_SOURCE.contains(&reason) && !message.starts_with(NO_SUCH_PATH) {
        Readiness::Artifact {
            reason: reason.to_owned(),
            message: message.to_owned(),
        }
    } else if ON_ITS_WAY.contains(&reason) || !gave_up {
        pending(&format!("{reason}: {message}"))
    } else {
        failed(reason, message)
    }
}

fn pending(note: &str) -> Readiness {
    Readiness::Pending(note.to_owned())
}

fn failed(reason: &str, message: &str) -> Readiness {
    Readiness::Failed {
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

/// Returns whether the status speaks of the generation that a change made, or a later one: what a watch gives first may be older.
pub(crate) fn speaks_of(object: &Object, least: i64) -> bool {
    let generation = object.generation();
    let observed = object
        .condition("Ready")
        .map_or(0, |ready| ready.observed_generation);
    let status = object
        .integer("/status/observedGeneration")
        .unwrap_or_default();
    let seen = if observed == 0 { status } else { observed };
    generation >= least && seen == generation
}

/// Returns the revision that an object is at; empty when it does not say.
pub(crate) fn revision(object: &Object) -> String {
    let chart = object.items("/status/history").first();
    chart
        .and_then(|release| release["chartVersion"].as_str())
        .or_else(|| object.text("/status/lastAppliedRevision"))
        .or_else(|| object.text("/status/artifact/revision"))
        .or_else(|| object.text("/status/lastAttemptedRevision"))
        .unwrap_or_default()
        .to_owned()
}

/// Turns the readiness of a target into the verdict of a wait, asking the source where it is up to that.
pub(crate) fn verdict(target: &ObjectRef, object: &Object) -> Verdict<String> {
    match readiness(object) {
        Readiness::Ready(revision) => Verdict::Done(revision),
        Readiness::Pending(note) => Verdict::Pending(note),
        Readiness::Failed { reason, message } => {
            Verdict::Failed(not_ready(target, &reason, &message))
        }
        Readiness::Artifact { reason, message } => {
            match source_failure(target, object, (&reason, &message)) {
                Some(cause) => Verdict::Failed(not_ready(target, &reason, &message).cause(cause)),
                None => Verdict::Pending(message),
            }
        }
    }
}

/// Returns why waiting for the artifact is in vain; none while the source may still make it.
fn source_failure(target: &ObjectRef, object: &Object, said: (&str, &str)) -> Option<String> {
    let source = crate::reconcile::source::nearest(target, object)?.ok()?;
    match cluster::find(&source, &FIELDS) {
        Ok(found) => broken(&source, found.as_ref()).or_else(|| {
            let settled = matches!(readiness(&found?), Readiness::Ready(_));
            in_vain(settled, said).then(|| format!("{source} is ready, so nothing new will come"))
        }),
        Err(error) => {
            debug!("{source} cannot be read: {error}");
            None
        }
    }
}

/// Returns whether what a controller says of an artifact is the end, given that the source has done its part.
fn in_vain(settled: bool, (reason, message): (&str, &str)) -> bool {
    let none_yet = NO_ARTIFACT_YET
        .iter()
        .any(|start| message.starts_with(start));
    settled && reason == "ArtifactFailed" && !none_yet
}

/// Returns why a source will make no artifact; none while it may.
fn broken(source: &ObjectRef, found: Option<&Object>) -> Option<String> {
    let Some(found) = found else {
        return Some(format!("{source} does not exist"));
    };
    if found.flag("/spec/suspend") {
        return Some(format!("{source} is suspended"));
    }
    match readiness(found) {
        Readiness::Failed { message, .. } => Some(format!("{source}: {message}")),
        _ => None,
    }
}

fn not_ready(target: &ObjectRef, reason: &str, message: &str) -> Error {
    let error = Error::conflict("flux.not-ready", format!("{target} failed: `{reason}`"))
        .cause(message.trim().trim_end_matches('.'));
    match (reason, kind::command("reconcile", target)) {
        ("RetriesExceeded", Some(command)) => error
            .cause("its retries are used up, and a plain request does not start them again")
            .hint(format!("{command} --reset")),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
