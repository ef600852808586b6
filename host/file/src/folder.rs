//! Directories of ours, and the files in them.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, openat, statat};

use crate::kind::FileKind;
use crate::path::{Way, follow, us};
use crate::refused::Refused;

/// What others may do with what is ours. It belongs to us or to the administrator in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Others may read it. Nobody else writes there.
    ToRead,
    /// Nobody else may even look.
    Alone,
}

/// A directory of ours that was looked at.
#[derive(Debug)]
pub struct Folder {
    dir: Dir,
    path: PathBuf,
    whose: Whose,
}

impl Folder {
    /// Opens a directory.
    ///
    /// # Errors
    /// [`Refused`] when it is not there, or when somebody else may write to it or decides where its name leads.
    pub fn open(path: &Path, whose: Whose) -> Result<Folder, Refused> {
        let found = follow(path, Way::Ours)?.path;
        let stat = statat(rustix::fs::CWD, &found, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|source| Refused::system(&found, source))?;
        is(&found, &stat, FileKind::Directory)?;
        let dir = Dir::open_ambient_dir(&found, ambient_authority());
        let dir = dir.map_err(|source| Refused::system(&found, source))?;
        Folder::of(dir, path, whose)
    }

    /// Opens a directory, and makes it first when it is not there: for us alone.
    ///
    /// # Errors
    /// As for [`Folder::open`].
    pub fn made(path: &Path, whose: Whose) -> Result<Folder, Refused> {
        let found = follow(path, Way::Ours)?.path;
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&found) {
            // Something else may be in its place, which is what opening it says.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Refused::system(path, error))
            }
            _ => Folder::open(path, whose),
        }
    }

    /// Takes a directory that is open already. `path` is where it is, for messages.
    ///
    /// # Errors
    /// [`Refused`] when somebody else may write to it.
    pub fn of(dir: Dir, path: &Path, whose: Whose) -> Result<Folder, Refused> {
        let stat = fstat(&dir).map_err(|source| Refused::system(path, source))?;
        judge(path, &stat, whose)?;
        let path = path.to_owned();
        Ok(Folder { dir, path, whose })
    }

    /// Opens it once more.
    ///
    /// # Errors
    /// When the process can open no more.
    pub fn try_clone(&self) -> io::Result<Folder> {
        Ok(Folder {
            dir: self.dir.try_clone()?,
            path: self.path.clone(),
            whose: self.whose,
        })
    }

    /// Returns the directory, to write in it.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it to be read: a regular one of ours, to which nobody else may write.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn find(&self, name: &str) -> Result<File, Refused> {
        let path = self.path.join(name);
        let system = |source| Refused::system(&path, source);
        // Before it is opened, because that alone may wait for somebody, or set a device to work.
        let before = statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).map_err(system)?;
        is(&path, &before, FileKind::Regular)?;
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = openat(&self.dir, name, flags, Mode::empty()).map_err(system)?;
        let stat = fstat(&file).map_err(system)?;
        is(&path, &stat, FileKind::Regular)?;
        judge(&path, &stat, self.whose)?;
        Ok(File::from(file))
    }

    /// Reads a file in it, as [`Folder::find`] opens it.
    ///
    /// # Errors
    /// [`Refused`]; also when it has more than `most` bytes.
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, Refused> {
        let path = self.path.join(name);
        read_at_most(self.find(name)?, &path, most)
    }

    /// Reads a file of text that may be a link, as those have it who keep their settings in one place for all machines. The link, each directory on the
    /// way and the file at its end are ours or the administrator's, and nobody else may write there.
    ///
    /// # Errors
    /// As for [`Folder::read_text`]. What is at the end of a link is named as it is.
    pub fn read_linked_text(&self, name: &str, most: u64) -> Result<String, Refused> {
        let path = self.path.join(name);
        let here = statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW);
        let here = here.map_err(|source| Refused::system(&path, source))?;
        if FileKind::of(&here) != FileKind::Link {
            return self.read_text(name, most);
        }
        let end = follow(&path, Way::Ours)?.path;
        let (Some(parent), Some(file)) = (end.parent(), end.file_name().and_then(OsStr::to_str))
        else {
            return Err(Refused::system(&end, rustix::io::Errno::NOENT));
        };
        let read = Folder::open(parent, self.whose)?.read_text(file, most);
        // A link to nothing is no missing file: somebody meant one.
        match read {
            Err(absent) if absent.is_absent() => Err(Refused::Dangling { path, to: end }),
            read => read,
        }
    }

    /// Reads a file of text in it.
    ///
    /// # Errors
    /// As for [`Folder::read`]; also when it is not UTF-8.
    pub fn read_text(&self, name: &str, most: u64) -> Result<String, Refused> {
        text(self.read(name, most)?, &self.path.join(name))
    }
}

pub(crate) fn text(bytes: Vec<u8>, path: &Path) -> Result<String, Refused> {
    String::from_utf8(bytes).map_err(|_| Refused::NotText {
        path: path.to_owned(),
    })
}

/// Reads a regular file to its end, which must come.
pub(crate) fn read_at_most(
    file: impl Read + AsFd,
    path: &Path,
    most: u64,
) -> Result<Vec<u8>, Refused> {
    let too_large = || Refused::TooLarge {
        path: path.to_owned(),
        most,
    };
    let system = |source: io::Error| Refused::system(path, source);
    let stat = fstat(&file).map_err(|source| system(source.into()))?;
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    if size > most {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // It may grow while it is read.
    let read = file.take(most.saturating_add(1)).read_to_end(&mut bytes);
    match read.map_err(system)? as u64 > most {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

pub(crate) fn is(path: &Path, stat: &Stat, wanted: FileKind) -> Result<(), Refused> {
    let (path, kind) = (path.to_owned(), FileKind::of(stat));
    match kind == wanted {
        true => Ok(()),
        false => Err(Refused::Kind { path, kind, wanted }),
    }
}

fn judge(path: &Path, stat: &Stat, whose: Whose) -> Result<(), Refused> {
    // The bits have another width on other systems.
    let mode = u32::try_from(i64::from(stat.st_mode) & 0o7777).unwrap_or(0o7777);
    judge_as(us(), path, stat.st_uid, mode, whose)
}

/// What belongs to the administrator is as good as ours: who is that can be us at any time.
fn judge_as(us: u32, path: &Path, owner: u32, mode: u32, whose: Whose) -> Result<(), Refused> {
    let path = path.to_owned();
    if owner != us && owner != 0 {
        return Err(Refused::Owner { path, owner, us });
    }
    let (others, recorded, mend) = match whose {
        Whose::ToRead => (0o022, "write", "go-w"),
        Whose::Alone => (0o077, "look", "go="),
    };
    match mode & others {
        0 => Ok(()),
        _ => Err(Refused::Mode {
            path,
            mode,
            recorded,
            mend,
        }),
    }
}

#[cfg(test)]
mod tests;
