//! Operations of this and other plugins, called by a plugin.

use agent_core::failure::Failure;
use agent_core::id::{CallId, OperationName};
use agent_core::journal::Returned;
use agent_core::undo::Scope;
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::bindings::ops::types::types as wit;
use crate::gate::Gate;

mod host;

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
}

/// What called operations changed, held.
pub struct Held {
    gate: Gate,
    scope: Scope,
    outcomes: Vec<Returned>,
}

impl Held {
    fn numbers(&self) -> Vec<u64> {
        self.gate.run.ledger.numbers_in(&self.scope)
    }
}

impl From<Returned> for wit::Outcome {
    fn from(returned: Returned) -> wit::Outcome {
        wit::Outcome {
            value: returned.value.to_string(),
            failed: returned.failed,
        }
    }
}
