//! A noun that comes as a value: the cluster, and whatever is installed beside it.

use agent_capability::{ClusterClient, Install, add_cluster_to_linker};
use wasmtime::component::Linker;

use crate::instance::State;

/// See the module. What it does passes the gate like all else.
pub trait Noun: Install {
    /// Lets a component import its interfaces. [`agent_capability::PluginView`] leads from the state of a store to the gate.
    ///
    /// # Errors
    /// When an interface is defined in the linker already.
    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()>;
}

impl Noun for ClusterClient {
    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        add_cluster_to_linker(linker)
    }
}
