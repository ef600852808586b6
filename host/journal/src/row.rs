//! Rows, and what they mean.

use std::error::Error;

use agent_core::id::{OperationName, RunId};
use agent_core::origin::Who;
use agent_core::record::{RunHeader, State, Summary};
use jiff::Timestamp;
use rusqlite::types::{Type, ValueRef};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::database::View;
use crate::seal::Seal;
use crate::standing::Standing;

mod entry;

pub use entry::Unreadable;
pub(crate) use entry::{Entries, artifacts, begun, entries, has_changed, last, sealed};

/// The kind of entry 0, which says how the run began.
pub(crate) const BEGUN: &str = "begun";
/// The kind of [`agent_core::journal::Entry::Called`].
pub(crate) const CALLED: &str = "called";
/// The kind of [`agent_core::journal::Entry::Intent`].
pub(crate) const INTENT: &str = "intent";

const COLUMNS: &str = "key, id, operation, arguments, plugin, user, host, door, process, begun, ended, state, held, exit, seal";
/// So many of them are sealed, all but the seal.
const SEALED: usize = 14;
const NUMBERS: i64 = 1 << 32;
/// What the name of a run begins with whose id cannot be read; the number of its row follows, with six digits of base 36. No id has an `o` in
/// it.
const NAMELESS: &str = "ro";
/// The base is that of letters and digits, of which names are made, so there is room for every row that can have entries: see [`entry_id`].
const BASE: u32 = 36;
const DIGITS: usize = 6;

/// A run's row. Its state is the one that it has while no process is at it.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: i64,
    pub(crate) summary: Summary,
}

/// Returns whether something is left to do about a run, or it is at work.
pub(crate) fn is_open(summary: &Summary) -> bool {
    summary.ended.is_none() || summary.held > 0
}

/// Returns the runs for which a condition holds, newest first. All rows are looked at: what one says counts only when its seal fits.
pub(crate) fn runs(from: &View, condition: fn(&Summary) -> bool) -> rusqlite::Result<Vec<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM run ORDER BY begun DESC, key DESC");
    let mut statement = from.prepare_cached(&sql)?;
    let found = statement.query_map((), |row| stored(from, row))?;
    found
        .filter(|found| {
            found
                .as_ref()
                .map_or(true, |stored| condition(&stored.summary))
        })
        .collect()
}

/// Seals a row as it is.
pub(crate) fn seal(to: &Transaction, seal: &Seal, key: i64) -> rusqlite::Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE key = ?");
    let sealed = to.prepare_cached(&sql)?.query_row([key], |row| {
        Ok(seal.of_parts(parts(row)?.iter().map(Vec::as_slice)))
    })?;
    to.prepare_cached("UPDATE run SET seal = ? WHERE key = ?")?
        .execute(params![sealed, key])?;
    Ok(())
}

/// Gives a row that somebody edited what the record says, before it is written to and sealed anew.
pub(crate) fn mend(to: &View, key: i64) -> rusqlite::Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE key = ?");
    if to
        .prepare_cached(&sql)?
        .query_row([key], |row| fits(to, row))?
    {
        return Ok(());
    }
    let Some(Ok(begun)) = begun(to, key)? else {
        return Ok(());
    };
    to.prepare_cached(
        "UPDATE run SET operation = ?, arguments = ?, plugin = ?, user = ?, host = ?, door = ?, process = ?, begun = ? WHERE key = ?",
    )?
    .execute(params![
        begun.call.operation.as_str(),
        json(&begun.call.arguments)?,
        begun.plugin,
        begun.who.user,
        begun.who.host,
        begun.who.door,
        begun.who.process,
        nanoseconds(begun.at),
        key,
    ])?;
    Ok(())
}

/// Returns the columns of a row as they are sealed: each with its type.
fn parts(row: &Row) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut parts = vec![b"row of the journal".to_vec()];
    for column in 0..SEALED {
        let (kind, bytes) = match row.get_ref(column)? {
            ValueRef::Null => (b'0', Vec::new()),
            ValueRef::Integer(number) => (b'i', number.to_be_bytes().to_vec()),
            ValueRef::Real(number) => (b'r', number.to_be_bytes().to_vec()),
            ValueRef::Text(text) => (b't', text.to_vec()),
            ValueRef::Blob(blob) => (b'b', blob.to_vec()),
        };
        let mut part = vec![kind];
        part.extend(bytes);
        parts.push(part);
    }
    Ok(parts)
}

fn fits(from: &View, row: &Row) -> rusqlite::Result<bool> {
    let sealed = row.get_ref(SEALED)?.as_blob_or_null().ok().flatten();
    let parts = parts(row)?;
    let parts = parts.iter().map(Vec::as_slice);
    Ok(from.seal.fits_parts(sealed.unwrap_or_default(), parts))
}

/// Returns how a run stands by its record, where its row is not what was written. None when the record says nothing of it either: all of it was
/// sealed with another key.
fn by_record(from: &View, key: i64, run: RunId) -> rusqlite::Result<Option<Summary>> {
    let Some(Ok(begun)) = begun(from, key)? else {
        return Ok(None);
    };
    let entries = entries(from, key, 0)?;
    let mut summary = Summary {
        run,
        edited: true,
        ..Summary::begun(&begun)
    };
    if !entries.unreadable.is_empty() {
        summary.state = State::Damaged;
        return Ok(Some(summary));
    }
    for noted in &entries.noted {
        match Standing::after(&noted.entry) {
            Some(Standing::Over { state, held, exit }) => {
                (summary.state, summary.held) = (state, held);
                (summary.ended, summary.exit) = (Some(noted.at), Some(exit));
            }
            Some(Standing::Again) => {
                (summary.state, summary.held) = (State::Unfinished, 0);
                (summary.ended, summary.exit) = (None, None);
            }
            None => {}
        }
    }
    Ok(Some(summary))
}

/// Returns one run.
pub(crate) fn run(from: &View, run: &RunId) -> rusqlite::Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ? OR key = ?");
    let mut statement = from.prepare_cached(&sql)?;
    statement
        .query_row(params![run.as_str(), nameless(run.as_str())], |row| {
            stored(from, row)
        })
        .optional()
}

/// All that is stored of a run.
pub(crate) struct Whole {
    pub(crate) stored: Stored,
    /// None when it went while it was read.
    pub(crate) begun: Option<Result<RunHeader, Unreadable>>,
    pub(crate) entries: Entries,
}

/// Returns all that is stored of a run.
pub(crate) fn whole(from: &View, id: &RunId) -> rusqlite::Result<Option<Whole>> {
    let Some(stored) = run(from, id)? else {
        return Ok(None);
    };
    let begun = begun(from, stored.key)?;
    Ok(Some(Whole {
        begun: begun.map(|begun| begun.and_then(|begun| of_run(begun, &stored))),
        entries: entries(from, stored.key, 0)?,
        stored,
    }))
}

/// Refuses a beginning that is another run's: a row decides by its id which run somebody means.
fn of_run(begun: RunHeader, stored: &Stored) -> Result<RunHeader, Unreadable> {
    let named = stored.summary.run.as_str();
    match begun.run == stored.summary.run || nameless(named).is_some() {
        true => Ok(begun),
        false => Err(Unreadable::exchanged()),
    }
}

/// Returns the id of an entry of the run with that key.
pub(crate) fn entry_id(key: i64, number: i64) -> i64 {
    key * NUMBERS + number
}

/// Returns the key of the run that the entry with that id belongs to.
pub(crate) fn run_of(entry: i64) -> i64 {
    entry.div_euclid(NUMBERS)
}

/// Returns the number that an entry has in its run.
pub(crate) fn number_of(entry: i64) -> i64 {
    entry.rem_euclid(NUMBERS)
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

/// Returns the id of a run from the columns of its key and its id. One that cannot be read is told by the number of the row, so that the run can
/// still be named.
pub(crate) fn run_id(row: &Row, key: usize, id: usize) -> rusqlite::Result<RunId> {
    let key: i64 = row.get(key)?;
    let id = row.get_ref(id)?.as_str().ok();
    if let Some(id) = id.and_then(|id| RunId::try_from(id).ok()) {
        return Ok(id);
    }
    valid(0, RunId::try_from(name_of(key).as_str()))
}

fn name_of(key: i64) -> String {
    let digit = |place: u32| {
        let digit = (key / i64::from(BASE.pow(place))).rem_euclid(i64::from(BASE));
        let digit = u32::try_from(digit).ok();
        digit
            .and_then(|digit| char::from_digit(digit, BASE))
            .unwrap_or('0')
    };
    let digits = (0..).take(DIGITS).map(digit).collect::<Vec<char>>();
    let digits = digits.into_iter().rev();
    NAMELESS.chars().chain(digits).collect()
}

/// Returns the key of the run that has such a name.
pub(crate) fn nameless(name: &str) -> Option<i64> {
    let digits = name.strip_prefix(NAMELESS)?;
    let whole = digits.len() == DIGITS;
    i64::from_str_radix(digits, BASE).ok().filter(|_| whole)
}

/// What was called, and by whom.
struct Called {
    operation: OperationName,
    arguments: Map<String, Value>,
    plugin: String,
    who: Who,
}

/// What a row says of the beginning is said by entry 0 as well, so either may be unreadable.
fn stored(from: &View, row: &Row) -> rusqlite::Result<Stored> {
    let key = row.get(0)?;
    if !fits(from, row)?
        && let Some(summary) = by_record(from, key, run_id(row, 0, 1)?)?
    {
        return Ok(Stored { key, summary });
    }
    let (called, known) = match called(row) {
        Ok(called) => (called, true),
        Err(_unreadable) => match begun(from, key)? {
            Some(Ok(begun)) => (called_by(begun), true),
            _ => (unknown()?, false),
        },
    };
    let number = |column: usize| row.get::<_, Option<i64>>(column);
    let time = |column: usize, nanoseconds: i64| {
        valid(column, Timestamp::from_nanosecond(nanoseconds.into()))
    };
    let (ended, held, exit) = (number(10)?, number(12)?, number(13)?);
    let state = match known || ended.is_some() && held.unwrap_or(0) == 0 {
        true => state(row.get_ref(11)?.as_str_or_null().ok().flatten()),
        false => State::Damaged,
    };
    let summary = Summary {
        run: run_id(row, 0, 1)?,
        operation: called.operation,
        arguments: called.arguments,
        plugin: called.plugin,
        who: called.who,
        begun: time(9, row.get(9)?)?,
        ended: ended.map(|at| time(10, at)).transpose()?,
        state,
        held: held.and_then(|held| u64::try_from(held).ok()).unwrap_or(0),
        exit: exit.and_then(|exit| u8::try_from(exit).ok()),
        edited: false,
    };
    Ok(Stored { key, summary })
}

/// Every error is about what is in a column, which has been read by then.
fn called(row: &Row) -> rusqlite::Result<Called> {
    Ok(Called {
        operation: valid(2, row.get_ref(2)?.as_str()?.parse())?,
        arguments: valid(3, serde_json::from_str(row.get_ref(3)?.as_str()?))?,
        plugin: row.get(4)?,
        who: Who {
            user: row.get(5)?,
            host: row.get(6)?,
            door: row.get(7)?,
            process: row.get(8)?,
        },
    })
}

fn called_by(begun: RunHeader) -> Called {
    Called {
        operation: begun.call.operation,
        arguments: begun.call.arguments,
        plugin: begun.plugin,
        who: begun.who,
    }
}

/// Stands for what is written nowhere any more.
fn unknown() -> rusqlite::Result<Called> {
    Ok(Called {
        operation: valid(2, "unknown.operation".parse())?,
        arguments: Map::new(),
        plugin: "unknown".to_owned(),
        who: Who::default(),
    })
}

/// The words are those of [`State::as_str`].
fn state(word: Option<&str>) -> State {
    let over = [State::Done, State::Failed, State::Undone];
    let found = over.into_iter().find(|state| Some(state.as_str()) == word);
    found.unwrap_or(State::Unfinished)
}

fn valid<T, E: Error + Send + Sync + 'static>(
    column: usize,
    value: Result<T, E>,
) -> rusqlite::Result<T> {
    value.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_row_holds_its_whole_number() {
        for key in [1, 99_999, 100_001, i64::from(i32::MAX)] {
            let name = name_of(key);
            assert!(RunId::try_from(name.as_str()).is_ok(), "{name}");
            assert_eq!(nameless(&name), Some(key), "{name}");
        }
        assert_eq!(nameless("ro1"), None, "a beginning is no name");
    }
}
