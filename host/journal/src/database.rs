//! The database: opened at first need, made at the first write, one connection per process.
//!
//! It is in WAL mode. A commit that must survive this process is a write; one that must survive the loss of power is synced too, and with it
//! all that came before. The log goes into the database file when it has grown, and not at the end of each process, which would cost every
//! command two syncs.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agent_core::journal::Survives;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::directory::Directory;
use crate::error::JournalError;
use crate::key::Key;
use crate::seal::Seal;

pub(crate) mod schema;

use schema::Format;

pub(crate) const FILE: &str = "journal.db";
const LOG: &str = "journal.db-wal";
const INDEX: &str = "journal.db-shm";
/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The database of a state directory, or one in memory.
#[derive(Debug)]
pub(crate) struct Database {
    directory: Option<Arc<Directory>>,
    path: PathBuf,
    key: Arc<Key>,
    open: Mutex<Option<Open>>,
}

/// A transaction, and what the entries in it are sealed with.
pub(crate) struct View<'a> {
    transaction: Transaction<'a>,
    pub(crate) seal: &'a Seal,
}

impl<'a> Deref for View<'a> {
    type Target = Transaction<'a>;

    fn deref(&self) -> &Transaction<'a> {
        &self.transaction
    }
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    seal: Seal,
    /// What a commit survives as the connection is set now.
    survives: Survives,
}

/// The log of changes that are not, or not only, in the database file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Log {
    /// So many pages. Whoever opens the database first reads all of them.
    pub(crate) pages: i64,
    /// So many of them are in the database file as well.
    pub(crate) copied: i64,
}

/// How the log is put into the database file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Checkpoint {
    /// As far as nobody is in the way.
    Passive,
    /// Wholly, waiting for whoever is in the way, and leaving an empty log.
    Truncate,
    /// Wholly, or as far as nobody is in the way.
    TruncateAtOnce,
}

impl Database {
    pub(crate) fn new(directory: Option<Arc<Directory>>, key: Arc<Key>) -> Database {
        let path = directory
            .as_ref()
            .map_or_else(|| PathBuf::from("in memory"), |it| it.path(FILE));
        Database {
            directory,
            path,
            key,
            open: Mutex::new(None),
        }
    }

    /// Reads. None when there is no database yet; it is not made.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&View) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, JournalError> {
        let mut guard = self.lock();
        let Some(open) = self.find(&mut guard)? else {
            return Ok(None);
        };
        let Open {
            connection, seal, ..
        } = open;
        let transaction = connection.transaction();
        let result = transaction.and_then(|transaction| query(&View { transaction, seal }));
        result.map(Some).map_err(|source| self.error(source))
    }

    /// Writes, all or nothing, and returns when it survives. Makes the database when it is not there. Without the key that the records in it are sealed
    /// with nothing is written.
    pub(crate) fn write<T>(
        &self,
        survives: Survives,
        change: impl FnOnce(&View) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let mut guard = self.lock();
        let key = self.key.get()?;
        let open = self.make(&mut guard)?;
        if open.seal.is_unknown() {
            open.seal = Seal::new(&key);
        }
        commit(open, survives, change).map_err(|source| self.error(source))
    }

    /// Works on the connection outside any transaction. None when there is no database yet.
    pub(crate) fn upkeep<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, JournalError> {
        let mut guard = self.lock();
        let Some(open) = self.find(&mut guard)? else {
            return Ok(None);
        };
        let result = work(&open.connection);
        result.map(Some).map_err(|source| self.error(source))
    }

    /// Returns the size of database and log, in bytes.
    pub(crate) fn bytes(&self) -> Result<u64, JournalError> {
        match &self.directory {
            Some(directory) => Ok(directory.bytes(FILE) + directory.bytes(LOG)),
            None => {
                let bytes = self.upkeep(|connection| {
                    Ok(value(connection, "page_count")? * value(connection, "page_size")?)
                })?;
                Ok(u64::try_from(bytes.unwrap_or(0)).unwrap_or(0))
            }
        }
    }

    /// Returns how long the log is.
    pub(crate) fn log(&self) -> Result<Log, JournalError> {
        let log = self.upkeep(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(NOOP)", (), |row| {
                Ok(Log {
                    pages: row.get(1)?,
                    copied: row.get(2)?,
                })
            })
        })?;
        Ok(log.unwrap_or_default())
    }

    /// Puts the log into the database file.
    pub(crate) fn checkpoint(&self, how: Checkpoint) -> Result<(), JournalError> {
        let (mode, patience) = match how {
            Checkpoint::Passive => ("PASSIVE", PATIENCE),
            Checkpoint::Truncate => ("TRUNCATE", PATIENCE),
            Checkpoint::TruncateAtOnce => ("TRUNCATE", Duration::ZERO),
        };
        self.upkeep(|connection| {
            connection.busy_timeout(patience)?;
            let sql = format!("PRAGMA wal_checkpoint({mode})");
            let done = connection.query_row(&sql, (), |_| Ok(()));
            connection.busy_timeout(PATIENCE)?;
            done
        })?;
        Ok(())
    }

    /// A thread that panicked while it held the lock left a transaction that was rolled back.
    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the database, if it is there.
    fn find<'a>(&self, open: &'a mut Option<Open>) -> Result<Option<&'a mut Open>, JournalError> {
        match &self.directory {
            Some(directory) if open.is_none() && !directory.exists(FILE)? => Ok(None),
            _ => self.make(open).map(Some),
        }
    }

    /// Opens the database, which is made when it is not there.
    fn make<'a>(&self, open: &'a mut Option<Open>) -> Result<&'a mut Open, JournalError> {
        let opened = match open.take() {
            Some(opened) => opened,
            None => {
                let seal = match self.key.get() {
                    Ok(key) => Seal::new(&key),
                    // What is there can be read all the same. Who acts upon it asks for the key.
                    Err(JournalError::KeyMissing { .. }) => Seal::unknown(),
                    Err(error) => return Err(error),
                };
                Open {
                    connection: self.connect(&seal)?,
                    seal,
                    survives: Survives::Process,
                }
            }
        };
        Ok(open.insert(opened))
    }

    fn connect(&self, seal: &Seal) -> Result<Connection, JournalError> {
        let Some(directory) = &self.directory else {
            return schema::make_in_memory().map_err(|source| self.error(source));
        };
        if !directory.exists(FILE)? {
            schema::make_file(directory, FILE)?;
        }
        // They are opened by their names, and what others could write to is no record of ours.
        for beside in [LOG, INDEX] {
            directory.exists(beside)?;
        }
        let mut connection = connect(&self.path).map_err(|source| self.error(source))?;
        if schema::verify(&connection, &self.path)? == Format::Unsealed {
            let sealed = schema::seal(&mut connection, seal);
            sealed.map_err(|source| self.error(source))?;
        }
        Ok(connection)
    }

    pub(crate) fn error(&self, source: rusqlite::Error) -> JournalError {
        JournalError::of(&self.path, source)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // The connection is behind a lock of ours, so it needs none of its own.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "synchronous", "normal")?;
    if cfg!(target_os = "macos") {
        // There an ordinary sync leaves data in the drive's cache.
        connection.pragma_update(None, "fullfsync", true)?;
    }
    let set = connection.query_row("PRAGMA wal_autocheckpoint = 0", (), |_| Ok(()));
    set.map(|()| connection)
}

fn commit<T>(
    open: &mut Open,
    survives: Survives,
    change: impl FnOnce(&View) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    if open.survives != survives {
        let level = match survives {
            Survives::Process => "normal",
            // The first sync of a process also puts the names of the files on the disk.
            Survives::PowerLoss => "full",
        };
        open.connection.pragma_update(None, "synchronous", level)?;
        open.survives = survives;
    }
    // At once, because a transaction that has read before it wants to write may be refused for good.
    let transaction = open
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    let view = View {
        transaction,
        seal: &open.seal,
    };
    let result = change(&view)?;
    view.transaction.commit()?;
    Ok(result)
}

/// Returns the number that a pragma tells.
pub(crate) fn value(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
