//! The life of a pod, and the status in which it is told.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::container::{self, Container, Order, words};
use super::volume::text;
use super::{Node, Run, environment, lock, volume};

/// Between two tries of what is missing.
const PAUSE: Duration = Duration::from_millis(300);

/// Whether the containers of a pod run here. The same rule as [`super::OURS`].
pub(super) fn is_ours(pod: &Value) -> bool {
    let of_job = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"].is_string();
    let images = ["restic", "volsync"];
    of_job
        && containers(pod).iter().any(|one| {
            let image = text(&one["image"]);
            images.iter().any(|word| image.contains(word))
        })
}

fn containers(pod: &Value) -> &[Value] {
    let containers = pod["spec"]["containers"].as_array();
    containers.map(Vec::as_slice).unwrap_or_default()
}

/// A pod as it lives.
struct Life {
    node: Arc<Node>,
    namespace: String,
    name: String,
    uid: String,
    told: watch::Receiver<Value>,
    started: Timestamp,
}

/// Runs a pod from its node to its end, and removes it when somebody has deleted it.
pub(super) async fn live(node: Arc<Node>, told: watch::Receiver<Value>) {
    let pod = told.borrow().clone();
    let of = |name: &str| text(&pod["metadata"][name]).to_owned();
    let life = Life {
        node,
        namespace: of("namespace"),
        name: of("name"),
        uid: of("uid"),
        told,
        started: Timestamp::now(),
    };
    // Every error is one of the API server, which goes away at the end of a test only.
    if let Err(err) = life.run().await {
        tracing::debug!("pod `{}`: {err:#}", pod["metadata"]["name"]);
    }
}

impl Life {
    async fn run(mut self) -> anyhow::Result<()> {
        let over = ["Succeeded", "Failed"].contains(&text(&self.pod()["status"]["phase"]));
        while self.pod()["spec"]["nodeName"].is_null() && !self.is_going() {
            self.told.changed().await?;
        }
        if !over && !self.is_going() {
            self.contain().await?;
        }
        while !self.is_going() {
            self.told.changed().await?;
        }
        self.remove().await
    }

    fn pod(&self) -> Value {
        self.told.borrow().clone()
    }

    fn is_going(&self) -> bool {
        self.told.borrow()["metadata"]["deletionTimestamp"].is_string()
    }

    /// Runs the containers, once everything is there that they need.
    async fn contain(&mut self) -> anyhow::Result<()> {
        let pod = self.pod();
        self.report("Pending", |_| waiting("ContainerCreating", None))
            .await?;
        let mut running = Vec::new();
        for container in containers(&pod) {
            match self.begin(&pod, container).await? {
                Some(begun) => running.push(begun),
                None => return Ok(()),
            }
        }
        let started = Timestamp::now();
        let state = json!({"running": {"startedAt": second(started)}});
        self.report("Running", |_| state.clone()).await?;
        let codes = self.until_ended(&mut running).await;
        let finished = Timestamp::now();
        tokio::time::sleep(self.node.faults().late).await;
        let failed = codes.iter().any(|code| *code != 0);
        let phase = if failed { "Failed" } else { "Succeeded" };
        self.report(phase, |index| {
            let code = codes[index];
            let reason = if code == 0 { "Completed" } else { "Error" };
            json!({"terminated": {
                "exitCode": code, "reason": reason, "startedAt": second(started), "finishedAt": second(finished),
            }})
        })
        .await
    }

    /// Starts a container; none when the pod was deleted before.
    async fn begin(
        &mut self,
        pod: &Value,
        one: &Value,
    ) -> anyhow::Result<Option<(Container, usize)>> {
        let (environment, mounts) = loop {
            if self.is_going() {
                return Ok(None);
            }
            let mounts = volume::mounts(&self.node, pod, one).await;
            match (mounts, environment::of(&self.node, pod, one).await?) {
                (Err(err), _) => self.event("FailedMount", &format!("{err:#}")).await,
                (Ok(_), Err(why)) => {
                    let state = waiting("CreateContainerConfigError", Some(&why));
                    self.report("Pending", |_| state.clone()).await?;
                }
                (Ok(mounts), Ok(environment)) => break (environment, mounts),
            }
            let _changed = tokio::time::timeout(PAUSE, self.told.changed()).await;
        };
        let name = text(&one["name"]);
        let log = self
            .node
            .logs
            .open(&self.namespace, &self.name, name)
            .await?;
        let order = Order {
            pod,
            container: one,
            mounts: &mounts,
            environment: &environment,
        };
        let container = container::start(&self.node, &order, &log)?;
        let mut runs = lock(&self.node.runs);
        runs.push(Run {
            pod: (self.namespace.clone(), self.name.clone()),
            arguments: words(&one["args"]),
            started: Timestamp::now(),
            ended: None,
        });
        Ok(Some((container, runs.len() - 1)))
    }

    /// Waits until all have ended. Once the pod is deleted they are asked to end, and after the grace period they are ended.
    async fn until_ended(&mut self, running: &mut [(Container, usize)]) -> Vec<i32> {
        let mut signals = Vec::new();
        loop {
            let all = join_all(running.iter_mut().map(|(one, _)| one.ended()));
            let grace = self.told.borrow()["metadata"]["deletionGracePeriodSeconds"].as_u64();
            let next = match (self.is_going(), signals.len()) {
                (false, _) => None,
                (true, 0) => Some((Signal::TERM, Duration::ZERO)),
                (true, _) => Some((Signal::KILL, Duration::from_secs(grace.unwrap_or(30)))),
            };
            let due = async {
                match next {
                    Some((signal, after)) => {
                        tokio::time::sleep(after).await;
                        signal
                    }
                    None => std::future::pending().await,
                }
            };
            let signal = tokio::select! {
                codes = all => {
                    let mut runs = lock(&self.node.runs);
                    for ((_, index), code) in running.iter().zip(&codes) {
                        runs[*index].ended = Some((Timestamp::now(), *code));
                    }
                    return codes;
                }
                signal = due => signal,
                // Once it is going, nothing that is told changes that.
                _ = self.told.changed(), if next.is_none() => continue,
            };
            running.iter_mut().for_each(|(one, _)| one.signal(signal));
            signals.push(signal);
        }
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.node.client.clone(), &self.namespace)
    }

    async fn remove(&self) -> anyhow::Result<()> {
        let how = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                ..Preconditions::default()
            }),
            ..DeleteParams::default()
        };
        self.pods().delete(&self.name, &how).await?;
        Ok(())
    }

    /// Writes the status: a phase, and the state of each container.
    async fn report(&self, phase: &str, state: impl Fn(usize) -> Value) -> anyhow::Result<()> {
        let pod = self.pod();
        let running = phase == "Running";
        let statuses = containers(&pod).iter().enumerate().map(|(index, one)| {
            json!({
                "name": one["name"], "image": one["image"], "imageID": "", "ready": running, "started": running,
                "restartCount": 0, "state": state(index),
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
        let condition = |kind: &str, status: &str, reason: &Value| json!({"type": kind, "status": status, "reason": reason, "lastTransitionTime": now});
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
        let status = json!({
            "phase": phase, "conditions": conditions, "containerStatuses": statuses, "hostIP": "127.0.0.1",
            "startTime": second(self.started), "qosClass": pod["status"]["qosClass"],
        });
        let patch = Patch::Merge(json!({"metadata": {"uid": self.uid}, "status": status}));
        let params = PatchParams::default();
        self.pods()
            .patch_status(&self.name, &params, &patch)
            .await?;
        Ok(())
    }

    async fn event(&self, reason: &str, message: &str) {
        let now = second(Timestamp::now());
        let event = serde_json::from_value::<Event>(json!({
            "metadata": {"generateName": format!("{}.", self.name), "namespace": self.namespace},
            "involvedObject": {
                "apiVersion": "v1", "kind": "Pod", "namespace": self.namespace, "name": self.name, "uid": self.uid,
            },
            "reason": reason, "message": message, "type": "Warning", "count": 1, "firstTimestamp": now, "lastTimestamp": now,
            "source": {"component": "kubelet"},
        }));
        let events: Api<Event> = Api::namespaced(self.node.client.clone(), &self.namespace);
        if let Ok(event) = event {
            // Events are for people: one that is lost stops nothing.
            let _lost = events.create(&PostParams::default(), &event).await;
        }
    }
}

fn waiting(reason: &str, message: Option<&str>) -> Value {
    json!({"waiting": {"reason": reason, "message": message}})
}

/// In the API's form, which has whole seconds.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
