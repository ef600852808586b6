//! Why a file or a directory is not opened, and what mends it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_core::failure::Hint;
use agent_core::hint;
use agent_core::hint::{Path as Named, Remedy};
use thiserror::Error;

use crate::kind::FileKind;

/// Why a file or a directory is not opened. Each says where; an error of the system is the source of its own layer.
#[derive(Clone, Debug, Error)]
pub enum Refused {
    /// The system does not let us.
    #[error("`{}` cannot be opened", path.display())]
    System {
        /// What was to be opened.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Arc<io::Error>,
    },
    /// It is something else than was expected.
    #[error("`{}` is {kind}, and must be {wanted}", path.display())]
    Kind {
        /// What was to be opened.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
        /// What it must be.
        wanted: FileKind,
    },
    /// It belongs to somebody else.
    #[error("`{}` belongs to user {owner}, and this is user {us}", path.display())]
    Owner {
        /// What was to be opened, or a directory on the way there.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Us.
        us: u32,
    },
    /// Others may do with it what they must not.
    #[error("`{}` has mode {mode:04o}, and nobody else may {recorded} there", path.display())]
    Mode {
        /// What was to be opened, or a directory on the way there.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// What others could do: `write` or `look`.
        recorded: &'static str,
        /// What takes that from them, as `chmod` takes it.
        mend: &'static str,
    },
    /// Somebody else says where the name leads.
    #[error("`{}` is a link that belongs to user {owner}, and anybody may put one there", path.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// The link leads to nothing.
    #[error("`{}` is a link to `{}`, which is not there", path.display(), to.display())]
    Dangling {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// It is larger than anything that is read there.
    #[error("`{}` has more than {most} bytes, the most that is read of it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bound.
        most: u64,
    },
    /// A pipe with nobody at its other end.
    #[error("`{}` is a pipe that nobody writes to", path.display())]
    Unwritten {
        /// The pipe.
        path: PathBuf,
    },
    /// A pipe whose other end is held open, and nothing comes.
    #[error("nothing came through the pipe `{}` for {} s", path.display(), patience.as_secs())]
    Silent {
        /// The pipe.
        path: PathBuf,
        /// How long it was waited for.
        patience: Duration,
    },
    /// It is not text.
    #[error("`{}` is not text: it has bytes that are not UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

impl Refused {
    pub(crate) fn system(path: &Path, source: impl Into<io::Error>) -> Refused {
        Refused::System {
            path: path.to_owned(),
            source: Arc::new(source.into()),
        }
    }

    /// Returns whether there is nothing of that name.
    pub fn is_absent(&self) -> bool {
        matches!(self, Refused::System { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl Hint for Refused {
    fn hint(&self) -> Option<Remedy> {
        match self {
            Refused::Mode { path, mend, .. } => {
                Some(hint!("chmod {} {}", mend, Named(&path.to_string_lossy())))
            }
            Refused::Owner { path, .. }
            | Refused::Link { path, .. }
            | Refused::Kind { path, .. } => {
                Some(hint!("ls -ld {}", Named(&path.to_string_lossy())))
            }
            Refused::System { .. }
            | Refused::Dangling { .. }
            | Refused::TooLarge { .. }
            | Refused::Unwritten { .. }
            | Refused::Silent { .. }
            | Refused::NotText { .. } => None,
        }
    }
}

/// What the system said stays what it is; everything else is an error of its own, which [`remedy`] knows again.
impl From<Refused> for io::Error {
    fn from(refused: Refused) -> io::Error {
        let kind = match &refused {
            Refused::System { source, .. } => match source.raw_os_error() {
                Some(number) => return io::Error::from_raw_os_error(number),
                None => source.kind(),
            },
            Refused::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            Refused::NotText { .. } => io::ErrorKind::InvalidData,
            Refused::Silent { .. } => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, refused)
    }
}

/// Returns the command that mends what an error is about, if it is one of this room.
pub fn remedy(error: &io::Error) -> Option<Remedy> {
    let inner = error.get_ref()?.downcast_ref::<Refused>()?;
    inner.hint()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_survives_the_way_through_an_error_of_the_system() {
        let refused = Refused::Mode {
            path: "/home/it's me/agent".into(),
            mode: 0o777,
            recorded: "write",
            mend: "go-w",
        };
        let error = io::Error::from(refused);
        assert_eq!(
            error.to_string(),
            "`/home/it's me/agent` has mode 0777, and nobody else may write there"
        );
        let command = remedy(&error).expect("a remedy");
        assert_eq!(command.as_str(), r"chmod go-w '/home/it'\''s me/agent'");
    }

    #[test]
    fn what_the_system_says_stays_what_it_is() {
        let refused = Refused::system(Path::new("/nowhere"), io::Error::from_raw_os_error(2));
        assert!(refused.is_absent());
        let error = io::Error::from(refused);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(remedy(&error).is_none());
    }
}
