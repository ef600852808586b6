//! How operations are called by operations.

use agent_core::failure::Failure;
use agent_core::id::{CallId, Digest, OperationName};
use agent_core::journal::Returned;
use agent_core::undo::{Callee, Scope};
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::Gate;

/// How operations are called. The engine knows how; this room only knows when.
pub trait Operations: Send + Sync {
    /// Runs an operation inside the run of `caller`, at the place `call`, with rights of its own (see [`Gate::child`]). With a scope, whatever it changes is held
    /// by that scope. What it held itself is put back before this returns.
    fn call(
        &self,
        caller: Gate,
        call: CallId,
        operation: OperationName,
        arguments: Map<String, Value>,
        scope: Option<Scope>,
    ) -> BoxFuture<'static, Result<Returned, Failure>>;

    /// Finds an operation that is to be called later, and keeps its artifact until the run is over.
    ///
    /// # Errors
    /// When there is no such operation, when the arguments do not fit it, or when it can do more harm than the one that names it.
    fn find(
        &self,
        caller: &Gate,
        operation: &OperationName,
        arguments: &Map<String, Value>,
    ) -> Result<Digest, Failure>;

    /// Runs an operation that undoes something, at the place `call` (see [`Gate::compensating`]).
    fn compensate(
        &self,
        run: Gate,
        call: CallId,
        callee: Callee,
    ) -> BoxFuture<'static, Result<Returned, Failure>>;
}
