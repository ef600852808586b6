//! Why a run is not had.

use agent_core::failure::{Failure, Hint, Kind};
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::id::RunId;
use thiserror::Error;

use super::{JournalError, failure};
use crate::lock::Owner;
use crate::row::Unreadable;

/// Why a run is not the one that was meant, or cannot be had.
#[derive(Debug, Error)]
pub enum RunError {
    /// No run has this id or begins like this.
    #[error("there is no run `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// `last` was asked for before the first run.
    #[error("there is no run yet")]
    NoneYet,
    /// Several runs begin like this.
    #[error("`{name}` can be {}", list(candidates))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The newest of those that it fits.
        candidates: Vec<RunId>,
    },
    /// Its process is alive.
    #[error("run `{run}` is at work in {}", process(owner.as_deref()))]
    Live {
        /// The run.
        run: RunId,
        /// Who has it, as far as it said so.
        owner: Option<Box<Owner>>,
    },
    /// Its id is that of an earlier run.
    #[error("there is a record of run `{run}` already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// A part of its record cannot be read.
    #[error("the record of run `{run}` is damaged: nobody knows all that it has done")]
    Damaged {
        /// The run.
        run: RunId,
        /// What cannot be read.
        #[source]
        source: Unreadable,
    },
    /// The journal itself.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl Hint for RunError {
    fn hint(&self) -> Option<Remedy> {
        match self {
            RunError::Unknown { .. } | RunError::NoneYet | RunError::Ambiguous { .. } => {
                Some("agent runs".into())
            }
            RunError::Live { run, .. } => Some(hint!("agent runs follow {}", run)),
            RunError::Exists { .. } => Some("start it again: it gets another id".into()),
            RunError::Damaged { run, source } => Some(if source.is_beginning() {
                hint!(
                    "look at its app yourself, then: agent undo {} --give-up --yes",
                    run
                )
            } else {
                hint!(
                    "agent runs show {} tells what can be read; put in order by hand what it changed, then: agent undo {} --give-up --yes",
                    run,
                    run
                )
            }),
            RunError::Journal(error) => error.hint(),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Failure {
        let (kind, code) = match error {
            RunError::Unknown { .. } | RunError::NoneYet => (Kind::NotFound, "journal.no-such-run"),
            RunError::Ambiguous { .. } => (Kind::Invalid, "journal.ambiguous-run"),
            RunError::Live { .. } => (Kind::Conflict, "journal.run-is-live"),
            RunError::Exists { .. } => (Kind::Conflict, "journal.run-exists"),
            RunError::Damaged { .. } => (Kind::Unavailable, "journal.run-damaged"),
            RunError::Journal(error) => return error.into(),
        };
        failure(kind, code, &error)
    }
}

fn process(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "another process".to_owned(), Owner::to_string)
}

fn list(runs: &[RunId]) -> String {
    let quoted = runs.iter().map(|run| format!("`{run}`"));
    quoted.collect::<Vec<_>>().join(", ")
}
