//! `keda.pause`: stop KEDA from scaling.

use agent_sdk::prelude::*;

use crate::report::{self, Done};
use crate::scaler::{self, PAUSED, Pause, arguments};
use crate::settle::{self, Wanted};

arguments!(PauseArgs {
    /// Do not wait until KEDA has paused
    no_wait: bool,
    /// How long to wait for all together
    #[arg(default = "2m")]
    timeout: SignedDuration,
});

/// Stop KEDA from scaling a workload.
///
/// The replicas stay as they are, and KEDA's autoscaler goes away. What is paused already is reported as such and not written, however
/// it was paused.
#[operation(
    risk = "change",
    columns(namespace, name, result, message),
    constraints(exactly_one(name, all), requires(name, namespace)),
    examples("keda.pause media plex", "keda.pause --all")
)]
pub(crate) fn pause(args: PauseArgs) -> Result<Outcome> {
    let scope = args.scope();
    let objects = scope.read()?;
    let targets = scaler::targets(&objects);
    let mut results: Vec<Result<Done>> = objects.iter().map(|one| Ok(already(one))).collect();
    let running: Vec<usize> = (0..objects.len())
        .filter(|index| Pause::of(&objects[*index]) == Pause::Running)
        .collect();
    let changes: Vec<Change> = running
        .iter()
        .map(|index| Change::patch(&targets[*index], body()))
        .collect();
    let mut changed = Vec::new();
    for (index, result) in running.into_iter().zip(commit(&changes)) {
        if result.is_ok() {
            changed.push((index, targets[index].clone(), objects[index].clone()));
        }
        results[index] = result.map(|_| Done::new("paused", note(&objects[index])));
    }
    if !args.no_wait {
        settle::settle(Wanted::Paused, &changed, &mut results, args.timeout)?;
    }
    report::outcome(scope.one().is_some(), &targets, results)
}

fn body() -> Value {
    json!({ "metadata": { "annotations": { PAUSED: "true" } } })
}

pub(crate) fn commit(changes: &[Change]) -> Vec<Result<Object>> {
    if changes.is_empty() {
        return Vec::new();
    }
    cluster::commit(changes, &["/metadata/name"])
}

fn already(object: &Object) -> Done {
    let how = match Pause::of(object) {
        Pause::AtReplicas(replicas) => format!("at {replicas} replicas, by `paused-replicas`"),
        _ => String::new(),
    };
    Done::new("already-paused", how)
}

/// Says when the annotation comes from git: `paused: "false"` there wins at the next reconciliation.
fn note(object: &Object) -> String {
    scaler::gitops_owner(object)
        .map(|owner| format!("`{owner}` sets `{PAUSED}` from git and will undo this"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_paused_at_replicas_is_left_alone_and_told() {
        let object =
            Object(json!({ "metadata": { "annotations": { scaler::PAUSED_REPLICAS: "0" } } }));
        let done = already(&object);
        assert_eq!(done.result, "already-paused");
        assert!(done.message.contains("at 0 replicas"), "{}", done.message);
    }
}
