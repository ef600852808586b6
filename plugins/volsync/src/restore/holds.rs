//! Everything that could write to the volume or start what does, stopped for a time.
//!
//! KEDA first, for it scales up what is at 0; then Flux, which would correct what follows, and is waited for: what it has begun it ends; then the
//! schedules of backups, CronJobs, their Jobs, and autoscalers; the workloads last. What is already as wanted is not written by the host
//! and so not put back either: what was suspended or at 0 stays so.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;
use agent_sdk::{cluster, operations};

use super::look::{self, Flux, PAUSED_REPLICAS, Scene};
use super::quiet::{self, Quiet};
use super::{Restore, gitops};
use crate::call;

/// Holds all, oldest first. `quieted`: what keeps the source quiet already.
///
/// # Errors
///
/// `volsync.flux-busy`, `volsync.busy`; those of the first that could not be held.
pub(super) fn hold(scene: &Scene, args: &Restore, quieted: &Quiet) -> Result<Vec<Held>> {
    let step = Step::new(format!("Stop `{}/{}`", scene.source.namespace, scene.app));
    let mut held = Vec::new();
    let flux = flux(scene, quieted);
    let calls = calls(scene, &flux);
    if !calls.is_empty() {
        step.note("pausing KEDA, suspending Flux");
        held.push(operations::hold(&calls)?.0);
    }
    gitops::settle(&step, &flux, args.down_timeout)?;
    step.note("keeping backups from starting");
    held.extend(quiet::rest(&step, scene, quieted, args.timeout)?);
    step.note("suspending CronJobs, scaling to 0");
    held.extend(changes(&schedules(scene))?);
    // Read again now that no CronJob starts another one.
    held.extend(changes(&suspended(&look::jobs(&scene.source)?))?);
    held.extend(changes(&claims(scene))?);
    held.extend(changes(&workloads(scene))?);
    held.extend(changes(&scaled_objects(scene))?);
    step.done(scene.down().join(", "));
    Ok(held)
}

/// Puts everything back, newest first, and returns what was left to others.
///
/// # Errors
///
/// The first that could not be put back, after all others were; the host tries it once more when the run ends.
pub(super) fn release(held: Vec<Held>) -> Result<Vec<String>> {
    let step = Step::new("Start the app as it was");
    let left = Held::release_all(held)?;
    left.iter().for_each(|sentence| warn!("{sentence}"));
    if run::planning() {
        step.skip("nothing was stopped");
    } else {
        step.done("");
    }
    Ok(left)
}

fn changes(changes: &[Change]) -> Result<Option<Held>> {
    if changes.is_empty() {
        return Ok(None);
    }
    let (held, _) = cluster::hold(changes, &[])?;
    Ok(Some(held))
}

/// Kustomizations before HelmReleases, and without those that are held already.
fn flux<'a>(scene: &'a Scene, quieted: &Quiet) -> Vec<&'a Flux> {
    let kustomizations = scene.kustomizations.iter();
    kustomizations
        .filter(|_| !quieted.has_flux())
        .chain(&scene.releases)
        .collect()
}

/// The operations of other plugins, in the order in which they are called.
fn calls(scene: &Scene, flux: &[&Flux]) -> Vec<Call> {
    let scaled_objects = scene.scaled_objects.iter().map(|one| &one.target);
    let mut calls = call::each("keda.pause", scaled_objects, None);
    calls.extend(gitops::suspend(flux));
    calls
}

/// An autoscaler stands still while its target is at 0, unless its own minimum is 0: then it may scale up at any time. With a minimum of 1 for
/// as long as the restore takes, it stands still as well.
fn schedules(scene: &Scene) -> Vec<Change> {
    let suspend = scene
        .cron_jobs
        .iter()
        .map(|job| Change::patch(&job.target, json!({"spec": {"suspend": true}})));
    let from_zero = scene
        .autoscalers
        .iter()
        .filter(|autoscaler| autoscaler.from_zero);
    let still = from_zero
        .map(|autoscaler| Change::patch(&autoscaler.target, json!({"spec": {"minReplicas": 1}})));
    suspend.chain(still).collect()
}

/// A Job that is suspended loses its pods, and begins anew afterwards.
fn suspended(jobs: &[ObjectRef]) -> Vec<Change> {
    let suspend = |job| Change::patch(job, json!({"spec": {"suspend": true}}));
    jobs.iter().map(suspend).collect()
}

/// A StatefulSet may delete the claims that it made when it is scaled down, and the volume with them.
fn claims(scene: &Scene) -> Vec<Change> {
    let deleting = scene.workloads.iter().filter(|one| one.deletes_claims);
    let retain =
        json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Retain"}}});
    let retain = deleting.map(|one| Change::patch(&one.target, retain.clone()));
    retain.collect()
}

/// KEDA may hold its target at another number than 0. It does so again as soon as it is put back, so that comes before the workloads.
fn scaled_objects(scene: &Scene) -> Vec<Change> {
    let stands_up = scene.scaled_objects.iter().filter(|one| one.stands_up);
    let at_zero = json!({"metadata": {"annotations": {PAUSED_REPLICAS: "0"}}});
    stands_up
        .map(|one| Change::patch(&one.target, at_zero.clone()))
        .collect()
}

fn workloads(scene: &Scene) -> Vec<Change> {
    let down = |target: &ObjectRef| Change::patch(target, json!({"spec": {"replicas": 0}}));
    scene
        .workloads
        .iter()
        .map(|workload| down(&workload.target))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::look::{Autoscaler, CronJob, ScaledObject, Workload};
    use super::*;

    fn target(of: ObjectType, name: &str) -> ObjectRef {
        ObjectRef::new(of, "media", name)
    }

    fn scene() -> Scene {
        Scene {
            workloads: vec![Workload {
                target: target(kinds::DEPLOYMENT, "plex"),
                replicas: 1,
                ready: true,
                deletes_claims: true,
                of_other: None,
            }],
            cron_jobs: vec![CronJob {
                target: target(kinds::CRON_JOB, "plex-clean"),
                suspended: false,
            }],
            scaled_objects: vec![ScaledObject {
                target: target(kinds::SCALED_OBJECT, "plex"),
                stands_up: true,
            }],
            autoscalers: vec![
                Autoscaler {
                    target: target(kinds::HORIZONTAL_POD_AUTOSCALER, "one"),
                    from_zero: false,
                },
                Autoscaler {
                    target: target(kinds::HORIZONTAL_POD_AUTOSCALER, "zero"),
                    from_zero: true,
                },
            ],
            kustomizations: vec![Flux {
                target: target(kinds::KUSTOMIZATION, "plex"),
                suspended: false,
                not_ready: None,
            }],
            releases: vec![Flux {
                target: target(kinds::HELM_RELEASE, "plex"),
                suspended: true,
                not_ready: None,
            }],
            ..look::tests::scene(json!({}))
        }
    }

    #[test]
    fn keda_is_paused_before_flux_is_suspended_and_the_kustomization_before_its_release() {
        let scene = scene();
        let calls = calls(&scene, &flux(&scene, &Quiet::default()));
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
    fn autoscaler_that_starts_from_zero_is_held_at_one_and_others_are_left_alone() {
        let changes = schedules(&scene());
        let target = |name: &str| target(kinds::HORIZONTAL_POD_AUTOSCALER, name);
        assert!(changes.contains(&Change::patch(
            &target("zero"),
            json!({"spec": {"minReplicas": 1}})
        )));
        assert!(!changes.contains(&Change::patch(
            &target("one"),
            json!({"spec": {"minReplicas": 1}})
        )));
    }

    #[test]
    fn cron_jobs_are_suspended_and_not_scaled() {
        let changes = schedules(&scene());
        let job = target(kinds::CRON_JOB, "plex-clean");
        assert!(changes.contains(&Change::patch(&job, json!({"spec": {"suspend": true}}))));
        assert_eq!(workloads(&scene()).len(), 1);
    }

    #[test]
    fn stateful_set_that_deletes_its_claims_keeps_them_while_it_is_at_zero() {
        let retain =
            json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Retain"}}});
        let held = Change::patch(&target(kinds::DEPLOYMENT, "plex"), retain);
        assert!(claims(&scene()).contains(&held));
        let mut scene = scene();
        scene.workloads[0].deletes_claims = false;
        assert!(!claims(&scene).contains(&held));
    }

    #[test]
    fn scaled_object_that_stands_at_a_number_is_held_at_zero() {
        let at_zero = json!({"metadata": {"annotations": {PAUSED_REPLICAS: "0"}}});
        let held = Change::patch(&target(kinds::SCALED_OBJECT, "plex"), at_zero);
        assert!(scaled_objects(&scene()).contains(&held));
    }
}
