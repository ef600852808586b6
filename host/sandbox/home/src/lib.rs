//! The home cluster: the objects and custom resource definitions of a Kubernetes home cluster in its settled state.
//!
//! It stands beside the simulated API server and the testbed, which load what it returns. It is data: it opens no file, no
//! socket, and knows no client. The only input is the present time, because ages and backup times are relative to it.

mod app;
mod autoscale;
mod backup;
mod clock;
mod cluster;
mod crd;
mod flux;
mod log;
mod meta;
mod pod;
mod release;
mod table;
mod volume;
mod workload;

pub use app::{App, Backup, Controller};
pub use backup::{Repository, repositories, repositories_at};
pub use crd::crds;
pub use log::logs;
pub use table::apps;

use clock::Clock;
use serde_json::Value;

/// Every object of the cluster with its status, in creation order: owners stand before what they own.
#[must_use]
pub fn objects() -> Vec<Value> {
    objects_at(jiff::Timestamp::now())
}

/// [`objects`] as they are at a given time.
#[must_use]
pub fn objects_at(now: jiff::Timestamp) -> Vec<Value> {
    let clock = Clock::new(now);
    let apps = apps();
    let mut objects = cluster::objects(&clock);
    objects.extend(flux::objects(&clock, &apps));
    objects.extend(apps.iter().flat_map(|app| release::objects(&clock, app)));
    objects.extend(apps.iter().flat_map(|app| volume::objects(&clock, app)));
    objects.extend(apps.iter().flat_map(|app| backup::objects(&clock, app)));
    objects.extend(apps.iter().flat_map(|app| workload::objects(&clock, app)));
    objects.extend(apps.iter().flat_map(|app| autoscale::objects(&clock, app)));
    objects
}

/// What a person would have written: [`objects`] without what controllers make (replica sets, pods, volumes, nodes) and
/// without the fields that only a server writes. A real API server accepts these.
#[must_use]
pub fn desired() -> Vec<Value> {
    objects()
        .into_iter()
        .filter(|object| !made_by_controller(object))
        .map(meta::without_server_fields)
        .collect()
}

fn made_by_controller(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    matches!(
        kind,
        "ReplicaSet"
            | "Pod"
            | "PersistentVolume"
            | "Node"
            | "HelmChart"
            | "HorizontalPodAutoscaler"
    ) || object["metadata"]["ownerReferences"].is_array()
}

#[cfg(test)]
mod tests;
