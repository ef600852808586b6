//! Operations that operations call: the same look-up and decision as for a person, with rights of the callee's own, inside the caller's run.

use std::sync::Arc;
use std::time::Duration;

use agent_capability::{Gate, Operations};
use agent_core::event::{Event, Level};
use agent_core::failure::Failure;
use agent_core::id::{CallId, OperationName};
use agent_core::journal::Returned;
use agent_core::secret::Secrets;
use agent_core::undo::Scope;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::agent::Inner;
use crate::prepare::{self, prepare};

/// Gives a gate the way back to the engine.
pub(crate) struct Nested(pub(crate) Arc<Inner>);

impl Operations for Nested {
    fn call(
        &self,
        caller: Gate,
        place: CallId,
        operation: OperationName,
        arguments: Map<String, Value>,
        scope: Option<Scope>,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        let inner = self.0.clone();
        Box::pin(async move { call(&inner, &caller, place, &operation, arguments, scope).await })
    }
}

async fn call(
    inner: &Inner,
    caller: &Gate,
    place: CallId,
    operation: &OperationName,
    arguments: Map<String, Value>,
    scope: Option<Scope>,
) -> Result<Returned, Failure> {
    let found = inner.found(operation, caller.called_before(&place).as_ref())?;
    let prepared = prepare(
        found,
        &inner.limits,
        operation,
        arguments,
        &Secrets::default(),
    )?;
    caller.learn(&prepared.secrets);
    inner.keep(&prepared)?;
    caller.note_called(&place, operation, &prepared.found.digest);
    if let Some(message) = prepared.found.note.clone() {
        let level = Level::Warn;
        caller.emit(Event::Logged { level, message });
    }
    let gate = caller.child(
        place,
        prepared.plugin(),
        operation.clone(),
        prepared.grants.clone(),
        scope,
    )?;
    // The run as a whole has its own deadline; this is for a callee that asks for less.
    let wall = Duration::from_millis(prepared.limits.wall_ms);
    let called = tokio::time::timeout(wall, inner.execute(&prepared, gate.clone())).await;
    // What it held itself must not outlive it. What could not be put back stays with the run, which tries once more and reports it.
    match called {
        Ok(returned) => {
            gate.close(returned.is_ok()).await;
            returned
        }
        Err(_too_long) => {
            gate.close_with_callees().await;
            Err(prepare::out_of_time(&prepared))
        }
    }
}
