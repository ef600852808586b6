//! What the journal remembers.

use std::collections::BTreeSet;

use agent_core::call::Goal;
use agent_core::failure::Failure;
use agent_core::id::{Digest, RunId};
use agent_core::record::{Filter, Noted, Record, State, Summary};
use rusqlite::{Params, Transaction};

use super::damaged::known;
use super::{Journal, unknown};
use crate::error::{JournalError, RunError};
use crate::row::{self, Stored};

/// How many of the runs that a prefix fits are named.
const CANDIDATES: u8 = 10;

impl Journal {
    /// Returns runs, newest first.
    ///
    /// # Errors
    /// `unavailable` when the journal cannot be read.
    pub fn runs(&self, filter: Filter) -> Result<Vec<Summary>, Failure> {
        let condition: fn(&Summary) -> bool = match filter {
            Filter::All => |_: &Summary| true,
            Filter::Failed => |run: &Summary| run.state == State::Failed || run.ended.is_none(),
            Filter::Unfinished => row::is_open,
        };
        let summaries = self.stored(condition)?.into_iter();
        let examined = summaries.map(|stored| self.examined(stored.summary));
        let mut runs = examined.collect::<Result<Vec<Summary>, JournalError>>()?;
        runs.retain(|summary| match filter {
            Filter::All => true,
            Filter::Failed => matches!(
                summary.state,
                State::Failed | State::Unfinished | State::Damaged
            ),
            Filter::Unfinished => summary.is_open(),
        });
        Ok(runs)
    }

    /// Returns the runs of which something is left to do, newest first. Cheap enough for every command.
    ///
    /// # Errors
    /// `unavailable` when the journal cannot be read.
    pub fn open_runs(&self) -> Result<Vec<Summary>, Failure> {
        self.runs(Filter::Unfinished)
    }

    /// Returns the run that is meant by a full id, by a prefix that fits one run only, or by `last`.
    ///
    /// # Errors
    /// `not-found` (`journal.no-such-run`), `invalid` (`journal.ambiguous-run`); `unavailable` when the journal cannot be read.
    pub fn resolve(&self, name: &str) -> Result<RunId, Failure> {
        let found = if name == "last" {
            self.newest()?
        } else if is_prefix(name) {
            self.beginning_with(name)?
        } else {
            Vec::new()
        };
        match <[RunId; 1]>::try_from(found) {
            Ok([run]) => Ok(run),
            Err(found) if found.is_empty() && name == "last" => Err(RunError::NoneYet.into()),
            Err(found) if found.is_empty() => Err(unknown(name).into()),
            Err(candidates) => Err(RunError::Ambiguous {
                name: name.to_owned(),
                candidates,
            }
            .into()),
        }
    }

    /// Returns the run that is meant as one to take up. Then `last` is the newest of which something is left to do or, to take it back, the newest
    /// that has changed anything: what only looked since then is not meant.
    ///
    /// # Errors
    /// As for [`Journal::resolve`].
    pub fn which(&self, name: &str, to: Goal) -> Result<RunId, Failure> {
        if name != "last" {
            return self.resolve(name);
        }
        let found = match to {
            Goal::Finish => self.open_runs()?.into_iter().next(),
            Goal::Undo => self.newest_with_a_change()?,
        };
        found.map_or_else(|| self.resolve(name), |summary| Ok(summary.run))
    }

    fn newest_with_a_change(&self) -> Result<Option<Summary>, JournalError> {
        let read = self.shared.database.read(|from| {
            for stored in row::runs(from, |_| true)? {
                if row::is_open(&stored.summary) || row::has_changed(from, stored.key)? {
                    return Ok(Some(stored.summary));
                }
            }
            Ok(None)
        })?;
        Ok(read.flatten())
    }

    /// Returns all that is known of a run.
    ///
    /// # Errors
    /// `not-found` (`journal.no-such-run`); `unavailable` when the journal cannot be read, or not even how the run began (`journal.run-damaged`).
    pub fn record(&self, run: &RunId) -> Result<Record, Failure> {
        let read = self.shared.database.read(|from| row::whole(from, run))?;
        let found = read.flatten().ok_or_else(|| unknown(run.as_str()))?;
        let mut record = known(run, found)?;
        if row::is_open(&record.summary) {
            if self.is_live(run)? {
                record.summary.state = State::Running;
            } else if self
                .look_again(run)?
                .is_some_and(|now| !row::is_open(&now.summary))
            {
                // It came to its end while we read.
                return self.record(run);
            }
        }
        Ok(record)
    }

    /// Returns how a run stands.
    ///
    /// # Errors
    /// `not-found` (`journal.no-such-run`); `unavailable` when the journal cannot be read.
    pub fn state(&self, run: &RunId) -> Result<State, Failure> {
        Ok(self.summary(run)?.state)
    }

    /// Returns a run in one line. Whether its record can be read is not looked at.
    ///
    /// # Errors
    /// `not-found` (`journal.no-such-run`); `unavailable` when the journal cannot be read.
    pub fn summary(&self, run: &RunId) -> Result<Summary, Failure> {
        let stored = self.look_again(run)?.ok_or_else(|| unknown(run.as_str()))?;
        let judged = self.judged(stored)?.ok_or_else(|| unknown(run.as_str()))?;
        Ok(judged.summary)
    }

    /// Returns the entries of a run after the one with that number, oldest first, without those that cannot be read. What is
    /// noted comes with some delay.
    ///
    /// # Errors
    /// `not-found` (`journal.no-such-run`); `unavailable` when the journal cannot be read.
    pub fn entries(&self, run: &RunId, after: u64) -> Result<Vec<Noted>, Failure> {
        let read = self.shared.database.read(|from| {
            let stored = row::run(from, run)?;
            let entries = stored.map(|stored| row::entries(from, stored.key, after));
            entries.transpose()
        })?;
        let entries = read.flatten().ok_or_else(|| unknown(run.as_str()))?;
        Ok(entries.noted)
    }

    /// Returns the artifacts that must be kept, because a run that is at work or open was in them.
    ///
    /// # Errors
    /// `unavailable` when the journal cannot be read.
    pub fn needed(&self) -> Result<Vec<Digest>, Failure> {
        let needed = self.shared.database.read(|from| {
            let mut needed = BTreeSet::new();
            for stored in row::runs(from, row::is_open)? {
                needed.extend(row::artifacts(from, stored.key)?);
            }
            Ok(needed)
        })?;
        Ok(needed.unwrap_or_default().into_iter().collect())
    }

    /// Returns runs as they stand, newest first.
    pub(super) fn stored(
        &self,
        condition: fn(&Summary) -> bool,
    ) -> Result<Vec<Stored>, JournalError> {
        let read = self.shared.database.read(|from| row::runs(from, condition));
        let mut found = Vec::new();
        for stored in read?.unwrap_or_default() {
            found.extend(self.judged(stored)?);
        }
        Ok(found)
    }

    /// Finds out whether a run that is not over is at work. None when it was forgotten meanwhile.
    fn judged(&self, mut stored: Stored) -> Result<Option<Stored>, JournalError> {
        if !row::is_open(&stored.summary) {
            return Ok(Some(stored));
        }
        if self.is_live(&stored.summary.run)? {
            stored.summary.state = State::Running;
            return Ok(Some(stored));
        }
        // It may have come to its end between the look at its row and the look at its owner.
        self.look_again(&stored.summary.run)
    }

    fn look_again(&self, run: &RunId) -> Result<Option<Stored>, JournalError> {
        let read = self.shared.database.read(|from| row::run(from, run))?;
        Ok(read.flatten())
    }

    pub(super) fn is_live(&self, run: &RunId) -> Result<bool, JournalError> {
        self.shared.owners.is_held(run.as_str())
    }

    fn newest(&self) -> Result<Vec<RunId>, JournalError> {
        let sql = "SELECT key, id FROM run ORDER BY key DESC LIMIT 1";
        let read = self.shared.database.read(|from| ids(from, sql, ()))?;
        Ok(read.unwrap_or_default())
    }

    fn beginning_with(&self, prefix: &str) -> Result<Vec<RunId>, JournalError> {
        // No letter of an id comes after `~`.
        let sql = "SELECT key, id FROM run WHERE id >= ?1 AND id < ?1 || '~' OR key = ?3
                   ORDER BY begun DESC, key DESC LIMIT ?2";
        let read = self
            .shared
            .database
            .read(|from| ids(from, sql, (prefix, CANDIDATES, row::nameless(prefix))))?;
        Ok(read.unwrap_or_default())
    }
}

fn ids(from: &Transaction, sql: &str, parameters: impl Params) -> rusqlite::Result<Vec<RunId>> {
    let mut statement = from.prepare_cached(sql)?;
    let ids = statement.query_map(parameters, |row| row::run_id(row, 0, 1))?;
    ids.collect()
}

fn is_prefix(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !name.is_empty() && name.bytes().all(letter)
}
