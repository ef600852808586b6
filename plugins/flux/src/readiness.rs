//! Whether an object is ready, on its way, or has failed, by what its controller says of it.
//!
//! Flux's own command line treats `Ready=False` as "in progress" and polls until its timeout. Controllers say more than that: they say
//! whether they will try again without anything new, so a failure can be told at once (knowledge: the agent rule).

use agent_sdk::prelude::*;

/// The fields that are looked at.
pub(crate) const FIELDS: [&str; 17] = [
    "/metadata/generation",
    "/metadata/deletionTimestamp",
    "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
    "/spec/suspend",
    "/spec/type",
    "/spec/dependsOn",
    "/spec/interval",
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

/// What helm-controller could not do before it came to Helm: values from a Secret or ConfigMap that does not exist, a kubeconfig, a chart. It says so
/// while `Reconciling` still stands as at the beginning, and tries again with growing pauses.
const PREREQUISITES: [&str; 4] = [
    "ValuesError",
    "RESTClientError",
    "FactoryError",
    "ChartMutateError",
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
    /// An attempt has failed, and the next is on its way.
    Failing { reason: String, message: String },
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
    } else if !gave_up && PREREQUISITES.contains(&reason) {
        Readiness::Failing {
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

#[cfg(test)]
mod tests;
