//! `keda.resume`: let KEDA scale again.

use agent_sdk::prelude::*;

use crate::pause::commit;
use crate::report::{self, Done};
use crate::scaler::{self, PAUSED, PAUSED_REPLICAS, Pause, arguments};
use crate::settle::{self, Wanted};

arguments!(ResumeArgs {
    /// Do not wait until KEDA scales again
    no_wait: bool,
    /// How long to wait for all together
    #[arg(default = "2m")]
    timeout: SignedDuration,
});

/// Let KEDA scale a workload again.
///
/// Removes both annotations that pause. What is not paused is reported as such and not written.
#[operation(
    risk = "change",
    columns(namespace, name, result, message),
    constraints(exactly_one(name, all), requires(name, namespace)),
    examples("keda.resume media plex", "keda.resume --all")
)]
pub(crate) fn resume(args: ResumeArgs) -> Result<Outcome> {
    let scope = args.scope();
    let objects = scope.read()?;
    let targets = scaler::targets(&objects);
    let mut results: Vec<Result<Done>> = objects
        .iter()
        .map(|_| Ok(Done::new("not-paused", "nothing was written")))
        .collect();
    let paused: Vec<usize> = (0..objects.len())
        .filter(|index| Pause::of(&objects[*index]) != Pause::Running)
        .collect();
    let changes: Vec<Change> = paused
        .iter()
        .map(|index| Change::patch(&targets[*index], body()))
        .collect();
    let mut changed = Vec::new();
    for (index, result) in paused.into_iter().zip(commit(&changes)) {
        if result.is_ok() {
            changed.push((index, targets[index].clone(), objects[index].clone()));
        }
        results[index] = result.map(|_| Done::new("resumed", note(&objects[index])));
    }
    if !args.no_wait {
        settle::settle(Wanted::Running, &changed, &mut results, args.timeout)?;
    }
    report::outcome(scope.one().is_some(), &targets, results)
}

/// Removes both annotations: either of them pauses alone.
fn body() -> Value {
    json!({ "metadata": { "annotations": { PAUSED: null, PAUSED_REPLICAS: null } } })
}

fn note(object: &Object) -> String {
    scaler::gitops_owner(object)
        .map(|owner| format!("`{owner}` sets the pause from git and will pause it again"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resuming_removes_both_annotations() {
        let annotations = &body()["metadata"]["annotations"];
        for key in [PAUSED, PAUSED_REPLICAS] {
            assert_eq!(annotations.get(key), Some(&Value::Null), "{key}");
        }
    }

    #[test]
    fn pause_that_comes_from_git_is_told_to_come_back() {
        let object = Object(json!({ "metadata": { "managedFields": [{
            "manager": "kustomize-controller",
            "fieldsV1": { "f:metadata": { "f:annotations": { format!("f:{PAUSED}"): {} } } },
        }] } }));
        assert!(note(&object).contains("pause it again"));
    }
}
