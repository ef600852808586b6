//! Folders with everything in them that a backup can get wrong, and what is in a folder, for a comparison.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use agent_testbed::WRITES;
use rustix::fs::{XattrFlags, lgetxattr, llistxattr, lsetxattr};

/// How many differences are shown.
const SHOWN: usize = 5;

/// What is in a folder, but for what the app writes all the time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree(BTreeMap<PathBuf, Entry>);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    what: What,
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Clone, PartialEq)]
enum What {
    Folder,
    /// Its bytes, and the first of the names that it has.
    File(Vec<u8>, PathBuf),
    Link(PathBuf),
}

impl std::fmt::Debug for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            What::Folder => write!(f, "folder"),
            What::File(bytes, first) => {
                let zeros = bytes.iter().filter(|byte| **byte == 0).count();
                write!(
                    f,
                    "file of {} bytes, {zeros} of them 0, as {first:?}",
                    bytes.len()
                )
            }
            What::Link(target) => write!(f, "link to {target:?}"),
        }
    }
}

impl Tree {
    /// What is there now.
    pub(super) fn of(folder: &Path) -> Self {
        let (mut all, mut names) = (BTreeMap::new(), BTreeMap::new());
        let mut open = vec![PathBuf::new()];
        while let Some(parent) = open.pop() {
            let entries = fs::read_dir(folder.join(&parent)).expect("a folder");
            let mut entries: Vec<_> = entries
                .map(|one| one.expect("an entry").file_name())
                .collect();
            entries.sort();
            for name in entries.into_iter().filter(|name| name != WRITES) {
                let place = parent.join(name);
                all.insert(place.clone(), Entry::of(folder, &place, &mut names));
                if all[&place].what == What::Folder {
                    open.push(place);
                }
            }
        }
        Self(all)
    }

    /// In words; empty when they are the same.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let places = self.different(other);
        let shown = places.iter().take(SHOWN).map(|place| {
            let (one, two) = (self.0.get(*place), other.0.get(*place));
            format!("{place:?}\n  should be {one:?}\n  is        {two:?}")
        });
        let more = places.len().saturating_sub(SHOWN);
        let more = (more > 0).then(|| format!("and {more} more"));
        shown.chain(more).collect()
    }

    fn different<'a>(&'a self, other: &'a Self) -> Vec<&'a PathBuf> {
        let mut places: Vec<_> = self.0.keys().chain(other.0.keys()).collect();
        places.sort();
        places.dedup();
        places.retain(|place| self.0.get(*place) != other.0.get(*place));
        places
    }
}

impl Entry {
    fn of(folder: &Path, place: &Path, names: &mut BTreeMap<u64, PathBuf>) -> Self {
        let path = folder.join(place);
        let found = fs::symlink_metadata(&path).expect("an entry");
        let what = if found.is_dir() {
            What::Folder
        } else if found.is_symlink() {
            What::Link(fs::read_link(&path).expect("a link"))
        } else {
            let first = names.entry(found.ino()).or_insert_with(|| place.to_owned());
            What::File(fs::read(&path).expect("a file"), first.clone())
        };
        Self {
            what,
            mode: found.mode(),
            owner: (found.uid(), found.gid()),
            modified: (found.mtime(), found.mtime_nsec()),
            attributes: attributes(&path),
        }
    }
}

fn attributes(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut names = [0; 4096];
    let length = llistxattr(path, &mut names).unwrap_or(0);
    let names = names[..length].split(|byte| *byte == 0);
    let users = names.filter(|name| name.starts_with(b"user."));
    let value = |name: &[u8]| {
        let mut value = [0; 4096];
        let length = lgetxattr(path, OsStr::from_bytes(name), &mut value).expect("an attribute");
        (name.to_owned(), value[..length].to_owned())
    };
    users.map(value).collect()
}

/// Empties a folder and fills it with a version of a tree, which belongs to a user and a group.
pub(super) fn plant(folder: &Path, version: u8, owner: (u32, u32)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let removed = if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.expect("removing an entry");
    }
    let make = |name: &str| fs::create_dir_all(folder.join(name)).expect("making a folder");
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("writing a file");
        path
    };
    for name in ["photos/2024", "empty", "shared", "sticky"] {
        make(name);
    }
    write("photos/film", &noise(5_000_000, version));
    write("photos/every version the same", &noise(300_000, 77));
    write(
        "of the same size and time",
        format!("version {version}").as_bytes(),
    );
    write("photos/2024/größe ☃", b"unicode");
    write("photos/2024/two\nlines", b"a name");
    write(&"n".repeat(250), b"long");
    write("nothing", b"");
    write("secret", b"for the owner only");
    write(&format!("only in {version}"), b"added");
    let attributed = write("attributed", b"has an attribute");
    let value = [b'v', version];
    lsetxattr(&attributed, "user.note", &value, XattrFlags::empty()).expect("an attribute");
    write("linked", format!("a small file of {version}").as_bytes());
    fs::hard_link(folder.join("linked"), folder.join("linked again")).expect("a hard link");
    symlink("photos/film", folder.join("link")).expect("a link");
    symlink(format!("nowhere {version}"), folder.join("dangling")).expect("a link");
    let sparse = File::create(folder.join("sparse")).expect("a file");
    sparse.set_len(3_000_000).expect("its length");
    if version.is_multiple_of(2) {
        write("sometimes a folder", b"now a file");
    } else {
        make("sometimes a folder/with more");
        write("sometimes a folder/with more/in it", b"more");
    }
    settle(folder, version, owner);
}

/// Gives all that is in a folder, and the folder, to a user and a group.
pub(super) fn give(folder: &Path, owner: (u32, u32)) {
    let chown = std::process::Command::new("chown")
        .args(["-hR", &format!("{}:{}", owner.0, owner.1)])
        .arg(folder)
        .status();
    assert!(chown.expect("chown").success());
}

/// Modes, owner and times: the last, because everything else changes them.
fn settle(folder: &Path, version: u8, owner: (u32, u32)) {
    let modes = [
        ("shared", 0o2775),
        ("sticky", 0o1777),
        ("secret", 0o400),
        ("nothing", 0o600),
    ];
    give(folder, owner);
    for (name, mode) in modes {
        fs::set_permissions(folder.join(name), Permissions::from_mode(mode)).expect("a mode");
    }
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (name, more) in [
        ("of the same size and time", 0),
        ("photos/film", u64::from(version)),
        ("photos/every version the same", 0),
    ] {
        let file = File::options()
            .write(true)
            .open(folder.join(name))
            .expect("a file");
        file.set_modified(old + Duration::from_secs(more))
            .expect("a time");
    }
}

/// Bytes that no compression makes smaller, the same each time. Two versions share their second half.
pub(super) fn noise(length: usize, version: u8) -> Vec<u8> {
    let mut bytes = stream(u64::from(version) + 1, length / 2);
    bytes.extend(stream(1 << 32, length - length / 2));
    bytes
}

/// Xorshift (<https://www.jstatsoft.org/article/view/v008i14>).
fn stream(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_between_versions_is_seen() {
        let [one, two] = [0, 1].map(|version| {
            let folder = tempfile::tempdir().expect("a folder");
            plant(folder.path(), version, (0, 0));
            let tree = Tree::of(folder.path());
            // As the clock is no part of the version.
            Tree(
                tree.0
                    .into_iter()
                    .map(|(place, mut entry)| {
                        entry.modified.1 = 0;
                        (place, entry)
                    })
                    .collect(),
            )
        });
        let different = one.different(&two);
        let seen = |name: &str| different.contains(&&PathBuf::from(name));
        for name in [
            "photos/film",
            "of the same size and time",
            "attributed",
            "linked",
            "dangling",
            "sometimes a folder",
            "only in 0",
            "only in 1",
        ] {
            assert!(seen(name), "{name} in {different:#?}");
        }
        assert!(!seen("photos/every version the same"));
        assert_eq!(one.differences(&one), Vec::<String>::new());
    }
}
