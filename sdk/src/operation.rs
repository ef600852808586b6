//! An operation as the exported `run` sees it: a name, a piece of the descriptor, and a way to run from JSON to an outcome.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::args::Args;
use crate::bindings::ops::types::types;
use crate::{Error, Result};

/// What an operation gives back when it came to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The result: an object, or an array with an object per row.
    pub value: Value,
    /// How many of the things it worked on failed; the exit code is 1 when it is not 0. Nothing is put back because of them.
    pub failed: u32,
    /// What came of it, in one sentence, for lists of runs and other tools; may be empty.
    pub summary: String,
}

impl Outcome {
    /// Makes the outcome of an operation of which no part failed.
    ///
    /// # Errors
    /// `internal` when the value cannot be written as JSON, such as a map whose keys are no text.
    pub fn of(value: impl Serialize) -> Result<Outcome> {
        let value = serde_json::to_value(value).map_err(|error| {
            Error::internal(
                "operations.result",
                format!("the result cannot be written as JSON: {error}"),
            )
        })?;
        Ok(Outcome {
            value,
            failed: 0,
            summary: String::new(),
        })
    }

    /// Makes an outcome of one row per thing, of which the caller counts those that failed.
    ///
    /// # Errors
    /// As for [`Outcome::of`].
    pub fn rows<T: Serialize>(rows: &[T], failed: impl Fn(&T) -> bool) -> Result<Outcome> {
        let count = rows.iter().filter(|row| failed(row)).count();
        let mut outcome = Outcome::of(rows)?;
        outcome.failed = u32::try_from(count).unwrap_or(u32::MAX);
        Ok(outcome)
    }

    /// Says in one sentence what came of it, such as "restored `plex` from `1a2b3c4d`".
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Outcome {
        self.summary = summary.into();
        self
    }
}

/// What an operation may return: anything that can be written as JSON, or an [`Outcome`].
pub trait IntoOutcome {
    /// Turns it into an outcome.
    ///
    /// # Errors
    /// As for [`Outcome::of`].
    fn into_outcome(self) -> Result<Outcome>;
}

impl<T: Serialize> IntoOutcome for T {
    fn into_outcome(self) -> Result<Outcome> {
        Outcome::of(self)
    }
}

impl IntoOutcome for Outcome {
    fn into_outcome(self) -> Result<Outcome> {
        Ok(self)
    }
}

/// An operation. Made by [`macro@crate::operation`].
pub trait Operation {
    /// Its arguments.
    type Args: Args;
    /// The name after the dot.
    const NAME: &'static str;
    /// Its piece of the descriptor before the parameters.
    #[doc(hidden)]
    const HEAD: &'static str;
    /// And after them.
    #[doc(hidden)]
    const TAIL: &'static str;

    /// Runs it.
    ///
    /// # Errors
    /// Those of the operation.
    fn run(args: Self::Args) -> Result<Outcome>;
}

/// Reads the arguments and runs one operation.
#[doc(hidden)]
pub fn run<O: Operation>(arguments: &str) -> Result<Outcome> {
    let arguments: Map<String, Value> = serde_json::from_str(arguments).map_err(|error| {
        Error::invalid(
            "operations.arguments",
            format!("the arguments are no JSON object: {error}"),
        )
    })?;
    O::run(O::Args::decode(arguments)?)
}

/// Makes the error for a name that the plugin does not have.
#[doc(hidden)]
pub fn unknown(operation: &str, known: &[&str]) -> Error {
    Error::not_found(
        "operations.unknown",
        format!("there is no operation `{operation}` in this plugin"),
    )
    .hint(format!("known operations: {}", known.join(", ")))
}

impl From<Outcome> for types::Outcome {
    fn from(outcome: Outcome) -> types::Outcome {
        types::Outcome {
            value: outcome.value.to_string(),
            failed: outcome.failed,
            summary: outcome.summary,
        }
    }
}

impl TryFrom<types::Outcome> for Outcome {
    type Error = Error;

    fn try_from(outcome: types::Outcome) -> Result<Outcome> {
        Ok(Outcome {
            value: crate::object::parse(&outcome.value)?,
            failed: outcome.failed,
            summary: outcome.summary,
        })
    }
}
