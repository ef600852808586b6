//! Waits for the Job's pod and fetches its log, or says why there is none.

use std::time::Duration;

use agent_sdk::diagnosis::look::{self, JOB};
use agent_sdk::diagnosis::{Cause, End, Outlook, Patience, PodState, Standing};
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::job;
use crate::mover::CONTAINER;
use crate::restic::{self, cause};
use crate::source::Source;

/// A log can lag behind its pod's end by a moment.
const LAG: Duration = Duration::from_millis(200);
const TRIES: usize = 15;

/// A quota, a policy or a webhook refuses the pod. The Job's controller has tried again twice after some seconds, and nothing is lost by a list that fails soon.
const REFUSED: &str = "FailedCreate";

/// How the wait ended.
#[derive(Debug, PartialEq)]
enum Ended {
    /// restic has ended in this pod. What else runs in it does not count.
    Restic(String, End),
    /// It will not get so far.
    Blocked(Cause),
    /// The Job is not there any more.
    Removed,
    Deadline(Option<Cause>),
}

/// Returns the log of the Job's pod.
///
/// # Errors
///
/// `volsync.list-failed`, with why and the pod's last lines.
pub(super) fn log(
    step: &Step,
    source: &Source,
    name: &str,
    timeout: SignedDuration,
) -> Result<String> {
    let namespace = &source.namespace;
    match watch(step, namespace, name, Deadline::after(timeout))? {
        Ended::Restic(pod, end) if end.exit == 0 => settled(namespace, &pod),
        Ended::Restic(pod, end) => {
            let log = cluster::logs(namespace, &pod, Some(CONTAINER), None).unwrap_or_default();
            let what = if end.reason == "OOMKilled" {
                "restic ran out of memory: see `moverResources`"
            } else {
                "restic failed"
            };
            Err(unreadable(source, what, Some(end.exit), &log))
        }
        Ended::Blocked(cause) => Err(unreadable(source, &blocked(&cause), None, "")),
        Ended::Removed => Err(unreadable(source, "the Job was removed", None, "")),
        Ended::Deadline(cause) => Err(late(source, timeout, cause)),
    }
}

fn blocked(cause: &Cause) -> String {
    if cause.reason == REFUSED {
        format!("the Job gets no pod: {}", cause.message)
    } else if cause.subject.starts_with("pod ") {
        format!("the pod cannot start: {cause}")
    } else {
        cause.to_string()
    }
}

/// Makes the error of a list that cannot be read.
pub(super) fn unreadable(source: &Source, what: &str, exit: Option<i64>, log: &str) -> Error {
    let message = format!(
        "the repository of `{}/{}` cannot be listed: {what}",
        source.namespace, source.name
    );
    let error = job::causes(exit, log).into_iter().fold(
        Error::conflict("volsync.list-failed", message),
        Error::cause,
    );
    match cause::remedy(log, source) {
        Some(remedy) => error.hint(remedy),
        None => error,
    }
}

fn late(source: &Source, timeout: SignedDuration, cause: Option<Cause>) -> Error {
    let (namespace, name) = (&source.namespace, &source.name);
    let message = format!(
        "the list of the repository of `{namespace}/{name}` took longer than `{timeout:#}`"
    );
    let error = Error::timeout("volsync.list-failed", message);
    match cause {
        Some(cause) => cause.explain(error),
        None => error.cause("restic has not ended"),
    }
}

fn settled(namespace: &str, pod: &str) -> Result<String> {
    let mut log = String::new();
    for _ in 0..TRIES {
        log = cluster::logs(namespace, pod, Some(CONTAINER), None)?;
        if restic::snapshots(&log).is_some() {
            break;
        }
        run::sleep(LAG)?;
    }
    Ok(log)
}

/// Watches for what changes, and looks at it all every few seconds, for nobody is told of events and claims.
fn watch(step: &Step, namespace: &str, name: &str, deadline: Deadline) -> Result<Ended> {
    let target = ObjectRef::new(kinds::JOB, namespace, name);
    let pods = Query::all(kinds::POD)
        .namespace(namespace)
        .labels(&format!("job-name={name}"));
    let jobs = Query::all(kinds::JOB).namespace(namespace).named(name);
    let watcher = cluster::watch(&[pods, jobs], &["/status"])?;
    let mut standing = Standing::default();
    loop {
        let Some(job) = cluster::find(&target, &JOB)? else {
            return Ok(Ended::Removed);
        };
        if let Some(ended) = see(step, &job, &mut standing) {
            return Ok(ended);
        }
        let left = deadline.left();
        if left.is_zero() {
            return Ok(Ended::Deadline(standing.longest().cloned()));
        }
        watcher.next(left.min(Standing::LOOK))?;
    }
}

/// Looks at the Job and all that belongs to it. Returns how it ended, when it did.
fn see(step: &Step, job: &Object, standing: &mut Standing) -> Option<Ended> {
    let seen = look::at_job(job, Some(CONTAINER));
    match seen.pod {
        Some((pod, PodState::Ended(end))) => {
            return Some(Ended::Restic(pod.name().to_owned(), end));
        }
        Some((pod, PodState::Running(_))) => step.note(format!("pod `{}` runs restic", pod.name())),
        Some((pod, _)) => step.note(format!("pod `{}` starts", pod.name())),
        None => step.note("the Job has no pod yet"),
    }
    let outlook = match seen.outlook {
        Outlook::Blocked(cause) if cause.reason == REFUSED => Outlook::Blocked(Cause {
            patience: Patience::SOON,
            ..cause
        }),
        outlook => outlook,
    };
    standing.see(step, &outlook).map(Ended::Blocked)
}
