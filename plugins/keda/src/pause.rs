//! `keda.pause`: stop KEDA from scaling.

use agent_sdk::prelude::*;

use crate::report::{self, Done};
use crate::scaler::pause::Pause;
use crate::scaler::{PAUSED, Scaler};
use crate::select::arguments;
use crate::settle::{self, Wanted};

arguments!(PauseArgs {
    /// Do not wait until KEDA has paused
    no_wait: bool,
    /// How long to wait for all together
    #[arg(default = "2m")]
    timeout: SignedDuration,
});

/// Stop KEDA from scaling a workload, or from starting Jobs.
///
/// The replicas stay as they are, and KEDA's autoscaler goes away. Of a ScaledJob no new Jobs are started; those that run go on. What is paused
/// already is reported as such and not written, however it was paused; what is paused in one direction only is paused whole.
#[operation(
    risk = "change",
    columns(kind, namespace, name, result, message),
    constraints(exactly_one(name, all), requires(name, namespace)),
    examples("keda.pause media plex", "keda.pause --all")
)]
pub(crate) fn pause(args: PauseArgs) -> Result<Outcome> {
    let scope = args.scope();
    let scalers = scope.read()?;
    let mut results: Vec<Result<Done>> = scalers.iter().map(|one| Ok(already(one))).collect();
    let running: Vec<usize> = (0..scalers.len())
        .filter(|index| !scalers[*index].pause().is_whole())
        .collect();
    let changes: Vec<Change> = running
        .iter()
        .map(|index| Change::patch(&scalers[*index].target, body()))
        .collect();
    let mut changed = Vec::new();
    for (index, result) in running.into_iter().zip(commit(&changes)) {
        if result.is_ok() {
            changed.push((index, &scalers[index]));
        }
        results[index] = result.map(|_| Done::new("paused", note(&scalers[index])));
    }
    if !args.no_wait {
        settle::settle(Wanted::Paused, &changed, &mut results, args.timeout)?;
    }
    report::outcome(!args.all, &scalers, results)
}

fn body() -> Value {
    json!({ "metadata": { "annotations": { PAUSED: "true" } } })
}

pub(crate) fn commit(changes: &[Change]) -> Vec<Result<Written>> {
    if changes.is_empty() {
        return Vec::new();
    }
    cluster::commit(changes, &["/metadata/name"])
}

fn already(scaler: &Scaler) -> Done {
    let how = match scaler.pause() {
        Pause::AtReplicas(replicas) => format!("at {replicas} replicas, by `paused-replicas`"),
        _ => String::new(),
    };
    Done::new("already-paused", how)
}

/// Says when the annotation comes from git: `paused: "false"` there wins at the next reconciliation.
fn note(scaler: &Scaler) -> String {
    scaler
        .gitops_owner()
        .map(|owner| format!("`{owner}` sets `{PAUSED}` from git and will undo this"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaler::PAUSED_REPLICAS;
    use crate::scaler::tests::scaled_object;

    #[test]
    fn object_paused_at_replicas_is_left_alone_and_told() {
        let done = already(&scaled_object(json!({ PAUSED_REPLICAS: "0" })));
        assert_eq!(done.result, "already-paused");
        assert!(done.message.contains("at 0 replicas"), "{}", done.message);
    }

    #[test]
    fn pausing_writes_one_annotation_and_leaves_the_others() {
        let wanted = json!({ "metadata": { "annotations": { PAUSED: "true" } } });
        assert_eq!(body(), wanted);
    }
}
