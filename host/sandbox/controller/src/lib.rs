//! The controllers of the home cluster: Flux, VolSync, KEDA, and the workload controllers with their kubelet.
//!
//! They stand beside an API server, simulated or real, and are ordinary clients of it: everything they learn they learn by list
//! and watch, everything they do they do by create, patch and delete. So they run unchanged in both worlds; [`Options`]
//! switches off those that the world plays itself. This crate opens no socket of its own and no file, never reads a server's
//! memory, and knows nothing of any particular cluster.
//!
//! The flow: `watch` fills the cache and wakes keys in the `queue`; `dispatch` hands
//! a key to the one function that reconciles its kind. What lies outside the API, the restic repositories and the data on the
//! volumes, is kept in [`Repositories`] and [`Volumes`], which tests read and change.

mod container;
mod controllers;
mod dispatch;
mod event;
mod fault;
mod flux;
mod keda;
mod kind;
mod object;
mod options;
mod queue;
mod restic;
mod schedule;
mod settle;
mod volsync;
mod volumes;
mod watch;
mod workload;
mod world;

pub use controllers::Controllers;
pub use options::{Options, PodLogSink};
pub use restic::{Lock, Repositories, Snapshot};
pub use settle::{SettleError, settle};
pub use volumes::Volumes;
