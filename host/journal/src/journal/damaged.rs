//! Runs whose record cannot be read as a whole. They hide no other run, and nobody acts on what is left of them as if it were everything.

use std::error::Error;

use agent_core::event::Outcome;
use agent_core::failure::Failure;
use agent_core::id::RunId;
use agent_core::journal::{Entry, Survives};
use agent_core::record::{Record, State, Summary};
use jiff::Timestamp;

use super::{Journal, unknown};
use crate::append::{Line, Tail};
use crate::error::{JournalError, RunError};
use crate::lock::Owner;
use crate::row::{self, Unreadable, Whole};

impl Journal {
    /// Ends a run whose record is damaged, which is why it has failed: what it changed stays as it is, and its locks are free. Returns what is known
    /// of it.
    ///
    /// # Errors
    /// As for [`Journal::reopen`], but for the damage.
    pub fn give_up(&self, run: &RunId, damage: &Failure) -> Result<Summary, Failure> {
        let _held = self.own(&Owner::new(run, &self.shared.who, None))?;
        let read = self.shared.database.read(|from| row::whole(from, run))?;
        let whole = read.flatten().ok_or_else(|| unknown(run.as_str()))?;
        let key = whole.stored.key;
        let given_up = Entry::Finished {
            outcome: Outcome::Failed {
                failure: damage.clone(),
                put_back: Vec::new(),
                held: 0,
            },
            held: 0,
        };
        let line = Line::new(&given_up, Timestamp::now()).map_err(|error| {
            let source = rusqlite::Error::ToSqlConversionFailure(error.into());
            self.shared.database.error(source)
        })?;
        self.shared.database.write(Survives::PowerLoss, |to| {
            let last = row::last(to, key)?;
            Tail::reopen(run.clone(), key, last, whole.entries.bytes).append(to, &line)
        })?;
        Ok(whole.stored.summary)
    }

    /// Says of a run that nobody is at, and of which something is left to do, whether its record can be read.
    pub(super) fn examined(&self, mut summary: Summary) -> Result<Summary, JournalError> {
        if !matches!(summary.state, State::Running | State::Damaged) && row::is_open(&summary) {
            let read = self
                .shared
                .database
                .read(|from| row::whole(from, &summary.run));
            let is_damaged = match read {
                Ok(whole) => whole.flatten().is_some_and(|whole| !whole.is_legible()),
                Err(JournalError::Damaged { .. }) => true,
                Err(error) => return Err(error),
            };
            if is_damaged {
                summary.state = State::Damaged;
            }
        }
        Ok(summary)
    }
}

impl Whole {
    fn is_legible(&self) -> bool {
        self.entries.unreadable.is_empty() && !matches!(self.begun, Some(Err(_)))
    }
}

/// Returns the record of a run, unless a part of it cannot be read.
pub(super) fn legible(run: &RunId, whole: Whole) -> Result<Record, RunError> {
    let mut whole = whole;
    if !whole.entries.unreadable.is_empty() {
        return Err(damaged(run, whole.entries.unreadable.swap_remove(0)));
    }
    known(run, whole)
}

/// Returns the record of a run as far as it can be read.
pub(super) fn known(run: &RunId, whole: Whole) -> Result<Record, RunError> {
    let begun = match whole.begun {
        None => return Err(unknown(run.as_str())),
        Some(Err(unreadable)) => return Err(damaged(run, unreadable)),
        Some(Ok(begun)) => begun,
    };
    let mut summary = whole.stored.summary;
    let damage: Vec<String> = whole.entries.unreadable.iter().map(told).collect();
    if !damage.is_empty() && row::is_open(&summary) {
        summary.state = State::Damaged;
    }
    Ok(Record {
        begun,
        summary,
        entries: whole.entries.noted,
        damage,
    })
}

fn damaged(run: &RunId, source: Unreadable) -> RunError {
    let run = run.clone();
    RunError::Damaged { run, source }
}

fn told(unreadable: &Unreadable) -> String {
    match unreadable.source() {
        Some(why) => format!("{unreadable}: {why}"),
        None => unreadable.to_string(),
    }
}
