//! Operations of this and other plugins, called by a plugin.

use agent_core::failure::{Failure, Kind};
use agent_core::id::{CallId, Digest, OperationName};
use agent_core::journal::Returned;
use agent_core::limits::DOCUMENT;
use agent_core::undo::{Callee, Scope};
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::bindings::ops::types::types as wit;
use crate::gate::Gate;

mod host;
mod overwrite;

pub use overwrite::Overwritten;

/// How long the name of an operation is at most.
const NAME: usize = 200;

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

/// Reads which operation is meant, and its arguments.
fn invocation(call: &wit::Invocation) -> Result<(OperationName, Map<String, Value>), Failure> {
    let too_long = |code: &str, what: &str, most: usize| {
        let message = format!("the {what} is longer than {most} bytes");
        Err(Failure::new(Kind::Invalid, code, message))
    };
    if call.operation.len() > NAME {
        return too_long("operations.name", "name of an operation", NAME);
    }
    if call.arguments.len() > DOCUMENT {
        return too_long("operations.arguments", "text of the arguments", DOCUMENT);
    }
    let operation: OperationName = call
        .operation
        .parse()
        .map_err(|error| Failure::of(Kind::Invalid, "operations.name", &error))?;
    let arguments = serde_json::from_str(&call.arguments).map_err(|error| {
        Failure::of(Kind::Invalid, "operations.arguments", &error)
            .while_doing(format!("the arguments of `{operation}` are no JSON object"))
    })?;
    Ok((operation, arguments))
}

impl From<Returned> for wit::Outcome {
    fn from(returned: Returned) -> wit::Outcome {
        wit::Outcome {
            value: returned.value.to_string(),
            failed: returned.failed,
            summary: returned.summary,
        }
    }
}
