//! The Kubernetes cluster: read, watch, change, hold.
//!
//! `client` speaks HTTP and tries again what can be tried again safely; `change` performs one change the way the gate wants it, with what
//! is needed to put it back; `undo` puts it back. Everything else is pure: which `fields` a patch sets, what a `projection` keeps.

use std::sync::Arc;

use agent_core::failure::Failure;
use agent_core::object::CLUSTER;
use agent_gate::{Capability, Entry, Gate, Install, Pass, PutBack, RunParts};
use futures::future::BoxFuture;
use serde_json::Value;

mod ask;
pub(crate) mod cause;
mod change;
pub(crate) mod client;
mod convert;
pub(crate) mod failure;
pub(crate) mod fields;
pub mod ground;
mod host;
mod lease;
mod list;
mod overlay;
pub(crate) mod projection;
mod reply;
mod sealed;
pub(crate) mod secret;
mod select;
pub(crate) mod undo;
mod watch;

pub(crate) use convert::object_ref;
pub(crate) use fields::{IDENTITY, escape};
pub use lease::Lease;
pub use watch::Watcher;

use client::ClusterClient;
use ground::Ground;
use overlay::Overlay;

/// The cluster in one run.
pub struct Cluster {
    pub(crate) client: ClusterClient,
    /// What a plan has made of it.
    pub(crate) overlay: Overlay,
    /// What a plan rests on.
    pub(crate) ground: Ground,
}

impl Install for ClusterClient {
    fn of_run(&self, run: &RunParts) -> Arc<dyn Capability> {
        let client = self.clone();
        Arc::new(Cluster {
            client: client.of_run(run.stopped.clone(), run.secrets.clone()),
            overlay: Overlay::new(run.memory.clone()),
            ground: Ground::new(run.memory.clone()),
        })
    }
}

impl Capability for Cluster {
    fn name(&self) -> &'static str {
        CLUSTER
    }

    fn put_back<'a>(
        &'a self,
        pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<PutBack, Failure>> {
        Box::pin(undo::put_back(&self.client, pass, entry))
    }

    fn lost<'a>(
        &'a self,
        pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(undo::lost(&self.client, pass, entry))
    }

    fn imagine_put_back(&self, entry: &Entry) {
        self.overlay.put_back(entry);
    }

    fn rests_on(&self, gate: &Gate) -> Option<Value> {
        self.ground.finish(gate)
    }

    fn changed<'a>(
        &'a self,
        pass: &'a Pass,
        rests_on: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<String>, Failure>> {
        Box::pin(ground::changes(&self.client, pass, rests_on))
    }

    fn without_details(&self, failure: &Failure) -> Option<&'static str> {
        failure::without_details(failure)
    }
}

/// How long a server may stay away, in the middle of a run, before what waits for it fails: longer than a node takes to start again.
const AWAY: std::time::Duration = std::time::Duration::from_secs(90);

/// The manager that owns every field which the agent sets. Flux takes over the fields of managers that begin with `kubectl`, and would revert
/// them at its next reconcile.
const FIELD_MANAGER: &str = "agent";

/// The annotation on objects that the agent makes: run and effect, by which a creation whose answer was lost is known again.
const MARKER: &str = "agent.ops/effect";
