//! Files that a person names.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, Mode, OFlags, Timespec, fstat, openat};

use crate::folder::{is, read_at_most, text};
use crate::kind::FileKind;
use crate::path::{Way, follow};
use crate::refused::Refused;

/// What is made of a pipe, such as the one that a shell makes of `<(pass show token)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipes {
    /// It is refused.
    Refused,
    /// It is read, and waited for so long.
    Within(Duration),
    /// It is read, and waited for without end: a person is at the other one, and can break off at this one.
    Awaited,
}

/// Reads a file that a person names, of at most so many bytes.
///
/// # Errors
/// [`Refused`].
pub fn read_named(path: &Path, most: u64, pipes: Pipes) -> Result<Vec<u8>, Refused> {
    let system = |source: io::Error| Refused::system(path, source);
    let followed = follow(path, Way::Named)?;
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    if !followed.is_open_file {
        flags |= OFlags::NOFOLLOW;
    }
    // Before it is opened, because that alone may set a device to work, and a socket only says that there is no such device.
    let before = rustix::fs::stat(&followed.path).map_err(|source| system(source.into()))?;
    judge(path, &before, pipes)?;
    let file = openat(CWD, &followed.path, flags, Mode::empty());
    let file = File::from(file.map_err(|source| system(source.into()))?);
    let stat = fstat(&file).map_err(|source| system(source.into()))?;
    judge(path, &stat, pipes)?;
    match (FileKind::of(&stat), pipes) {
        (FileKind::Pipe, Pipes::Within(patience)) => piped(file, path, most, Some(patience)),
        (FileKind::Pipe, _) => piped(file, path, most, None),
        _ => read_at_most(file, path, most),
    }
}

/// Reads a file of text that a person names.
///
/// # Errors
/// As for [`read_named`]; also when it is not UTF-8.
pub fn read_named_text(path: &Path, most: u64, pipes: Pipes) -> Result<String, Refused> {
    text(read_named(path, most, pipes)?, path)
}

fn judge(path: &Path, stat: &rustix::fs::Stat, pipes: Pipes) -> Result<(), Refused> {
    match FileKind::of(stat) {
        FileKind::Pipe if pipes != Pipes::Refused => Ok(()),
        _ => is(path, stat, FileKind::Regular),
    }
}

/// Reads a pipe to its end, which is where everybody who wrote has closed it.
fn piped(
    mut pipe: File,
    path: &Path,
    most: u64,
    patience: Option<Duration>,
) -> Result<Vec<u8>, Refused> {
    let end = patience.map(|patience| Instant::now() + patience);
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) if bytes.is_empty() => {
                let path = path.to_owned();
                return Err(Refused::Unwritten { path });
            }
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                wait(&pipe, path, patience, end)?
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Refused::system(path, source)),
        }
        if bytes.len() as u64 > most {
            let path = path.to_owned();
            return Err(Refused::TooLarge { path, most });
        }
    }
}

fn wait(
    pipe: &File,
    path: &Path,
    patience: Option<Duration>,
    end: Option<Instant>,
) -> Result<(), Refused> {
    let left = end.map(|end| end.saturating_duration_since(Instant::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    let mut watched = [PollFd::new(pipe, PollFlags::IN)];
    match poll(&mut watched, left.as_ref()) {
        Ok(0) => Err(Refused::Silent {
            path: path.to_owned(),
            patience: patience.unwrap_or_default(),
        }),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(source) => Err(Refused::system(path, source)),
    }
}

#[cfg(test)]
mod tests;
