//! The parts of an app, each read from one object. Pure.

use agent_sdk::prelude::*;

use crate::source::Source;

/// A Deployment or StatefulSet.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct Workload {
    pub(in crate::restore) target: ObjectRef,
    /// What it is at now.
    pub(in crate::restore) replicas: i64,
}

/// A CronJob.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct CronJob {
    pub(in crate::restore) target: ObjectRef,
    pub(in crate::restore) suspended: bool,
}

/// A HorizontalPodAutoscaler that is not KEDA's.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct Autoscaler {
    pub(in crate::restore) target: ObjectRef,
    /// It scales up from 0 too. Any other one stands still while its target is at 0.
    pub(in crate::restore) from_zero: bool,
}

/// A Kustomization or HelmRelease.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct Flux {
    pub(in crate::restore) target: ObjectRef,
    pub(in crate::restore) suspended: bool,
}

impl Workload {
    pub(super) fn new(of: ObjectType, object: &Object) -> Workload {
        Workload {
            target: ObjectRef::to(of, object),
            replicas: object.integer("/spec/replicas").unwrap_or(1),
        }
    }
}

impl CronJob {
    pub(super) fn new(object: &Object) -> CronJob {
        CronJob {
            target: ObjectRef::to(kinds::CRON_JOB, object),
            suspended: object.flag("/spec/suspend"),
        }
    }
}

impl Autoscaler {
    pub(super) fn new(object: &Object) -> Autoscaler {
        Autoscaler {
            target: ObjectRef::to(kinds::HORIZONTAL_POD_AUTOSCALER, object),
            from_zero: object.integer("/spec/minReplicas") == Some(0),
        }
    }
}

/// Says whether a workload is the app's: by its label, or because it mounts the volume, whatever it is called.
pub(super) fn belongs(object: &Object, names: &[String], claim: &str) -> bool {
    let name = object.label("app.kubernetes.io/name");
    let labelled = name.is_some_and(|name| names.iter().any(|known| known == name));
    labelled || mounts(object, claim)
}

fn mounts(object: &Object, claim: &str) -> bool {
    let volumes = [
        "/spec/template/spec/volumes",
        "/spec/jobTemplate/spec/template/spec/volumes",
    ];
    let mounted = volumes
        .iter()
        .flat_map(|at| object.items(at))
        .any(|volume| is_of(volume, claim));
    mounted || made_for(object, claim)
}

/// Says whether a volume of a pod is that claim.
pub(in crate::restore) fn is_of(volume: &Value, claim: &str) -> bool {
    volume
        .pointer("/persistentVolumeClaim/claimName")
        .and_then(Value::as_str)
        == Some(claim)
}

/// A StatefulSet makes its claims: `TEMPLATE-NAME-ORDINAL`.
fn made_for(object: &Object, claim: &str) -> bool {
    object
        .items("/spec/volumeClaimTemplates")
        .iter()
        .any(|template| {
            let Some(name) = template.pointer("/metadata/name").and_then(Value::as_str) else {
                return false;
            };
            let ordinal = claim.strip_prefix(&format!("{name}-{}-", object.name()));
            ordinal.is_some_and(|ordinal| {
                !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
}

/// Says whether a ScaledObject or HorizontalPodAutoscaler scales one of the workloads. KEDA's default kind is Deployment.
pub(super) fn targets(object: &Object, workloads: &[Workload]) -> bool {
    let name = object.text("/spec/scaleTargetRef/name");
    let kind = object
        .text("/spec/scaleTargetRef/kind")
        .unwrap_or("Deployment");
    let plural = format!("{}s", kind.to_lowercase());
    workloads.iter().any(|workload| {
        name == Some(&workload.target.name) && workload.target.of.plural() == plural
    })
}

/// KEDA removes and makes its own autoscalers.
pub(super) fn is_kedas(object: &Object) -> bool {
    let owners = object.items("/metadata/ownerReferences");
    owners.iter().any(|owner| owner["kind"] == "ScaledObject")
}

/// Where the app's Kustomizations may be: the one that applied the source or a workload, or the one of its name.
pub(super) fn kustomizations(
    source: &Source,
    objects: &[Object],
    app: &str,
) -> Vec<(String, String)> {
    let of_source = source.applied_by();
    let labels = objects
        .iter()
        .filter_map(|object| labelled(object, "kustomize"));
    candidates(of_source.into_iter().chain(labels), &source.namespace, app)
}

/// Where the app's HelmReleases may be: those that installed its workloads, or the one of its name.
pub(super) fn releases(objects: &[Object], namespace: &str, app: &str) -> Vec<(String, String)> {
    candidates(
        objects.iter().filter_map(|object| labelled(object, "helm")),
        namespace,
        app,
    )
}

fn labelled(object: &Object, controller: &str) -> Option<(String, String)> {
    let label = |field: &str| {
        object
            .label(&format!("{controller}.toolkit.fluxcd.io/{field}"))
            .map(str::to_owned)
    };
    Some((label("namespace")?, label("name")?))
}

fn candidates(
    found: impl Iterator<Item = (String, String)>,
    namespace: &str,
    app: &str,
) -> Vec<(String, String)> {
    let mut all: Vec<_> = found.collect();
    if all.is_empty() {
        all.push((namespace.to_owned(), app.to_owned()));
    }
    all.sort();
    all.dedup();
    all
}
