//! Operations of this and other plugins, called by a plugin. The callee has its own rights; the caller needs the right to call it.

use serde_json::Value;

use crate::bindings::ops::operations::operations as wit;
use crate::bindings::ops::types::types::Invocation;
use crate::{Held, ObjectRef, Outcome, Result};

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

    fn to_wit(&self) -> Invocation {
        Invocation {
            operation: self.operation.clone(),
            arguments: self.arguments.to_string(),
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

/// Calls operations one after the other, all or none, and holds whatever they changed that can be put back. Returns what they returned, in order.
///
/// # Errors
/// Those of the first callee that failed, or of which a part failed, after what was changed before was put back.
pub fn hold(calls: &[Call]) -> Result<(Held, Vec<Outcome>)> {
    let (held, outcomes) = wit::hold(&invocations(calls))?;
    let outcomes = outcomes.into_iter().map(Outcome::try_from);
    Ok((Held::new(held), outcomes.collect::<Result<_>>()?))
}

fn invocations(calls: &[Call]) -> Vec<Invocation> {
    calls.iter().map(Call::to_wit).collect()
}

/// Announces what others are about to overwrite at this operation's wish. Until that is settled, every end of the run but a good one calls the
/// compensation, and what is older stays held. `by_hand`: the command of a person where that fails, or where there is none.
///
/// # Errors
/// `denied`; `operations.unknown`, `operations.arguments` of the compensation.
pub fn overwrite(
    target: &ObjectRef,
    compensation: Option<&Call>,
    by_hand: &str,
) -> Result<Overwritten> {
    let announced = wit::overwrite(&wit::Overwriting {
        target: target.to_wit(),
        compensation: compensation.map(Call::to_wit),
        by_hand: by_hand.to_owned(),
    })?;
    Ok(Overwritten(announced))
}

/// What may be overwritten by now. Dropping it changes nothing: only [`Overwritten::settle`] says that it is well.
pub struct Overwritten(wit::Overwritten);

impl Overwritten {
    /// Says that it is as it was to become.
    pub fn settle(self) {
        self.0.settle();
    }

    /// Says that nobody has touched it, and nobody will.
    pub fn withdraw(self) {
        self.0.withdraw();
    }
}
