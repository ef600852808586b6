//! Jobs: pods until one succeeds, or too many failed.

use super::{MANAGER, count, template};
use crate::container;
use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::{Object, condition, now, with_condition};
use crate::queue::Key;
use crate::world::{Result, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the controller waits when the server refuses a pod. The real one doubles it each time.
const CREATION_BACKOFF: Duration = Duration::from_secs(1);

/// Creates the next pod, or finishes the Job, and writes its status.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(job) = world.cached(key) else {
        return Ok(None);
    };
    if job.is_going() {
        return Ok(None);
    }
    if let Some(end) = ended_at(&job) {
        return remove_when_old(world, key, &job, end).await;
    }
    let pods = pods_of(world, &job).await?;
    let tally = Tally::of(&pods);
    if let Some(state) = verdict(&job, &tally) {
        return finish(world, &job, &pods, &tally, state)
            .await
            .map(|()| None);
    }
    let next = steer(world, &job, &pods, &tally).await?;
    world
        .settle_status(&job, MANAGER, progress(&job, &tally))
        .await?;
    Ok(next)
}

/// The pods of a Job, oldest first, as they are now.
pub(crate) async fn pods_of(world: &World, job: &Object) -> Result<Vec<Object>> {
    let query = format!(
        "labelSelector=batch.kubernetes.io%2Fcontroller-uid%3D{}",
        job.uid()
    );
    let mut pods = world.list(Kind::Pod, job.namespace(), &query).await?;
    pods.retain(|pod| pod.is_owned_by(job.uid()));
    pods.sort_by_key(|pod| pod.text("/metadata/creationTimestamp").to_owned());
    Ok(pods)
}

/// How many pods of a Job are where.
struct Tally {
    active: usize,
    ready: usize,
    succeeded: usize,
    failed: usize,
    restarts: i64,
}

impl Tally {
    fn of(pods: &[Object]) -> Self {
        let phase = |wanted: &str| {
            pods.iter()
                .filter(|pod| pod.text("/status/phase") == wanted)
                .count()
        };
        let (succeeded, failed) = (phase("Succeeded"), phase("Failed"));
        Self {
            active: pods.len() - succeeded - failed,
            ready: pods.iter().filter(|pod| pod.is_true("Ready")).count(),
            succeeded,
            failed,
            restarts: pods
                .iter()
                .filter_map(|pod| pod.int("/status/containerStatuses/0/restartCount"))
                .sum(),
        }
    }
}

fn ended_at(job: &Object) -> Option<Timestamp> {
    let end = ["Complete", "Failed"]
        .iter()
        .find_map(|kind| job.condition(kind))?;
    if end["status"] != "True" {
        return None;
    }
    end["lastTransitionTime"].as_str()?.parse().ok()
}

/// The last condition of a Job, when it is over: type, reason and message.
fn verdict(job: &Object, tally: &Tally) -> Option<(&'static str, &'static str, String)> {
    let completions = job.int("/spec/completions").unwrap_or(1);
    if i64::try_from(tally.succeeded).is_ok_and(|succeeded| succeeded >= completions) {
        return Some((
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods".to_owned(),
        ));
    }
    let limit = job.int("/spec/backoffLimit").unwrap_or(6);
    let failures = i64::try_from(tally.failed)
        .unwrap_or(i64::MAX)
        .saturating_add(tally.restarts);
    if failures > limit {
        let message = "Job has reached the specified backoff limit".to_owned();
        return Some(("Failed", "BackoffLimitExceeded", message));
    }
    let deadline = SignedDuration::from_secs(job.int("/spec/activeDeadlineSeconds")?);
    let running = Timestamp::now().duration_since(job.time("/status/startTime")?);
    let message = "Job was active longer than specified deadline".to_owned();
    (running >= deadline).then_some(("Failed", "DeadlineExceeded", message))
}

async fn steer(world: &World, job: &Object, pods: &[Object], tally: &Tally) -> Result<Next> {
    let halted = job.flag("/spec/suspend") || job.int("/spec/parallelism") == Some(0);
    if halted {
        for pod in pods.iter().filter(|pod| is_active(pod) && !pod.is_going()) {
            world
                .delete(&Key::new(Kind::Pod, pod.namespace(), pod.name()), None)
                .await?;
        }
        return Ok(None);
    }
    if tally.active == 0 {
        if let Some(wait) = backoff(world, pods) {
            return Ok(Some(wait));
        }
        let refused = match world.faults.refused_pods(job.namespace()) {
            Some(why) => Some(format!("pods \"{}-\" is forbidden: {why}", job.name())),
            None => create_pod(world, job).await?,
        };
        if let Some(why) = refused {
            let message = format!("Error creating: {why}");
            event::warning(world, job, "job-controller", "FailedCreate", &message);
            return Ok(Some(CREATION_BACKOFF));
        }
    }
    Ok(job
        .int("/spec/activeDeadlineSeconds")
        .map(|_| Duration::from_secs(1)))
}

fn is_active(pod: &Object) -> bool {
    !matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// How long to wait until the next pod, after the last one failed.
fn backoff(world: &World, pods: &[Object]) -> Option<Duration> {
    let ended = |pod: &Object| pod.time("/status/containerStatuses/0/state/terminated/finishedAt");
    let last = pods.iter().filter_map(ended).max()?;
    let since = Timestamp::now().duration_since(last);
    let wait = SignedDuration::try_from(world.options.job_backoff).ok()? - since;
    Duration::try_from(wait).ok().filter(|wait| !wait.is_zero())
}

/// Returns why admission refused it, if it did.
async fn create_pod(world: &World, job: &Object) -> Result<Option<String>> {
    let name = format!("{}-{}", job.name(), template::fresh_suffix());
    let labels = [
        ("batch.kubernetes.io/controller-uid", job.uid()),
        ("batch.kubernetes.io/job-name", job.name()),
        ("controller-uid", job.uid()),
        ("job-name", job.name()),
    ];
    let mut pod = template::pod(job, &name, &job["spec"]["template"], &labels);
    let owner = container::owner_of(job.name());
    if world.faults.has_sidecar(job.namespace(), owner)
        && let Some(containers) = pod["spec"]["containers"].as_array_mut()
    {
        containers.push(json!({"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.27.1"}));
    }
    if let Err(err) = world.create(Kind::Pod, MANAGER, pod).await {
        return match err.refusal() {
            Some((403, message)) => Ok(Some(message.to_owned())),
            _ => Err(err),
        };
    }
    event::normal(
        world,
        job,
        "job-controller",
        "SuccessfulCreate",
        &format!("Created pod: {name}"),
    );
    Ok(None)
}

fn progress(job: &Object, tally: &Tally) -> Value {
    let mut status = json!({
        "active": count(tally.active), "ready": tally.ready, "succeeded": count(tally.succeeded),
        "failed": count(tally.failed), "terminating": 0, "uncountedTerminatedPods": {},
    });
    if job["status"]["startTime"].is_null() && !job.flag("/spec/suspend") {
        status["startTime"] = json!(now());
    }
    status
}

async fn finish(
    world: &World,
    job: &Object,
    pods: &[Object],
    tally: &Tally,
    (kind, reason, message): (&str, &str, String),
) -> Result<()> {
    let complete = kind == "Complete";
    let criterion = if complete {
        "SuccessCriteriaMet"
    } else {
        "FailureTarget"
    };
    let conditions = with_condition(
        job.list("/status/conditions"),
        condition(criterion, "True", reason, &message),
    );
    let mut status = progress(job, tally);
    status["conditions"] = json!(with_condition(
        &conditions,
        condition(kind, "True", reason, &message)
    ));
    status["active"] = Value::Null;
    status["ready"] = json!(0);
    if complete {
        status["completionTime"] = json!(now());
    }
    world.patch_status(job, MANAGER, status).await?;
    for pod in pods.iter().filter(|pod| is_active(pod)) {
        world
            .delete(&Key::new(Kind::Pod, pod.namespace(), pod.name()), None)
            .await?;
    }
    if complete {
        event::normal(world, job, "job-controller", "Completed", "Job completed");
    } else {
        event::warning(world, job, "job-controller", reason, &message);
    }
    Ok(())
}

async fn remove_when_old(world: &World, key: &Key, job: &Object, end: Timestamp) -> Result<Next> {
    let Some(seconds) = job.int("/spec/ttlSecondsAfterFinished") else {
        return Ok(None);
    };
    let left = SignedDuration::from_secs(seconds) - Timestamp::now().duration_since(end);
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => Ok(Some(left)),
        _ => world.delete(key, None).await.map(|()| None),
    }
}
