//! The controllers against the simulated API server with the home cluster in it: what they do, seen through the API only.

#![expect(
    clippy::unwrap_used,
    reason = "a test panics when what it stands on breaks"
)]

#[path = "world/cluster.rs"]
mod cluster;
#[path = "world/flux.rs"]
mod flux;
#[path = "world/keda.rs"]
mod keda;
#[path = "world/settled.rs"]
mod settled;
#[path = "world/volsync.rs"]
mod volsync;
#[path = "world/workload.rs"]
mod workload;
