//! `volsync.resume`: VolSync as it was before `volsync.suspend`. What fails does not keep the rest from being started.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

use super::find::{self, Found, Named};
use super::{Row, row, seen, wait_for};
use crate::call;
use crate::operator::REPLICAS;

/// Arguments of `volsync.resume`.
#[derive(Args)]
pub(crate) struct Resume {
    /// Where VolSync runs, when it is not found by itself
    #[arg(names(namespace))]
    namespace: Option<String>,
    /// Its Deployment, when it is not found by itself
    #[arg(names(object = "deployments.v1.apps"))]
    deployment: Option<String>,
    /// Its Kustomization, when it is not found by itself
    #[arg(names(object = "kustomizations.v1.kustomize.toolkit.fluxcd.io"))]
    kustomization: Option<String>,
    /// Its HelmRelease, when it is not found by itself
    #[arg(names(object = "helmreleases.v2.helm.toolkit.fluxcd.io"))]
    helmrelease: Option<String>,
    /// Its ScaledObject, when it is not found by itself
    #[arg(names(object = "scaledobjects.v1alpha1.keda.sh"))]
    scaledobject: Option<String>,
    /// How many replicas it gets when it is at 0; as many as it had, or 1, when it is not given
    #[arg(minimum = 1)]
    replicas: Option<i64>,
    /// How long it may take to be ready
    #[arg(default = "5m")]
    timeout: SignedDuration,
}

/// Start VolSync again after `volsync.suspend`.
///
/// Scales its Deployment up when it is at 0, to what it had before it was suspended, resumes its HelmRelease and its Kustomization, and unpauses
/// its ScaledObject. What fails does not keep the rest from being started; it is told at the end, and the exit code is 1.
#[operation(
    risk = "disrupt",
    columns(kind, namespace, name, result, message),
    examples("volsync.resume")
)]
pub(crate) fn resume(args: Resume) -> Result<Outcome> {
    let found = find::find(&Named {
        namespace: args.namespace.as_deref(),
        deployment: args.deployment.as_deref(),
        kustomization: args.kustomization.as_deref(),
        helmrelease: args.helmrelease.as_deref(),
        scaledobject: args.scaledobject.as_deref(),
    })?;
    let step = Step::new("Start VolSync");
    let started = start(&found, args.replicas);
    let mut rows = Vec::new();
    for (kind, target, call) in starts(&found) {
        step.note(&call.operation);
        rows.push(ended(kind, target, "resumed", one(call))?);
    }
    let running = started.and_then(|()| wait_for(&step, &found.deployment, args.timeout, ready));
    rows.push(ended("Deployment", &found.deployment, "running", running)?);
    let failed = |row: &Row| row.result == "failed";
    if !rows.iter().any(failed) {
        step.done("");
    }
    Outcome::rows(&rows, failed)
}

/// Scales it up when it is at 0, and forgets how many replicas it had.
fn start(found: &Found, replicas: Option<i64>) -> Result<()> {
    match back(found.replicas, found.before, replicas) {
        Some(body) => cluster::commit_one(Change::patch(&found.deployment, body), &[]).map(drop),
        None => Ok(()),
    }
}

/// Returns the patch that starts it; none when there is nothing to do.
fn back(replicas: i64, before: Option<i64>, wanted: Option<i64>) -> Option<Value> {
    let mut body = json!({});
    if before.is_some() {
        body["metadata"] = json!({"annotations": {REPLICAS: null}});
    }
    if replicas == 0 {
        let replicas = wanted.or(before).unwrap_or(1).max(1);
        body["spec"] = json!({"replicas": replicas});
    }
    (body != json!({})).then_some(body)
}

/// Makes the row of a part. That the run was cancelled is no failure of a part: it ends.
fn ended(
    kind: &'static str,
    target: &ObjectRef,
    result: &'static str,
    end: Result<()>,
) -> Result<Row> {
    match end {
        Ok(()) => Ok(row(kind, target, result)),
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(error) => Ok(Row {
            result: "failed",
            message: error.to_string(),
            ..row(kind, target, "failed")
        }),
    }
}

/// Calls one operation; that a part of it failed is an error here.
fn one(call: Call) -> Result<()> {
    let name = call.operation.clone();
    for result in operations::call(&[call]) {
        let outcome = result?;
        if outcome.failed > 0 {
            return Err(
                Error::failed("volsync.resume-failed", format!("`{name}` failed"))
                    .cause(outcome.value.to_string()),
            );
        }
    }
    Ok(())
}

/// What is called after the Deployment is scaled up, in that order, and for what.
fn starts(found: &Found) -> Vec<(&'static str, &ObjectRef, Call)> {
    let parts = [
        ("HelmRelease", &found.releases, "flux.resume", Some("hr")),
        (
            "Kustomization",
            &found.kustomizations,
            "flux.resume",
            Some("ks"),
        ),
        ("ScaledObject", &found.scaled_objects, "keda.resume", None),
    ];
    parts
        .into_iter()
        .flat_map(|(kind, targets, operation, word)| {
            let calls = call::each(operation, targets, word);
            targets
                .iter()
                .zip(calls)
                .map(move |(target, call)| (kind, target, call))
        })
        .collect()
}

fn ready(deployment: &Object) -> Verdict<()> {
    let wanted = deployment.integer("/spec/replicas").unwrap_or(1);
    match deployment
        .integer("/status/readyReplicas")
        .unwrap_or_default()
    {
        up if seen(deployment) && up >= wanted => Verdict::Done(()),
        up => Verdict::Pending(format!("{up} of {wanted} pods are ready")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suspend::tests::found;

    #[test]
    fn volsync_is_started_in_the_opposite_order() {
        let found = found();
        let starts = starts(&found);
        let kinds: Vec<_> = starts.iter().map(|(kind, ..)| *kind).collect();
        assert_eq!(kinds, ["HelmRelease", "Kustomization", "ScaledObject"]);
        assert_eq!(starts[0].2.arguments["kind"], "hr");
    }

    #[test]
    fn volsync_gets_back_the_replicas_that_it_had() {
        let back_at = |before, wanted| back(0, before, wanted).expect("a patch")["spec"].clone();
        assert_eq!(back_at(Some(2), None), json!({"replicas": 2}));
        assert_eq!(back_at(Some(2), Some(3)), json!({"replicas": 3}));
        assert_eq!(back_at(None, None), json!({"replicas": 1}));
    }

    #[test]
    fn what_was_noted_is_forgotten_afterwards() {
        let forget = json!({"metadata": {"annotations": {REPLICAS: null}}});
        assert_eq!(back(1, Some(2), None), Some(forget));
        assert_eq!(back(1, None, None), None);
    }
}
