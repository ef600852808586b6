//! Everything that could write to the volume or start what does, stopped for a time.
//!
//! KEDA first, for it scales up what is at 0; then Flux, which would correct what follows; then CronJobs and autoscalers; the workloads last.
//! What is already as wanted is not written by the host and so not put back either: what was suspended or at 0 stays so.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;
use agent_sdk::{cluster, operations};

use super::look::Scene;
use crate::call;

/// What is held. Dropped without [`Held::release`], it is put back in the order of the fields: newest first.
pub(super) struct Held {
    workloads: Option<cluster::Held>,
    schedules: Option<cluster::Held>,
    operations: Option<operations::Held>,
}

/// Holds all.
///
/// # Errors
///
/// Those of the first that could not be held.
pub(super) fn hold(scene: &Scene) -> Result<Held> {
    let step = Step::new(format!("Stop `{}/{}`", scene.source.namespace, scene.app));
    let calls = calls(scene);
    let mut held = Held {
        workloads: None,
        schedules: None,
        operations: None,
    };
    if !calls.is_empty() {
        step.note("pausing KEDA, suspending Flux");
        held.operations = Some(operations::hold(&calls)?);
    }
    step.note("suspending CronJobs, scaling to 0");
    held.schedules = changes(&schedules(scene))?;
    held.workloads = changes(&workloads(scene))?;
    step.done(scene.down().join(", "));
    Ok(held)
}

fn changes(changes: &[Change]) -> Result<Option<cluster::Held>> {
    if changes.is_empty() {
        return Ok(None);
    }
    cluster::hold(changes, &[]).map(Some)
}

/// The operations of other plugins, in the order in which they are called.
fn calls(scene: &Scene) -> Vec<Call> {
    let kustomizations = scene.kustomizations.iter().map(|flux| &flux.target);
    let releases = scene.releases.iter().map(|flux| &flux.target);
    [
        call::each("keda.pause", &scene.scaled_objects, None),
        call::each("flux.suspend", kustomizations, Some("ks")),
        call::each("flux.suspend", releases, Some("hr")),
    ]
    .concat()
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

fn workloads(scene: &Scene) -> Vec<Change> {
    let down = |target: &ObjectRef| Change::patch(target, json!({"spec": {"replicas": 0}}));
    scene
        .workloads
        .iter()
        .map(|workload| down(&workload.target))
        .collect()
}

impl Held {
    /// Puts everything back, newest first, and returns what was left to others.
    ///
    /// # Errors
    ///
    /// The first that could not be put back, after all others were; the host tries it once more when the run ends.
    pub(super) fn release(self) -> Result<Vec<String>> {
        let step = Step::new("Start the app as it was");
        let results = [
            self.workloads.map(cluster::Held::release),
            self.schedules.map(cluster::Held::release),
            self.operations.map(operations::Held::release),
        ];
        let mut left = Vec::new();
        for result in results.into_iter().flatten() {
            left.extend(result?);
        }
        left.iter().for_each(|sentence| warn!("{sentence}"));
        if run::planning() {
            step.skip("nothing was stopped");
        } else {
            step.done("");
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::{Autoscaler, CronJob, Flux, Workload};
    use super::*;
    use crate::source::tests::source;

    fn target(of: ObjectType, name: &str) -> ObjectRef {
        ObjectRef::new(of, "media", name)
    }

    fn scene() -> Scene {
        Scene {
            app: "plex".to_owned(),
            source: source(json!({})),
            claim_modes: json!(["ReadWriteOnce"]),
            workloads: vec![Workload {
                target: target(kinds::DEPLOYMENT, "plex"),
                replicas: 1,
            }],
            cron_jobs: vec![CronJob {
                target: target(kinds::CRON_JOB, "plex-clean"),
                suspended: false,
            }],
            scaled_objects: vec![target(kinds::SCALED_OBJECT, "plex")],
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
            }],
            releases: vec![Flux {
                target: target(kinds::HELM_RELEASE, "plex"),
                suspended: true,
            }],
            notes: Vec::new(),
        }
    }

    #[test]
    fn keda_is_paused_before_flux_is_suspended_and_the_kustomization_before_its_release() {
        let calls = calls(&scene());
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
}
