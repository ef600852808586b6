//! Pods: how far one container of a pod is, and what keeps it from starting. What other containers do changes nothing, but for init containers,
//! which come before it.

use serde_json::Value;

use super::{Cause, Outlook, Patience, event};
use crate::Object;

/// How far the container is.
#[derive(Clone, Debug, PartialEq)]
pub enum PodState {
    /// It has not started.
    Waiting(Outlook),
    /// It runs; says what becomes of its pod.
    Running(Outlook),
    /// Its program has ended: its exit code and its log are its own.
    Ended(End),
    /// It is over without an end of its own: it never ran, or was taken away. Its exit code (137 with `ContainerStatusUnknown`) says
    /// nothing about its program.
    Lost(Cause),
}

impl PodState {
    /// Returns what is to be said of the pod.
    pub fn outlook(&self) -> Outlook {
        match self {
            PodState::Waiting(outlook) | PodState::Running(outlook) => outlook.clone(),
            PodState::Ended(_) => Outlook::Clear,
            PodState::Lost(cause) => Outlook::Blocked(cause.clone()),
        }
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Its exit code.
    pub exit: i64,
    /// `Completed`, `Error`, `OOMKilled`.
    pub reason: String,
}

/// What the kubelet says of a container of which it does not know how it ended.
const UNKNOWN: &str = "ContainerStatusUnknown";

/// The runtime could not start the program: there is none of that name, or it may not be run.
const NOT_STARTED: [&str; 3] = ["StartError", "ContainerCannotRun", "ContainerCannotStart"];

/// Returns the container that is meant: the one of that name, or the default one, whose log is given when none is named.
pub fn container<'a>(pod: &'a Object, name: Option<&str>) -> Option<&'a str> {
    let containers = pod.items("/spec/containers");
    let named = |wanted: &str| {
        let names = containers.iter().filter_map(|one| one["name"].as_str());
        names.into_iter().find(|name| *name == wanted)
    };
    name.and_then(named)
        .or_else(|| named(pod.annotation("kubectl.kubernetes.io/default-container")?))
        .or_else(|| containers.first()?["name"].as_str())
}

/// Judges a pod by one of its containers (none: the default one), with the events of its namespace.
pub fn pod(pod: &Object, name: Option<&str>, events: &[Object]) -> PodState {
    let status =
        container(pod, name).and_then(|name| status(pod, "/status/containerStatuses", name));
    let state = status.map_or(&Value::Null, |status| &status["state"]);
    let phase = pod.text("/status/phase").unwrap_or_default();
    let over = matches!(phase, "Succeeded" | "Failed");
    if let Some(exit) = state["terminated"]["exitCode"].as_i64() {
        let final_end = over || exit == 0 || pod.text("/spec/restartPolicy") == Some("Never");
        if final_end {
            return ended(pod, &state["terminated"], exit);
        }
    }
    match phase {
        "Succeeded" => PodState::Ended(End {
            exit: 0,
            reason: "Completed".to_owned(),
        }),
        "Failed" => PodState::Lost(why_failed(pod)),
        _ if state["running"].is_object() => PodState::Running(running(pod, events)),
        _ => PodState::Waiting(waiting(pod, status, events)),
    }
}

fn status<'a>(pod: &'a Object, list: &str, name: &str) -> Option<&'a Value> {
    pod.items(list).iter().find(|one| one["name"] == name)
}

fn about(pod: &Object, reason: &str, message: &str, patience: Patience) -> Cause {
    Cause::new(format!("pod `{}`", pod.name()), reason, message, patience)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn ended(pod: &Object, terminated: &Value, exit: i64) -> PodState {
    let reason = text(terminated, "reason");
    let disrupted = exit != 0 && disruption(pod).is_some();
    if disrupted || reason == UNKNOWN {
        return PodState::Lost(why_failed(pod));
    }
    if NOT_STARTED.contains(&reason) {
        return PodState::Lost(about(
            pod,
            reason,
            text(terminated, "message"),
            Patience::NOW,
        ));
    }
    PodState::Ended(End {
        exit,
        reason: reason.to_owned(),
    })
}

/// What took the pod away: preemption, eviction, a taint, the end of its node.
fn disruption(pod: &Object) -> Option<Cause> {
    if let Some(target) = pod
        .condition("DisruptionTarget")
        .filter(super::super::Condition::is_true)
    {
        return Some(about(pod, target.reason, target.message, Patience::NOW));
    }
    let reason = pod.text("/status/reason").unwrap_or_default();
    let taken = [
        "Evicted",
        "NodeLost",
        "NodeShutdown",
        "Terminated",
        "Shutdown",
        "Preempting",
    ];
    taken.contains(&reason).then(|| {
        about(
            pod,
            reason,
            pod.text("/status/message").unwrap_or_default(),
            Patience::NOW,
        )
    })
}

fn why_failed(pod: &Object) -> Cause {
    if let Some(cause) = disruption(pod) {
        return cause;
    }
    let (reason, message) = (pod.text("/status/reason"), pod.text("/status/message"));
    if reason.is_some() {
        let message = message.unwrap_or_default();
        return about(pod, reason.unwrap_or_default(), message, Patience::NOW);
    }
    let init = pod.items("/status/initContainerStatuses").iter();
    let mut failed = init.filter(|one| {
        one["state"]["terminated"]["exitCode"]
            .as_i64()
            .is_some_and(|exit| exit != 0)
    });
    if let Some(init) = failed.next() {
        let terminated = &init["state"]["terminated"];
        let message = format!(
            "init container `{}` ended with exit code {} {}",
            text(init, "name"),
            terminated["exitCode"],
            text(terminated, "message")
        );
        return about(pod, text(terminated, "reason"), &message, Patience::NOW);
    }
    about(
        pod,
        "",
        "it ended without its container having run",
        Patience::NOW,
    )
}

/// Its node may have gone; after five minutes (`tolerationSeconds` of the taint `unreachable`) the pod is replaced.
fn running(pod: &Object, events: &[Object]) -> Outlook {
    if let Some(cause) = disruption(pod) {
        return Cause {
            patience: Patience::DEADLINE,
            ..cause
        }
        .into();
    }
    if pod.text("/metadata/deletionTimestamp").is_some() {
        return Outlook::Busy(format!("pod `{}` is being deleted", pod.name()));
    }
    let unready = pod.condition("Ready").is_some_and(|one| !one.is_true());
    let lost = event::newest(pod, events, &["NodeNotReady"]).filter(|_| unready);
    Outlook::from(lost.map(|_| {
        let node = pod.text("/spec/nodeName").unwrap_or_default();
        let message = format!("its node `{node}` is not ready");
        about(pod, "NodeNotReady", &message, Patience::DEADLINE)
    }))
}

fn waiting(pod: &Object, status: Option<&Value>, events: &[Object]) -> Outlook {
    if pod.text("/metadata/deletionTimestamp").is_some() {
        return Outlook::Busy(format!("pod `{}` is being deleted", pod.name()));
    }
    if let Some(outlook) = unscheduled(pod, events) {
        return outlook;
    }
    before_init(pod, events)
        .or_else(|| status.map_or(Outlook::Clear, |status| of_container(pod, status, events)))
        .or_else(|| Outlook::from(of_events(pod, events)))
}

/// Judges the scheduler's word; none once the pod has a node.
fn unscheduled(pod: &Object, events: &[Object]) -> Option<Outlook> {
    if pod
        .text("/spec/nodeName")
        .is_some_and(|node| !node.is_empty())
    {
        return None;
    }
    let Some(scheduled) = pod.condition("PodScheduled") else {
        let message = "no scheduler has looked at it";
        return Some(about(pod, "", message, Patience::MINUTE).into());
    };
    if scheduled.is_true() {
        return None;
    }
    // A cluster autoscaler, or Karpenter, is making a node.
    let coming = event::newest(pod, events, &["TriggeredScaleUp", "Nominated"]).is_some();
    let patience = if coming || scheduled.reason == "SchedulingGated" {
        Patience::DEADLINE
    } else {
        Patience::MINUTE
    };
    Some(about(pod, scheduled.reason, scheduled.message, patience).into())
}

/// Judges the init containers. A native sidecar is one that is always started again: it holds the others back only until it has started.
fn before_init(pod: &Object, events: &[Object]) -> Outlook {
    for init in pod.items("/spec/initContainers") {
        let name = text(init, "name");
        let Some(status) = status(pod, "/status/initContainerStatuses", name) else {
            continue;
        };
        let state = &status["state"];
        let sidecar = init["restartPolicy"] == "Always";
        if state["terminated"]["exitCode"] == 0 || (sidecar && status["started"] == true) {
            continue;
        }
        if state["running"].is_object() {
            let what = if sidecar { "sidecar" } else { "init container" };
            return Outlook::Busy(format!(
                "{what} `{name}` of pod `{}` runs first",
                pod.name()
            ));
        }
        let outlook = of_container(pod, status, events);
        if outlook != Outlook::Clear {
            return outlook;
        }
    }
    Outlook::Clear
}

/// Judges what the kubelet says that a container waits for.
fn of_container(pod: &Object, status: &Value, events: &[Object]) -> Outlook {
    let waiting = &status["state"]["waiting"];
    let (reason, message) = (text(waiting, "reason"), text(waiting, "message"));
    let patience = match reason {
        "" | "ContainerCreating" | "PodInitializing" => return Outlook::Clear,
        // The name is in the pod's template, which does not change.
        "InvalidImageName" => Patience::NOW,
        "ErrImageNeverPull" | "CreateContainerConfigError" => Patience::SOON,
        _ => Patience::MINUTE,
    };
    if matches!(reason, "ErrImagePull" | "ImagePullBackOff") {
        return image(pod, message, events).into();
    }
    about(pod, reason, message, patience).into()
}

/// The two reasons take turns while one image cannot be pulled. Older kubelets tell why in an event only.
fn image(pod: &Object, message: &str, events: &[Object]) -> Cause {
    let why = event::of(pod, events, None)
        .into_iter()
        .map(event::message)
        .find(|message| message.starts_with("Failed to pull image"));
    let told = match why {
        Some(why) if !message.contains("ErrImagePull:") => why,
        _ => message,
    };
    about(pod, "ImagePullBackOff", told, Patience::MINUTE)
}

/// What keeps a pod from its containers is told by events only: the last word of those who prepare it. The attach/detach controller says
/// `Multi-Attach` once, and the kubelet later, again and again, only that it has waited for the volume.
fn of_events(pod: &Object, events: &[Object]) -> Option<Cause> {
    let mut vague = None;
    for event in event::of(pod, events, None) {
        let (reason, message) = (event::reason(event), event::message(event));
        let patience = match reason {
            "SuccessfulAttachVolume" | "Pulling" | "Pulled" | "Created" => break,
            "FailedMount" if is_missing(message) => Patience::SOON,
            "FailedAttachVolume" | "FailedMount" | "FailedMapVolume" => Patience::VOLUME,
            "FailedCreatePodSandBox" | "NetworkNotReady" | "FailedPrepareDynamicResources" => {
                Patience::MINUTE
            }
            _ => continue,
        };
        let cause = about(pod, reason, message, patience);
        if reason != "FailedMount" || !message.starts_with("Unable to attach or mount volumes") {
            return Some(cause);
        }
        vague.get_or_insert(cause);
    }
    vague
}

/// A Secret or ConfigMap that is to be mounted and does not exist.
fn is_missing(message: &str) -> bool {
    let names = ["secret \"", "configmap \""];
    names.iter().any(|name| message.contains(name)) && message.contains("\" not found")
}

#[cfg(test)]
mod tests;
