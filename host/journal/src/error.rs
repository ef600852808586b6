//! What goes wrong with a journal, and what mends it.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use agent_core::failure::{Failure, Hint, Kind};
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_file::Refused;
use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use thiserror::Error;

mod lock;
mod run;

pub use lock::LockError;
pub use run::RunError;

/// Why the journal cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file is no longer what was written.
    #[error("the journal `{}` is damaged", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rusqlite::Error,
    },
    /// Another program's database, or an empty file.
    #[error("`{}` is no journal of the agent", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by an agent that came later.
    #[error("the journal `{}` has format {theirs}, and this agent knows format {ours}", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its format.
        theirs: i64,
        /// Ours.
        ours: i64,
    },
    /// The file system or the quota is full.
    #[error("there is no room for the journal `{}`", path.display())]
    Full {
        /// The file that could not grow.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another process has not let go of it.
    #[error("the journal `{}` is busy: another process did not let go of it in time", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// Others could write here what we would take for our own record, and put back.
    #[error("the journal is not where only this user can write")]
    Unsafe {
        /// What is wrong, and where.
        #[source]
        source: Refused,
    },
    /// The database cannot be used for another reason.
    #[error("the journal `{}` cannot be used", path.display())]
    Unusable {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// A file beside the database cannot be used.
    #[error("`{}` cannot be {step}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried, such as `opened`.
        step: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key file holds something else than a key.
    #[error("`{}` holds {bytes} bytes, and a key has 32", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
    /// There are records, and the key is gone that they are sealed with.
    #[error("`{}` is missing, the key that the runs on record are sealed with", path.display())]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// The thread that writes could not be started, or is gone.
    #[error("the journal has no thread to write with")]
    NoWriter {
        /// Why it could not be started; none when it ended by itself, which is a bug.
        #[source]
        source: Option<io::Error>,
    },
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    Random {
        /// Why.
        #[source]
        source: getrandom::Error,
    },
}

impl JournalError {
    /// Sorts what SQLite says about the database at `path`.
    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> JournalError {
        let path = path.to_owned();
        if is_out_of_room(&source) {
            return JournalError::Full {
                path,
                source: Box::new(source),
            };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                JournalError::Damaged { path, source }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                JournalError::Busy { path, source }
            }
            // Without a code it is not SQLite that complains, but we about what it gave us.
            None => JournalError::Damaged { path, source },
            Some(_) => JournalError::Unusable { path, source },
        }
    }

    /// Sorts what the system says about a file beside the database.
    pub(crate) fn file(path: PathBuf, step: &'static str, source: io::Error) -> JournalError {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => JournalError::Full {
                path,
                source: Box::new(source),
            },
            _ => JournalError::File { path, step, source },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            JournalError::Damaged { .. } | JournalError::Foreign { .. } => "journal.damaged",
            JournalError::Key { .. } => "journal.key",
            JournalError::KeyMissing { .. } => KEY_MISSING,
            JournalError::Unsafe { .. } => "journal.unsafe",
            JournalError::Newer { .. } => "journal.newer",
            JournalError::Full { .. } => "journal.full",
            JournalError::Busy { .. } => "journal.busy",
            JournalError::Unusable { .. }
            | JournalError::File { .. }
            | JournalError::NoWriter { .. }
            | JournalError::Random { .. } => "journal.unwritable",
        }
    }
}

/// A shared-memory file that cannot grow is how SQLite says in one place that the disk is full.
fn is_out_of_room(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == SQLITE_IOERR_SHMSIZE
    })
}

/// What [`JournalError::KeyMissing`] is called.
const KEY_MISSING: &str = "journal.key-missing";

const ELSEWHERE: &str =
    "set XDG_STATE_HOME to a directory that lasts and that this user can write to";

impl Hint for JournalError {
    fn hint(&self) -> Option<Remedy> {
        match self {
            JournalError::Damaged { path, .. } | JournalError::Foreign { path } => {
                let (folder, path) = (folder(path).display(), path.display());
                Some(hint!(
                    "move it away, and the agent begins a new one, which does not know what runs of before have left: mkdir -p {}/damaged && mv {}* {}/damaged/",
                    folder,
                    path,
                    folder
                ))
            }
            JournalError::Key { path, .. } => Some(hint!(
                "move it away, and the agent makes a new one: mv {} {}.damaged",
                path.display(),
                path.display()
            )),
            JournalError::KeyMissing { path } => {
                let folder = folder(path).display();
                Some(hint!(
                    "put it back from a backup; without it no run on record can be resumed or taken back, and the agent begins anew once they are moved away: mkdir -p {}/keyless && mv {}/journal.db* {}/keyless/",
                    folder,
                    folder,
                    folder
                ))
            }
            JournalError::Unsafe { source } => Some(match source {
                Refused::Owner { .. } => {
                    "run as its owner, or set XDG_STATE_HOME to a directory of your own".into()
                }
                source => source.hint().unwrap_or_else(|| ELSEWHERE.into()),
            }),
            JournalError::Newer { .. } => Some("use a newer agent".into()),
            JournalError::Full { path, .. } => {
                Some(hint!("make room: df -h {}", folder(path).display()))
            }
            JournalError::Busy { path, .. } => Some(hint!(
                "look which process holds it: fuser -v {}",
                path.display()
            )),
            JournalError::Unusable { source, .. }
                if source.sqlite_error_code() == Some(ErrorCode::ReadOnly) =>
            {
                Some(ELSEWHERE.into())
            }
            JournalError::File { source, .. }
                if source.kind() == io::ErrorKind::ReadOnlyFilesystem =>
            {
                Some(ELSEWHERE.into())
            }
            JournalError::Unusable { path, .. } | JournalError::File { path, .. } => {
                Some(hint!("ls -la {}", folder(path).display()))
            }
            JournalError::NoWriter { .. } | JournalError::Random { .. } => None,
        }
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Failure {
        let kind = match error {
            JournalError::Newer { .. } => Kind::Unsupported,
            _ => Kind::Unavailable,
        };
        failure(kind, error.code(), &error)
    }
}

fn failure<E: Error + Hint + 'static>(kind: Kind, code: &str, error: &E) -> Failure {
    let mut failure = Failure::of(kind, code, error);
    // Below its words SQLite has a number, and the same once more.
    if failure.causes.len() > 1 {
        failure
            .causes
            .retain(|cause| !cause.starts_with("Error code "));
    }
    match error.hint() {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

#[cfg(test)]
mod tests;
