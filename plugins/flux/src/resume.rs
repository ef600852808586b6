//! `flux.resume`: let Flux reconcile again, and wait until it is ready.
//!
//! No request is written: removing `spec.suspend` makes a new generation, which is what starts the controller.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::event;
use crate::git;
use crate::judge::Judge;
use crate::kind;
use crate::readiness::{self, FIELDS};
use crate::report::{self, Done};
use crate::request;
use crate::select::arguments;

arguments!(Resume {
    /// Do not wait until it is ready
    no_wait: bool,
    /// How long to wait for all together
    #[arg(default = "5m")]
    timeout: SignedDuration,
});

/// Let Flux reconcile an object again.
///
/// All are resumed first, then all are waited for. What was not suspended is reported as such and not written.
#[operation(
    risk = "change",
    columns(kind, namespace, name, result, message),
    constraints(exactly_one(name, selector, all), requires(name, namespace)),
    examples("flux.resume ks media plex", "flux.resume hr --all --no-wait")
)]
pub(crate) fn resume(args: Resume) -> Result<Outcome> {
    let scope = args.scope();
    let deadline = Deadline::after(args.timeout);
    let fields = [&["/spec/suspend", "/spec/type"], &git::FIELDS[..]].concat();
    let objects = scope.read(&fields)?;
    let targets = scope.targets(&objects);
    let mut results: Vec<Result<Done>> = targets
        .iter()
        .map(|_| Ok(Done::new("not-suspended", "nothing was written")))
        .collect();
    let resumed = wake(&targets, &objects, &mut results);
    if !args.no_wait {
        settle(&targets, &resumed, &mut results, deadline)?;
    }
    note_git(&targets, &objects, &mut results);
    report::outcome(scope.one().is_some(), &targets, results)
}

/// An object that was resumed and has a controller to wait for.
struct Resumed {
    index: usize,
    /// The generation that resuming made.
    generation: i64,
}

/// Resumes what is suspended, and returns what is to be waited for.
fn wake(targets: &[ObjectRef], objects: &[Object], results: &mut [Result<Done>]) -> Vec<Resumed> {
    let asleep: Vec<usize> = (0..targets.len())
        .filter(|index| objects[*index].flag("/spec/suspend"))
        .collect();
    if asleep.is_empty() {
        return Vec::new();
    }
    let body = json!({ "spec": { "suspend": null } });
    let changes: Vec<Change> = asleep
        .iter()
        .map(|index| Change::patch(&targets[*index], body.clone()))
        .collect();
    let committed = cluster::commit(&changes, &["/metadata/generation"]);
    let mut resumed = Vec::new();
    for (index, result) in asleep.into_iter().zip(committed) {
        if let Ok(written) = &result
            && !kind::is_static(targets[index].of, &objects[index])
        {
            resumed.push(Resumed {
                index,
                generation: written.object.generation(),
            });
        }
        results[index] = result.map(|_| Done::new("resumed", ""));
    }
    resumed
}

/// Says of what was resumed, when git suspends it, who will suspend it again.
fn note_git(targets: &[ObjectRef], objects: &[Object], results: &mut [Result<Done>]) {
    for ((target, object), result) in targets.iter().zip(objects).zip(results) {
        if let Ok(done) = result
            && object.flag("/spec/suspend")
            && let Some(undone) = git::undoes(target, object)
        {
            let notes = [std::mem::take(&mut done.message), undone];
            done.message = notes
                .into_iter()
                .filter(|note| !note.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
        }
    }
}

/// Waits for everything that was resumed.
fn settle(
    targets: &[ObjectRef],
    resumed: &[Resumed],
    results: &mut [Result<Done>],
    deadline: Deadline,
) -> Result<()> {
    if resumed.is_empty() {
        return Ok(());
    }
    let waiting: Vec<ObjectRef> = resumed
        .iter()
        .map(|one| targets[one.index].clone())
        .collect();
    let step = Step::new(match waiting.as_slice() {
        [one] => format!("Wait until {one} is ready"),
        all => format!("Wait until {} objects are ready", all.len()),
    });
    let judge = Judge::of(waiting.len());
    let waited = wait::until(&step, &waiting, &FIELDS, deadline, |at, object| {
        look(&judge, &waiting[at], object, resumed[at].generation)
    })?;
    let ends = waited
        .into_iter()
        .zip(&waiting)
        .map(|(waited, target)| request::end(waited, target, "resumed"))
        .collect();
    let ends = event::explain(&waiting, ends);
    let failed = ends.iter().filter(|end| end.is_err()).count();
    if run::planning() {
        step.skip("this run only plans");
    } else if failed == 0 {
        step.done("");
    } else if waiting.len() > 1 {
        step.fail(format!("{failed} of {} failed", waiting.len()));
    }
    for (one, end) in resumed.iter().zip(ends) {
        results[one.index] = end;
    }
    Ok(())
}

fn look(
    judge: &Judge,
    target: &ObjectRef,
    object: Option<&Object>,
    generation: i64,
) -> Verdict<String> {
    match object {
        None => Verdict::Failed(request::gone(target)),
        Some(object) if readiness::speaks_of(object, generation) => judge.verdict(target, object),
        Some(object) if object.generation() >= generation => judge.untaken(target, object),
        Some(_) => Verdict::Pending("waiting for Flux to take it up again".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> ObjectRef {
        ObjectRef::new(kinds::KUSTOMIZATION, "media", "plex")
    }

    fn object(generation: i64, seen: i64) -> Object {
        Object(json!({
            "metadata": { "generation": generation },
            "status": { "observedGeneration": seen, "conditions": [
                { "type": "Ready", "status": "True", "observedGeneration": seen },
            ] },
        }))
    }

    #[test]
    fn ready_from_before_the_suspension_does_not_count() {
        assert!(matches!(
            look(&Judge::default(), &target(), Some(&object(7, 5)), 7),
            Verdict::Blocked(..)
        ));
        assert!(matches!(
            look(&Judge::default(), &target(), Some(&object(7, 7)), 7),
            Verdict::Done(_)
        ));
    }

    #[test]
    fn state_older_than_the_resumption_does_not_count() {
        assert!(matches!(
            look(&Judge::default(), &target(), Some(&object(6, 6)), 7),
            Verdict::Pending(_)
        ));
    }

    #[test]
    fn suspension_that_git_sets_is_told_to_come_back() {
        let object = git::tests::owned("kustomize-controller", "f:suspend", true);
        let mut results = [Ok(Done::new("resumed", "main@sha1:abc"))];
        note_git(&[target()], &[object], &mut results);
        let message = &results[0].as_ref().expect("resumed").message;
        assert!(message.starts_with("main@sha1:abc; git sets"), "{message}");
    }

    #[test]
    fn object_deleted_while_waiting_is_a_failure() {
        assert!(matches!(
            look(&Judge::default(), &target(), None, 7),
            Verdict::Failed(_)
        ));
    }
}
