//! The record of runs, kept in memory for as long as the process lives.
//!
//! It stands beside the gate: the gate notes an intent before an effect goes out and its result before the guest sees it, so at any moment
//! the record says what was meant, what came of it and what is still held. The engine opens a record for each run before it starts.
//!
//! Invariants: this crate opens no file and waits for nothing. A record is only ever added to. Nothing here decides.

mod memory;
mod record;

pub use memory::MemoryJournal;
pub use record::{Entry, Record};
