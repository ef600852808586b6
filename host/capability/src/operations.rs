//! Operations of this and other plugins, called by a plugin.

use agent_core::failure::{Failure, Kind};
use agent_core::id::OperationName;
use agent_core::journal::Returned;
use agent_core::limits::DOCUMENT;
use serde_json::{Map, Value};

use crate::bindings::ops::types::types as wit;

mod ask;
mod host;
mod overwrite;

pub use overwrite::Overwritten;

/// How long the name of an operation is at most.
const NAME: usize = 200;

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
