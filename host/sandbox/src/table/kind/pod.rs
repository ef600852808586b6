//! Pods: the status column is a judgement over all containers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{AGE, Layout, NAME, age_of, count, name, or_none, text, wide};
use crate::object;
use crate::table::age;

pub(super) const POD: Layout = Layout {
    headings: &[
        NAME,
        text("Ready"),
        text("Status"),
        text("Restarts"),
        AGE,
        wide("IP"),
        wide("Node"),
        wide("Nominated Node"),
        wide("Readiness Gates"),
    ],
    cells,
};

fn cells(pod: &Value) -> Vec<Value> {
    let status = &pod["status"];
    let mut summary = Summary::begin(pod);
    summary.init_containers(pod);
    if !summary.initializing || condition(status, "Initialized") {
        summary.containers(status);
    }
    let ip = status["podIPs"][0]["ip"]
        .as_str()
        .or_else(|| status["podIP"].as_str())
        .unwrap_or_default();
    vec![
        name(pod),
        json!(format!("{}/{}", summary.ready, summary.total)),
        json!(summary.reason(pod)),
        json!(summary.restarts_text()),
        age_of(pod),
        or_none(&json!(ip)),
        or_none(&pod["spec"]["nodeName"]),
        or_none(&status["nominatedNodeName"]),
        json!(gates(pod)),
    ]
}

fn gates(pod: &Value) -> String {
    let gates = object::list(&pod["spec"]["readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates.iter().filter(|gate| {
        condition(
            &pod["status"],
            gate["conditionType"].as_str().unwrap_or_default(),
        )
    });
    format!("{}/{}", open.count(), gates.len())
}

fn condition(status: &Value, kind: &str) -> bool {
    object::list(&status["conditions"])
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}

struct Summary {
    reason: String,
    ready: usize,
    total: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
    sidecars: Vec<String>,
    sidecar_restarts: i64,
    initializing: bool,
}

impl Summary {
    fn begin(pod: &Value) -> Self {
        let status = &pod["status"];
        let gated = object::list(&status["conditions"]).iter().any(|condition| {
            condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated"
        });
        let reason = status["reason"]
            .as_str()
            .or_else(|| status["phase"].as_str())
            .unwrap_or_default();
        let sidecars: Vec<String> = object::list(&pod["spec"]["initContainers"])
            .iter()
            .filter(|container| container["restartPolicy"] == "Always")
            .filter_map(|container| container["name"].as_str().map(str::to_owned))
            .collect();
        Self {
            reason: if gated { "SchedulingGated" } else { reason }.to_owned(),
            ready: 0,
            total: object::list(&pod["spec"]["containers"]).len() + sidecars.len(),
            restarts: 0,
            last_restart: None,
            sidecars,
            sidecar_restarts: 0,
            initializing: false,
        }
    }

    fn init_containers(&mut self, pod: &Value) {
        let total = object::list(&pod["spec"]["initContainers"]).len();
        for (index, container) in object::list(&pod["status"]["initContainerStatuses"])
            .iter()
            .enumerate()
        {
            self.note_restarts(container);
            let is_sidecar = self
                .sidecars
                .iter()
                .any(|name| container["name"] == name.as_str());
            if is_sidecar {
                self.sidecar_restarts += count(&container["restartCount"]);
            }
            let state = &container["state"];
            let terminated = state
                .get("terminated")
                .filter(|terminated| !terminated.is_null());
            if terminated.is_some_and(|terminated| count(&terminated["exitCode"]) == 0) {
                continue;
            }
            if is_sidecar && container["started"] == true {
                self.ready += usize::from(container["ready"] == true);
                continue;
            }
            let waiting = state["waiting"]["reason"]
                .as_str()
                .filter(|reason| !reason.is_empty() && *reason != "PodInitializing");
            self.reason = match (terminated, waiting) {
                (Some(terminated), _) => format!("Init:{}", exit(terminated)),
                (None, Some(reason)) => format!("Init:{reason}"),
                (None, None) => format!("Init:{index}/{total}"),
            };
            self.initializing = true;
            return;
        }
    }

    fn containers(&mut self, status: &Value) {
        self.restarts = self.sidecar_restarts;
        let (mut running, mut failure) = (false, None);
        for container in object::list(&status["containerStatuses"]).iter().rev() {
            self.note_restarts(container);
            let state = &container["state"];
            if let Some(reason) = state["waiting"]["reason"]
                .as_str()
                .filter(|reason| !reason.is_empty())
            {
                self.reason = reason.to_owned();
            } else if let Some(terminated) = state
                .get("terminated")
                .filter(|terminated| terminated.is_object())
            {
                self.reason = exit(terminated);
                if count(&terminated["exitCode"]) != 0 {
                    failure = Some(self.reason.clone());
                }
            } else if container["ready"] == true && state["running"].is_object() {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            self.reason = match failure {
                _ if running && condition(status, "Ready") => "Running".to_owned(),
                Some(failure) => failure,
                None if running => "NotReady".to_owned(),
                None => "Completed".to_owned(),
            };
        }
    }

    fn note_restarts(&mut self, container: &Value) {
        self.restarts += count(&container["restartCount"]);
        let finished = container["lastState"]["terminated"]["finishedAt"]
            .as_str()
            .and_then(|time| time.parse().ok());
        self.last_restart = self.last_restart.max(finished);
    }

    fn reason(&self, pod: &Value) -> String {
        let status = &pod["status"];
        let over = matches!(status["phase"].as_str(), Some("Succeeded" | "Failed"));
        match object::is_terminating(pod) {
            true if status["reason"] == "NodeLost" => "Unknown".to_owned(),
            true if !over => "Terminating".to_owned(),
            _ => self.reason.clone(),
        }
    }

    fn restarts_text(&self) -> String {
        match self.last_restart {
            Some(time) if self.restarts != 0 => format!(
                "{} ({} ago)",
                self.restarts,
                age::of(Some(&time.to_string()))
            ),
            _ => self.restarts.to_string(),
        }
    }
}

fn exit(terminated: &Value) -> String {
    match (
        terminated["reason"].as_str().unwrap_or_default(),
        count(&terminated["signal"]),
    ) {
        ("", 0) => format!("ExitCode:{}", count(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pod: Value) -> Vec<String> {
        cells(&pod)
            .iter()
            .take(4)
            .map(|cell| cell.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    #[test]
    fn the_status_is_that_of_the_worst_container() {
        let spec = json!({ "containers": [{ "name": "a" }, { "name": "b" }] });
        let states = json!([{ "name": "a", "ready": true, "restartCount": 2, "state": { "running": {} } },
            { "name": "b", "restartCount": 0, "state": { "waiting": { "reason": "CrashLoopBackOff" } } }]);
        let pod = json!({ "metadata": { "name": "p" }, "spec": spec, "status": { "phase": "Running", "containerStatuses": states } });
        assert_eq!(row(pod.clone()), ["p", "1/2", "CrashLoopBackOff", "2"]);
        let mut going = pod;
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(row(going)[2], "Terminating");
    }

    #[test]
    fn a_waiting_init_container_shows_how_far_it_got() {
        let pod = json!({ "metadata": { "name": "p" }, "spec": { "containers": [{}], "initContainers": [{ "name": "i" }, { "name": "j" }] },
            "status": { "phase": "Pending", "initContainerStatuses": [{ "name": "i", "state": { "terminated": { "exitCode": 0 } } }, { "name": "j", "state": {} }] } });
        assert_eq!(row(pod)[2], "Init:1/2");
    }
}
