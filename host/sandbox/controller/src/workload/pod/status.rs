//! The statuses that a kubelet writes.

use super::container_names;
use crate::object::{Object, condition, now, with_condition};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn conditions(pod: &Object, states: &[(&str, &str, &str, &str)]) -> Vec<Value> {
    states.iter().fold(
        pod.list("/status/conditions").to_vec(),
        |all, (kind, status, reason, message)| {
            let mut new = condition(kind, status, reason, message);
            if let Some(fields) = new.as_object_mut() {
                fields.retain(|_, value| value != "");
            }
            with_condition(&all, new)
        },
    )
}

/// No node for it.
pub(super) fn unschedulable(pod: &Object, message: &str) -> Value {
    json!({"phase": "Pending", "conditions": conditions(pod, &[("PodScheduled", "False", "Unschedulable", message)])})
}

/// On a node, and the container cannot start.
pub(super) fn waiting(pod: &Object, reason: &str, message: &str) -> Value {
    let mut state = json!({"waiting": {"reason": reason, "message": message}});
    if message.is_empty()
        && let Some(waiting) = state["waiting"].as_object_mut()
    {
        waiting.remove("message");
    }
    json!({
        "phase": "Pending", "containerStatuses": containers(pod, &state, false, 0),
        "conditions": conditions(pod, &[("PodScheduled", "True", "", ""), ("Ready", "False", "ContainersNotReady", "")]),
    })
}

fn containers(pod: &Object, state: &Value, ready: bool, restarts: i64) -> Vec<Value> {
    let id = hex::encode(Sha256::digest(pod.uid().as_bytes()));
    let one = |container: Value| {
        json!({
            "name": container["name"], "image": container["image"], "ready": ready, "started": ready,
            "restartCount": restarts, "state": state, "lastState": {}, "containerID": format!("containerd://{id}"),
            "imageID": format!("{}@sha256:{id}", container["image"].as_str().unwrap_or_default()),
        })
    };
    let mut all: Vec<Value> = container_names(pod).into_iter().map(one).collect();
    // As the kubelet sorts them.
    all.sort_by_key(|one| one["name"].as_str().map(str::to_owned));
    all
}

/// Running, ready or not.
pub(super) fn running(pod: &Object, host: &str, ready: bool) -> Value {
    let digest = Sha256::digest(pod.uid().as_bytes());
    let address = format!("10.42.{}.{}", digest[0] % 4, digest[1].max(2));
    let started = match pod.text("/status/startTime") {
        "" => now(),
        time => time.to_owned(),
    };
    let (flag, reason, message) = if ready {
        ("True", "", "")
    } else {
        (
            "False",
            "ContainersNotReady",
            "containers with unready status: [app]",
        )
    };
    let restarts = pod
        .int("/status/containerStatuses/0/restartCount")
        .unwrap_or(0);
    let mut status = json!({
        "phase": "Running", "startTime": started, "podIP": address, "podIPs": [{"ip": address}],
        "conditions": conditions(pod, &[
            ("PodReadyToStartContainers", "True", "", ""), ("Initialized", "True", "", ""),
            ("Ready", flag, reason, message), ("ContainersReady", flag, reason, message), ("PodScheduled", "True", "", ""),
        ]),
        "containerStatuses": containers(pod, &json!({"running": {"startedAt": started}}), ready, restarts),
        "qosClass": "Burstable",
    });
    if !host.is_empty() {
        status["hostIP"] = json!(host);
        status["hostIPs"] = json!([{"ip": host}]);
    }
    status
}

fn terminated(pod: &Object, code: i64) -> Value {
    let started = match pod.text("/status/startTime") {
        "" => now(),
        time => time.to_owned(),
    };
    let reason = if code == 0 { "Completed" } else { "Error" };
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now()}})
}

/// The container failed and waits for its restart.
pub(super) fn restarted(pod: &Object, code: i64) -> Value {
    let restarts = pod
        .int("/status/containerStatuses/0/restartCount")
        .unwrap_or(0)
        + 1;
    let state = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off restarting failed container"}});
    let mut all = containers(pod, &state, false, restarts);
    for container in &mut all {
        container["lastState"] = terminated(pod, code);
    }
    json!({"containerStatuses": all})
}

/// The container has ended, and with it the pod, unless there is another one in it, which runs on.
pub(super) fn ended(pod: &Object, code: i64) -> Value {
    let known = match pod.text("/status/phase") {
        "Running" => pod.list("/status/containerStatuses"),
        _ => &[],
    };
    let main = &pod["spec"]["containers"][0]["name"];
    let mut all = containers(pod, &terminated(pod, code), false, 0);
    let others = all.iter_mut().filter(|one| one["name"] != *main);
    let mut runs_on = false;
    for other in others {
        if let Some(running) = known.iter().find(|one| one["name"] == other["name"]) {
            *other = running.clone();
            runs_on = true;
        }
    }
    if runs_on {
        // It is over already: its end stays what it was.
        let ended = known.iter().find(|one| one["name"] == *main);
        let ended = ended.filter(|one| one["state"]["terminated"].is_object());
        if let (Some(ended), Some(now)) = (ended, all.iter_mut().find(|one| one["name"] == *main)) {
            *now = ended.clone();
        }
        return json!({"containerStatuses": all, "conditions": conditions(pod, &[
            ("Ready", "False", "ContainersNotReady", ""), ("ContainersReady", "False", "ContainersNotReady", ""),
        ])});
    }
    let (phase, reason) = if code == 0 {
        ("Succeeded", "PodCompleted")
    } else {
        ("Failed", "PodFailed")
    };
    json!({
        "phase": phase, "containerStatuses": all,
        "conditions": conditions(pod, &[("Ready", "False", reason, ""), ("ContainersReady", "False", reason, "")]),
    })
}
