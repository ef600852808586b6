//! The Kubernetes cluster: read, watch, change, hold.
//!
//! `client` speaks HTTP and tries again what can be tried again safely; `change` performs one change the way the gate wants it, with what
//! is needed to put it back; `undo` puts it back. Everything else is pure: which `fields` a patch sets, what a `projection` keeps.

pub(crate) mod cause;
mod change;
pub(crate) mod client;
mod convert;
pub(crate) mod failure;
pub(crate) mod fields;
mod host;
mod lease;
mod list;
pub(crate) mod projection;
mod reply;
mod select;
pub(crate) mod undo;
mod watch;

pub(crate) use change::redact;
pub(crate) use convert::object_ref;
pub(crate) use fields::{IDENTITY, escape};
pub(crate) use lease::LOCK_LOST;
pub use lease::Lease;
pub use watch::Watcher;

/// How long a server may stay away, in the middle of a run, before what waits for it fails: longer than a node takes to start again.
const AWAY: std::time::Duration = std::time::Duration::from_secs(90);

/// The manager that owns every field which the agent sets. Flux takes over the fields of managers that begin with `kubectl`, and would revert
/// them at its next reconcile.
const FIELD_MANAGER: &str = "agent";

/// The annotation on objects that the agent makes: run and effect, by which a creation whose answer was lost is known again.
const MARKER: &str = "agent.ops/effect";
