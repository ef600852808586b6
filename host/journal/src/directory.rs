//! The state directory: where the journal's files are made, for our user only.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use agent_file::{Folder, Refused, Whose};
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt};

use crate::error::JournalError;

/// The state directory.
#[derive(Debug)]
pub(crate) struct Directory {
    folder: Folder,
}

impl Directory {
    /// Takes the state directory, unless others could write there.
    pub(crate) fn new(dir: Dir, path: &Path) -> Result<Directory, JournalError> {
        let folder = Folder::of(dir, path, Whose::ToRead);
        let folder = folder.map_err(|source| JournalError::Unsafe { source })?;
        Ok(Directory { folder })
    }

    /// Returns the path of a file in it, for messages and for SQLite.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the directory itself.
    pub(crate) fn dir(&self) -> &Dir {
        self.folder.dir()
    }

    /// Returns whether a file is there, which is ours then and nobody else's to write to.
    pub(crate) fn exists(&self, name: &str) -> Result<bool, JournalError> {
        match self.find(name) {
            Ok(_) => Ok(true),
            Err(absent) if absent.is_absent() => Ok(false),
            Err(refused) => Err(self.refused(name, "opened", refused)),
        }
    }

    /// Opens a file to be read.
    pub(crate) fn find(&self, name: &str) -> Result<File, Refused> {
        self.folder.find(name)
    }

    /// Reads a file of at most so many bytes.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, Refused> {
        self.folder.read(name, most)
    }

    /// Says of a file that it was refused, by what the system said or by what it is.
    pub(crate) fn refused(&self, name: &str, step: &'static str, refused: Refused) -> JournalError {
        match refused {
            Refused::Owner { .. } | Refused::Mode { .. } | Refused::Link { .. } => {
                JournalError::Unsafe { source: refused }
            }
            refused => self.error(name, step, refused.into()),
        }
    }

    /// Returns the size of a file; 0 when it is not there.
    pub(crate) fn bytes(&self, name: &str) -> u64 {
        self.dir()
            .metadata(name)
            .map_or(0, |metadata| metadata.len())
    }

    /// Makes a folder, unless it is there.
    pub(crate) fn make_folder(&self, name: &str) -> Result<(), JournalError> {
        let mut ours_alone = DirBuilder::new();
        ours_alone.mode(0o700);
        match self.dir().create_dir_with(name, &ours_alone) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(|source| self.error(name, "made", source)),
        }
    }

    /// Makes a file that is there as a whole or not at all, unless somebody else was faster. `fill` gets it under another name, and leaves it
    /// on the disk.
    pub(crate) fn make_once(
        &self,
        name: &str,
        fill: impl FnOnce(&str, File) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let random = getrandom::u64().map_err(|source| JournalError::Random { source })?;
        let beside = format!(".{name}.{random:016x}");
        let linked = self
            .create(&beside)
            .and_then(|file| fill(&beside, file))
            .and_then(|()| self.link(&beside, name));
        // The other name was for the making only.
        drop(self.dir().remove_file(&beside));
        linked?;
        self.sync()
    }

    /// Puts the names in it on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        // The handle that we have is for finding names, and cannot be synced itself.
        let dir = self.dir().open(".");
        dir.and_then(|dir| dir.sync_all())
            .map_err(|source| JournalError::file(self.folder.path().to_owned(), "synced", source))
    }

    pub(crate) fn error(&self, name: &str, step: &'static str, source: io::Error) -> JournalError {
        JournalError::file(self.path(name), step, source)
    }

    fn create(&self, name: &str) -> Result<File, JournalError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = self.dir().open_with(name, &options);
        file.map(cap_std::fs::File::into_std)
            .map_err(|source| self.error(name, "made", source))
    }

    /// A link, unlike a rename, does not replace what another process has put there.
    fn link(&self, from: &str, to: &str) -> Result<(), JournalError> {
        match self.dir().hard_link(from, self.dir(), to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked.map_err(|source| self.error(to, "made", source)),
        }
    }
}
