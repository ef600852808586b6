//! Waits for the Job's pod and fetches its log, or says why there is none.

use std::time::Duration;

use agent_sdk::cluster::Sighting;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::job::{self, Pod};
use crate::restic::{self, cause};
use crate::source::Source;

/// A log can lag behind its pod's end by a moment.
const LAG: Duration = Duration::from_millis(200);
const TRIES: usize = 15;

/// When a Job has no pod after so long, its events are asked why. Its controller has tried again twice by then, so a quota, a policy or a webhook
/// that refuses the pod goes on to do so.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// How the wait ended.
#[derive(Debug, PartialEq)]
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
    match cause::remedy(log, source) {
        Some(remedy) => error.hint(remedy),
        None => error,
    }
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
    let mut seen = Seen::default();
    let mut look = Deadline::after(PATIENCE);
    loop {
        let left = deadline.left();
        let soon = if seen.pod.is_empty() {
            look.left()
        } else {
            left
        };
        for sighting in watcher.next(left.min(soon))? {
            if let Some(ended) = seen.see(sighting) {
                return Ok(ended);
            }
        }
        if left.is_zero() {
            return Ok(Ended::Deadline(seen.note().to_owned()));
        }
        if seen.pod.is_empty() && soon.is_zero() {
            if let Some(why) = refusal(&events(namespace, name)) {
                return Ok(Ended::Job(format!("the Job gets no pod: {why}")));
            }
            look = Deadline::after(PATIENCE);
        }
        step.note(seen.note());
    }
}

/// The events of the Job. Who may not read them is told less.
fn events(namespace: &str, name: &str) -> Vec<Object> {
    let query = Query::all(kinds::EVENT)
        .namespace(namespace)
        .fields(&format!(
            "involvedObject.kind=Job,involvedObject.name={name}"
        ));
    cluster::list(&query, &["/reason", "/message", "/lastTimestamp"]).unwrap_or_else(|error| {
        debug!("the events of the Job cannot be read: {error}");
        Vec::new()
    })
}

/// Returns why the newest attempt to make a pod was refused, if one was.
fn refusal(events: &[Object]) -> Option<String> {
    let newest = events
        .iter()
        .filter(|event| event.text("/reason") == Some("FailedCreate"))
        .max_by_key(|event| event.text("/lastTimestamp").unwrap_or_default())?;
    let why = newest.text("/message").unwrap_or_default();
    Some(why.trim_start_matches("Error creating: ").to_owned())
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    job: bool,
    /// What its pod does; empty while there is none.
    pod: String,
}

impl Seen {
    /// Takes in what a watcher of pods and the Job saw. Returns how it ended, when it did.
    fn see(&mut self, sighting: Sighting) -> Option<Ended> {
        match sighting {
            Sighting::Present(0, pod) => end_of_pod(&pod, &mut self.pod),
            Sighting::Present(_, job) => {
                self.job = true;
                end_of_job(&job)
            }
            Sighting::Gone(1, _) => Some(Ended::Job("the Job was removed".to_owned())),
            Sighting::Synced(1) if !self.job => Some(Ended::Job("the Job was removed".to_owned())),
            Sighting::Gone(..) | Sighting::Synced(_) => None,
        }
    }

    /// Says what is waited for.
    fn note(&self) -> &str {
        if self.pod.is_empty() {
            "the Job has no pod yet"
        } else {
            &self.pod
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_whose_pod_is_refused_says_why() {
        let event = |reason: &str, message: &str, at: &str| {
            Object(json!({"reason": reason, "message": message, "lastTimestamp": at}))
        };
        let quota = "Error creating: pods \"list-x\" is forbidden: exceeded quota: small";
        let events = [
            event("FailedCreate", quota, "2026-11-26T08:00:02Z"),
            event("FailedCreate", "webhook down", "2026-11-26T08:00:01Z"),
            event("Suspended", "Job suspended", "2026-11-26T08:00:03Z"),
        ];
        let why = "pods \"list-x\" is forbidden: exceeded quota: small";
        assert_eq!(refusal(&events).as_deref(), Some(why));
        assert_eq!(refusal(&events[2..]), None);
    }

    #[test]
    fn job_that_is_gone_ends_the_wait() {
        let gone = Some(Ended::Job("the Job was removed".to_owned()));
        assert_eq!(Seen::default().see(Sighting::Synced(1)), gone);
        let mut seen = Seen::default();
        let job = Object(json!({"metadata": {"name": "list"}, "status": {}}));
        assert_eq!(seen.see(Sighting::Present(1, job.clone())), None);
        assert_eq!(seen.see(Sighting::Synced(1)), None);
        assert_eq!(seen.see(Sighting::Gone(1, job)), gone);
    }
}
