//! A lock as a file. The file is there only while somebody holds the lock, or after its holder was killed.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cap_std::fs::{MetadataExt as _, OpenOptions, OpenOptionsExt as _};

use super::{Attempt, Held, Owner};
use crate::directory::Directory;
use crate::error::JournalError;

/// How long a lock that is held is tried again. Whoever only looks whether it is held, has it for some microseconds.
const PATIENCE: Duration = Duration::from_millis(20);
/// More than anybody signs with.
const MOST: u64 = 64 << 10;
/// How long between two tries.
const PAUSE: Duration = Duration::from_micros(500);

/// A locked file, which goes before the lock does.
#[derive(Debug)]
pub(crate) struct FileLock {
    directory: Arc<Directory>,
    place: String,
    /// Locked for as long as it is open.
    _file: File,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // A file that stays behind is not locked, and whoever is next takes it as it is.
        drop(self.directory.dir().remove_file(&self.place));
    }
}

pub(super) fn take(
    directory: &Arc<Directory>,
    folder: &str,
    name: &str,
    owner: &Owner,
) -> Result<Attempt, JournalError> {
    let place = place(folder, name);
    let end = Instant::now() + PATIENCE;
    loop {
        let file = open(directory, folder, &place)?;
        match file.try_lock() {
            Ok(()) if is_in_place(directory, &place, &file)? => {
                sign(&file, owner);
                let lock = FileLock {
                    directory: Arc::clone(directory),
                    place,
                    _file: file,
                };
                return Ok(Attempt::Held(Held::File { lock }));
            }
            // Its last holder removed it after we had opened it, so others lock another file by now.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => {
                return Ok(Attempt::Taken(signature(directory, &place)));
            }
            Err(TryLockError::Error(source)) => {
                return Err(directory.error(&place, "locked", source));
            }
        }
    }
}

pub(super) fn is_held(
    directory: &Directory,
    folder: &str,
    name: &str,
) -> Result<bool, JournalError> {
    let place = place(folder, name);
    let file = match directory.find(&place) {
        Ok(file) => file,
        Err(absent) if absent.is_absent() => return Ok(false),
        Err(refused) => return Err(directory.refused(&place, "opened", refused)),
    };
    // Shared, so that two who look do not take each other for the holder.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(directory.error(&place, "locked", source)),
    }
}

fn place(folder: &str, name: &str) -> String {
    format!("{folder}/{name}.lock")
}

fn open(directory: &Directory, folder: &str, place: &str) -> Result<File, JournalError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    let mut opened = directory.dir().open_with(place, &options);
    if matches!(&opened, Err(error) if error.kind() == io::ErrorKind::NotFound) {
        directory.make_folder(folder)?;
        opened = directory.dir().open_with(place, &options);
    }
    opened
        .map(cap_std::fs::File::into_std)
        .map_err(|source| directory.error(place, "opened", source))
}

/// Returns whether the file that was opened is still the one that others open.
fn is_in_place(directory: &Directory, place: &str, file: &File) -> Result<bool, JournalError> {
    let ours = file
        .metadata()
        .map_err(|source| directory.error(place, "examined", source))?;
    match directory.dir().metadata(place) {
        Ok(theirs) => Ok((ours.dev(), ours.ino()) == (theirs.dev(), theirs.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(directory.error(place, "examined", source)),
    }
}

/// Says in the file who holds it. That is for messages only, so a full disk must not keep anybody from taking a run up again.
fn sign(mut file: &File, owner: &Owner) {
    let signed = file.set_len(0).and_then(|()| {
        let text = serde_json::to_string(owner).map_err(io::Error::other)?;
        file.write_all(text.as_bytes())
    });
    drop(signed);
}

fn signature(directory: &Directory, place: &str) -> Option<Box<Owner>> {
    let text = directory.read(place, MOST).ok()?;
    serde_json::from_slice(&text).ok()
}
