//! Operations of this and other plugins, called by a plugin. The callee has its own rights; the caller needs the right to call it.

use serde_json::Value;

use crate::bindings::ops::operations::operations as wit;
use crate::bindings::ops::types::types::Invocation;
use crate::{Outcome, Result};

/// One call of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The full name, such as `flux.suspend`.
    pub operation: String,
    /// A JSON object: parameter name to value. Absent parameters take their default.
    pub arguments: Value,
}

impl Call {
    /// Names an operation and its arguments, best made with `json!({…})`.
    pub fn new(operation: &str, arguments: Value) -> Call {
        Call {
            operation: operation.to_owned(),
            arguments,
        }
    }
}

/// Calls operations concurrently; one result for each, in order.
pub fn call(calls: &[Call]) -> Vec<Result<Outcome>> {
    wit::call(&invocations(calls))
        .into_iter()
        .map(|result| Outcome::try_from(result?))
        .collect()
}

/// Calls operations one after the other, all or none, and holds whatever they changed: it is put back when the hold is dropped or the
/// run ends. Signals and deletions are not.
///
/// # Errors
/// Those of the first callee that failed, or of which a part failed, after what was changed before was put back.
pub fn hold(calls: &[Call]) -> Result<Held> {
    Ok(Held(wit::hold(&invocations(calls))?))
}

fn invocations(calls: &[Call]) -> Vec<Invocation> {
    calls
        .iter()
        .map(|call| Invocation {
            operation: call.operation.clone(),
            arguments: call.arguments.to_string(),
        })
        .collect()
}

/// What callees changed, held. Dropping it puts everything back.
pub struct Held(wit::Held);

impl Held {
    /// Returns what they returned, in order.
    ///
    /// # Errors
    /// `internal` when the host's answer cannot be read.
    pub fn outcomes(&self) -> Result<Vec<Outcome>> {
        self.0
            .outcomes()
            .into_iter()
            .map(Outcome::try_from)
            .collect()
    }

    /// Returns whether they changed anything at all.
    pub fn changed(&self) -> bool {
        self.0.changed()
    }

    /// Puts back now, newest change first, and says what was left to others (a sentence each).
    ///
    /// # Errors
    /// `unavailable`, `denied`: the host tries once more when the run ends.
    pub fn release(self) -> Result<Vec<String>> {
        Ok(self.0.release()?)
    }

    /// Makes the changes permanent, unless the run was stopped before: they are put back then.
    pub fn keep(self) {
        self.0.keep();
    }
}
