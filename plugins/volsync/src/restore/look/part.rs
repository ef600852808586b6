//! The parts of an app, each read from one object. Pure.

use agent_sdk::Condition;
use agent_sdk::prelude::*;

use crate::source::Source;

/// A Deployment or StatefulSet.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct Workload {
    pub(in crate::restore) target: ObjectRef,
    /// What it is at now.
    pub(in crate::restore) replicas: i64,
    /// All of them are ready.
    pub(in crate::restore) ready: bool,
    /// It deletes the claims that it made when it is scaled down.
    pub(in crate::restore) deletes_claims: bool,
    /// The app that it says it is of, when that is not the one that is restored.
    pub(in crate::restore) of_other: Option<String>,
}

/// A CronJob.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct CronJob {
    pub(in crate::restore) target: ObjectRef,
    pub(in crate::restore) suspended: bool,
}

/// A ScaledObject.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::restore) struct ScaledObject {
    pub(in crate::restore) target: ObjectRef,
    /// KEDA holds its target at a number of replicas that is not 0.
    pub(in crate::restore) stands_up: bool,
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
    /// Why it is not ready; none when it is.
    pub(in crate::restore) not_ready: Option<String>,
}

impl Workload {
    pub(super) fn new(of: ObjectType, object: &Object, names: &[String]) -> Workload {
        let replicas = object.integer("/spec/replicas").unwrap_or(1);
        let ready = object.integer("/status/readyReplicas").unwrap_or_default();
        let other = app_of(object).filter(|app| !names.iter().any(|name| name == app));
        Workload {
            target: ObjectRef::to(of, object),
            replicas,
            ready: ready >= replicas,
            deletes_claims: object.text("/spec/persistentVolumeClaimRetentionPolicy/whenScaled")
                == Some("Delete"),
            of_other: other.map(str::to_owned),
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

/// The annotation by which KEDA holds its target at a number of replicas, whatever else says that it is paused.
pub(in crate::restore) const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";

impl ScaledObject {
    pub(super) fn new(object: &Object) -> ScaledObject {
        ScaledObject {
            target: ObjectRef::to(kinds::SCALED_OBJECT, object),
            stands_up: object
                .annotation(PAUSED_REPLICAS)
                .is_some_and(|replicas| replicas != "0"),
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

impl Flux {
    pub(super) fn new(target: ObjectRef, object: &Object) -> Flux {
        let not_ready = object
            .condition("Ready")
            .filter(Condition::is_false)
            .map(|ready| format!("{}: {}", ready.reason, ready.message));
        Flux {
            target,
            suspended: object.flag("/spec/suspend"),
            not_ready,
        }
    }
}

/// Returns the app that an object says it is of: charts give several objects of one app different names, but one instance.
fn app_of(object: &Object) -> Option<&str> {
    let label = |name: &str| object.label(&format!("app.kubernetes.io/{name}"));
    label("instance").or_else(|| label("name"))
}

/// Says whether a workload is the app's: by its labels, or because it mounts the volume, whatever it is called. One of that name that says
/// that it is of another instance, such as a second Redis, is none of its.
pub(super) fn belongs(object: &Object, names: &[String], claim: &str) -> bool {
    let known = |label: &str| {
        let value = object.label(&format!("app.kubernetes.io/{label}"))?;
        Some(names.iter().any(|name| name == value))
    };
    let ours = known("name") == Some(true) && known("instance") != Some(false);
    ours || mounts(object, claim)
}

/// Says whether a Job has not ended and mounts the volume, and is none of VolSync's.
pub(super) fn is_at_work(job: &Object, claim: &str) -> bool {
    let ended = ["Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"];
    let ended = ended.iter().any(|of| {
        job.condition(of)
            .is_some_and(|condition| condition.is_true())
    });
    let owners = job.items("/metadata/ownerReferences");
    let of_volsync = owners.iter().any(|owner| {
        let group = owner["apiVersion"].as_str().unwrap_or_default();
        group.starts_with("volsync.backube/")
    });
    !ended && !of_volsync && mounts(job, claim)
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

/// Says whether a Service selects the pods of one of the workloads.
pub(super) fn leads_to(service: &Object, workloads: &[Object]) -> bool {
    let selector = service.at("/spec/selector").as_object();
    selector.is_some_and(|selector| {
        !selector.is_empty()
            && workloads.iter().any(|workload| {
                let labels = workload.at("/spec/template/metadata/labels");
                selector.iter().all(|(name, value)| labels[name] == *value)
            })
    })
}

/// KEDA removes and makes its own autoscalers.
pub(super) fn is_kedas(object: &Object) -> bool {
    let owners = object.items("/metadata/ownerReferences");
    owners.iter().any(|owner| owner["kind"] == "ScaledObject")
}

/// Where the app's Kustomizations may be: those that applied the source, a workload or a HelmRelease, or the one of its name.
pub(super) fn kustomizations<'a>(
    source: &Source,
    objects: impl IntoIterator<Item = &'a Object>,
    app: &str,
) -> Vec<(String, String)> {
    let of_source = source.applied_by();
    let labels = objects
        .into_iter()
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
