//! The tables, and how a database with them comes to be.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Transaction};

use crate::directory::Directory;
use crate::error::JournalError;

/// Tells our files from other programs' ("ajnl").
const APPLICATION: i64 = 0x616a_6e6c;
/// The number of this format.
const FORMAT: i64 = 1;

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
    bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_begun ON run (begun);
CREATE INDEX run_open ON run (begun) WHERE ended IS NULL OR held > 0;
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    run INTEGER GENERATED ALWAYS AS (id >> 32) VIRTUAL,
    number INTEGER GENERATED ALWAYS AS (id & 0xffffffff) VIRTUAL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
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

/// Refuses what is no journal, or one of a format that came later.
pub(super) fn verify(connection: &Connection, path: &Path) -> Result<(), JournalError> {
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
        FORMAT => Ok(()),
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
