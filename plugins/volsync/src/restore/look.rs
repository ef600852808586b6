//! The look before any change: everything that belongs to the app, and everything that stands against a restore now.

mod part;

use agent_sdk::prelude::*;

use super::{Restore, rival};
use crate::app;
use crate::source::Source;

pub(super) use part::{Autoscaler, CronJob, Flux, Workload, is_of};

/// What there is.
pub(super) struct Scene {
    /// The name that the person gave.
    pub(super) app: String,
    pub(super) source: Source,
    /// The access modes of the claim itself.
    pub(super) claim_modes: Value,
    pub(super) workloads: Vec<Workload>,
    pub(super) cron_jobs: Vec<CronJob>,
    /// ScaledObjects of the workloads, and whether each is paused already.
    pub(super) scaled_objects: Vec<ObjectRef>,
    pub(super) autoscalers: Vec<Autoscaler>,
    pub(super) kustomizations: Vec<Flux>,
    pub(super) releases: Vec<Flux>,
    /// What a person should know although nothing is wrong.
    pub(super) notes: Vec<String>,
}

/// The fields of workloads that say whose they are and which volumes they mount.
const WORKLOAD: [&str; 7] = [
    "/metadata/labels",
    "/spec/replicas",
    "/spec/suspend",
    "/spec/template/spec/volumes",
    "/spec/jobTemplate/spec/template/spec/volumes",
    "/spec/volumeClaimTemplates",
    "/status/active",
];

/// Looks.
///
/// # Errors
///
/// `volsync.unknown-app`, `volsync.ambiguous-app`, `volsync.not-restic`, `volsync.no-claim`, `volsync.claim-deleted`,
/// `volsync.restore-running`.
pub(super) fn look(args: &Restore) -> Result<Scene> {
    let step = Step::new(format!("Look at `{}/{}`", args.namespace, args.app));
    let source = app::source(&args.namespace, &args.app)?;
    app::require_restic(&source)?;
    let claim_modes = claim(&source)?;
    rival::refuse(&source)?;
    let scene = gather(args, source, claim_modes)?;
    step.done(scene.summary());
    Ok(scene)
}

fn gather(args: &Restore, source: Source, claim_modes: Value) -> Result<Scene> {
    let names = [args.app.clone(), source.claim().to_owned()];
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
        workloads.extend(found.iter().map(|object| Workload::new(of, object)));
        labelled.extend(found);
    }
    let found = objects(kinds::CRON_JOB)?;
    let cron_jobs: Vec<_> = found.iter().map(CronJob::new).collect();
    labelled.extend(found);
    let mut scene = Scene {
        app: args.app.clone(),
        scaled_objects: scaled_objects(&namespace, &workloads)?,
        autoscalers: autoscalers(&namespace, &workloads)?,
        kustomizations: flux(
            kinds::KUSTOMIZATION,
            part::kustomizations(&source, &labelled, &args.app),
        )?,
        releases: flux(
            kinds::HELM_RELEASE,
            part::releases(&labelled, &namespace, &args.app),
        )?,
        source,
        claim_modes,
        workloads,
        cron_jobs,
        notes: Vec::new(),
    };
    scene.notes = scene.remarks();
    Ok(scene)
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
    Ok(claim.at("/spec/accessModes").clone())
}

fn scaled_objects(namespace: &str, workloads: &[Workload]) -> Result<Vec<ObjectRef>> {
    let query = Query::all(kinds::SCALED_OBJECT).namespace(namespace);
    let all = installed(cluster::list(&query, &["/spec/scaleTargetRef"]))?;
    let ours = all.iter().filter(|object| part::targets(object, workloads));
    Ok(ours
        .map(|object| ObjectRef::to(kinds::SCALED_OBJECT, object))
        .collect())
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

fn flux(of: ObjectType, names: Vec<(String, String)>) -> Result<Vec<Flux>> {
    let mut found = Vec::new();
    for (namespace, name) in names {
        let target = ObjectRef::new(of, &namespace, &name);
        let object = match cluster::find(&target, &["/spec/suspend"]) {
            Err(error) if error.kind() == Kind::Unsupported => None,
            result => result?,
        };
        found.extend(object.map(|object| Flux {
            suspended: object.flag("/spec/suspend"),
            target,
        }));
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

impl Scene {
    /// Names all that will be down.
    pub(super) fn down(&self) -> Vec<String> {
        let workloads = self
            .workloads
            .iter()
            .filter(|workload| workload.replicas > 0);
        let workloads =
            workloads.map(|workload| format!("{} (at {})", workload.target, workload.replicas));
        let cron_jobs = self.cron_jobs.iter().filter(|job| !job.suspended);
        workloads
            .chain(cron_jobs.map(|job| job.target.to_string()))
            .collect()
    }

    fn summary(&self) -> String {
        format!(
            "volume `{}`, {} workloads, {} CronJobs, {} Kustomizations, {} HelmReleases, {} ScaledObjects",
            self.source.claim(),
            self.workloads.len(),
            self.cron_jobs.len(),
            self.kustomizations.len(),
            self.releases.len(),
            self.scaled_objects.len(),
        )
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.workloads.is_empty() && self.cron_jobs.is_empty() {
            remarks.push(format!(
                "no workload belongs to `{}`: nothing is stopped",
                self.app
            ));
        }
        for flux in self
            .kustomizations
            .iter()
            .chain(&self.releases)
            .filter(|flux| flux.suspended)
        {
            remarks.push(format!(
                "{} was suspended before, and stays so",
                flux.target
            ));
        }
        for workload in self
            .workloads
            .iter()
            .filter(|workload| workload.replicas == 0)
        {
            remarks.push(format!("{} was at 0 before, and stays so", workload.target));
        }
        if let Some(tag) = self
            .source
            .manual()
            .filter(|_| self.source.schedule().is_some())
        {
            remarks.push(format!(
                "the manual trigger `{tag}` was left behind: the schedule of `{}` is off",
                self.source.name
            ));
        }
        remarks
    }
}

#[cfg(test)]
mod tests;
