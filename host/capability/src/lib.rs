//! The capabilities that a plugin can have. Whatever they do passes the gate (`agent_gate`), which knows none of them.
//!
//! A noun is a file and a folder: `cluster`, `operations`, `run`. In each, `host` implements the WIT interface, `ask` says what a host call asks of the gate,
//! `convert` translates at its border, and `client` (where there is one) speaks to the outside. A client's methods want an [`agent_gate::Pass`] or an
//! [`agent_gate::WritePass`], and only [`agent_gate::Gate`] makes those: a host function that forgets the gate does not compile.
//!
//! Invariants: nothing here opens a file or reads the environment, or decides what a plugin may do; clients come from `wire.rs`, rights from
//! `agent_core::policy`. A denial and an I/O failure are values for the guest; a trap means a bug of ours.

#[expect(
    missing_docs,
    reason = "generated from the WIT files, which are the documentation"
)]
pub mod bindings;
pub mod cluster;
mod ctx;
pub mod holds;
pub mod operations;
pub mod run;
#[cfg(test)]
mod scene;

pub use agent_gate::{
    Before, Gate, GateConfig, Inbox, Install, Meter, Operations, Outbox, RunMemory, hash_of_secret,
    outbox,
};
pub use cluster::Lease;
pub use cluster::client::{ClusterClient, Connect, Connected, ConnectionSecrets};
pub use ctx::{PluginCtx, PluginView, add_cluster_to_linker, add_to_linker};
