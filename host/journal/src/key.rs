//! The key of keyed hashes, by which secret answers are compared without being kept.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use crate::database::{self, schema};
use crate::directory::Directory;
use crate::error::JournalError;

const FILE: &str = "key";
/// More than a key, so that it can be said how long something is that is none.
const MOST: u64 = 4096;

/// The key: in a file that is made at first need, or in memory.
#[derive(Debug)]
pub(crate) struct Key {
    directory: Option<Arc<Directory>>,
    known: OnceLock<[u8; 32]>,
}

impl Key {
    pub(crate) fn new(directory: Option<Arc<Directory>>) -> Key {
        Key {
            directory,
            known: OnceLock::new(),
        }
    }

    /// Returns the key if it is there or is known to be missing; it is not made.
    pub(crate) fn known(&self) -> Result<(), JournalError> {
        match &self.directory {
            Some(directory)
                if self.known.get().is_none() && directory.exists(database::FILE)? =>
            {
                self.get().map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Returns the key, the same for all processes that share the directory.
    pub(crate) fn get(&self) -> Result<[u8; 32], JournalError> {
        if let Some(key) = self.known.get() {
            return Ok(*key);
        }
        let key = match &self.directory {
            Some(directory) => stored(directory)?,
            None => random()?,
        };
        Ok(*self.known.get_or_init(|| key))
    }
}

fn stored(directory: &Directory) -> Result<[u8; 32], JournalError> {
    if let Some(key) = read(directory)? {
        return Ok(key);
    }
    // With another key nothing on record could be told from what somebody else has written there.
    if schema::is_sealed(directory, database::FILE)? {
        return Err(JournalError::KeyMissing {
            path: directory.path(FILE),
        });
    }
    let key = random()?;
    directory.make_once(FILE, |name, mut file| {
        let written = file.write_all(&key).and_then(|()| file.sync_all());
        written.map_err(|source| directory.error(name, "written", source))
    })?;
    // Another process may have been faster; what is in the file counts.
    Ok(read(directory)?.unwrap_or(key))
}

fn read(directory: &Directory) -> Result<Option<[u8; 32]>, JournalError> {
    let bytes = match directory.read(FILE, MOST) {
        Ok(bytes) => bytes,
        Err(absent) if absent.is_absent() => return Ok(None),
        Err(refused) => return Err(directory.refused(FILE, "read", refused)),
    };
    match bytes.as_slice().try_into() {
        Ok(key) => Ok(Some(key)),
        Err(_) => Err(JournalError::Key {
            path: directory.path(FILE),
            bytes: bytes.len(),
        }),
    }
}

fn random() -> Result<[u8; 32], JournalError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|source| JournalError::Random { source })?;
    Ok(key)
}
