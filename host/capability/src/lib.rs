//! The powers that a plugin can have, and the gate that each of them passes.
//!
//! A noun is a file and a folder: `cluster`, `operations`, `run`. In each, `host` implements the WIT interface, `convert` translates at its
//! border, and `client` (where there is one) speaks to the outside. A client's methods want a [`gate::Pass`] or a [`gate::Intent`], and only
//! [`gate::Gate`] makes those: a host function that forgets the gate does not compile.
//!
//! Invariants: nothing here opens a file or reads the environment, or decides what a plugin may do; clients come from `wire.rs`, rights from
//! `agent_core::policy`. A denial and an I/O failure are values for the guest; a trap means a bug of ours.

#[expect(
    missing_docs,
    reason = "generated from the WIT files, which are the documentation"
)]
pub mod bindings;
pub mod cluster;
pub mod gate;
pub mod holds;
mod memory;
mod meter;
pub mod operations;
mod powers;
pub mod run;

pub use cluster::Lease;
pub use cluster::client::{ClusterClient, Connect, Connected, ConnectionSecrets};
pub use gate::{Before, Gate, GateConfig, Inbox, Outbox, hash_of_secret, outbox};
pub use memory::RunMemory;
pub use meter::Meter;
pub use operations::Operations;
pub use powers::{Powers, PowersView, add_to_linker};
