//! `keda.resume`: let KEDA scale again.

use std::time::Duration;

use agent_sdk::prelude::*;

use crate::pause::commit;
use crate::report::{self, Done};
use crate::scaler::{PAUSED, PAUSED_REPLICAS, Scaler, pause};
use crate::select::arguments;
use crate::settle::{self, Wanted};

arguments!(ResumeArgs {
    /// Do not wait until KEDA scales again
    no_wait: bool,
    /// How long to wait for all together
    #[arg(default = "2m")]
    timeout: SignedDuration,
});

/// Let KEDA scale a workload, or start Jobs, again.
///
/// Removes the annotations that pause everything, `paused` and `paused-replicas`. One that pauses a single direction (`paused-scale-in`,
/// `paused-scale-out`) is somebody's setting and no pause of this plugin's: it stays, and is told. What is not paused is reported as such and
/// not written.
#[operation(
    risk = "change",
    columns(kind, namespace, name, result, message),
    constraints(exactly_one(name, all), requires(name, namespace)),
    examples("keda.resume media plex", "keda.resume --all")
)]
pub(crate) fn resume(args: ResumeArgs) -> Result<Outcome> {
    let scope = args.scope();
    let scalers = scope.read()?;
    let mut results: Vec<Result<Done>> = scalers.iter().map(|one| Ok(not_paused(one))).collect();
    let paused: Vec<usize> = (0..scalers.len())
        .filter(|index| scalers[*index].pause().is_whole())
        .collect();
    let changes: Vec<Change> = paused
        .iter()
        .map(|index| Change::patch(&scalers[*index].target, body()))
        .collect();
    let mut changed = Vec::new();
    for (index, result) in paused.into_iter().zip(commit(&changes)) {
        if result.is_ok() {
            changed.push((index, &scalers[index]));
        }
        results[index] = result.map(|_| Done::new("resumed", note(&scalers[index])));
    }
    if !args.no_wait {
        settle::settle(Wanted::Running, &changed, &mut results, args.timeout)?;
        note_zero(&changed, &mut results)?;
    }
    report::outcome(!args.all, &scalers, results)
}

/// Removes both annotations: either of them pauses alone.
fn body() -> Value {
    json!({ "metadata": { "annotations": { PAUSED: null, PAUSED_REPLICAS: null } } })
}

/// How long KEDA may take to scale to the minimum: its loop looks at once when it begins.
const LOOKS: usize = 10;

/// Says so when KEDA has resumed and leaves a workload without pods that must have some.
fn note_zero(resumed: &[(usize, &Scaler)], results: &mut [Result<Done>]) -> Result<()> {
    let mut left: Vec<(usize, ObjectRef)> = resumed
        .iter()
        .filter(|(index, _)| results[*index].is_ok())
        .filter_map(|(index, scaler)| Some((*index, scaler.never_at_zero()?)))
        .collect();
    for look in 0..=LOOKS {
        left.retain(|(_, target)| is_at_zero(target));
        if left.is_empty() || run::planning() {
            return Ok(());
        }
        if look < LOOKS {
            run::sleep(Duration::from_secs(1))?;
        }
    }
    for (index, target) in left {
        if let Ok(done) = &mut results[index] {
            done.remark(&format!(
                "{target} is at 0 replicas although KEDA's minimum is higher: kubectl --namespace {} scale {} {} --replicas 1",
                target.namespace.as_deref().unwrap_or_default(),
                target.of.plural(),
                target.name
            ));
        }
    }
    Ok(())
}

fn is_at_zero(target: &ObjectRef) -> bool {
    let found = cluster::find(target, &["/spec/replicas"]).unwrap_or_else(|error| {
        debug!("{target} cannot be read: {error}");
        None
    });
    found.is_some_and(|workload| workload.integer("/spec/replicas") == Some(0))
}

fn not_paused(scaler: &Scaler) -> Done {
    let told = left(scaler).or_else(|| scaler.remembered());
    let message = told.unwrap_or_else(|| "nothing was written".to_owned());
    Done::new("not-paused", message)
}

fn note(scaler: &Scaler) -> String {
    let git = scaler
        .gitops_owner()
        .map(|owner| format!("`{owner}` sets the pause from git and will pause it again"));
    let notes: Vec<String> = git.into_iter().chain(left(scaler)).collect();
    notes.join("; ")
}

/// Says what still pauses one direction.
fn left(scaler: &Scaler) -> Option<String> {
    let left = pause::left(scaler.target.of, &scaler.object)?;
    Some(format!("KEDA {}, which was left", left.sentence()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaler::tests::{owned, scaled_object};

    #[test]
    fn resuming_removes_both_annotations_that_pause_everything_and_no_other() {
        let wanted =
            json!({ "metadata": { "annotations": { PAUSED: null, PAUSED_REPLICAS: null } } });
        assert_eq!(body(), wanted);
    }

    #[test]
    fn pause_that_comes_from_git_is_told_to_come_back() {
        assert!(note(&owned("kustomize-controller", PAUSED)).contains("pause it again"));
    }

    #[test]
    fn pause_of_one_direction_is_left_and_told() {
        let one_way = json!({ "autoscaling.keda.sh/paused-scale-in": "true" });
        let done = not_paused(&scaled_object(one_way.clone()));
        assert_eq!(done.result, "not-paused");
        let told = "KEDA does not scale in, by `paused-scale-in`, which was left";
        assert_eq!(done.message, told);
        let mut both = one_way;
        both[PAUSED] = json!("true");
        assert_eq!(note(&scaled_object(both)), told);
    }
}
