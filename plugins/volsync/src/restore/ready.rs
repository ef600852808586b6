//! Waits until the app is as it was. The data is restored by then: what fails here is reported, and nothing is put back because of it.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::look::Scene;

const FIELDS: [&str; 4] = [
    "/metadata/generation",
    "/spec/replicas",
    "/spec/suspend",
    "/status",
];

/// What is waited for.
struct Target {
    of: ObjectRef,
    /// It was not ready before either, so it is no failure when it is not ready now.
    was_ready: bool,
}

/// Waits for the workloads, and for the Kustomizations and HelmReleases that were resumed. What was not ready before is only noted: a
/// workload may be ready by what was restored, and is waited for; what Flux says of the app may have any reason, and is not.
///
/// # Errors
///
/// `volsync.not-ready`, naming what is not and was before.
pub(super) fn wait(scene: &Scene, timeout: SignedDuration) -> Result<Vec<String>> {
    let targets = targets(scene);
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let step = Step::new(format!(
        "Wait until `{}/{}` is ready",
        scene.source.namespace, scene.app
    ));
    let refs: Vec<_> = targets.iter().map(|target| target.of.clone()).collect();
    let waited = wait::until(
        &step,
        &refs,
        &FIELDS,
        Deadline::after(timeout),
        |index, object| {
            let target = &refs[index];
            match (object, target.of) {
                (None, _) => Verdict::Pending(format!("{target} does not exist")),
                (Some(object), kinds::KUSTOMIZATION | kinds::HELM_RELEASE) => released(object),
                (Some(object), _) => running(object),
            }
        },
    )?;
    let (mut missing, mut notes) = (Vec::new(), Vec::new());
    for (target, waited) in targets.iter().zip(waited) {
        match self::missing(&target.of, waited) {
            Some(what) if target.was_ready => missing.push(what),
            Some(what) => notes.push(format!("{what}; it was not ready before either")),
            None => {}
        }
    }
    if missing.is_empty() {
        step.done("");
        return Ok(notes);
    }
    Err(not_ready(scene, missing, timeout))
}

fn targets(scene: &Scene) -> Vec<Target> {
    let workloads = scene.workloads.iter().filter(|one| one.replicas > 0);
    let workloads = workloads.map(|one| Target {
        of: one.target.clone(),
        was_ready: one.ready,
    });
    let flux = scene.kustomizations.iter().chain(&scene.releases);
    let flux = flux.filter(|one| !one.suspended && one.not_ready.is_none());
    let flux = flux.map(|one| Target {
        of: one.target.clone(),
        was_ready: true,
    });
    workloads.chain(flux).collect()
}

/// Compares with the replicas that are wanted now: KEDA may want 0.
fn running(object: &Object) -> Verdict<()> {
    let number = |at: &str| object.integer(at).unwrap_or_default();
    let wanted = object.integer("/spec/replicas").unwrap_or(1);
    if number("/status/observedGeneration") < object.generation() {
        return Verdict::Pending("its controller has not seen the change".to_owned());
    }
    let ready = number("/status/readyReplicas");
    if ready < wanted {
        return Verdict::Pending(format!("{ready} of {wanted} pods are ready"));
    }
    Verdict::Done(())
}

/// A condition of an earlier generation says nothing: it is from before the suspension. One that is stalled does not get ready by waiting.
fn released(object: &Object) -> Verdict<()> {
    if object.flag("/spec/suspend") {
        return Verdict::Done(());
    }
    let Some(ready) = object.condition("Ready") else {
        return Verdict::Pending("it has not been reconciled".to_owned());
    };
    let observed = object
        .integer("/status/observedGeneration")
        .unwrap_or_default();
    let current =
        observed >= object.generation() || ready.observed_generation >= object.generation();
    if let Some(stalled) = object.condition("Stalled")
        && current
        && stalled.is_true()
    {
        let message = format!("{}: {}", stalled.reason, stalled.message);
        return Verdict::Failed(Error::failed("volsync.not-ready", message));
    }
    match (current, ready.is_true()) {
        (true, true) => Verdict::Done(()),
        (true, false) => Verdict::Pending(format!("{}: {}", ready.reason, ready.message)),
        (false, _) => {
            Verdict::Pending("it has not been reconciled since it was resumed".to_owned())
        }
    }
}

fn missing(target: &ObjectRef, waited: Waited<()>) -> Option<String> {
    match waited {
        Waited::Done(()) | Waited::Planned => None,
        Waited::Failed(error) => Some(format!("{target}: {error}")),
        Waited::TimedOut(note) => Some(format!("{target}: {note}")),
    }
}

fn not_ready(scene: &Scene, missing: Vec<String>, timeout: SignedDuration) -> Error {
    let message = format!(
        "`{}/{}` is restored and started, but is not ready within `{timeout:#}`",
        scene.source.namespace, scene.app
    );
    let error = missing
        .into_iter()
        .fold(Error::timeout("volsync.not-ready", message), Error::cause);
    error.hint(format!("agent run flux.status {}", scene.source.namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_status_is_not_readiness() {
        let deployment = |generation: i64, observed: i64, ready: i64| {
            Object(
                json!({"metadata": {"generation": generation}, "spec": {"replicas": 2}, "status": {"observedGeneration": observed, "readyReplicas": ready}}),
            )
        };
        assert!(matches!(running(&deployment(3, 2, 2)), Verdict::Pending(_)));
        assert!(matches!(running(&deployment(3, 3, 1)), Verdict::Pending(_)));
        assert_eq!(running(&deployment(3, 3, 2)), Verdict::Done(()));
    }

    #[test]
    fn workload_that_keda_wants_at_zero_is_ready_at_zero() {
        let idle = Object(
            json!({"metadata": {"generation": 1}, "spec": {"replicas": 0}, "status": {"observedGeneration": 1}}),
        );
        assert_eq!(running(&idle), Verdict::Done(()));
    }

    #[test]
    fn release_is_ready_only_since_it_was_resumed() {
        let release = |observed: i64, status: &str| {
            Object(
                json!({"metadata": {"generation": 5}, "status": {"observedGeneration": observed, "conditions": [
                    {"type": "Ready", "status": status, "reason": "R", "message": "m", "observedGeneration": observed},
                ]}}),
            )
        };
        assert!(matches!(released(&release(3, "True")), Verdict::Pending(_)));
        assert!(matches!(
            released(&release(5, "False")),
            Verdict::Pending(_)
        ));
        assert_eq!(released(&release(5, "True")), Verdict::Done(()));
    }

    #[test]
    fn stalled_release_is_not_waited_for() {
        let stalled = Object(
            json!({"metadata": {"generation": 5}, "status": {"observedGeneration": 5, "conditions": [
                {"type": "Ready", "status": "False", "reason": "R", "message": "m", "observedGeneration": 5},
                {"type": "Stalled", "status": "True", "reason": "RetriesExceeded", "message": "gave up"},
            ]}}),
        );
        let Verdict::Failed(error) = released(&stalled) else {
            panic!("it is waited for");
        };
        assert_eq!(error.message(), "RetriesExceeded: gave up");
    }
}
