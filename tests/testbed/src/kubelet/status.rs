//! The status of a pod, as a kubelet writes it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::pod::containers;

/// The whole status: a phase, the state of each container, and the conditions that follow from them, beside the scheduler's.
pub(super) fn of(pod: &Value, phase: &str, states: Vec<Value>, started: Timestamp) -> Value {
    let running = phase == "Running";
    let statuses = containers(pod).iter().zip(states).map(|(one, state)| {
        json!({
            "name": one["name"], "image": one["image"], "imageID": "", "ready": running, "started": running,
            "restartCount": 0, "state": state,
        })
    });
    let statuses: Vec<_> = statuses.collect();
    let over = ["Succeeded", "Failed"].contains(&phase);
    let ready = if running { "True" } else { "False" };
    let why = match phase {
        "Succeeded" => json!("PodCompleted"),
        "Failed" => json!("PodFailed"),
        "Pending" => json!("ContainersNotReady"),
        _ => Value::Null,
    };
    let now = second(Timestamp::now());
    let condition = |kind: &str, status: &str, reason: &Value| {
        let since = &now;
        json!({"type": kind, "status": status, "reason": reason, "lastTransitionTime": since})
    };
    let begun = if over { "False" } else { ready };
    let mut conditions = pod["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    conditions.retain(|one| one["type"] == "PodScheduled");
    conditions.extend([
        condition("PodReadyToStartContainers", begun, &Value::Null),
        condition("Initialized", "True", &Value::Null),
        condition("Ready", ready, &why),
        condition("ContainersReady", ready, &why),
    ]);
    json!({
        "phase": phase, "conditions": conditions, "containerStatuses": statuses, "hostIP": "127.0.0.1",
        "startTime": second(started), "qosClass": pod["status"]["qosClass"],
    })
}

pub(super) fn waiting(reason: &str, message: Option<&str>) -> Value {
    json!({"waiting": {"reason": reason, "message": message}})
}

/// In the API's form, which has whole seconds.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
