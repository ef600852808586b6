//! Operations that operations call: the same look-up and decision as for a person, with rights of the callee's own, inside the caller's run.

use std::sync::Arc;
use std::time::Duration;

use agent_capability::{Gate, Operations};
use agent_core::event::{Event, Level};
use agent_core::failure::{Failure, Kind};
use agent_core::id::{CallId, Digest, OperationName};
use agent_core::journal::Returned;
use agent_core::secret::Secrets;
use agent_core::undo::{Callee, Scope};
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::prepare::{self, Prepared, prepare};
use crate::runtime::Runtime;

/// Gives a gate the way back to the runtime.
pub(crate) struct Nested(pub(crate) Arc<Runtime>);

impl Operations for Nested {
    fn call(
        &self,
        caller: Gate,
        place: CallId,
        operation: OperationName,
        arguments: Map<String, Value>,
        scope: Option<Scope>,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        let runtime = self.0.clone();
        Box::pin(async move { call(&runtime, &caller, place, &operation, arguments, scope).await })
    }

    fn find(
        &self,
        caller: &Gate,
        operation: &OperationName,
        arguments: &Map<String, Value>,
    ) -> Result<Digest, Failure> {
        let prepared = prepared(&self.0, operation, arguments.clone(), None)?;
        caller.may_call_later(operation, prepared.grants.risk())?;
        caller.learn(&prepared.secrets);
        self.0.keep(&prepared)?;
        Ok(prepared.found.digest.clone())
    }

    fn compensate(
        &self,
        run: Gate,
        place: CallId,
        callee: Callee,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        let runtime = self.0.clone();
        Box::pin(async move { compensate(&runtime, &run, place, callee).await })
    }
}

async fn compensate(
    runtime: &Runtime,
    run: &Gate,
    place: CallId,
    callee: Callee,
) -> Result<Returned, Failure> {
    let Callee {
        operation,
        arguments,
        digest,
        risk,
        within,
        // It was opened when the record was read.
        sealed: _,
    } = callee;
    let prepared = prepared(runtime, &operation, arguments, Some(&digest))?;
    if prepared.grants.risk() > risk {
        let message = format!("`{operation}` can do more harm than what it was to undo");
        return Err(Failure::new(Kind::Denied, "operations.riskier", message));
    }
    let gate = run.compensating(
        place,
        prepared.plugin(),
        operation,
        digest,
        prepared.grants.clone().within(within),
    );
    bounded(runtime, &prepared, gate).await
}

fn prepared(
    runtime: &Runtime,
    operation: &OperationName,
    arguments: Map<String, Value>,
    digest: Option<&Digest>,
) -> Result<Prepared, Failure> {
    let found = runtime.lookup(operation, digest)?;
    prepare(
        found,
        &runtime.limits,
        operation,
        arguments,
        &Secrets::default(),
    )
}

async fn call(
    runtime: &Runtime,
    caller: &Gate,
    place: CallId,
    operation: &OperationName,
    arguments: Map<String, Value>,
    scope: Option<Scope>,
) -> Result<Returned, Failure> {
    let before = caller.called_before(&place);
    let prepared = prepared(runtime, operation, arguments, before.as_ref())?;
    caller.learn(&prepared.secrets);
    runtime.keep(&prepared)?;
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
    bounded(runtime, &prepared, gate).await
}

/// Runs an operation inside a run to its end, and puts back what it held itself.
async fn bounded(runtime: &Runtime, prepared: &Prepared, gate: Gate) -> Result<Returned, Failure> {
    // The run as a whole has its own deadline; this is for a callee that asks for less.
    let wall = Duration::from_millis(prepared.limits.wall_ms);
    let called = tokio::time::timeout(wall, runtime.execute(prepared, gate.clone())).await;
    // What it held itself must not outlive it. What could not be put back stays with the run, which tries once more and reports it.
    match called {
        Ok(returned) => {
            gate.close(returned.is_ok()).await;
            returned
        }
        Err(_too_long) => {
            gate.close_with_callees().await;
            Err(prepare::out_of_time(prepared))
        }
    }
}
