//! What a guest asks of other operations: the rights that it needs, and how it reads in a record.

use std::fmt;

use agent_core::failure::Failure;
use agent_core::grant::{CallRight, Reach, Right};
use agent_core::id::OperationName;
use agent_core::object::{CLUSTER, ObjectRef};
use agent_gate::{Access, Gate, Request, denial};

/// See the module.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// To call an operation.
    Call(OperationName),
    /// To have others overwrite what is behind an object, which the operation undoes.
    Overwrite(ObjectRef, Option<OperationName>),
}

impl Request for Ask {
    fn capability(&self) -> &'static str {
        match self {
            Ask::Call(_) => "operations",
            Ask::Overwrite(..) => CLUSTER,
        }
    }

    fn access(&self) -> Access {
        match self {
            Ask::Call(_) => Access::Call,
            Ask::Overwrite(..) => Access::Write,
        }
    }

    fn allowed(&self, gate: &Gate) -> Result<(), Failure> {
        match self {
            Ask::Call(operation) | Ask::Overwrite(_, Some(operation))
                if !gate.grants().allow_call(operation) =>
            {
                Err(denied(gate, operation))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Call(operation) => write!(f, "call {operation}"),
            Ask::Overwrite(target, _) => write!(f, "overwrite {target}"),
        }
    }
}

fn denied(gate: &Gate, operation: &OperationName) -> Failure {
    let message = format!(
        "plugin `{}` may not call `{operation}`",
        denial::plugin_id(gate)
    );
    denial::outside(
        gate,
        "operations.not-granted",
        message,
        "operations.call",
        vec![Right::Call(CallRight {
            operation: Some(operation.clone()),
            reach: Reach::OfCaller,
        })],
    )
}
