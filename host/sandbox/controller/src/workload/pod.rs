//! Pods: the scheduler and the kubelet. A pod is placed, starts, gets ready or runs to its end, and goes when it is deleted.

mod status;

use crate::container::{self, Environment, Outcome};
use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::Object;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const KUBELET: &str = "kubelet";
const AGAIN: Duration = Duration::from_millis(100);

/// Takes a pod one step on.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(pod) = world.cached(key) else {
        return Ok(None);
    };
    let of_job = pod.owner().is_some_and(|(kind, _)| kind == "Job");
    let ours = if of_job {
        world.options.job_pods
    } else {
        world.options.workloads
    };
    if !ours {
        return Ok(None);
    }
    if pod.is_going() {
        return end(world, key, &pod).await;
    }
    match pod.text("/status/phase") {
        "Succeeded" | "Failed" if of_job => catch_up(world, &pod).await,
        "Succeeded" | "Failed" => Ok(None),
        "Running" if of_job => execute(world, key, &pod).await,
        "Running" => get_ready(world, &pod).await,
        _ if pod.text("/spec/nodeName").is_empty() => schedule(world, key, &pod).await,
        _ => start(world, &pod, of_job).await,
    }
}

/// A deleted pod goes after a moment, unless a test has stuck it. Where a real kubelet or kwok is, it does this itself.
async fn end(world: &World, key: &Key, pod: &Object) -> Result<Next> {
    if !world.options.workloads || world.faults.is_stuck(pod.namespace(), pod.name()) {
        return Ok(None);
    }
    if !pod.text("/spec/nodeName").is_empty() && pod.text("/status/phase") == "Running" {
        sleep(world.options.pod_time).await;
    }
    world.delete(key, Some(0)).await?;
    Ok(None)
}

async fn schedule(world: &World, key: &Key, pod: &Object) -> Result<Next> {
    if !world.options.workloads {
        return Ok(None);
    }
    let place = match claims(world, pod) {
        Claims::Bound => choose_node(world, pod),
        Claims::Binding => return Ok(Some(AGAIN)),
        Claims::Unbound(why) => Err(no_node(world, &why)),
    };
    match place {
        Ok(node) => {
            let patch = json!({"spec": {"nodeName": node}});
            if let Some(placed) = world.patch(key, "kube-scheduler", &patch).await? {
                let message = format!(
                    "Successfully assigned {}/{} to {node}",
                    pod.namespace(),
                    pod.name()
                );
                event::normal(world, &placed, "default-scheduler", "Scheduled", &message);
            }
            Ok(None)
        }
        Err(message) => {
            let told = status::unschedulable(pod, &message);
            if world.settle_status(pod, "kube-scheduler", told).await? {
                event::warning(
                    world,
                    pod,
                    "default-scheduler",
                    "FailedScheduling",
                    &message,
                );
            }
            Ok(Some(AGAIN))
        }
    }
}

/// The claims that a pod mounts.
enum Claims {
    Bound,
    /// They bind late, or have not been looked at yet: the scheduler waits without a word.
    Binding,
    Unbound(String),
}

fn claims(world: &World, pod: &Object) -> Claims {
    let mut binding = false;
    for name in pod.claims() {
        let key = Key::new(Kind::PersistentVolumeClaim, pod.namespace(), name);
        let Some(claim) = world.cached(&key) else {
            return Claims::Unbound(format!("persistentvolumeclaim \"{name}\" not found"));
        };
        if claim.is_going() {
            let why = format!("persistentvolumeclaim \"{name}\" is being deleted");
            return Claims::Unbound(why);
        }
        if claim.text("/status/phase") != "Bound" {
            if super::claim::is_stuck(world, &claim) {
                let why = "pod has unbound immediate PersistentVolumeClaims";
                return Claims::Unbound(why.to_owned());
            }
            binding = true;
        }
    }
    if binding {
        Claims::Binding
    } else {
        Claims::Bound
    }
}

/// The words of kube-scheduler 1.36, which has looked whether other pods could make room.
fn no_node(world: &World, why: &str) -> String {
    let all = world.cached_all(Kind::Node, "").len();
    format!(
        "0/{all} nodes are available: {why}. preemption: 0/{all} nodes are available: {all} Preemption is not helpful for scheduling."
    )
}

fn choose_node(world: &World, pod: &Object) -> std::result::Result<String, String> {
    let nodes = world.cached_all(Kind::Node, "");
    let load = |node: &&Arc<Object>| {
        let pods = world.cached_all(Kind::Pod, "");
        pods.iter()
            .filter(|other| other.text("/spec/nodeName") == node.name())
            .count()
    };
    let fits = |node: &&Arc<Object>| against(node, pod).is_none();
    if let Some(best) = nodes.iter().filter(fits).min_by_key(load) {
        return Ok(best.name().to_owned());
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &nodes {
        *counts
            .entry(against(node, pod).unwrap_or_default())
            .or_default() += 1;
    }
    let mut reasons: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    reasons.sort();
    Err(no_node(world, &reasons.join(", ")))
}

/// What speaks against a node for a pod.
fn against(node: &Object, pod: &Object) -> Option<&'static str> {
    let selected = pod["spec"]["nodeSelector"]
        .as_object()
        .is_none_or(|wanted| {
            wanted
                .iter()
                .all(|(label, value)| node["metadata"]["labels"][label] == *value)
        });
    if node.flag("/spec/unschedulable") {
        Some("node(s) were unschedulable")
    } else if !node.is_true("Ready") {
        Some("node(s) had untolerated taint(s)")
    } else if !selected {
        Some("node(s) didn't match Pod's node affinity/selector")
    } else {
        None
    }
}

/// Lets a pod wait that cannot start, as the kubelet does, and tells why in an event. Says whether there was a reason to.
async fn wait(world: &World, pod: &Object) -> Result<bool> {
    let held = world
        .faults
        .held_pods(pod.namespace(), container::owner(pod));
    let (reason, message) = match held.or_else(|| unpullable(pod)) {
        Some(why) => why,
        None => return Ok(false),
    };
    let by_event = reason.starts_with("Failed");
    let shown = if by_event {
        ("ContainerCreating", "")
    } else {
        (reason.as_str(), message.as_str())
    };
    let waiting = status::waiting(pod, shown.0, shown.1);
    if world.settle_status(pod, KUBELET, waiting).await? {
        if by_event {
            event::warning(world, pod, KUBELET, &reason, &message);
        } else {
            event::warning(world, pod, KUBELET, "Failed", &format!("Error: {reason}"));
        }
    }
    Ok(true)
}

/// An image whose registry's name resolves nowhere (RFC 6761), in the words of kubelet 1.36 over containerd 2.
fn unpullable(pod: &Object) -> Option<(String, String)> {
    let images = pod.list("/spec/containers").iter();
    let mut images = images.filter_map(|one| one["image"].as_str());
    let image = images.find(|image| {
        image
            .split_once('/')
            .is_some_and(|(host, _)| host.ends_with(".invalid"))
    })?;
    let (host, path) = image.split_once('/')?;
    let (name, tag) = path.rsplit_once(':').unwrap_or((path, "latest"));
    let why = format!(
        "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": failed to do request: Head \"https://{host}/v2/{name}/manifests/{tag}\": dial tcp: lookup {host}: no such host"
    );
    let message = format!("Back-off pulling image \"{image}\": ErrImagePull: {why}");
    Some(("ImagePullBackOff".to_owned(), message))
}

async fn start(world: &World, pod: &Object, of_job: bool) -> Result<Next> {
    if of_job && let Err(message) = Environment::of(world, pod).await? {
        let waiting = status::waiting(pod, "CreateContainerConfigError", &message);
        if world.settle_status(pod, KUBELET, waiting).await? {
            event::warning(world, pod, KUBELET, "Failed", &format!("Error: {message}"));
        }
        return Ok(Some(AGAIN));
    }
    if wait(world, pod).await? {
        return Ok(Some(AGAIN));
    }
    sleep(world.options.pod_time).await;
    let node = world.cached(&Key::new(Kind::Node, "", pod.text("/spec/nodeName")));
    let host = node.and_then(|node| {
        node["status"]["addresses"][0]["address"]
            .as_str()
            .map(str::to_owned)
    });
    let ready = of_job || !is_kept_unready(world, pod);
    world
        .patch_status(
            pod,
            KUBELET,
            status::running(pod, host.as_deref().unwrap_or_default(), ready),
        )
        .await?;
    let container = pod.text("/spec/containers/0/name");
    event::normal(
        world,
        pod,
        KUBELET,
        "Started",
        &format!("Started container {container}"),
    );
    Ok(None)
}

fn is_kept_unready(world: &World, pod: &Object) -> bool {
    let app = pod.label("app.kubernetes.io/name").unwrap_or_default();
    world.faults.is_unready(pod.namespace(), app)
}

async fn get_ready(world: &World, pod: &Object) -> Result<Next> {
    if !pod.is_true("Ready") && !is_kept_unready(world, pod) {
        let host = pod.text("/status/hostIP");
        world
            .patch_status(pod, KUBELET, status::running(pod, host, true))
            .await?;
    }
    Ok(None)
}

/// Runs the container of a Job's pod, once.
async fn execute(world: &World, key: &Key, pod: &Object) -> Result<Next> {
    let Some(outcome) = outcome(world, pod).await? else {
        return Ok(Some(AGAIN));
    };
    let Some(now) = world.get(Kind::Pod, &key.namespace, &key.name).await? else {
        return Ok(None);
    };
    if now.uid() != pod.uid() || now.is_going() {
        return Ok(None);
    }
    if outcome.code != 0 && pod.text("/spec/restartPolicy") == "OnFailure" {
        sleep(world.options.job_backoff).await;
        world.memory().ended.remove(pod.uid());
        world
            .patch_status(&now, KUBELET, status::restarted(&now, outcome.code))
            .await?;
        return Ok(None);
    }
    world
        .settle_status(&now, KUBELET, status::ended(&now, outcome.code))
        .await?;
    Ok(None)
}

/// Something else has completed the pod: its container's effect and log are still missing.
async fn catch_up(world: &World, pod: &Object) -> Result<Next> {
    if world.options.workloads || world.memory().ended.contains_key(pod.uid()) {
        return Ok(None);
    }
    let Some(outcome) = outcome(world, pod).await? else {
        return Ok(Some(AGAIN));
    };
    if outcome.code != 0 && pod.text("/status/phase") == "Succeeded" {
        let Some(now) = world.get(Kind::Pod, pod.namespace(), pod.name()).await? else {
            return Ok(None);
        };
        world
            .patch_status(&now, KUBELET, status::ended(&now, outcome.code))
            .await?;
    }
    Ok(None)
}

/// How the container ended; it is run when it has not been yet. None while its environment is not complete.
async fn outcome(world: &World, pod: &Object) -> Result<Option<Outcome>> {
    let known = world.memory().ended.get(pod.uid()).cloned();
    let outcome = match known {
        Some(outcome) => outcome,
        None => {
            let Ok(environment) = Environment::of(world, pod).await? else {
                return Ok(None);
            };
            if !take_time(world, pod).await? {
                return Ok(None);
            }
            let outcome = container::run(world, pod, &environment).await?;
            world
                .memory()
                .ended
                .insert(pod.uid().to_owned(), outcome.clone());
            outcome
        }
    };
    world.set_log(pod, &outcome.log).await?;
    Ok(Some(outcome))
}

/// Waits as long as the container takes; says whether it came to its end. One that a test slows down ends when its pod is deleted.
async fn take_time(world: &World, pod: &Object) -> Result<bool> {
    let mut log = container::first_lines(pod);
    world.set_log(pod, &log).await?;
    let (namespace, owner) = (pod.namespace(), container::owner(pod));
    let begin = Instant::now();
    while let Some(slow) = world.faults.slow(namespace, owner) {
        if begin.elapsed() >= slow.time {
            return Ok(true);
        }
        sleep(AGAIN).await;
        let now = world.cached(&Key::new(Kind::Pod, namespace, pod.name()));
        if now.is_none_or(|now| now.uid() != pod.uid() || now.is_going()) {
            return Ok(false);
        }
        if slow.prints {
            log.push_str(&format!(
                "[{:.1}] files restored\n",
                begin.elapsed().as_secs_f64()
            ));
            world.set_log(pod, &log).await?;
        }
    }
    sleep(duration(world, pod)).await;
    Ok(true)
}

fn duration(world: &World, pod: &Object) -> Duration {
    match container::program(pod) {
        container::Program::Mover => world.options.mover_time,
        _ => world.options.container_time,
    }
}

/// A field of every container status.
fn container_names(pod: &Object) -> Vec<Value> {
    pod.list("/spec/containers").to_vec()
}
