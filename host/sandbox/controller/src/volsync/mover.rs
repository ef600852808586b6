//! One synchronisation: the claims, the repository's Secret, the account, the Job, and what came of it.

use super::{MANAGER, job, log, volume};
use crate::event;
use crate::kind::Kind;
use crate::object::{Object, now};
use crate::queue::Key;
use crate::workload::job::pods_of;
use crate::world::{Result, World};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

/// How far a synchronisation is.
pub(super) enum Progress {
    /// Something is under way.
    Waiting,
    /// The mover failed for good and begins anew: the status that says so.
    Failing(Value),
    /// Something is missing.
    Error(String),
    /// Done: the results for the status.
    Complete(Value),
}

/// Takes a synchronisation as far as it goes now.
pub(super) async fn synchronize(world: &World, object: &Object) -> Result<Progress> {
    let data = match volume::data(world, object).await? {
        Ok(claim) => claim,
        Err(Some(message)) => return Ok(Progress::Error(message)),
        Err(None) => return Ok(Progress::Waiting),
    };
    let Some(cache) = volume::cache(world, object, &data).await? else {
        return Ok(Progress::Waiting);
    };
    let account = account(world, object).await?;
    let secret = match repository(world, object).await? {
        Ok(secret) => secret,
        Err(message) => return Ok(Progress::Error(message)),
    };
    let wanted = job::build(object, &data, &cache, &account, &secret);
    let job = match ensure_job(world, object, wanted).await? {
        Ok(Some(job)) => job,
        Ok(None) => return Ok(Progress::Waiting),
        Err(message) => return Ok(Progress::Error(message)),
    };
    world.memory().movers.insert(
        object.uid().to_owned(),
        (object.generation(), job.uid().to_owned()),
    );
    match verdict(world, &job).await? {
        Verdict::Running => Ok(Progress::Waiting),
        Verdict::Failed(text) => {
            world
                .delete(&Key::new(Kind::Job, job.namespace(), job.name()), None)
                .await?;
            let status =
                json!({"latestMoverStatus": {"result": "Failed", "logs": log::of_failure(&text)}});
            event::warning(
                world,
                object,
                "volsync-controller",
                "TransferFailed",
                "mover Job backoff limit reached",
            );
            Ok(Progress::Failing(status))
        }
        Verdict::Succeeded(text) => results(world, object, &data, &text)
            .await
            .map(Progress::Complete),
    }
}

/// Whether the Job that was made for this very spec is still running: then there is nothing to ask the API.
pub(super) fn is_running(world: &World, object: &Object) -> bool {
    let made = world.memory().movers.get(object.uid()).cloned();
    let job = world.cached(&Key::new(Kind::Job, object.namespace(), &job::name(object)));
    matches!((made, job), (Some((generation, uid)), Some(job)) if generation == object.generation()
        && uid == job.uid() && !job.is_going() && job.int("/status/succeeded").unwrap_or(0) == 0
        && job.int("/status/failed").unwrap_or(0) < job::BACKOFF_LIMIT)
}

async fn account(world: &World, object: &Object) -> Result<String> {
    let given = object.text("/spec/restic/moverServiceAccount");
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    let name = format!("volsync-{}-{}", job::direction(object), object.name());
    if world
        .get(Kind::ServiceAccount, object.namespace(), &name)
        .await?
        .is_none()
    {
        let wanted = json!({"metadata": volume::metadata(object, &name, false)});
        world.create(Kind::ServiceAccount, MANAGER, wanted).await?;
    }
    Ok(name)
}

async fn repository(world: &World, object: &Object) -> Result<std::result::Result<Object, String>> {
    let name = object.text("/spec/restic/repository");
    let Some(secret) = world.get(Kind::Secret, object.namespace(), name).await? else {
        return Ok(Err(format!("Secret \"{name}\" not found")));
    };
    let complete = ["RESTIC_REPOSITORY", "RESTIC_PASSWORD"]
        .iter()
        .all(|key| secret["data"][*key].is_string());
    Ok(if complete {
        Ok(secret)
    } else {
        Err("secret should have fields: [RESTIC_REPOSITORY RESTIC_PASSWORD]".to_owned())
    })
}

/// The mover's Job as it is, when it exists and does what is wanted. The inner error is the server's sentence.
async fn ensure_job(
    world: &World,
    object: &Object,
    wanted: Value,
) -> Result<std::result::Result<Option<Object>, String>> {
    let key = Key::new(Kind::Job, object.namespace(), &job::name(object));
    let Some(existing) = world.get(Kind::Job, &key.namespace, &key.name).await? else {
        if let Some(why) = world.faults.refused_jobs(&key.namespace) {
            let name = &key.name;
            return Ok(Err(format!("jobs.batch \"{name}\" is forbidden: {why}")));
        }
        let made = world.create(Kind::Job, MANAGER, wanted).await?;
        if made.is_some() {
            let message = format!("starting mover job/{}", key.name);
            event::normal(
                world,
                object,
                "volsync-controller",
                "TransferStarted",
                &message,
            );
        }
        return Ok(Ok(made));
    };
    if existing.is_going() || !existing.is_owned_by(object.uid()) {
        return Ok(Ok(None));
    }
    if !job::is_same(&existing, &wanted) {
        world.delete(&key, None).await?;
        return Ok(Ok(None));
    }
    let parallelism = job::parallelism(object);
    if existing.int("/spec/parallelism") != Some(parallelism) {
        let change = json!({"spec": {"parallelism": parallelism}});
        return world.patch(&key, MANAGER, &change).await.map(Ok);
    }
    Ok(Ok(Some(existing)))
}

enum Verdict {
    Running,
    Failed(String),
    Succeeded(String),
}

/// What came of the Job. Where something else completes its pods, how the container ended counts and not the pod's phase.
async fn verdict(world: &World, job: &Object) -> Result<Verdict> {
    let succeeded = job.int("/status/succeeded").unwrap_or(0) > 0;
    let exhausted = job.int("/status/failed").unwrap_or(0) >= job::BACKOFF_LIMIT;
    if !succeeded && !exhausted {
        return Ok(Verdict::Running);
    }
    let pods = pods_of(world, job).await?;
    if !succeeded {
        let text = last_log(world, &pods).await?;
        return Ok(Verdict::Failed(text));
    }
    let known: Vec<_> = pods
        .iter()
        .filter_map(|pod| world.memory().ended.get(pod.uid()).cloned())
        .collect();
    if let Some(success) = known.iter().find(|outcome| outcome.code == 0) {
        return Ok(Verdict::Succeeded(success.log.clone()));
    }
    match known.last() {
        Some(failure) => Ok(Verdict::Failed(failure.log.clone())),
        None if world.options.job_pods && !pods.is_empty() && !world.options.workloads => {
            Ok(Verdict::Running)
        }
        None => last_log(world, &pods).await.map(Verdict::Succeeded),
    }
}

async fn last_log(world: &World, pods: &[Object]) -> Result<String> {
    let failed = pods
        .iter()
        .rev()
        .find(|pod| pod.text("/status/phase") == "Failed");
    let Some(pod) = failed.or(pods.last()) else {
        return Ok(String::new());
    };
    if let Some(outcome) = world.memory().ended.get(pod.uid()) {
        return Ok(outcome.log.clone());
    }
    let path = Kind::Pod.path(pod.namespace(), pod.name(), "log");
    world.read_text(Method::GET, &path).await
}

async fn results(world: &World, object: &Object, data: &Object, text: &str) -> Result<Value> {
    let mut results =
        json!({"latestMoverStatus": {"result": "Successful", "logs": log::of_success(text)}});
    if job::direction(object) == "dst" {
        results["latestImage"] = volume::image(world, object, data).await?;
        return Ok(results);
    }
    if job::unlocks(object) {
        results["restic"]["lastUnlocked"] = object["spec"]["restic"]["unlock"].clone();
    } else if object.text("/spec/restic/unlock").is_empty() {
        results["restic"]["lastUnlocked"] = Value::Null;
    }
    if job::prunes(object, Timestamp::now()) {
        results["restic"]["lastPruned"] = json!(now());
    }
    Ok(results)
}

/// Removes what the synchronisation needed only for itself.
pub(super) async fn clean_up(world: &World, object: &Object) -> Result<()> {
    volume::clean_up(world, object).await
}
