//! A real Kubernetes control plane for tests: API server, etcd, controller-manager, scheduler, kwok, Flux's kustomize-controller.
//!
//! It stands beside the simulated cluster of `agent-sandbox`: the same scenarios run in both, and where the two differ the
//! simulation is wrong. [`Testbed::start`] starts the servers on loopback with new ports and a temporary folder, and loads the
//! definitions and nodes of the home cluster; dropping it, a panic or the death of this process ends them all.
//!
//! The servers are built by `cargo xtask testbed`; this crate builds nothing, downloads nothing and never touches a cluster
//! other than its own. kwok moves nodes, pods and volumes through the stages in `kwok/stages.yaml`, and
//! [`PodLogs`] says what a pod has printed and how it ends, so no containers run. With [`Testbed::start_with_containers`] those
//! of restic do, out of [`Kubelet`], and with [`Testbed::start_volsync`] the real VolSync makes its movers. Helm and KEDA are not here; the
//! sandbox's controllers play them as ordinary API clients, and VolSync where it is not started. [`fault`] puts a proxy in front of any API server that loses and refuses requests.
#![expect(
    clippy::disallowed_methods,
    reason = "a test harness: it starts servers and keeps their files in a folder of its own"
)]

mod artifact;
mod background;
pub mod fault;
mod group;
mod home;
mod identity;
mod kubelet;
mod load;
mod pod;
mod server;
mod testbed;
mod wait;

pub use artifact::Artifacts;
pub use identity::{ADMIN, USERS, User};
pub use kubelet::{Kubelet, Run, WRITES};
pub use load::load;
pub use pod::{LogSink, PodLogs};
pub use testbed::Testbed;
