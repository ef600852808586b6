//! A Helm upgrade, as far as a workload shows it: the replica counts of the values are applied again, and Helm waits until what
//! it manages is ready, looking every five seconds.

use super::release::MANAGER;
use crate::kind::Kind;
use crate::object::{Object, now};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The digest of the values: an upgrade is needed when it changes.
pub(super) fn digest(item: &Object) -> String {
    format!(
        "sha256:{}",
        hex::encode(Sha256::digest(
            canonical(&item["spec"]["values"]).as_bytes()
        ))
    )
}

/// JSON with its keys in order, whatever order they came in.
fn canonical(value: &Value) -> String {
    let Some(fields) = value.as_object() else {
        return value.to_string();
    };
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let parts: Vec<String> = sorted
        .iter()
        .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
        .collect();
    format!("{{{}}}", parts.join(","))
}

fn timeout(world: &World, item: &Object) -> Duration {
    duration(item.text("/spec/timeout")).unwrap_or(world.options.helm_timeout)
}

/// The timeout as a message shows it.
pub(super) fn timeout_text(item: &Object) -> &str {
    match item.text("/spec/timeout") {
        "" => "5m0s",
        text => text,
    }
}

/// A duration of one unit or several, `5m`, `1h30m`, `200ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|letter: char| letter.is_ascii_digit())
            .map_or(rest.len(), |end| digits + end);
        total += match &rest[digits..unit_end] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(60 * number),
            "h" => Duration::from_secs(3600 * number),
            _ => return None,
        };
        rest = &rest[unit_end..];
    }
    (!text.is_empty()).then_some(total)
}

/// Upgrades and waits. The inner error is why the release did not get ready.
pub(super) async fn run(world: &World, item: &Object) -> Result<std::result::Result<(), String>> {
    if let Some((_, message)) = world
        .faults
        .broken("HelmRelease", item.namespace(), item.name())
    {
        return Ok(Err(message));
    }
    apply(world, item).await?;
    let deadline = Instant::now() + timeout(world, item);
    loop {
        sleep(
            world
                .options
                .helm_poll
                .min(deadline.duration_since(Instant::now())),
        )
        .await;
        match unready(world, item) {
            None => return Ok(Ok(())),
            Some(name) if Instant::now() >= deadline => {
                return Ok(Err(format!(
                    "resource {name} not ready. status: InProgress, context deadline exceeded"
                )));
            }
            Some(_) => {}
        }
    }
}

const KINDS: [Kind; 4] = [
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::CronJob,
];

fn workloads(world: &World, item: &Object) -> Vec<(Kind, Arc<Object>)> {
    let of_release = |object: &Arc<Object>| {
        object.label("helm.toolkit.fluxcd.io/name") == Some(item.name())
            && object
                .label("helm.toolkit.fluxcd.io/namespace")
                .is_none_or(|space| space == item.namespace())
    };
    KINDS
        .into_iter()
        .flat_map(|kind| {
            world
                .cached_all(kind, item.namespace())
                .into_iter()
                .map(move |object| (kind, object))
        })
        .filter(|(_, object)| of_release(object))
        .collect()
}

/// Applies what the values say of the release's workloads.
pub(super) async fn apply(world: &World, item: &Object) -> Result<()> {
    for (kind, workload) in workloads(world, item) {
        let values = &item["spec"]["values"]["controllers"][workload.name()];
        let patch = match kind {
            Kind::CronJob => {
                json!({"spec": {"suspend": values["cronjob"]["suspend"].as_bool().unwrap_or(false)}})
            }
            Kind::DaemonSet => continue,
            _ => {
                json!({"spec": {"replicas": values["replicas"].as_i64().unwrap_or_else(|| usual(&workload))}})
            }
        };
        let same = patch["spec"].as_object().is_some_and(|fields| {
            fields
                .iter()
                .all(|(name, value)| workload["spec"][name] == *value)
        });
        if !same {
            let key = Key::new(kind, workload.namespace(), workload.name());
            world.patch(&key, MANAGER, &patch).await?;
        }
    }
    Ok(())
}

/// The replicas of a chart whose values say nothing: what runs, and one when nothing runs.
fn usual(workload: &Object) -> i64 {
    workload.int("/spec/replicas").unwrap_or(1).max(1)
}

/// The first workload that is not ready.
fn unready(world: &World, item: &Object) -> Option<String> {
    let is_ready = |kind: Kind, object: &Object| {
        let wanted = object.int("/spec/replicas").unwrap_or(1);
        let seen = object
            .int("/status/observedGeneration")
            .is_some_and(|seen| seen >= object.generation());
        match kind {
            Kind::CronJob => true,
            Kind::DaemonSet => {
                object["status"]["numberReady"] == object["status"]["desiredNumberScheduled"]
            }
            Kind::StatefulSet => seen && object.int("/status/readyReplicas").unwrap_or(0) >= wanted,
            _ => seen && object.int("/status/availableReplicas").unwrap_or(0) >= wanted,
        }
    };
    workloads(world, item)
        .into_iter()
        .find(|(kind, object)| !is_ready(*kind, object))
        .map(|(kind, object)| format!("{}/{}/{}", kind.name(), object.namespace(), object.name()))
}

/// The history with a new release in front, as long as the spec keeps it.
pub(super) fn history(item: &Object, chart: &str, version: &str, digest: &str) -> Value {
    let old = item.list("/status/history");
    let number = old
        .iter()
        .filter_map(|entry| entry["version"].as_i64())
        .max()
        .unwrap_or(0)
        + 1;
    let time = now();
    let first = old
        .last()
        .map_or(json!(time), |entry| entry["firstDeployed"].clone());
    let app = old
        .first()
        .map_or(Value::Null, |entry| entry["appVersion"].clone());
    let id = hex::encode(Sha256::digest(
        format!("{}/{}.v{number}", item.namespace(), item.name()).as_bytes(),
    ));
    let mut all = vec![json!({
        "name": item.name(), "namespace": item.namespace(), "version": number, "chartName": chart, "chartVersion": version,
        "appVersion": app, "status": "deployed", "firstDeployed": first, "lastDeployed": time, "configDigest": digest,
        "digest": format!("sha256:{id}"),
    })];
    if all[0]["appVersion"].is_null() {
        all[0]["appVersion"] = json!(version);
    }
    let keep = usize::try_from(item.int("/spec/maxHistory").unwrap_or(5))
        .unwrap_or(5)
        .max(1);
    for entry in old.iter().take(keep - 1) {
        let mut entry = entry.clone();
        entry["status"] = json!("superseded");
        all.push(entry);
    }
    json!(all)
}

/// Deletes the workloads of a release, and its services.
pub(super) async fn uninstall(world: &World, item: &Object) -> Result<()> {
    for (kind, workload) in workloads(world, item) {
        world
            .delete(&Key::new(kind, workload.namespace(), workload.name()), None)
            .await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_go_s() {
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("200ms"), Some(Duration::from_millis(200)));
        assert_eq!(duration("soon"), None);
        assert_eq!(duration(""), None);
    }

    #[test]
    fn history_keeps_as_many_as_the_spec_says() {
        let item = Object(json!({
            "metadata": {"name": "plex", "namespace": "media"}, "spec": {"maxHistory": 2},
            "status": {"history": [{"version": 7, "status": "deployed"}, {"version": 6, "status": "superseded"}]},
        }));
        let history = history(&item, "app-template", "4.5.0", "sha256:x");
        let versions: Vec<i64> = history
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["version"].as_i64().unwrap())
            .collect();
        assert_eq!(versions, [8, 7]);
        assert_eq!(history[1]["status"], "superseded");
    }
}
