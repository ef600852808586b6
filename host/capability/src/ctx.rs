//! What one store holds for its host functions.

use std::sync::Arc;

use agent_core::failure::{Failure, Kind};
use agent_core::limits::Limits;
use agent_gate::Gate;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use crate::bindings::ops;
use crate::bindings::ops::types::types::Error;
use crate::cluster::Cluster;
use crate::run::{LogBook, Step};

/// The context of one instance: its gate, and the resources that the guest holds.
pub struct PluginCtx {
    pub(crate) gate: Gate,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) table: ResourceTable,
    pub(crate) log: LogBook,
    pub(crate) watches: usize,
    /// Steps that the guest has let go of before they ended.
    pub(crate) steps: Vec<Step>,
    pub(crate) limits: Limits,
}

/// Lends the context out of whatever a store's data is.
pub trait PluginView: Send {
    /// Returns the context.
    fn ctx(&mut self) -> &mut PluginCtx;
}

/// Lets a component import the cluster.
///
/// # Errors
/// When the interface is defined in the linker already.
pub fn add_cluster_to_linker<T: PluginView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    ops::cluster::cluster::add_to_linker::<T, HasSelf<PluginCtx>>(linker, T::ctx)
}

/// Lets a component import what is of no noun: the run, operations, and the words that all share.
///
/// # Errors
/// When an interface is defined in the linker already.
pub fn add_to_linker<T: PluginView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    ops::run::run::add_to_linker::<T, HasSelf<PluginCtx>>(linker, T::ctx)?;
    ops::types::types::add_to_linker::<T, HasSelf<PluginCtx>>(linker, T::ctx)?;
    ops::types::holds::add_to_linker::<T, HasSelf<PluginCtx>>(linker, T::ctx)?;
    ops::operations::operations::add_to_linker::<T, HasSelf<PluginCtx>>(linker, T::ctx)
}

impl ops::types::types::Host for PluginCtx {}

impl PluginCtx {
    /// Makes the context of an instance that acts through `gate`.
    ///
    /// # Errors
    /// `internal` (`agent.bug`) when the run was opened without a capability.
    pub fn new(gate: Gate, limits: &Limits) -> Result<PluginCtx, Failure> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.table_entries);
        gate.limit(limits);
        let log = LogBook::new(gate.clone());
        Ok(PluginCtx {
            cluster: gate.capability()?,
            gate,
            table,
            log,
            watches: 0,
            steps: Vec::new(),
            limits: limits.clone(),
        })
    }

    /// Returns what the guest is told of a failure.
    pub fn told(&self, failure: Failure) -> Error {
        self.gate.told(failure).into()
    }

    /// Returns the gate.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns the log, for lines that do not come through a host call.
    pub fn log_book(&self) -> LogBook {
        self.log.clone()
    }

    /// Returns the resources that the guest holds.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    /// Puts a resource into the table. A full table is a limit that tripped, not a bug.
    ///
    /// # Errors
    /// `exhausted` (`run.too-many-resources`).
    pub fn hand_out<R: Send + 'static>(&mut self, resource: R) -> Result<Resource<R>, Failure> {
        self.table.push(resource).map_err(|error| {
            let entries = self.limits.table_entries;
            Failure::of(Kind::Exhausted, "run.too-many-resources", &error).while_doing(format!(
                "the plugin holds more than {entries} resources at once"
            ))
        })
    }
}
