//! Forgetting runs, and giving their room back. A run that is at work, or of which something is left to do, is never forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use agent_core::id::RunId;
use agent_core::journal::Survives;
use agent_core::origin::Who;
use agent_core::record::{Pruned, Retention};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Transaction, params};

use crate::database::{Checkpoint, Database, value};
use crate::error::JournalError;
use crate::lock::{Attempt, Held, LockTable, Owner};
use crate::row;

/// How often a journal is pruned by itself.
const DAY: Duration = Duration::from_hours(24);
/// How many runs go in one transaction: others wait for it.
const TOGETHER: usize = 200;
/// How many pages are given back in one transaction.
const PAGES_TOGETHER: usize = 1000;
/// What a run takes beside its entries, in bytes. Only to guess how many runs have to go; then it is measured.
const ROW: i64 = 400;

/// Forgets runs.
#[derive(Debug)]
pub(crate) struct Pruner {
    database: Arc<Database>,
    owners: LockTable,
    who: Who,
}

/// A run that may be forgotten.
#[derive(Debug)]
struct Candidate {
    key: i64,
    run: RunId,
    bytes: i64,
}

impl Pruner {
    pub(crate) fn new(database: Arc<Database>, owners: LockTable, who: Who) -> Pruner {
        Pruner {
            database,
            owners,
            who,
        }
    }

    /// Forgets what is older than `retention` allows, then the oldest until the rest is no larger than it allows.
    pub(crate) fn prune(&self, retention: Retention) -> Result<Pruned, JournalError> {
        let before = self.database.bytes()?;
        let mut seen = BTreeSet::new();
        let mut runs = self.forget_old(retention.days, &mut seen)?;
        runs += self.forget_excess(retention.bytes, &mut seen)?;
        self.give_back()?;
        self.database.checkpoint(Checkpoint::Truncate)?;
        let after = self.database.bytes()?;
        Ok(Pruned {
            runs,
            before,
            after,
        })
    }

    /// Prunes unless some process did within a day. What is much larger than it may be is pruned whenever that is: some runs that record all they may are
    /// larger than most disks have room for, and are over within minutes.
    pub(crate) fn prune_daily(&self, retention: Retention) -> Result<(), JournalError> {
        let now = row::nanoseconds(Timestamp::now());
        let latest = now - i64::try_from(DAY.as_nanos()).unwrap_or(i64::MAX);
        let is_due = self.database.read(|from| {
            // A time in the future is that of a clock that was wrong.
            let sql = "SELECT pruned <= ? OR pruned > ? FROM upkeep";
            from.query_row(sql, [latest, now], |row| row.get(0))
        })?;
        if is_due != Some(true) {
            if self.is_overfull(retention.bytes)? {
                self.prune(retention)?;
            }
            return Ok(());
        }
        let claimed = self.database.write(Survives::Process, |to| {
            to.execute(
                "UPDATE upkeep SET pruned = ?2 WHERE pruned <= ?1 OR pruned > ?2",
                [latest, now],
            )
        })?;
        if claimed > 0 {
            self.prune(retention)?;
        }
        Ok(())
    }

    /// Returns whether there is a quarter more than there may be. To prune costs the more the more there is, so not every run does it.
    fn is_overfull(&self, most: u64) -> Result<bool, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let used = self.database.upkeep(used)?.unwrap_or(0);
        Ok(used > most.saturating_add(most / 4))
    }

    fn forget_old(&self, days: u32, seen: &mut BTreeSet<i64>) -> Result<u64, JournalError> {
        let age = SignedDuration::from_hours(24 * i64::from(days));
        let Ok(oldest) = Timestamp::now().checked_sub(age) else {
            return Ok(0);
        };
        let mut forgotten = 0;
        loop {
            let candidates = self.candidates(row::nanoseconds(oldest), seen)?;
            if candidates.is_empty() {
                return Ok(forgotten);
            }
            forgotten += self.forget(candidates, seen)?;
        }
    }

    fn forget_excess(&self, most: u64, seen: &mut BTreeSet<i64>) -> Result<u64, JournalError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut forgotten = 0;
        loop {
            let used = self.database.upkeep(used)?.unwrap_or(0);
            let mut excess = used.saturating_sub(most);
            let mut candidates = self.candidates(i64::MAX, seen)?;
            candidates.retain(|candidate| {
                let goes = excess > 0;
                excess -= candidate.bytes + ROW;
                goes
            });
            if candidates.is_empty() {
                return Ok(forgotten);
            }
            forgotten += self.forget(candidates, seen)?;
        }
    }

    /// Returns the oldest runs that began before a time, are over and hold nothing.
    fn candidates(
        &self,
        before: i64,
        seen: &BTreeSet<i64>,
    ) -> Result<Vec<Candidate>, JournalError> {
        let found = self.database.read(|from| {
            let mut statement = from.prepare_cached(
                "SELECT key, id, bytes FROM run
                 WHERE begun < ? AND ended IS NOT NULL AND held = 0 ORDER BY begun, key",
            )?;
            let candidates = statement.query_map([before], candidate)?;
            // What a row says that somebody edited is not believed.
            let is_over = |run: &RunId| {
                let stored = row::run(from, run)?;
                Ok::<_, rusqlite::Error>(
                    stored.is_some_and(|stored| !row::is_open(&stored.summary)),
                )
            };
            candidates
                .filter(|found| !matches!(found, Ok(found) if seen.contains(&found.key)))
                .filter(
                    |found| !matches!(found, Ok(found) if matches!(is_over(&found.run), Ok(false))),
                )
                .take(TOGETHER)
                .collect::<rusqlite::Result<Vec<Candidate>>>()
        })?;
        Ok(found.unwrap_or_default())
    }

    /// Forgets runs, but for those that a process has taken up. All of them are `seen` then.
    fn forget(
        &self,
        candidates: Vec<Candidate>,
        seen: &mut BTreeSet<i64>,
    ) -> Result<u64, JournalError> {
        let mut ours: Vec<(i64, Held)> = Vec::new();
        for candidate in candidates {
            match self.take(&candidate.run)? {
                Some(held) => ours.push((candidate.key, held)),
                None => drop(seen.insert(candidate.key)),
            }
        }
        self.database.write(Survives::Process, |to| {
            let mut forgotten = 0;
            for (key, _) in &ours {
                forgotten += delete(to, *key)?;
                seen.insert(*key);
            }
            Ok(forgotten)
        })
    }

    fn take(&self, run: &RunId) -> Result<Option<Held>, JournalError> {
        let owner = Owner::new(run, &self.who, None);
        match self.owners.take(run.as_str(), &owner)? {
            Attempt::Held(held) => Ok(Some(held)),
            Attempt::Taken(_) => Ok(None),
        }
    }

    /// Gives the room of what was forgotten back to the file system.
    fn give_back(&self) -> Result<(), JournalError> {
        let sql = format!("PRAGMA incremental_vacuum({PAGES_TOGETHER})");
        loop {
            let left = self.database.upkeep(|connection| {
                let before: i64 = value(connection, "freelist_count")?;
                // It works as far as it is asked for rows, although it has none.
                let mut statement = connection.prepare(&sql)?;
                let mut rows = statement.query(())?;
                while rows.next()?.is_some() {}
                let after = value(connection, "freelist_count")?;
                Ok(after > 0 && after < before)
            })?;
            if left != Some(true) {
                return Ok(());
            }
            self.database.checkpoint(Checkpoint::Passive)?;
        }
    }
}

fn candidate(row: &rusqlite::Row) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        key: row.get(0)?,
        run: row::run_id(row, 0, 1)?,
        bytes: row.get(2)?,
    })
}

/// It may have been taken up and left again since it was chosen, so it is looked at once more.
fn delete(to: &Transaction, key: i64) -> rusqlite::Result<u64> {
    let deleted = to
        .prepare_cached("DELETE FROM run WHERE key = ? AND ended IS NOT NULL AND held = 0")?
        .execute([key])?;
    if deleted == 0 {
        return Ok(0);
    }
    to.prepare_cached("DELETE FROM entry WHERE id >= ? AND id < ?")?
        .execute(params![row::entry_id(key, 0), row::entry_id(key + 1, 0)])?;
    Ok(1)
}

/// Returns how many bytes of the database are in use.
fn used(connection: &Connection) -> rusqlite::Result<i64> {
    let pages = value(connection, "page_count")? - value(connection, "freelist_count")?;
    Ok(pages * value(connection, "page_size")?)
}
