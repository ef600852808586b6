//! The tables, and how a database with them comes to be.

use std::fs::File;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use super::PATIENCE;
use crate::directory::Directory;
use crate::error::JournalError;
use crate::row;
use crate::seal::{Seal, Sealed};

/// Tells our files from other programs' ("ajnl").
const APPLICATION: i64 = 0x616a_6e6c;
/// The number of this format.
const FORMAT: i64 = 3;
/// The one in which entries had no seals, and the one in which rows had none.
const UNSEALED: i64 = 1;
const ROWS_UNSEALED: i64 = 2;

/// An entry's id is its run's key in the upper and its number in the lower 32 bits: the entries of a run lie together in the order in which
/// they came, and need no index. Entry 0 says how the run began. Times are nanoseconds since 1970.
const TABLES: &str = "
CREATE TABLE run (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    operation TEXT NOT NULL,
    arguments TEXT NOT NULL,
    plugin TEXT NOT NULL,
    user TEXT NOT NULL,
    host TEXT NOT NULL,
    door TEXT NOT NULL,
    process INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    ended INTEGER,
    state TEXT,
    held INTEGER NOT NULL DEFAULT 0,
    exit INTEGER,
    bytes INTEGER NOT NULL DEFAULT 0,
    seal BLOB
) STRICT;
CREATE INDEX run_begun ON run (begun);
CREATE INDEX run_open ON run (begun) WHERE ended IS NULL OR held > 0;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    run INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
    number INTEGER GENERATED ALWAYS AS (id & 0xffffffff) VIRTUAL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    seal BLOB
) STRICT;
CREATE TABLE upkeep (pruned INTEGER NOT NULL) STRICT;
INSERT INTO upkeep VALUES (0);
";

/// Makes the database, unless another process is faster. It is there as a whole or not at all.
pub(super) fn make_file(directory: &Directory, name: &str) -> Result<(), JournalError> {
    directory.make_once(name, |beside, _: File| {
        let path = directory.path(beside);
        fill(&path).map_err(|source| JournalError::of(&directory.path(name), source))
    })
}

fn fill(path: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    // Nobody reads this file before it is whole, so it needs nothing to go back to. Closing it leaves everything in the one file.
    connection.pragma_update(None, "journal_mode", "off")?;
    connection.pragma_update(None, "synchronous", "full")?;
    make(&mut connection)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.close().map_err(|(_, error)| error)
}

/// Makes a database that is gone with its connection.
pub(super) fn make_in_memory() -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    make(&mut connection)?;
    Ok(connection)
}

/// Makes the tables in an empty database.
fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    let transaction = connection.transaction()?;
    declare(&transaction)?;
    transaction.commit()
}

fn declare(transaction: &Transaction) -> rusqlite::Result<()> {
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", FORMAT)
}

/// What a database is made like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// As this agent makes it.
    Ours,
    /// Entries, or rows, have no seals yet.
    Unsealed,
}

/// Seals the entries and rows of a database that an agent of before has made, as they are. Another process may do the same.
pub(super) fn seal(connection: &mut Connection, seal: &Seal) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let format: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format != UNSEALED && format != ROWS_UNSEALED {
        return Ok(());
    }
    if format == UNSEALED {
        seal_entries(&transaction, seal)?;
    }
    transaction.execute_batch("ALTER TABLE run ADD COLUMN seal BLOB")?;
    let keys = transaction
        .prepare("SELECT key FROM run")?
        .query_map((), |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    for key in keys {
        row::seal(&transaction, seal, key)?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}

fn seal_entries(transaction: &Transaction, seal: &Seal) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE entry ADD COLUMN seal BLOB")?;
    let mut next = transaction
        .prepare("SELECT id, at, kind, body FROM entry WHERE id > ? ORDER BY id LIMIT 1")?;
    let mut change = transaction.prepare("UPDATE entry SET seal = ? WHERE id = ?")?;
    let mut last: Option<(i64, Sealed)> = None;
    loop {
        let after = last.map_or(i64::MIN, |(id, _)| id);
        let mut rows = next.query([after])?;
        let Some(row) = rows.next()? else { break };
        let id: i64 = row.get(0)?;
        // The first entry of a run is behind none.
        let before = last.filter(|(last, _)| row::run_of(*last) == row::run_of(id));
        let before = before.as_ref().map_or(&[][..], |(_, sealed)| sealed);
        let (kind, body) = (row.get_ref(2)?.as_bytes(), row.get_ref(3)?.as_bytes());
        let sealed = match (kind, body) {
            (Ok(kind), Ok(body)) => seal.of(before, row::number_of(id), row.get(1)?, kind, body),
            // It is damaged, and stays so.
            _ => [0; 32],
        };
        change.execute(params![sealed, id])?;
        last = Some((id, sealed));
    }
    Ok(())
}

/// Returns whether there is a database with records that are sealed.
pub(crate) fn is_sealed(directory: &Directory, name: &str) -> Result<bool, JournalError> {
    if !directory.exists(name)? {
        return Ok(false);
    }
    let path = directory.path(name);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let sealed = Connection::open_with_flags(&path, flags).and_then(|connection| {
        connection.busy_timeout(PATIENCE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let is_ours = format == ROWS_UNSEALED || format == FORMAT;
        Ok(is_ours
            && connection
                .prepare("SELECT 1 FROM run LIMIT 1")?
                .exists(())?)
    });
    sealed.map_err(|source| JournalError::of(&path, source))
}

/// Refuses what is no journal, or one of a format that came later.
pub(super) fn verify(connection: &Connection, path: &Path) -> Result<Format, JournalError> {
    let read = |pragma| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(|source| JournalError::of(path, source))
    };
    if read("application_id")? != APPLICATION {
        return Err(JournalError::Foreign {
            path: path.to_owned(),
        });
    }
    match read("user_version")? {
        FORMAT => Ok(Format::Ours),
        UNSEALED | ROWS_UNSEALED => Ok(Format::Unsealed),
        theirs if theirs > FORMAT => Err(JournalError::Newer {
            path: path.to_owned(),
            theirs,
            ours: FORMAT,
        }),
        _ => Err(JournalError::Foreign {
            path: path.to_owned(),
        }),
    }
}
