//! Locks that runs exclude each other by, such as `pvc:media/plex`.

use std::sync::Arc;

use agent_core::id::RunId;
use sha2::{Digest as _, Sha256};

use super::Held;

/// Named locks of a run, until this is dropped.
#[derive(Debug)]
#[must_use = "the locks are let go when this is dropped"]
pub struct Locks {
    pub(crate) held: Vec<Arc<NamedLock>>,
}

impl Locks {
    /// Returns the names that are locked, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.held.iter().map(|lock| lock.name.as_str())
    }
}

/// One name, which everybody shares who took it for the same run in this process.
#[derive(Debug)]
pub(crate) struct NamedLock {
    pub(crate) run: RunId,
    pub(crate) name: String,
    _held: Held,
}

impl NamedLock {
    pub(crate) fn new(run: &RunId, name: &str, held: Held) -> NamedLock {
        NamedLock {
            run: run.clone(),
            name: name.to_owned(),
            _held: held,
        }
    }

    /// Returns what the file of a lock is called: names hold what file names cannot.
    pub(crate) fn file(name: &str) -> String {
        hex::encode(&Sha256::digest(name)[..16])
    }
}
