//! Adding to a record: a run's row, and its entries in order.

use std::sync::Arc;

use agent_core::id::RunId;
use agent_core::journal::Entry;
use agent_core::record::RunHeader;
use jiff::Timestamp;
use rusqlite::params;

use crate::database::View;
use crate::row;
use crate::seal::Sealed;
use crate::standing::Standing;

/// An entry as it is stored.
#[derive(Debug)]
pub(crate) struct Line {
    at: i64,
    kind: &'static str,
    body: String,
    standing: Option<Standing>,
}

impl Line {
    pub(crate) fn new(entry: &Entry, at: Timestamp) -> Result<Line, serde_json::Error> {
        Ok(Line {
            at: row::nanoseconds(at),
            kind: kind(entry),
            body: serde_json::to_string(entry)?,
            standing: Standing::after(entry),
        })
    }
}

/// Where the record of an open run ends.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    run: RunId,
    row: Row,
    /// The number of the next entry.
    next: i64,
    /// The seal of the one before; none when it is to be looked up.
    sealed: Option<Sealed>,
    /// How long its entries are together.
    bytes: i64,
}

#[derive(Clone, Debug)]
enum Row {
    /// It goes to disk with the first entry.
    ToBeMade(Arc<RunHeader>),
    /// It is there, under this key.
    Made(i64),
    /// Another run has the id.
    Refused,
}

impl Tail {
    /// The record of a run that begins.
    pub(crate) fn begin(begun: RunHeader) -> Tail {
        Tail {
            run: begun.run.clone(),
            row: Row::ToBeMade(Arc::new(begun)),
            next: 1,
            sealed: None,
            bytes: 0,
        }
    }

    /// The record of a run that is taken up again, after the entry with that number.
    pub(crate) fn reopen(run: RunId, key: i64, last: u64, bytes: i64) -> Tail {
        let last = i64::try_from(last).unwrap_or(i64::MAX);
        Tail {
            run,
            row: Row::Made(key),
            next: last + 1,
            sealed: None,
            bytes,
        }
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }

    /// Returns whether nothing can be added because another run has the id.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.row, Row::Refused)
    }

    /// Adds an entry, and the run's row before the first one.
    pub(crate) fn append(&mut self, to: &View, line: &Line) -> rusqlite::Result<()> {
        if let Row::ToBeMade(begun) = self.row.clone() {
            self.row = self.make_row(to, &begun)?;
        }
        let Row::Made(key) = self.row else {
            return Ok(());
        };
        self.insert(to, key, self.next, line.at, line.kind, &line.body)?;
        self.next += 1;
        match line.standing {
            Some(standing) => self.stand(to, key, line.at, standing),
            None => Ok(()),
        }
    }

    fn make_row(&mut self, to: &View, begun: &RunHeader) -> rusqlite::Result<Row> {
        let call = &begun.call;
        let at = row::nanoseconds(begun.at);
        let made = to
            .prepare_cached(
                "INSERT INTO run (id, operation, arguments, plugin, user, host, door, process, begun)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                self.run.as_str(),
                call.operation.as_str(),
                row::json(&call.arguments)?,
                begun.plugin,
                begun.who.user,
                begun.who.host,
                begun.who.door,
                begun.who.process,
                at,
            ])?;
        if made == 0 {
            return Ok(Row::Refused);
        }
        let key = to.last_insert_rowid();
        self.insert(to, key, 0, at, row::BEGUN, &row::json(begun)?)?;
        row::seal(to, to.seal, key)?;
        Ok(Row::Made(key))
    }

    fn insert(
        &mut self,
        to: &View,
        key: i64,
        number: i64,
        at: i64,
        kind: &str,
        body: &str,
    ) -> rusqlite::Result<()> {
        let id = row::entry_id(key, number);
        let before = match self.sealed {
            Some(sealed) => Some(sealed.to_vec()),
            None if number == 0 => None,
            None => row::sealed(to, id - 1)?,
        };
        let before = before.unwrap_or_default();
        let sealed = to
            .seal
            .of(&before, number, at, kind.as_bytes(), body.as_bytes());
        to.prepare_cached("INSERT INTO entry (id, at, kind, body, seal) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![id, at, kind, body, sealed])?;
        self.sealed = Some(sealed);
        self.bytes += i64::try_from(body.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    fn stand(&self, to: &View, key: i64, at: i64, standing: Standing) -> rusqlite::Result<()> {
        let (ended, state, held, exit) = match standing {
            Standing::Over { state, held, exit } => {
                let held = i64::try_from(held).unwrap_or(i64::MAX);
                (Some(at), Some(state.as_str()), held, Some(exit))
            }
            Standing::Again => (None, None, 0, None),
        };
        row::mend(to, key)?;
        to.prepare_cached(
            "UPDATE run SET ended = ?, state = ?, held = ?, exit = ?, bytes = ? WHERE key = ?",
        )?
        .execute(params![ended, state, held, exit, self.bytes, key])?;
        row::seal(to, to.seal, key)
    }
}

/// The same words as in the entry itself.
fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Called { .. } => row::CALLED,
        Entry::Answered { .. } => "answered",
        Entry::Intent(_) => row::INTENT,
        Entry::Result { .. } => "result",
        Entry::Releasing { .. } => "releasing",
        Entry::PutBack { .. } => "put-back",
        Entry::Kept { .. } => "kept",
        Entry::Ended { .. } => "ended",
        Entry::Told { .. } => "told",
        Entry::Resumed { .. } => "resumed",
        Entry::Finished { .. } => "finished",
        Entry::Undone { .. } => "undone",
    }
}
