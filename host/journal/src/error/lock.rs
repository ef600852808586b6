//! Why a lock is not had.

use agent_core::failure::{Failure, Hint, Kind};
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::id::RunId;
use thiserror::Error;

use super::{JournalError, failure};
use crate::lock::Owner;

/// Why a lock cannot be had.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("lock `{name}` is held by {}", holder(owner.as_deref()))]
    Held {
        /// The lock.
        name: String,
        /// Who has it, as far as it said so.
        owner: Option<Box<Owner>>,
    },
    /// A run that was cut off, or holds changes, left off in the middle of what the lock protects.
    #[error("lock `{name}` belongs to run `{run}`, which has not come to its end")]
    Unfinished {
        /// The lock.
        name: String,
        /// The run.
        run: RunId,
        /// Whether it was cut off, so that it can be finished too.
        cut_off: bool,
    },
    /// The journal itself.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Hint for LockError {
    fn hint(&self) -> Option<Remedy> {
        match self {
            LockError::Held { owner, .. } => Some(match owner {
                Some(owner) => hint!("agent runs follow {}", owner.run),
                None => "agent runs".into(),
            }),
            LockError::Unfinished {
                run, cut_off: true, ..
            } => Some(hint!("agent resume {}, or: agent undo {}", run, run)),
            LockError::Unfinished { run, .. } => Some(hint!("agent undo {}", run)),
            LockError::Journal(error) => error.hint(),
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        let code = match error {
            LockError::Held { .. } => "lock.held",
            LockError::Unfinished { .. } => "lock.unfinished",
            LockError::Journal(error) => return error.into(),
        };
        failure(Kind::Conflict, code, &error)
    }
}

fn holder(owner: Option<&Owner>) -> String {
    match owner {
        Some(owner) => format!("run `{}` in {owner}", owner.run),
        None => "another process".to_owned(),
    }
}
