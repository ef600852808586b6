//! The record of runs, on disk: one SQLite file in the state directory, shared by all processes of a user.
//!
//! The gate writes here what it is about to do and what came of it, so at any moment the record says what was meant, what happened and what
//! is still held. The engine opens a record for each run before it starts, and hands a run that was cut off back to the gate from it. Entries
//! go to one thread per process (`writer`), which commits whatever came while it was busy together. Beside the file are
//! locks: one per run at work, so that the kernel tells a dead owner from a live one, and one per name that runs exclude each other by.
//!
//! Each entry is sealed with a key that only our user can read, so one that somebody edited is told apart from what the gate wrote.
//!
//! Invariants: a record is only ever added to, and goes as a whole. Nothing that was acknowledged is lost by the end of a process, and
//! nothing that was acknowledged as surviving the loss of power by that. Nobody takes a run from a live process. What this crate cannot read
//! it leaves as it is. Nothing here decides. The state directory is handed in; only SQLite opens a path, and only in that directory.

mod append;
mod database;
mod directory;
mod error;
mod journal;
mod key;
mod lock;
mod open_run;
mod prune;
mod row;
mod seal;
mod standing;
mod writer;

pub use error::{JournalError, LockError, RunError};
pub use journal::{Journal, Options};
pub use lock::{Locks, Owner};
pub use open_run::OpenRun;
pub use row::Unreadable;
