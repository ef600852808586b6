//! `flux.suspend`: stop Flux from reconciling.

use agent_sdk::prelude::*;

use crate::git;
use crate::report::{self, Done};
use crate::select::arguments;

arguments!(Suspend {});

/// Stop Flux from reconciling an object.
///
/// It stays as it is until `flux.resume`, unless git sets `spec.suspend`: then it is told who will undo this. What is suspended already is
/// reported as such and not written. To keep an application still, suspend its Kustomization before its HelmRelease.
#[operation(
    risk = "change",
    columns(kind, namespace, name, result, message),
    constraints(exactly_one(name, selector, all), requires(name, namespace)),
    examples(
        "flux.suspend ks media plex",
        "flux.suspend hr --all --namespace media"
    )
)]
pub(crate) fn suspend(args: Suspend) -> Result<Outcome> {
    let scope = args.scope();
    let objects = scope.read(&[&["/spec/suspend"], &git::FIELDS[..]].concat())?;
    let targets = scope.targets(&objects);
    let (awake, changes): (Vec<usize>, Vec<Change>) = targets
        .iter()
        .enumerate()
        .filter(|(index, _)| !objects[*index].flag("/spec/suspend"))
        .map(|(index, target)| (index, Change::patch(target, body())))
        .unzip();
    let mut results: Vec<Result<Done>> = targets
        .iter()
        .map(|_| Ok(Done::new("already-suspended", "nothing was written")))
        .collect();
    for (index, result) in awake.into_iter().zip(commit(&changes)) {
        results[index] = result.map(|_| {
            let undone = git::undoes(&targets[index], &objects[index]);
            if let (Some(undone), Some(target)) = (&undone, scope.one()) {
                // Said to the person also where another operation called this one and has no use for its rows.
                warn!("the suspension of {target} may not last: {undone}");
            }
            Done::new("suspended", undone.unwrap_or_default())
        });
    }
    report::outcome(scope.one().is_some(), &targets, results)
}

fn body() -> Value {
    json!({ "spec": { "suspend": true } })
}

fn commit(changes: &[Change]) -> Vec<Result<Written>> {
    if changes.is_empty() {
        return Vec::new();
    }
    cluster::commit(changes, &["/metadata/name"])
}
