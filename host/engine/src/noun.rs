//! A capability that comes as a value, and is linked beside those which the engine knows.

use agent_capability::Install;
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
