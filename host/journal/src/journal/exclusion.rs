//! Runs that exclude each other by name.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use agent_core::failure::Failure;
use agent_core::id::RunId;
use agent_core::record::State;

use super::Journal;
use crate::error::{JournalError, LockError};
use crate::lock::{Attempt, Locks, NamedLock, Owner};
use crate::row::{self, Stored};

/// How long a process that is being killed may take to let go of all it has.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long between two looks at it.
const PAUSE: Duration = Duration::from_millis(2);

impl Journal {
    /// Takes all of these locks for a run, or none. The run may have some of them already.
    ///
    /// # Errors
    /// `conflict`: `lock.held` while another run has one, `lock.unfinished` when a run that declared it left something to do; `unavailable`
    /// when locks cannot be made or the journal cannot be read.
    pub fn lock(&self, names: &[String], run: &RunId) -> Result<Locks, Failure> {
        // The same order for everybody, so that of two who want the same one gets all.
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        sorted.dedup();
        let held = sorted.iter().map(|name| self.take(name, run));
        let held = held.collect::<Result<Vec<_>, LockError>>()?;
        if !sorted.is_empty() {
            self.refuse_what_others_left(&sorted, run)?;
        }
        Ok(Locks { held })
    }

    fn take(&self, name: &str, run: &RunId) -> Result<Arc<NamedLock>, LockError> {
        let mut taken = self.taken();
        if let Some(lock) = taken.get(name).and_then(Weak::upgrade)
            && lock.run == *run
        {
            return Ok(lock);
        }
        let owner = Owner::new(run, &self.shared.who, Some(name));
        match self.shared.names.take(&NamedLock::file(name), &owner)? {
            Attempt::Held(held) => {
                let lock = Arc::new(NamedLock::new(run, name, held));
                taken.retain(|_, lock| lock.strong_count() > 0);
                taken.insert(name.to_owned(), Arc::downgrade(&lock));
                Ok(lock)
            }
            Attempt::Taken(owner) => Err(LockError::Held {
                name: name.to_owned(),
                owner,
            }),
        }
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<String, Weak<NamedLock>>> {
        let taken = self.shared.taken.lock();
        taken.unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for other runs that declared one of the locks and have something left to do, although nobody holds the lock.
    fn refuse_what_others_left(&self, names: &[&String], run: &RunId) -> Result<(), LockError> {
        let end = Instant::now() + PATIENCE;
        while let Some((name, stored)) = self.left_by_another(names, run)? {
            let summary = stored.summary;
            if summary.state != State::Running {
                return Err(LockError::Unfinished {
                    name,
                    run: summary.run,
                    cut_off: summary.state == State::Unfinished,
                });
            }
            // A process that is being killed lets go of one thing after the other. One that lives has a right to the lock.
            if Instant::now() >= end {
                let owner = Owner::new(&summary.run, &summary.who, Some(&name));
                return Err(LockError::Held {
                    name,
                    owner: Some(Box::new(owner)),
                });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn left_by_another(
        &self,
        names: &[&String],
        run: &RunId,
    ) -> Result<Option<(String, Stored)>, JournalError> {
        for stored in self.stored(row::is_open)? {
            if stored.summary.run == *run || !row::is_open(&stored.summary) {
                continue;
            }
            let read = self
                .shared
                .database
                .read(|from| row::begun(from, stored.key))?;
            // It may have come to its end and been forgotten by now. What nobody can read any more keeps nobody from anything: Leases still do.
            let begun = read.flatten().and_then(Result::ok);
            let declared = begun.map(|begun| begun.local_locks()).unwrap_or_default();
            if let Some(name) = declared.into_iter().find(|name| names.contains(&name)) {
                return Ok(Some((name, stored)));
            }
        }
        Ok(None)
    }
}
