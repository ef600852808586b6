//! Rows, and what they mean.

use std::error::Error;

use agent_core::id::{Digest, RunId};
use agent_core::journal::Entry;
use agent_core::record::{Begun, Noted, Record, State, Summary, Who};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The kind of entry 0, which says how the run began.
pub(crate) const BEGUN: &str = "begun";
/// The kind of [`Entry::Called`].
pub(crate) const CALLED: &str = "called";
/// The kind of [`Entry::Intent`].
pub(crate) const INTENT: &str = "intent";

/// The runs of which something is left to do, or that are at work. The words are those of the index.
pub(crate) const OPEN: &str = "ended IS NULL OR held > 0";

const COLUMNS: &str = "key, id, operation, arguments, plugin, user, host, door, process, begun, ended, state, held, exit";
const NUMBERS: i64 = 1 << 32;

/// A run's row. Its state is the one that it has while no process is at it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: i64,
    pub(crate) summary: Summary,
}

/// Returns whether [`OPEN`] holds for a run.
pub(crate) fn is_open(summary: &Summary) -> bool {
    summary.ended.is_none() || summary.held > 0
}

/// Returns the runs for which a condition holds, newest first.
pub(crate) fn runs(from: &Transaction, condition: &str) -> rusqlite::Result<Vec<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE {condition} ORDER BY begun DESC, key DESC");
    let mut statement = from.prepare_cached(&sql)?;
    statement.query_map((), stored)?.collect()
}

/// Returns one run.
pub(crate) fn run(from: &Transaction, run: &RunId) -> rusqlite::Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?");
    let mut statement = from.prepare_cached(&sql)?;
    statement.query_row([run.as_str()], stored).optional()
}

/// All that is stored of a run.
pub(crate) struct Whole {
    pub(crate) key: i64,
    /// The run's state in it is that of [`Stored`].
    pub(crate) record: Record,
    /// How long its entries are together.
    pub(crate) bytes: i64,
}

/// Returns all that is stored of a run.
pub(crate) fn whole(from: &Transaction, id: &RunId) -> rusqlite::Result<Option<Whole>> {
    let Some(Stored { key, summary }) = run(from, id)? else {
        return Ok(None);
    };
    let (entries, bytes) = entries(from, key, 0)?;
    let record = Record {
        begun: begun(from, key)?,
        summary,
        entries,
    };
    Ok(Some(Whole { key, record, bytes }))
}

/// Returns how a run began.
pub(crate) fn begun(from: &Transaction, key: i64) -> rusqlite::Result<Begun> {
    let body: String = from
        .prepare_cached("SELECT body FROM entry WHERE id = ?")?
        .query_row([entry_id(key, 0)], |row| row.get(0))?;
    parse(0, &body)
}

/// Returns the entries of a run after the one with that number, and how long they are together.
pub(crate) fn entries(
    from: &Transaction,
    key: i64,
    after: u64,
) -> rusqlite::Result<(Vec<Noted>, i64)> {
    let after = i64::try_from(after).unwrap_or(NUMBERS).min(NUMBERS - 1);
    let mut statement = from
        .prepare_cached("SELECT number, at, body FROM entry WHERE id > ? AND id < ? ORDER BY id")?;
    let mut rows = statement.query(params![entry_id(key, after), entry_id(key + 1, 0)])?;
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let body = row.get_ref(2)?.as_str()?;
        bytes += i64::try_from(body.len()).unwrap_or(i64::MAX);
        let number: i64 = row.get(0)?;
        entries.push(Noted {
            number: u64::try_from(number).unwrap_or(0),
            at: timestamp(1, row.get(1)?)?,
            entry: parse::<Entry>(number, body)?,
        });
    }
    Ok((entries, bytes))
}

/// Returns the artifacts that a run has been in: its own, and those of the operations that it called.
pub(crate) fn artifacts(from: &Transaction, key: i64) -> rusqlite::Result<Vec<Digest>> {
    let mut statement = from.prepare_cached(
        "SELECT body FROM entry WHERE id > ? AND id < ? AND kind = ? ORDER BY id",
    )?;
    let ids = params![entry_id(key, 0), entry_id(key + 1, 0), CALLED];
    let mut rows = statement.query(ids)?;
    let mut digests = vec![begun(from, key)?.digest];
    while let Some(row) = rows.next()? {
        if let Entry::Called { digest, .. } = parse(0, row.get_ref(0)?.as_str()?)? {
            digests.push(digest);
        }
    }
    Ok(digests)
}

/// Returns whether a run was about to change anything.
pub(crate) fn has_changed(from: &Transaction, key: i64) -> rusqlite::Result<bool> {
    from.prepare_cached("SELECT 1 FROM entry WHERE id > ? AND id < ? AND kind = ? LIMIT 1")?
        .exists(params![entry_id(key, 0), entry_id(key + 1, 0), INTENT])
}

/// Returns the id of an entry of the run with that key.
pub(crate) fn entry_id(key: i64, number: i64) -> i64 {
    key * NUMBERS + number
}

/// Returns a time as it is stored. Years after 2262 become that one.
pub(crate) fn nanoseconds(time: Timestamp) -> i64 {
    i64::try_from(time.as_nanosecond()).unwrap_or(i64::MAX)
}

/// Returns a value as it is stored.
pub(crate) fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Returns the id of a run in a column.
pub(crate) fn run_id(row: &Row, column: usize) -> rusqlite::Result<RunId> {
    valid(column, RunId::try_from(row.get_ref(column)?.as_str()?))
}

fn stored(row: &Row) -> rusqlite::Result<Stored> {
    let ended: Option<i64> = row.get(10)?;
    let summary = Summary {
        run: run_id(row, 1)?,
        operation: valid(2, row.get_ref(2)?.as_str()?.parse())?,
        arguments: valid(3, serde_json::from_str(row.get_ref(3)?.as_str()?))?,
        plugin: row.get(4)?,
        who: Who {
            user: row.get(5)?,
            host: row.get(6)?,
            door: row.get(7)?,
            process: row.get(8)?,
        },
        begun: timestamp(9, row.get(9)?)?,
        ended: ended.map(|at| timestamp(10, at)).transpose()?,
        state: state(row.get_ref(11)?.as_str_or_null()?),
        held: u64::try_from(row.get::<_, i64>(12)?).unwrap_or(0),
        exit: row.get(13)?,
    };
    Ok(Stored {
        key: row.get(0)?,
        summary,
    })
}

/// The words are those of [`State::as_str`].
fn state(word: Option<&str>) -> State {
    let over = [State::Done, State::Failed, State::Undone];
    let found = over.into_iter().find(|state| Some(state.as_str()) == word);
    found.unwrap_or(State::Unfinished)
}

fn timestamp(column: usize, nanoseconds: i64) -> rusqlite::Result<Timestamp> {
    valid(column, Timestamp::from_nanosecond(nanoseconds.into()))
}

fn parse<T: DeserializeOwned>(number: i64, body: &str) -> rusqlite::Result<T> {
    let parsed = serde_json::from_str(body);
    valid(2, parsed.map_err(|source| Unreadable { number, source }))
}

fn valid<T, E: Error + Send + Sync + 'static>(
    column: usize,
    value: Result<T, E>,
) -> rusqlite::Result<T> {
    value.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// An entry that is no entry.
#[derive(Debug, thiserror::Error)]
#[error("entry {number} cannot be read")]
struct Unreadable {
    number: i64,
    source: serde_json::Error,
}
