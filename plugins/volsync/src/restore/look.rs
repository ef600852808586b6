//! The look before any change: everything that belongs to the app, and everything that stands against a restore now.

mod part;
mod remark;

use agent_sdk::diagnosis;
use agent_sdk::prelude::*;

use super::{Restore, rival};
use crate::app;
use crate::operator;
use crate::source::Source;

pub(super) use part::{Autoscaler, CronJob, Flux, PAUSED_REPLICAS, ScaledObject, Workload, is_of};

/// What there is.
pub(super) struct Scene {
    /// The name that the person gave.
    pub(super) app: String,
    pub(super) source: Source,
    /// The other sources that back the same claim up.
    pub(super) siblings: Vec<Source>,
    /// The access modes of the claim itself.
    pub(super) claim_modes: Value,
    pub(super) workloads: Vec<Workload>,
    pub(super) cron_jobs: Vec<CronJob>,
    /// Jobs that mount the claim now, those of CronJobs included.
    pub(super) jobs: Vec<ObjectRef>,
    /// ScaledObjects of the workloads.
    pub(super) scaled_objects: Vec<ScaledObject>,
    pub(super) autoscalers: Vec<Autoscaler>,
    pub(super) kustomizations: Vec<Flux>,
    pub(super) releases: Vec<Flux>,
    /// The Services that lead to the workloads: their users are those for whom the app is down.
    pub(super) services: Vec<String>,
    /// What a person should know although nothing is wrong.
    pub(super) notes: Vec<String>,
}

/// The fields of workloads that say whose they are and which volumes they mount.
const WORKLOAD: [&str; 9] = [
    "/metadata/labels",
    "/spec/replicas",
    "/spec/suspend",
    "/spec/template/metadata/labels",
    "/spec/template/spec/volumes",
    "/spec/jobTemplate/spec/template/spec/volumes",
    "/spec/volumeClaimTemplates",
    "/spec/persistentVolumeClaimRetentionPolicy",
    "/status/readyReplicas",
];
/// The fields of Jobs that say whether they have ended and which volumes they mount.
const JOB: [&str; 3] = [
    "/metadata/ownerReferences",
    "/spec/template/spec/volumes",
    "/status/conditions",
];
/// The fields of Kustomizations and HelmReleases that say how they are, and who applied them.
const FLUX: [&str; 3] = ["/metadata/labels", "/spec/suspend", "/status/conditions"];

/// Looks.
///
/// # Errors
///
/// `volsync.unknown-app`, `volsync.ambiguous-app`, `volsync.not-restic`, `volsync.no-claim`, `volsync.claim-deleted`, `volsync.claim-pending`,
/// `volsync.restore-running`, `volsync.continuous`.
pub(super) fn look(args: &Restore) -> Result<Scene> {
    let step = Step::new(format!("Look at `{}/{}`", args.namespace, args.app));
    operator::refuse_suspended()?;
    let source = app::source(&args.namespace, &args.app)?;
    app::require_restic(&source)?;
    let siblings = app::siblings(&source)?;
    for source in siblings.iter().chain([&source]) {
        require_trigger(source)?;
    }
    let claim_modes = claim(&source)?;
    rival::refuse(&source)?;
    let scene = gather(args, source, siblings, claim_modes)?;
    step.done(scene.summary());
    Ok(scene)
}

/// VolSync backs a source without a trigger up all the time, and there is nothing that keeps it from doing so for a while.
fn require_trigger(source: &Source) -> Result<()> {
    if !source.continuous() {
        return Ok(());
    }
    let (namespace, name) = (&source.namespace, &source.name);
    let message = format!(
        "ReplicationSource `{namespace}/{name}` has no trigger, so VolSync would back up the volume while it is overwritten"
    );
    Err(Error::unsupported("volsync.continuous", message)
        .hint("give it a `spec.trigger.schedule`, where it comes from"))
}

/// Looks at the volume alone, for who has stopped the app before.
///
/// # Errors
///
/// `volsync.unknown-app`, `volsync.not-restic`, `volsync.no-claim` and so on.
pub(super) fn volume(namespace: &str, source: &str) -> Result<Scene> {
    operator::refuse_suspended()?;
    let source = app::source(namespace, source)?;
    app::require_restic(&source)?;
    let claim_modes = claim(&source)?;
    rival::refuse(&source)?;
    Ok(Scene::bare(&source.name.clone(), source, claim_modes))
}

impl Scene {
    /// Makes one of a volume with which nothing else has to do.
    fn bare(app: &str, source: Source, claim_modes: Value) -> Scene {
        Scene {
            app: app.to_owned(),
            source,
            siblings: Vec::new(),
            claim_modes,
            workloads: Vec::new(),
            cron_jobs: Vec::new(),
            jobs: Vec::new(),
            scaled_objects: Vec::new(),
            autoscalers: Vec::new(),
            kustomizations: Vec::new(),
            releases: Vec::new(),
            services: Vec::new(),
            notes: Vec::new(),
        }
    }
}

fn gather(
    args: &Restore,
    source: Source,
    siblings: Vec<Source>,
    claim_modes: Value,
) -> Result<Scene> {
    let names = [
        args.app.clone(),
        source.claim().to_owned(),
        source.name.clone(),
    ];
    let namespace = source.namespace.clone();
    let objects = |of: ObjectType| -> Result<Vec<Object>> {
        let all = cluster::list(&Query::all(of).namespace(namespace.as_str()), &WORKLOAD)?;
        Ok(all
            .into_iter()
            .filter(|object| part::belongs(object, &names, source.claim()))
            .collect())
    };
    let mut workloads = Vec::new();
    let mut labelled = Vec::new();
    for of in [kinds::DEPLOYMENT, kinds::STATEFUL_SET] {
        let found = objects(of)?;
        let new = |object| Workload::new(of, object, &names);
        workloads.extend(found.iter().map(new));
        labelled.extend(found);
    }
    let found = objects(kinds::CRON_JOB)?;
    let cron_jobs: Vec<_> = found.iter().map(CronJob::new).collect();
    labelled.extend(found);
    let mut notes = Vec::new();
    let releases = flux(
        kinds::HELM_RELEASE,
        part::releases(&labelled, &namespace, &args.app),
        &mut notes,
    )?;
    let applied = labelled
        .iter()
        .chain(releases.iter().map(|(_, object)| object));
    let kustomizations = flux(
        kinds::KUSTOMIZATION,
        part::kustomizations(&source, applied, &args.app),
        &mut notes,
    )?;
    let alone = |found: Vec<(Flux, Object)>| found.into_iter().map(|(flux, _)| flux).collect();
    let mut scene = Scene {
        app: args.app.clone(),
        jobs: jobs(&source)?,
        services: services(&namespace, &labelled),
        scaled_objects: scaled_objects(&namespace, &workloads)?,
        autoscalers: autoscalers(&namespace, &workloads)?,
        kustomizations: alone(kustomizations),
        releases: alone(releases),
        source,
        siblings,
        claim_modes,
        workloads,
        cron_jobs,
        notes,
    };
    let remarks = remark::all(&scene);
    scene.notes.extend(remarks);
    Ok(scene)
}

/// Returns the Jobs that mount the claim of a source now.
///
/// # Errors
///
/// Those of the list.
pub(super) fn jobs(source: &Source) -> Result<Vec<ObjectRef>> {
    let query = Query::all(kinds::JOB).namespace(source.namespace.as_str());
    let all = cluster::list(&query, &JOB)?;
    let at_work = all
        .iter()
        .filter(|job| part::is_at_work(job, source.claim()));
    Ok(at_work.map(|job| ObjectRef::to(kinds::JOB, job)).collect())
}

fn claim(source: &Source) -> Result<Value> {
    let target = ObjectRef::new(
        kinds::PERSISTENT_VOLUME_CLAIM,
        &source.namespace,
        source.claim(),
    );
    let fields = [
        "/spec/accessModes",
        "/status/phase",
        "/metadata/deletionTimestamp",
    ];
    let name = format!("{}/{}", source.namespace, source.claim());
    let Some(claim) = cluster::find(&target, &fields)? else {
        return Err(Error::not_found(
            "volsync.no-claim",
            format!(
                "PersistentVolumeClaim `{name}` does not exist, so there is nothing to restore into"
            ),
        )
        .hint(format!(
            "let Flux create it: agent run flux.reconcile ks {} {}",
            source.namespace, source.name
        )));
    };
    if claim.text("/metadata/deletionTimestamp").is_some() {
        return Err(Error::conflict(
            "volsync.claim-deleted",
            format!("PersistentVolumeClaim `{name}` is being deleted"),
        ));
    }
    if claim.text("/status/phase") == Some("Lost") {
        return Err(Error::conflict(
            "volsync.claim-lost",
            format!("PersistentVolumeClaim `{name}` has lost its volume"),
        ));
    }
    if claim.text("/status/phase") != Some("Bound")
        && let Some(cause) =
            diagnosis::look::at_claim(&source.namespace, source.claim(), false).cause()
    {
        let message = format!("PersistentVolumeClaim `{name}` has no volume to restore into");
        return Err(cause.error("volsync.claim-pending", message));
    }
    Ok(claim.at("/spec/accessModes").clone())
}

/// For people only, so where they may not be read there are none.
fn services(namespace: &str, workloads: &[Object]) -> Vec<String> {
    let query = Query::all(kinds::SERVICE).namespace(namespace);
    let all = cluster::list(&query, &["/spec/selector"]).unwrap_or_default();
    let ours = all.iter().filter(|one| part::leads_to(one, workloads));
    ours.map(|service| service.name().to_owned()).collect()
}

fn scaled_objects(namespace: &str, workloads: &[Workload]) -> Result<Vec<ScaledObject>> {
    let query = Query::all(kinds::SCALED_OBJECT).namespace(namespace);
    let fields = ["/metadata/annotations", "/spec/scaleTargetRef"];
    let all = installed(cluster::list(&query, &fields))?;
    let ours = all.iter().filter(|object| part::targets(object, workloads));
    Ok(ours.map(ScaledObject::new).collect())
}

fn autoscalers(namespace: &str, workloads: &[Workload]) -> Result<Vec<Autoscaler>> {
    let query = Query::all(kinds::HORIZONTAL_POD_AUTOSCALER).namespace(namespace);
    let all = cluster::list(
        &query,
        &[
            "/spec/scaleTargetRef",
            "/spec/minReplicas",
            "/metadata/ownerReferences",
        ],
    )?;
    let ours = all
        .iter()
        .filter(|object| part::targets(object, workloads) && !part::is_kedas(object));
    Ok(ours.map(Autoscaler::new).collect())
}

/// Reads those that there are; of the others a note is made, unless Flux is not installed at all.
fn flux(
    of: ObjectType,
    names: Vec<(String, String)>,
    notes: &mut Vec<String>,
) -> Result<Vec<(Flux, Object)>> {
    let mut found = Vec::new();
    for (namespace, name) in names {
        let target = ObjectRef::new(of, &namespace, &name);
        match cluster::find(&target, &FLUX) {
            Err(error) if error.kind() == Kind::Unsupported => {}
            Err(error) => return Err(error),
            Ok(Some(object)) => found.push((Flux::new(target, &object), object)),
            Ok(None) => notes.push(format!(
                "{target} does not exist: whatever else applies the app may start it meanwhile"
            )),
        }
    }
    Ok(found)
}

/// What is not installed has no objects.
fn installed(list: Result<Vec<Object>>) -> Result<Vec<Object>> {
    match list {
        Err(error) if error.kind() == Kind::Unsupported => Ok(Vec::new()),
        result => result,
    }
}

#[cfg(test)]
pub(super) mod tests;
