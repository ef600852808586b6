//! Asking Flux to reconcile: one request per object with one token, and the wait for what becomes of it.
//!
//! Force and reset are honoured only when their token is the request's own, byte for byte, and are used up even when it is not. So all
//! annotations go into one write.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::event;
use crate::judge::Judge;
use crate::kind;
use crate::readiness::FIELDS;
use crate::report::Done;

pub(crate) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// What is asked for besides the reconciliation itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Extra {
    pub(crate) force: bool,
    pub(crate) reset: bool,
}

/// One object to be asked, as it was before.
pub(crate) struct Asked {
    pub(crate) target: ObjectRef,
    pub(crate) object: Object,
}

/// Returns the patch that asks for a reconciliation and nothing else.
pub(crate) fn requested_at(token: &str) -> Value {
    body(token, Extra::default())
}

fn body(token: &str, extra: Extra) -> Value {
    let mut annotations = json!({ REQUESTED_AT: token });
    if extra.force {
        annotations[FORCE_AT] = json!(token);
    }
    if extra.reset {
        annotations[RESET_AT] = json!(token);
    }
    json!({ "metadata": { "annotations": annotations } })
}

/// Asks all, then waits for all. One result for each, in order.
///
/// # Errors
/// Only of the wait as a whole; what is wrong with one object is in its place.
pub(crate) fn reconcile(
    title: &str,
    asked: &[Asked],
    extra: Extra,
    deadline: Deadline,
) -> Result<Vec<Result<Done>>> {
    let mut results: Vec<Option<Result<Done>>> = asked.iter().map(settled).collect();
    let open = open(&results);
    if open.is_empty() {
        return Ok(results.into_iter().flatten().collect());
    }
    let step = Step::new(title);
    let token = run::token();
    let changes: Vec<Change> = open
        .iter()
        .map(|index| Change::signal(&asked[*index].target, body(&token, extra)))
        .collect();
    for (index, result) in open
        .iter()
        .zip(cluster::commit(&changes, &["/metadata/name"]))
    {
        results[*index] = result.err().map(Err);
    }
    await_all(&step, asked, &mut results, (&token, extra), deadline)?;
    let results: Vec<Result<Done>> = results.into_iter().flatten().collect();
    finish(step, &results);
    Ok(results)
}

fn finish(step: Step, results: &[Result<Done>]) {
    let failed = results.iter().filter(|result| result.is_err()).count();
    if run::planning() {
        return step.skip("this run only plans");
    }
    match (failed, results) {
        (0, [Ok(done)]) => step.done(&done.message),
        (0, all) => step.done(format!("{} objects", all.len())),
        (failed, [_, _, ..]) => step.fail(format!("{failed} of {} failed", results.len())),
        // Dropped, the step is shown as failed.
        _ => {}
    }
}

fn open(results: &[Option<Result<Done>>]) -> Vec<usize> {
    (0..results.len())
        .filter(|index| results[*index].is_none())
        .collect()
}

/// Returns the result for an object that need not or cannot be asked.
fn settled(asked: &Asked) -> Option<Result<Done>> {
    let (target, object) = (&asked.target, &asked.object);
    if kind::is_static(target.of, object) {
        let message = "an OCI Helm repository is only an address, nothing reconciles it";
        return Some(Ok(Done::new("static", message)));
    }
    object.flag("/spec/suspend").then(|| Err(suspended(target)))
}

fn suspended(target: &ObjectRef) -> Error {
    let error = Error::conflict(
        "flux.suspended",
        format!("{target} is suspended, so Flux ignores requests to reconcile it"),
    );
    match kind::command("resume", target) {
        Some(command) => error.hint(command),
        None => error,
    }
}

fn await_all(
    step: &Step,
    asked: &[Asked],
    results: &mut [Option<Result<Done>>],
    (token, extra): (&str, Extra),
    deadline: Deadline,
) -> Result<()> {
    let open = open(results);
    let targets: Vec<ObjectRef> = open.iter().map(|i| asked[*i].target.clone()).collect();
    let judge = Judge::of(targets.len());
    let waited = wait::until(step, &targets, &FIELDS, deadline, |at, object| {
        look(&judge, &asked[open[at]], object, (token, extra))
    })?;
    let ends = waited
        .into_iter()
        .zip(&targets)
        .map(|(waited, target)| end(waited, target, "reconciled"))
        .collect();
    for (index, end) in open.iter().zip(event::explain(&targets, ends)) {
        results[*index] = Some(end);
    }
    Ok(())
}

/// Turns the end of a wait into a result.
pub(crate) fn end(
    waited: Waited<String>,
    target: &ObjectRef,
    result: &'static str,
) -> Result<Done> {
    let end = waited.into_result("flux.timeout", &format!("{target} to become ready"))?;
    Ok(match end {
        Some(revision) => Done::new(result, revision),
        None => Done::new("planned", "not waited for: this run only plans"),
    })
}

fn look(
    judge: &Judge,
    asked: &Asked,
    object: Option<&Object>,
    (token, extra): (&str, Extra),
) -> Verdict<String> {
    let target = &asked.target;
    let Some(object) = object else {
        return Verdict::Failed(gone(target));
    };
    match handled(&asked.object, object, token) {
        _ if object.flag("/spec/suspend") => Verdict::Failed(suspended(target)),
        Handled::No => judge.untaken(target, object),
        Handled::Overtaken if extra.force || extra.reset => Verdict::Failed(overtaken(target)),
        Handled::Overtaken | Handled::Yes => judge.verdict(target, object),
    }
}

pub(crate) fn gone(target: &ObjectRef) -> Error {
    Error::not_found("flux.gone", format!("{target} was deleted meanwhile"))
}

fn overtaken(target: &ObjectRef) -> Error {
    Error::conflict(
        "flux.overtaken",
        format!("another request for {target} came before Flux took this one, so force and reset were not honoured"),
    )
    .hint("run it again")
}

/// Whether a controller has looked at an object since it was asked.
#[derive(Debug, PartialEq)]
enum Handled {
    No,
    /// It took this request.
    Yes,
    /// Somebody asked again, and it took that one.
    Overtaken,
}

fn handled(before: &Object, now: &Object, token: &str) -> Handled {
    let Some(last) = now.text("/status/lastHandledReconcileAt") else {
        return Handled::No;
    };
    let annotation = now.annotation(REQUESTED_AT);
    // What a watch gives first may be older than the request: then the annotation is still the former one.
    let asked_again = annotation != Some(token) && annotation != before.annotation(REQUESTED_AT);
    if last == token {
        Handled::Yes
    } else if asked_again && annotation == Some(last) {
        Handled::Overtaken
    } else {
        Handled::No
    }
}

#[cfg(test)]
mod tests;
