//! The entries of a run. One that cannot be read is told of and passed over: what the others say is still worth knowing.

use std::error::Error;

use agent_core::id::Digest;
use agent_core::journal::Entry;
use agent_core::record::{Noted, RunHeader, has_lasted};
use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::{CALLED, INTENT, NUMBERS, entry_id, number_of};
use crate::database::View;

/// An entry that is no entry: it was damaged, or edited, or a newer agent has written it.
#[derive(Debug, thiserror::Error)]
#[error("entry {number} cannot be read")]
pub struct Unreadable {
    number: i64,
    source: Box<dyn Error + Send + Sync>,
}

/// Why an entry is not what the journal has written.
#[derive(Debug, thiserror::Error)]
enum Unsealed {
    #[error("it, or the one before it, is not as it was written")]
    Edited,
    #[error("it belongs to another run")]
    Exchanged,
}

impl Unreadable {
    /// It says how another run began.
    pub(crate) fn exchanged() -> Unreadable {
        unreadable(0, Unsealed::Exchanged)
    }

    /// Returns whether it is not even known how the run began.
    pub(crate) fn is_beginning(&self) -> bool {
        self.number == 0
    }
}

/// The entries of a run, or those after some number.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) noted: Vec<Noted>,
    pub(crate) unreadable: Vec<Unreadable>,
    /// How long they are together.
    pub(crate) bytes: i64,
}

/// Returns how a run began. None when there is no such run.
pub(crate) fn begun(
    from: &View,
    key: i64,
) -> rusqlite::Result<Option<Result<RunHeader, Unreadable>>> {
    let sql = "SELECT id, at, kind, body, seal FROM entry WHERE id = ?";
    let mut statement = from.prepare_cached(sql)?;
    let begun = statement.query_row([entry_id(key, 0)], |row| Ok(sound(from, row, &[])));
    begun.optional()
}

/// Returns the entries of a run after the one with that number.
pub(crate) fn entries(from: &View, key: i64, after: u64) -> rusqlite::Result<Entries> {
    let after = i64::try_from(after).unwrap_or(NUMBERS).min(NUMBERS - 1);
    let mut before = sealed(from, entry_id(key, after))?.unwrap_or_default();
    let mut statement = from.prepare_cached(
        "SELECT id, at, kind, body, seal FROM entry WHERE id > ? AND id < ? ORDER BY id",
    )?;
    let mut rows = statement.query(params![entry_id(key, after), entry_id(key + 1, 0)])?;
    let mut entries = Entries::default();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(3)?;
        entries.bytes += body
            .as_bytes()
            .map_or(0, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        match noted(from, row, &before) {
            Ok(noted) => entries.noted.push(noted),
            Err(unreadable) => entries.unreadable.push(unreadable),
        }
        before = row.get_ref(4)?.as_blob().unwrap_or_default().to_vec();
    }
    Ok(entries)
}

/// Returns the seal of an entry; none when there is no such entry, or it has none.
pub(crate) fn sealed(from: &View, id: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = from.prepare_cached("SELECT seal FROM entry WHERE id = ?")?;
    let sealed = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(sealed.flatten())
}

/// Returns the number of a run's last entry.
pub(crate) fn last(from: &View, key: i64) -> rusqlite::Result<u64> {
    let id: i64 = from
        .prepare_cached("SELECT coalesce(max(id), ?1) FROM entry WHERE id >= ?1 AND id < ?2")?
        .query_row([entry_id(key, 0), entry_id(key + 1, 0)], |row| row.get(0))?;
    Ok(u64::try_from(id - entry_id(key, 0)).unwrap_or(0))
}

/// Returns the artifacts that a run has been in, as far as they can be read: its own, and those of the operations that it called.
pub(crate) fn artifacts(from: &View, key: i64) -> rusqlite::Result<Vec<Digest>> {
    let mut statement = from.prepare_cached(
        "SELECT body FROM entry WHERE id > ? AND id < ? AND kind = ? ORDER BY id",
    )?;
    let ids = params![entry_id(key, 0), entry_id(key + 1, 0), CALLED];
    let mut rows = statement.query(ids)?;
    let begun = begun(from, key)?.and_then(Result::ok);
    let mut digests: Vec<Digest> = begun.map(|begun| begun.digest).into_iter().collect();
    while let Some(row) = rows.next()? {
        // More artifacts are kept than needed when it was edited, and none is run for that.
        if let Ok(Entry::Called { digest, .. }) = parse(0, row.get_ref(0)?) {
            digests.push(digest);
        }
    }
    Ok(digests)
}

/// Returns whether a run has changed anything in the sense of [`has_lasted`], as far as that can be read.
pub(crate) fn has_changed(from: &View, key: i64) -> rusqlite::Result<bool> {
    let intends = from
        .prepare_cached("SELECT 1 FROM entry WHERE id > ? AND id < ? AND kind = ? LIMIT 1")?
        .exists(params![entry_id(key, 0), entry_id(key + 1, 0), INTENT])?;
    if !intends {
        return Ok(false);
    }
    let entries = entries(from, key, 0)?;
    Ok(!entries.unreadable.is_empty() || has_lasted(&entries.noted))
}

fn noted(from: &View, row: &Row, before: &[u8]) -> Result<Noted, Unreadable> {
    let number = number(row);
    let at = row.get(1).map_err(|error| unreadable(number, error))?;
    let at: i64 = at;
    let at = Timestamp::from_nanosecond(at.into()).map_err(|error| unreadable(number, error))?;
    Ok(Noted {
        number: u64::try_from(number).unwrap_or(0),
        at,
        entry: sound(from, row, before)?,
    })
}

fn number(row: &Row) -> i64 {
    row.get(0).map_or(0, number_of)
}

/// Reads an entry, if it is what was written behind the one with the seal `before`.
fn sound<T: DeserializeOwned>(from: &View, row: &Row, before: &[u8]) -> Result<T, Unreadable> {
    let number = number(row);
    let column = |error| unreadable(number, error);
    let body = row.get_ref(3).map_err(column)?;
    // What is plainly damaged is called that.
    let parsed = parse(number, body)?;
    let at = row.get(1).map_err(column)?;
    let kind = row
        .get_ref(2)
        .map_err(column)?
        .as_bytes()
        .unwrap_or_default();
    let body = body.as_bytes().unwrap_or_default();
    let sealed = row
        .get_ref(4)
        .map_err(column)?
        .as_blob()
        .unwrap_or_default();
    match from.seal.fits(sealed, before, number, at, kind, body) {
        true => Ok(parsed),
        false => Err(unreadable(number, Unsealed::Edited)),
    }
}

fn parse<T: DeserializeOwned>(number: i64, body: ValueRef) -> Result<T, Unreadable> {
    let text = body.as_str().map_err(|error| unreadable(number, error))?;
    serde_json::from_str(text).map_err(|error| unreadable(number, error))
}

fn unreadable(number: i64, why: impl Error + Send + Sync + 'static) -> Unreadable {
    Unreadable {
        number,
        source: Box::new(why),
    }
}
