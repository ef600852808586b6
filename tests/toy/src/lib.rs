//! A capability that is no part of the agent: lamps. It shows what a new noun has to bring, and what it gets for that.
//!
//! What it brings is here: rights (`ask`), the interface (`host`), how a turn is made, recovered and put back (`lamps`). Plans, `kill -9`, resuming, undoing,
//! masking, records and denials are the gate's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

mod ask;
mod device;
mod host;
mod lamps;

pub use device::{Device, Fault};
pub use lamps::Lamps;

/// Names of lamps, and how bright each is.
pub type Levels = BTreeMap<String, i32>;

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the next request to a device meets.
pub type Faults = Arc<dyn Fn() -> Fault + Send + Sync>;
