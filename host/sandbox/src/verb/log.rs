//! `pods/log`: reading what a pod has written, and (here only) writing it.
//!
//! A real server reads from the node's kubelet. The controllers that play it write with `PUT` (the whole log) or `POST` (more of
//! it), as `text/plain`.

use std::fmt::Write as _;
use std::sync::Arc;

use futures::stream;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::object;
use crate::pod_log::Line;
use crate::request::Request;
use crate::respond::Answer;
use crate::route::Target;
use crate::status::ApiError;
use crate::world::World;

pub(crate) fn write(world: &World, target: &Target, request: &Request) -> Result<Answer, ApiError> {
    super::current(world, target)?;
    let text = String::from_utf8_lossy(&request.body);
    match request.method.as_str() {
        "POST" => world.logs.append(target.space(), target.name(), &text),
        _ => world.logs.set(target.space(), target.name(), &text),
    }
    Ok(Answer::json(
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" }),
    ))
}

/// Which lines, and how.
struct Wanted {
    since: Option<Timestamp>,
    timestamps: bool,
}

impl Wanted {
    fn write(&self, lines: &[Line]) -> String {
        let mut out = String::new();
        for line in lines
            .iter()
            .filter(|line| self.since.is_none_or(|since| line.time >= since))
        {
            let written = if self.timestamps {
                writeln!(out, "{:.9} {}", line.time, line.text)
            } else {
                writeln!(out, "{}", line.text)
            };
            debug_assert!(written.is_ok(), "writing to memory does not fail");
        }
        out
    }
}

pub(crate) fn read(
    world: &Arc<World>,
    target: &Target,
    request: &Request,
) -> Result<Answer, ApiError> {
    let pod = super::current(world, target)?;
    let query = &request.query;
    check_container(&pod, target, query.get("container"))?;
    let since_seconds = query
        .number("sinceSeconds")
        .and_then(|seconds| i64::try_from(seconds).ok());
    let wanted = Wanted {
        since: query
            .get("sinceTime")
            .and_then(|time| time.parse().ok())
            .or_else(|| {
                since_seconds.map(|seconds| Timestamp::now() - SignedDuration::from_secs(seconds))
            }),
        timestamps: query.is_true("timestamps"),
    };
    let receiver = world.logs.subscribe();
    let mut lines = world.logs.read(target.space(), target.name(), 0);
    let next = lines.len();
    if let Some(tail) = query
        .number("tailLines")
        .and_then(|tail| usize::try_from(tail).ok())
    {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text = wanted.write(&lines);
    if let Some(limit) = query
        .number("limitBytes")
        .and_then(|limit| usize::try_from(limit).ok())
    {
        text.truncate(text.floor_char_boundary(limit));
    }
    if !query.is_true("follow") {
        return Ok(Answer::Text {
            code: 200,
            text,
            media_type: "text/plain",
        });
    }
    let follow = Follow {
        world: Arc::clone(world),
        target: target.clone(),
        wanted,
        receiver,
        first: Some(text),
        next,
    };
    let chunks = Box::pin(stream::unfold(follow, |mut follow| async move {
        follow.next().await.map(|bytes| (bytes, follow))
    }));
    Ok(Answer::Chunks {
        chunks,
        media_type: "text/plain",
    })
}

/// A log that is read until its pod is done.
struct Follow {
    world: Arc<World>,
    target: Target,
    wanted: Wanted,
    receiver: watch::Receiver<u64>,
    first: Option<String>,
    next: usize,
}

impl Follow {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Some(Bytes::from(first));
        }
        let mut pods = self
            .world
            .store
            .lock()
            .subscribe(&self.target.resource.bucket());
        loop {
            // The end is looked at before the lines: what is written before the pod ends is read.
            let ended = super::current(&self.world, &self.target)
                .map_or(true, |pod| crate::policy::is_over(&pod));
            self.receiver.borrow_and_update();
            pods.borrow_and_update();
            let lines = self
                .world
                .logs
                .read(self.target.space(), self.target.name(), self.next);
            self.next += lines.len();
            let text = self.wanted.write(&lines);
            if !text.is_empty() {
                return Some(Bytes::from(text));
            }
            if ended {
                return None;
            }
            tokio::select! {
                changed = self.receiver.changed() => changed.ok()?,
                changed = pods.changed() => changed.ok()?,
            }
        }
    }
}

fn check_container(pod: &Value, target: &Target, wanted: Option<&str>) -> Result<(), ApiError> {
    let pod_name = target.name();
    let all = ["containers", "initContainers", "ephemeralContainers"];
    let names: Vec<&str> = all
        .iter()
        .flat_map(|key| object::list(&pod["spec"][*key]))
        .filter_map(|container| container["name"].as_str())
        .collect();
    let main: Vec<&str> = object::list(&pod["spec"]["containers"])
        .iter()
        .filter_map(|container| container["name"].as_str())
        .collect();
    let name = match wanted {
        Some(name) if names.contains(&name) => name,
        Some(name) => {
            return Err(ApiError::bad_request(format!(
                "container {name} is not valid for pod {pod_name}"
            )));
        }
        None if main.len() > 1 => {
            return Err(ApiError::bad_request(format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                main.join(" ")
            )));
        }
        None => main.first().copied().unwrap_or_default(),
    };
    let waiting = pod["status"]["phase"] == "Pending";
    if waiting {
        let statuses = object::list(&pod["status"]["containerStatuses"]);
        let reason = statuses
            .iter()
            .find(|status| status["name"] == name)
            .and_then(|status| status["state"]["waiting"]["reason"].as_str());
        let why = reason.map_or(String::new(), |reason| {
            format!(" is waiting to start: {reason}")
        });
        if why.is_empty() {
            // A pod without a node has no log yet; the real server says so with an empty answer.
            return Ok(());
        }
        return Err(ApiError::bad_request(format!(
            "container \"{name}\" in pod \"{pod_name}\"{why}"
        )));
    }
    Ok(())
}
