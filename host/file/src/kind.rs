//! What lies at a name.

use std::fmt;

use rustix::fs::FileType;

/// What lies at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A file with bytes that end.
    Regular,
    /// A directory.
    Directory,
    /// A link to another name.
    Link,
    /// A pipe.
    Pipe,
    /// A socket.
    Socket,
    /// A device, such as `/dev/zero`.
    Device,
    /// Something that this system alone has.
    Other,
}

impl FileKind {
    pub(crate) fn of(stat: &rustix::fs::Stat) -> FileKind {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Directory,
            FileType::Symlink => FileKind::Link,
            FileType::Fifo => FileKind::Pipe,
            FileType::Socket => FileKind::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => FileKind::Device,
            _ => FileKind::Other,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Regular => "a regular file",
            FileKind::Directory => "a directory",
            FileKind::Link => "a link",
            FileKind::Pipe => "a pipe",
            FileKind::Socket => "a socket",
            FileKind::Device => "a device",
            FileKind::Other => "something else",
        })
    }
}
