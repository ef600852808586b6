//! Whole files: written beside, put on the disk, and renamed, so that a name always stands for a complete file.
//!
//! The name beside is nobody else's, not even that of a process with our number in another container, and what was renamed is never written
//! again: somebody may have mapped it already.

use std::io::{self, Write};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

/// Replaces a file, or makes it; only our user may read it.
///
/// # Errors
/// When it cannot be written or renamed, or when the system has no random numbers; the old file is as it was.
pub(crate) fn replace(dir: &Dir, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = format!(".{name}.{:016x}", random()?);
    let replaced = write(dir, &beside, bytes).and_then(|()| dir.rename(&beside, dir, name));
    if replaced.is_err() {
        // What is left of the attempt is of no use; the error that matters is the first one.
        drop(dir.remove_file(&beside));
    }
    replaced
}

fn write(dir: &Dir, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = dir.open_with(name, &options)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::directory;

    fn names(dir: &Dir) -> Vec<String> {
        let entries = dir.entries().expect("reads");
        let name = |entry: io::Result<cap_std::fs::DirEntry>| entry.expect("an entry").file_name();
        entries
            .map(|entry| name(entry).into_string().expect("UTF-8"))
            .collect()
    }

    #[test]
    fn file_is_replaced_and_nothing_is_left_beside_it() {
        let (_keep, dir) = directory();
        for text in ["first", "second"] {
            replace(&dir, "file", text.as_bytes()).expect("replaced");
            assert_eq!(dir.read_to_string("file").expect("reads"), text);
        }
        assert_eq!(names(&dir), ["file"]);
    }

    #[test]
    fn failed_attempt_leaves_nothing_and_changes_nothing() {
        let (_keep, dir) = directory();
        dir.create_dir("file").expect("made");
        replace(&dir, "file", b"text").expect_err("a directory cannot be replaced");
        assert_eq!(names(&dir), ["file"]);
    }
}
