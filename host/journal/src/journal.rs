//! The journal as the engine and the doors see it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use agent_core::failure::Failure;
use agent_core::id::RunId;
use agent_core::origin::Who;
use agent_core::record::{Pruned, Record, Retention, RunHeader};
use cap_std::fs::Dir;

use crate::append::Tail;
use crate::database::Database;
use crate::directory::Directory;
use crate::error::{JournalError, RunError};
use crate::key::Key;
use crate::lock::{Attempt, Held, LockTable, NamedLock, Owner};
use crate::open_run::OpenRun;
use crate::prune::Pruner;
use crate::row;
use crate::writer::Writer;

mod damaged;
mod exclusion;
mod remembered;

use damaged::legible;

/// The journal of a state directory, or one in memory. Clones are the same journal; when the last one and the last open run are dropped,
/// everything is on disk.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Arc<Database>,
    writer: Writer,
    pruner: Arc<Pruner>,
    owners: LockTable,
    names: LockTable,
    /// The named locks of this process, for the run that asks for its own once more.
    taken: Mutex<BTreeMap<String, Weak<NamedLock>>>,
    key: Arc<Key>,
    who: Who,
}

/// What a journal is opened with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Who we are, for those who find something locked by us.
    pub who: Who,
    /// What the journal forgets by itself, at most once a day and after a run; nothing by default.
    pub retention: Option<Retention>,
}

impl Journal {
    /// Opens the journal of a state directory, which only our user may enter. `path` is where it is: SQLite wants a path, and messages name
    /// it. Nothing is made or read before it is needed.
    ///
    /// # Errors
    /// `unavailable` (`journal.unsafe`) when others could write in the directory.
    pub fn open(dir: Dir, path: &Path, options: Options) -> Result<Journal, Failure> {
        let directory = Directory::new(dir, path)?;
        Ok(Journal::new(Some(Arc::new(directory)), options))
    }

    /// Makes an empty journal that is gone with the process.
    ///
    /// # Errors
    /// `unavailable` when there is no memory for it.
    pub fn in_memory() -> Result<Journal, Failure> {
        let who = Who {
            process: std::process::id(),
            ..Who::default()
        };
        let options = Options {
            who,
            retention: None,
        };
        let journal = Journal::new(None, options);
        journal.shared.database.bytes()?;
        Ok(journal)
    }

    fn new(directory: Option<Arc<Directory>>, options: Options) -> Journal {
        let Options { who, retention } = options;
        let key = Arc::new(Key::new(directory.clone()));
        let database = Arc::new(Database::new(directory.clone(), Arc::clone(&key)));
        let owners = LockTable::new(directory.as_ref(), "runs");
        let pruner = Pruner::new(Arc::clone(&database), owners.clone(), who.clone());
        let pruner = Arc::new(pruner);
        let shared = Shared {
            writer: Writer::new(Arc::clone(&database), Arc::clone(&pruner), retention),
            database,
            pruner,
            owners,
            names: LockTable::new(directory.as_ref(), "locks"),
            taken: Mutex::default(),
            key,
            who,
        };
        Journal {
            shared: Arc::new(shared),
        }
    }

    /// Begins the record of a run, which nobody else can take up while this process has it. The first entry puts it on disk.
    ///
    /// # Errors
    /// `conflict` (`journal.run-is-live`) when a process has a run of this id; `unavailable` (`journal.unwritable`, `journal.full`) when its
    /// lock cannot be made.
    pub fn begin(&self, begun: RunHeader) -> Result<OpenRun, Failure> {
        let owner = Owner::new(&begun.run, &begun.who, None);
        let held = self.own(&owner)?;
        self.opened(Tail::begin(begun), held)
    }

    /// Takes up the record of a run that was cut off, or is over. Its state is the one it was left in.
    ///
    /// # Errors
    /// `conflict` (`journal.run-is-live`) while a process has it; `not-found` (`journal.no-such-run`); `unavailable` when the journal cannot
    /// be read, or the record is damaged (`journal.run-damaged`): then nobody knows all that the run has done.
    pub fn reopen(&self, run: &RunId) -> Result<(OpenRun, Record), Failure> {
        let held = self.own(&Owner::new(run, &self.shared.who, None))?;
        // Without it nobody knows whether the record is what was written.
        self.shared.key.known()?;
        let read = self.shared.database.read(|from| row::whole(from, run))?;
        let whole = read.flatten().ok_or_else(|| unknown(run.as_str()))?;
        let (key, bytes) = (whole.stored.key, whole.entries.bytes);
        let record = legible(run, whole)?;
        let last = record.entries.last().map_or(0, |noted| noted.number);
        let tail = Tail::reopen(run.clone(), key, last, bytes);
        Ok((self.opened(tail, held)?, record))
    }

    /// Forgets runs that are over, and gives their room back.
    ///
    /// # Errors
    /// `unavailable` when the journal cannot be read or written.
    pub fn prune(&self, retention: Retention) -> Result<Pruned, Failure> {
        Ok(self.shared.pruner.prune(retention)?)
    }

    /// Returns the key of keyed hashes, and makes it at first need. It is the same for all processes that share the state directory.
    ///
    /// # Errors
    /// `unavailable` (`journal.key`, `journal.unwritable`, `journal.full`).
    pub fn key(&self) -> Result<[u8; 32], Failure> {
        Ok(self.shared.key.get()?)
    }

    /// Returns why what is on record cannot be told from what somebody else may have written there, if that is so: its key is gone.
    pub fn doubt(&self) -> Option<Failure> {
        match self.shared.key.known() {
            Err(error @ JournalError::KeyMissing { .. }) => Some(error.into()),
            _ => None,
        }
    }

    /// Takes the lock of a run's owner.
    fn own(&self, owner: &Owner) -> Result<Held, RunError> {
        let run = &owner.run;
        match self.shared.owners.take(run.as_str(), owner)? {
            Attempt::Held(held) => Ok(held),
            Attempt::Taken(owner) => Err(RunError::Live {
                run: run.clone(),
                owner,
            }),
        }
    }

    fn opened(&self, tail: Tail, held: Held) -> Result<OpenRun, Failure> {
        let (ticket, messages) = self.shared.writer.admit()?;
        Ok(OpenRun::new(tail, ticket, messages, held, self.clone()))
    }
}

fn unknown(name: &str) -> RunError {
    RunError::Unknown {
        name: name.to_owned(),
    }
}
