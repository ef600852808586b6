//! Waits for the Job's pod and fetches its log, or says why there is none.

use std::time::Duration;

use agent_sdk::diagnosis::look::{self, JOB};
use agent_sdk::diagnosis::{Cause, End, Outlook, Patience, PodState, Standing};
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::{FAILED, Printed, Work};
use crate::mover::CONTAINER;
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

/// Waits until restic has ended in the Job's pod.
///
/// # Errors
///
/// [`FAILED`], with why.
pub(super) fn end(step: &Step, source: &Source, name: &str, work: &Work) -> Result<Printed> {
    let namespace = &source.namespace;
    match watch(step, namespace, name, work)? {
        Ended::Restic(pod, end) => {
            let log = settled(namespace, &pod, work.whole)?;
            Ok(Printed { end, log })
        }
        Ended::Blocked(cause) => Err(Error::failed(FAILED, blocked(&cause))),
        Ended::Removed => Err(Error::failed(FAILED, "the Job was removed")),
        Ended::Deadline(cause) => Err(late(work.timeout, cause)),
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

fn late(timeout: SignedDuration, cause: Option<Cause>) -> Error {
    let message = format!("restic had not ended after `{timeout:#}`");
    let error = Error::timeout(FAILED, message);
    match cause {
        Some(cause) => cause.explain(error),
        None => error,
    }
}

/// A log that never becomes whole is given as it is.
fn settled(namespace: &str, pod: &str, whole: fn(&str) -> bool) -> Result<String> {
    let mut log = String::new();
    for _ in 0..TRIES {
        log = cluster::logs(namespace, pod, Some(CONTAINER), None)?;
        if whole(&log) {
            break;
        }
        run::sleep(LAG)?;
    }
    Ok(log)
}

/// Watches for what changes, and looks at it all every few seconds, for nobody is told of events and claims.
fn watch(step: &Step, namespace: &str, name: &str, work: &Work) -> Result<Ended> {
    let mut deadline = Deadline::after(work.timeout);
    let mut patience = work.patience;
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
        match see(step, &job, &mut standing) {
            Progress::Ended(ended) => return Ok(ended),
            Progress::Runs => deadline = patience.take().map_or(deadline, Deadline::after),
            Progress::Starts => {}
        }
        let left = deadline.left();
        if left.is_zero() {
            return Ok(Ended::Deadline(standing.longest().cloned()));
        }
        watcher.next(left.min(Standing::LOOK))?;
    }
}

/// How far a Job is.
enum Progress {
    Starts,
    Runs,
    Ended(Ended),
}

/// Looks at the Job and all that belongs to it.
fn see(step: &Step, job: &Object, standing: &mut Standing) -> Progress {
    let seen = look::at_job(job, Some(CONTAINER));
    let mut runs = false;
    match seen.pod {
        Some((pod, PodState::Ended(end))) => {
            return Progress::Ended(Ended::Restic(pod.name().to_owned(), end));
        }
        Some((pod, PodState::Running(_))) => {
            step.note(format!("pod `{}` runs restic", pod.name()));
            runs = true;
        }
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
    match standing.see(step, &outlook) {
        Some(cause) => Progress::Ended(Ended::Blocked(cause)),
        None if runs => Progress::Runs,
        None => Progress::Starts,
    }
}
