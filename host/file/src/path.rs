//! The way to a file: who decides where a name leads.
//!
//! Each directory on the way is the administrator's or ours, and nobody else may rename what is in it; so nobody else can change the way between the
//! look at it and the opening.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::refused::Refused;

/// As many links as Linux follows.
const LINKS: u32 = 40;
const STICKY: u32 = 0o1000;

/// How closely the way is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To what is ours: nobody else has a hand in any step.
    Ours,
    /// To what a person named: no link of somebody else in a directory where everybody may put one. It is what Linux does by itself where
    /// `fs.protected_symlinks` is set (<https://docs.kernel.org/admin-guide/sysctl/fs.html#protected-symlinks>).
    Named,
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Followed {
    /// Without links; what is not there yet stands at its end.
    pub(crate) path: PathBuf,
    /// It leads through what a process has open, which only the system follows.
    pub(crate) is_open_file: bool,
}

/// Returns the file that a person means: a link is followed.
///
/// # Errors
/// [`Refused`] when a link of somebody else stands in the way.
pub fn followed(path: &Path) -> Result<PathBuf, Refused> {
    Ok(follow(path, Way::Named)?.path)
}

/// Follows a path from the root, as the system does.
pub(crate) fn follow(path: &Path, way: Way) -> Result<Followed, Refused> {
    let whole = std::path::absolute(path).map_err(|source| Refused::system(path, source))?;
    let mut rest: VecDeque<OsString> = steps(&whole).collect();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    let found = |path, is_open_file| Ok(Followed { path, is_open_file });
    while let Some(step) = rest.pop_front() {
        if step == ".." {
            at.pop();
            continue;
        }
        let parent = examined(&at)?;
        judge(&at, &parent, way)?;
        let next = at.join(&step);
        let here = match next.symlink_metadata() {
            Ok(here) => here,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                at = next;
                at.extend(rest);
                return found(at, false);
            }
            Err(source) => return Err(Refused::system(&next, source)),
        };
        if !here.is_symlink() {
            at = next;
            continue;
        }
        // Links to what is open are made by the system alone, and only it can follow them.
        if at.starts_with("/proc") {
            return found(path.to_owned(), true);
        }
        judge_link(&next, here.uid(), &parent, way)?;
        links += 1;
        if links > LINKS {
            let error = io::Error::from(rustix::io::Errno::LOOP);
            return Err(Refused::system(path, error));
        }
        let target = next
            .read_link()
            .map_err(|source| Refused::system(&next, source))?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        steps(&target).rev().for_each(|step| rest.push_front(step));
    }
    found(at, false)
}

fn steps(path: &Path) -> impl DoubleEndedIterator<Item = OsString> + '_ {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn examined(path: &Path) -> Result<std::fs::Metadata, Refused> {
    let found = path.symlink_metadata();
    found.map_err(|source| Refused::system(path, source))
}

/// Refuses a directory in which somebody else can rename what leads to a thing of ours.
fn judge(path: &Path, directory: &std::fs::Metadata, way: Way) -> Result<(), Refused> {
    let mode = directory.mode() & 0o7777;
    if way == Way::Named || !directory.is_dir() {
        return Ok(());
    }
    if !is_trusted(directory.uid()) {
        return Err(Refused::Owner {
            path: path.to_owned(),
            owner: directory.uid(),
            us: us(),
        });
    }
    // In a sticky directory nobody renames what is another's. Groups on the way are the administrator's to fill.
    if mode & 0o002 != 0 && mode & STICKY == 0 {
        return Err(Refused::Mode {
            path: path.to_owned(),
            mode,
            recorded: "write",
            mend: "o-w",
        });
    }
    Ok(())
}

fn judge_link(
    path: &Path,
    owner: u32,
    parent: &std::fs::Metadata,
    way: Way,
) -> Result<(), Refused> {
    let everybody = parent.mode() & 0o002 != 0 && parent.mode() & STICKY != 0;
    let fits = match way {
        Way::Ours => is_trusted(owner),
        Way::Named => !everybody || owner == us() || owner == parent.uid(),
    };
    match fits {
        true => Ok(()),
        false => Err(Refused::Link {
            path: path.to_owned(),
            owner,
        }),
    }
}

/// The administrator, us, or somebody who has no number here: in a container whose users are mapped, what belongs to the machine.
fn is_trusted(owner: u32) -> bool {
    owner == 0 || owner == us() || owner == unmapped()
}

fn unmapped() -> u32 {
    let number = std::fs::read_to_string("/proc/sys/kernel/overflowuid");
    let number = number.ok().and_then(|text| text.trim().parse().ok());
    // Where everybody has a number there is nobody without.
    number.filter(|_| is_mapped()).unwrap_or(0)
}

/// Returns whether this process sees other numbers than the machine (<https://man7.org/linux/man-pages/man7/user_namespaces.7.html>).
fn is_mapped() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let fields: Vec<&str> = map.split_whitespace().collect();
    !map.is_empty() && fields != ["0", "0", "4294967295"]
}

pub(crate) fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests;
