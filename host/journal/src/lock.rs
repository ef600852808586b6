//! Locks by name. Who holds one is a living process: when it dies, however it dies, the lock is free.
//!
//! On disk a lock is a file that the kernel locks for the one who has it open, so a dead owner is never mistaken for a live one by its number.
//! In memory the same table serves one process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use agent_core::id::RunId;
use agent_core::origin::Who;
use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::error::JournalError;

mod file;
mod named;

pub use named::Locks;
pub(crate) use named::NamedLock;

use file::FileLock;

/// Who has a lock, in words for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The run that it is for.
    pub run: RunId,
    /// The name of the user; empty when it is not known.
    pub user: String,
    /// The name of the machine; empty when it is not known.
    pub host: String,
    /// The process.
    pub process: u32,
    /// The name that is locked, for whoever looks into the file.
    pub name: Option<String>,
}

impl Owner {
    pub(crate) fn new(run: &RunId, who: &Who, name: Option<&str>) -> Owner {
        Owner {
            run: run.clone(),
            user: who.user.clone(),
            host: who.host.clone(),
            process: who.process,
            name: name.map(str::to_owned),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.process)?;
        match (self.user.as_str(), self.host.as_str()) {
            ("", "") => Ok(()),
            (user, "") => write!(f, " of {user}"),
            ("", host) => write!(f, " on {host}"),
            (user, host) => write!(f, " of {user} on {host}"),
        }
    }
}

/// Locks of one sort.
#[derive(Clone, Debug)]
pub(crate) enum LockTable {
    /// A folder of files, which all processes share.
    Files {
        directory: Arc<Directory>,
        folder: &'static str,
    },
    /// For one process.
    Memory(Arc<Mutex<BTreeMap<String, Owner>>>),
}

/// What came of trying to get a lock.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It is ours.
    Held(Held),
    /// It is somebody else's, who may not have said who that is.
    Taken(Option<Box<Owner>>),
}

/// A lock that is ours until this is dropped.
#[derive(Debug)]
pub(crate) enum Held {
    File {
        #[expect(dead_code, reason = "what matters of it is that it is dropped")]
        lock: FileLock,
    },
    Memory {
        table: Arc<Mutex<BTreeMap<String, Owner>>>,
        name: String,
    },
}

impl LockTable {
    /// Makes the locks in a folder of the state directory, or those of this process.
    pub(crate) fn new(directory: Option<&Arc<Directory>>, folder: &'static str) -> LockTable {
        match directory {
            Some(directory) => LockTable::Files {
                directory: Arc::clone(directory),
                folder,
            },
            None => LockTable::Memory(Arc::default()),
        }
    }

    /// Tries to get a lock. The name must be one for a file.
    pub(crate) fn take(&self, name: &str, owner: &Owner) -> Result<Attempt, JournalError> {
        match self {
            LockTable::Files { directory, folder } => file::take(directory, folder, name, owner),
            LockTable::Memory(table) => {
                let mut owners = table.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(owner) = owners.get(name) {
                    return Ok(Attempt::Taken(Some(Box::new(owner.clone()))));
                }
                owners.insert(name.to_owned(), owner.clone());
                Ok(Attempt::Held(Held::Memory {
                    table: Arc::clone(table),
                    name: name.to_owned(),
                }))
            }
        }
    }

    /// Returns whether a living process holds a lock.
    pub(crate) fn is_held(&self, name: &str) -> Result<bool, JournalError> {
        match self {
            LockTable::Files { directory, folder } => file::is_held(directory, folder, name),
            LockTable::Memory(table) => {
                let owners = table.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(owners.contains_key(name))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Held::Memory { table, name } = self {
            let mut owners = table.lock().unwrap_or_else(PoisonError::into_inner);
            owners.remove(name);
        }
    }
}
