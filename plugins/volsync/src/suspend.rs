//! `volsync.suspend` and `volsync.resume`: the whole of VolSync, for as long as a person wants.
//!
//! Scaled to 0, KEDA scales it up again within a minute, and Flux at its next upgrade. So all that would start it is stopped first, and in the
//! opposite order started again. Suspending is held until the last step has succeeded and only then kept: it is done whole or not at all.

mod consent;
mod find;
pub(crate) mod resume;
pub(crate) mod state;

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;
use agent_sdk::{cluster, operations};
use serde::Serialize;

use crate::operator::REPLICAS;
use crate::source::Source;
use crate::{app, call};
use find::{Found, Named};

/// Arguments of `volsync.suspend`.
#[derive(Args)]
pub(crate) struct Suspend {
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
    /// How long it may take to stop
    #[arg(default = "5m")]
    timeout: SignedDuration,
}

/// One row of the result.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    kind: &'static str,
    namespace: String,
    name: String,
    result: &'static str,
    /// Why it failed.
    message: String,
}

/// Stop VolSync: no backup, no restore, until `volsync.resume`.
///
/// Pauses its ScaledObject, suspends its Kustomization and its HelmRelease, scales its Deployment to 0 and waits until it has stopped. Movers
/// that are running go on; nobody sees their end before VolSync is back. If a part fails, the others are put back. It asks first, for nothing
/// is backed up until somebody remembers.
#[operation(
    risk = "disrupt",
    columns(kind, namespace, name, result),
    examples("volsync.suspend")
)]
pub(crate) fn suspend(args: Suspend) -> Result<Vec<Row>> {
    let found = find::find(&Named {
        namespace: args.namespace.as_deref(),
        deployment: args.deployment.as_deref(),
        kustomization: args.kustomization.as_deref(),
        helmrelease: args.helmrelease.as_deref(),
        scaledobject: args.scaledobject.as_deref(),
    })?;
    let sources = app::sources(None)?;
    warn_of_movers(&sources);
    consent::ask(&found, &sources)?;
    let step = Step::new("Stop VolSync");
    let calls = stops(&found);
    let operations = if calls.is_empty() {
        None
    } else {
        Some(operations::hold(&calls)?.0)
    };
    let change = Change::patch(&found.deployment, stop(found.replicas));
    let (deployment, _) = cluster::hold(&[change], &[])?;
    wait_for(&step, &found.deployment, args.timeout, stopped)?;
    let was_down = !deployment.changed();
    deployment.keep()?;
    operations.map_or(Ok(()), Held::keep)?;
    step.done(if was_down { "it was at 0 before" } else { "" });
    Ok(rows(&found))
}

/// Returns the patch that stops it and notes how many replicas it had. One that is at 0 already has been noted, or nobody knows.
fn stop(replicas: i64) -> Value {
    let mut body = json!({"spec": {"replicas": 0}});
    if replicas > 0 {
        body["metadata"] = json!({"annotations": {REPLICAS: replicas.to_string()}});
    }
    body
}

/// What is called before the Deployment is scaled to 0, in that order.
fn stops(found: &Found) -> Vec<Call> {
    [
        call::each("keda.pause", &found.scaled_objects, None),
        call::each("flux.suspend", &found.kustomizations, Some("ks")),
        call::each("flux.suspend", &found.releases, Some("hr")),
    ]
    .concat()
}

fn warn_of_movers(sources: &[Source]) {
    for source in sources.iter().filter(|source| source.synchronizing()) {
        warn!(
            "the mover of `{}/{}` is running; its end is not seen before VolSync is back",
            source.namespace, source.name
        );
    }
}

fn wait_for(
    step: &Step,
    deployment: &ObjectRef,
    timeout: SignedDuration,
    look: fn(&Object) -> Verdict<()>,
) -> Result<()> {
    let fields = ["/metadata/generation", "/spec/replicas", "/status"];
    let waited = wait::until_one(
        step,
        deployment,
        &fields,
        Deadline::after(timeout),
        |object| match object {
            Some(object) => look(object),
            None => Verdict::Failed(Error::not_found(
                "volsync.not-found",
                format!("{deployment} is gone"),
            )),
        },
    )?;
    waited
        .into_result("volsync.timeout", &deployment.to_string())
        .map(drop)
}

fn seen(deployment: &Object) -> bool {
    deployment
        .integer("/status/observedGeneration")
        .unwrap_or_default()
        >= deployment.generation()
}

fn stopped(deployment: &Object) -> Verdict<()> {
    match deployment.integer("/status/replicas").unwrap_or_default() {
        0 if seen(deployment) => Verdict::Done(()),
        left => Verdict::Pending(format!("{left} pods are left")),
    }
}

fn rows(found: &Found) -> Vec<Row> {
    let others = [
        ("ScaledObject", &found.scaled_objects),
        ("Kustomization", &found.kustomizations),
        ("HelmRelease", &found.releases),
    ];
    let mut rows: Vec<_> = others
        .into_iter()
        .flat_map(|(kind, targets)| targets.iter().map(move |target| (kind, target)))
        .map(|(kind, target)| row(kind, target, "suspended"))
        .collect();
    rows.push(row("Deployment", &found.deployment, "at 0"));
    rows
}

fn row(kind: &'static str, target: &ObjectRef, result: &'static str) -> Row {
    Row {
        kind,
        namespace: target.namespace.clone().unwrap_or_default(),
        name: target.name.clone(),
        result: if run::planning() { "planned" } else { result },
        message: String::new(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) fn found() -> Found {
        let target = |of: ObjectType| ObjectRef::new(of, "volsync-system", "volsync");
        Found {
            deployment: target(kinds::DEPLOYMENT),
            replicas: 1,
            before: None,
            scaled_objects: vec![target(kinds::SCALED_OBJECT)],
            kustomizations: vec![target(kinds::KUSTOMIZATION)],
            releases: vec![target(kinds::HELM_RELEASE)],
        }
    }

    #[test]
    fn replicas_that_it_had_are_noted_once() {
        assert_eq!(
            stop(2),
            json!({"metadata": {"annotations": {REPLICAS: "2"}}, "spec": {"replicas": 0}})
        );
        assert_eq!(stop(0), json!({"spec": {"replicas": 0}}));
    }

    #[test]
    fn keda_is_paused_before_volsync_is_scaled_to_zero() {
        let calls = stops(&found());
        let order: Vec<_> = calls
            .iter()
            .map(|call| (call.operation.as_str(), call.arguments["kind"].as_str()))
            .collect();
        assert_eq!(
            order,
            [
                ("keda.pause", None),
                ("flux.suspend", Some("ks")),
                ("flux.suspend", Some("hr"))
            ]
        );
    }

    #[test]
    fn deployment_has_stopped_when_its_last_pod_is_gone() {
        let deployment = |observed: i64, replicas: i64| {
            Object(
                json!({"metadata": {"generation": 2}, "spec": {"replicas": 0}, "status": {"observedGeneration": observed, "replicas": replicas}}),
            )
        };
        assert!(matches!(stopped(&deployment(1, 0)), Verdict::Pending(_)));
        assert!(matches!(stopped(&deployment(2, 1)), Verdict::Pending(_)));
        assert_eq!(stopped(&deployment(2, 0)), Verdict::Done(()));
    }
}
