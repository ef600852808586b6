//! What a person is told of what there is. Pure.

use super::{Scene, Workload};
use crate::text;

impl Scene {
    /// Names all that will be down, and of whom it is where that is somebody else.
    pub(in crate::restore) fn down(&self) -> Vec<String> {
        let workloads = self.workloads.iter().filter(|one| one.replicas > 0);
        let cron_jobs = self.cron_jobs.iter().filter(|job| !job.suspended);
        workloads
            .map(named)
            .chain(cron_jobs.map(|job| job.target.to_string()))
            .chain(self.jobs.iter().map(|job| format!("{job} (begins anew)")))
            .collect()
    }

    pub(super) fn summary(&self) -> String {
        let parts = [
            (self.workloads.len(), "workload"),
            (self.cron_jobs.len(), "CronJob"),
            (self.kustomizations.len(), "Kustomization"),
            (self.releases.len(), "HelmRelease"),
            (self.scaled_objects.len(), "ScaledObject"),
        ];
        let there = parts.iter().filter(|(count, _)| *count > 0);
        let volume = format!("volume `{}`", self.source.claim());
        std::iter::once(volume)
            .chain(there.map(|(count, noun)| text::count(*count, noun)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn named(workload: &Workload) -> String {
    let (target, replicas) = (&workload.target, workload.replicas);
    match &workload.of_other {
        Some(other) => format!("{target} (at {replicas}, of `{other}`)"),
        None => format!("{target} (at {replicas})"),
    }
}

/// What a person should know although nothing is wrong.
pub(super) fn all(scene: &Scene) -> Vec<String> {
    let mut remarks = Vec::new();
    if scene.workloads.is_empty() && scene.cron_jobs.is_empty() {
        remarks.push(format!(
            "no workload belongs to `{}`: nothing is stopped",
            scene.app
        ));
    }
    let flux = scene.kustomizations.iter().chain(&scene.releases);
    for flux in flux {
        if flux.suspended {
            remarks.push(format!(
                "{} was suspended before, and stays so",
                flux.target
            ));
        } else if let Some(why) = &flux.not_ready {
            remarks.push(format!(
                "{} was not ready before, and is not waited for: {why}",
                flux.target
            ));
        }
    }
    for workload in &scene.workloads {
        if workload.replicas == 0 {
            remarks.push(format!("{} was at 0 before, and stays so", workload.target));
        }
    }
    let source = &scene.source;
    if source.keeps_one() {
        remarks.push(format!(
            "`{}` has no `retain`: its next backup keeps only the newest snapshot, and drops all others",
            source.name
        ));
    }
    if let Some(tag) = source.manual().filter(|_| source.schedule().is_some()) {
        remarks.push(format!(
            "the manual trigger `{tag}` was left behind: the schedule of `{}` is off",
            source.name
        ));
    }
    remarks
}
