//! CronJobs: a Job at each time of the schedule, unless suspended.

use super::MANAGER;
use crate::dispatch::Next;
use crate::kind::Kind;
use crate::object::{Object, time_text};
use crate::queue::Key;
use crate::schedule;
use crate::world::{Result, World};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Starts a Job that is due, lists the active ones, and removes old ones.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(item) = world.cached(key) else {
        return Ok(None);
    };
    if item.is_going() {
        return Ok(None);
    }
    let jobs: Vec<Arc<Object>> = world
        .cached_all(Kind::Job, item.namespace())
        .into_iter()
        .filter(|job| job.is_owned_by(item.uid()))
        .collect();
    let active: Vec<Value> = jobs
        .iter()
        .filter(|job| !is_over(job))
        .map(|job| reference(job))
        .collect();
    let forbidden = item.text("/spec/concurrencyPolicy") == "Forbid" && !active.is_empty();
    let mut status = json!({"active": if active.is_empty() { Value::Null } else { json!(active) }});
    let last = item
        .time("/status/lastScheduleTime")
        .or_else(|| item.time("/metadata/creationTimestamp"));
    let due = last.and_then(|last| {
        schedule::next(
            item.text("/spec/schedule"),
            item.text("/spec/timeZone"),
            last,
        )
    });
    if let Some(due) = due.filter(|due| world.options.schedules && *due <= Timestamp::now()) {
        let latest = latest_due(&item, due);
        if !item.flag("/spec/suspend") && !forbidden && in_time(&item, latest) {
            start(world, &item, latest).await?;
        }
        if !item.flag("/spec/suspend") {
            status["lastScheduleTime"] = json!(time_text(latest));
        }
    }
    world.settle_status(&item, MANAGER, status).await?;
    prune(world, &item, &jobs).await?;
    Ok(world.options.schedules.then_some(Duration::from_secs(10)))
}

/// The newest time at which the schedule has been due, where several were missed.
fn latest_due(item: &Object, mut due: Timestamp) -> Timestamp {
    let now = Timestamp::now();
    for _ in 0..10_000 {
        match schedule::next(
            item.text("/spec/schedule"),
            item.text("/spec/timeZone"),
            due,
        ) {
            Some(next) if next <= now => due = next,
            _ => break,
        }
    }
    due
}

fn in_time(item: &Object, due: Timestamp) -> bool {
    let late = Timestamp::now().duration_since(due).as_secs();
    item.int("/spec/startingDeadlineSeconds")
        .is_none_or(|limit| late <= limit)
}

fn is_over(job: &Object) -> bool {
    job.is_true("Complete") || job.is_true("Failed")
}

fn reference(job: &Object) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "name": job.name(), "namespace": job.namespace(), "uid": job.uid()})
}

async fn start(world: &World, item: &Object, due: Timestamp) -> Result<()> {
    let mut metadata = item["spec"]["jobTemplate"]["metadata"].clone();
    if !metadata.is_object() {
        metadata = json!({});
    }
    metadata["name"] = json!(format!("{}-{}", item.name(), due.as_second() / 60));
    metadata["namespace"] = json!(item.namespace());
    metadata["ownerReferences"] = item.as_owner();
    metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] =
        json!(time_text(due));
    let job = json!({"metadata": metadata, "spec": item["spec"]["jobTemplate"]["spec"]});
    world.create(Kind::Job, MANAGER, job).await.map(drop)
}

async fn prune(world: &World, item: &Object, jobs: &[Arc<Object>]) -> Result<()> {
    for (condition, field, default) in [
        ("Complete", "/spec/successfulJobsHistoryLimit", 3),
        ("Failed", "/spec/failedJobsHistoryLimit", 1),
    ] {
        let mut over: Vec<&Arc<Object>> =
            jobs.iter().filter(|job| job.is_true(condition)).collect();
        over.sort_by_key(|job| job.text("/metadata/creationTimestamp").to_owned());
        let keep = usize::try_from(item.int(field).unwrap_or(default)).unwrap_or(0);
        for job in over.iter().take(over.len().saturating_sub(keep)) {
            world
                .delete(&Key::new(Kind::Job, job.namespace(), job.name()), None)
                .await?;
        }
    }
    Ok(())
}
