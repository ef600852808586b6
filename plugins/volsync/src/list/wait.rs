//! Waits for the Job's pod and fetches its log, or says why there is none.

use std::time::Duration;

use agent_sdk::cluster::Sighting;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::job::{self, Pod};
use crate::restic;
use crate::source::Source;

/// A log can lag behind its pod's end by a moment.
const LAG: Duration = Duration::from_millis(200);
const TRIES: usize = 15;

/// How the wait ended.
enum Ended {
    Pod(String, Pod),
    /// The Job failed without a pod that could say why.
    Job(String),
    Deadline(String),
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
    match watch(step, &source.namespace, name, Deadline::after(timeout))? {
        Ended::Pod(pod, Pod::Succeeded) => settled(&source.namespace, &pod),
        Ended::Pod(pod, Pod::Failed(exit)) => {
            let log = cluster::logs(&source.namespace, &pod, None, None).unwrap_or_default();
            Err(unreadable(source, "restic failed", exit, &log))
        }
        Ended::Pod(_, Pod::Stuck(why)) => Err(unreadable(
            source,
            &format!("the pod cannot start: {why}"),
            None,
            "",
        )),
        Ended::Pod(_, Pod::Pending(why)) => Err(late(
            source,
            timeout,
            why.as_deref().unwrap_or("the pod has not ended"),
        )),
        Ended::Job(why) => Err(unreadable(source, &why, None, "")),
        Ended::Deadline(note) => Err(late(source, timeout, &note)),
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
    if restic::log::locked(log) {
        return error.hint(format!(
            "agent run volsync.unlock {} {}",
            source.namespace, source.name
        ));
    }
    error
}

fn late(source: &Source, timeout: SignedDuration, note: &str) -> Error {
    Error::timeout(
        "volsync.list-failed",
        format!(
            "the list of the repository of `{}/{}` took longer than `{timeout:#}`",
            source.namespace, source.name
        ),
    )
    .cause(note)
}

fn settled(namespace: &str, pod: &str) -> Result<String> {
    let mut log = String::new();
    for _ in 0..TRIES {
        log = cluster::logs(namespace, pod, None, None)?;
        if restic::snapshots(&log).is_some() {
            break;
        }
        run::sleep(LAG)?;
    }
    Ok(log)
}

fn watch(step: &Step, namespace: &str, name: &str, deadline: Deadline) -> Result<Ended> {
    let queries = [
        Query::all(kinds::POD)
            .namespace(namespace)
            .labels(&format!("job-name={name}")),
        Query::all(kinds::JOB).namespace(namespace).named(name),
    ];
    let watcher = cluster::watch(&queries, &["/status"])?;
    let mut note = "the Job has no pod yet".to_owned();
    loop {
        let left = deadline.left();
        for sighting in watcher.next(left)? {
            let ended = match sighting {
                Sighting::Present(0, pod) => end_of_pod(&pod, &mut note),
                Sighting::Present(_, job) => end_of_job(&job),
                Sighting::Gone(..) | Sighting::Synced(_) => None,
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
        }
        if left.is_zero() {
            return Ok(Ended::Deadline(note));
        }
        step.note(&note);
    }
}

fn end_of_pod(pod: &Object, note: &mut String) -> Option<Ended> {
    match job::pod_state(&pod.0) {
        Pod::Pending(why) => {
            *note = why.unwrap_or_else(|| format!("pod `{}` runs restic", pod.name()));
            None
        }
        ended => Some(Ended::Pod(pod.name().to_owned(), ended)),
    }
}

/// The pod says more than the Job; the Job is asked only when it failed before it had one.
fn end_of_job(job: &Object) -> Option<Ended> {
    let failed = job
        .condition("Failed")
        .filter(agent_sdk::Condition::is_true)?;
    let pods = job.integer("/status/failed").unwrap_or_default();
    let late = failed.reason == "DeadlineExceeded";
    (pods == 0 || late).then(|| Ended::Job(format!("the Job failed: {}", failed.message)))
}
