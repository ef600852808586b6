//! The state directory: where the journal's files are made, for our user only.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{
    Dir, DirBuilder, DirBuilderExt, MetadataExt, OpenOptions, OpenOptionsExt, PermissionsExt,
};

use crate::error::JournalError;

/// The state directory.
#[derive(Debug)]
pub(crate) struct Directory {
    dir: Dir,
    path: PathBuf,
}

impl Directory {
    /// Takes the state directory, unless others could write there.
    pub(crate) fn new(dir: Dir, path: &Path) -> Result<Directory, JournalError> {
        let path = path.to_owned();
        let metadata = match dir.dir_metadata() {
            Ok(metadata) => metadata,
            Err(source) => return Err(JournalError::file(path, "examined", source)),
        };
        let (owner, us) = (metadata.uid(), rustix::process::geteuid().as_raw());
        let mode = metadata.permissions().mode() & 0o777;
        if owner != us || mode & 0o022 != 0 {
            return Err(JournalError::Unsafe {
                path,
                owner,
                us,
                mode,
            });
        }
        Ok(Directory { dir, path })
    }

    /// Returns the path of a file in it, for messages and for SQLite.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the directory itself.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    pub(crate) fn exists(&self, name: &str) -> Result<bool, JournalError> {
        match self.dir.metadata(name) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(self.error(name, "examined", source)),
        }
    }

    /// Returns the size of a file; 0 when it is not there.
    pub(crate) fn bytes(&self, name: &str) -> u64 {
        self.dir.metadata(name).map_or(0, |metadata| metadata.len())
    }

    /// Makes a folder, unless it is there.
    pub(crate) fn make_folder(&self, name: &str) -> Result<(), JournalError> {
        let mut ours_alone = DirBuilder::new();
        ours_alone.mode(0o700);
        match self.dir.create_dir_with(name, &ours_alone) {
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
        drop(self.dir.remove_file(&beside));
        linked?;
        self.sync()
    }

    /// Puts the names in it on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        // The handle that we have is for finding names, and cannot be synced itself.
        let dir = self.dir.open(".");
        dir.and_then(|dir| dir.sync_all())
            .map_err(|source| JournalError::file(self.path.clone(), "synced", source))
    }

    pub(crate) fn error(&self, name: &str, step: &'static str, source: io::Error) -> JournalError {
        JournalError::file(self.path(name), step, source)
    }

    fn create(&self, name: &str) -> Result<File, JournalError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = self.dir.open_with(name, &options);
        file.map(cap_std::fs::File::into_std)
            .map_err(|source| self.error(name, "made", source))
    }

    /// A link, unlike a rename, does not replace what another process has put there.
    fn link(&self, from: &str, to: &str) -> Result<(), JournalError> {
        match self.dir.hard_link(from, &self.dir, to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked.map_err(|source| self.error(to, "made", source)),
        }
    }
}
