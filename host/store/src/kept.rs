//! Artifacts that runs need which are not over: a resumed run takes the very one that it began with, also when another has taken its place.
//!
//! A file is named by its digest and is worth nothing unless its bytes have that digest. That it lies here says nothing of where it came from: what
//! came with this agent is what has the digest of one of its own plugins.
//!
//! An artifact is kept before its run is on record, so that no record is without its artifact. Until then nobody knows that it is needed: one that
//! was kept in the last hour is never removed.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, SystemTime};

use agent_core::id::Digest;
use agent_file::{Folder, Refused};
use cap_std::fs::Dir;

use crate::bytes::Bytes;
use crate::whole;

const END: &str = ".wasm";

/// No artifact is larger.
const MOST: u64 = 64 << 20;

/// How long an artifact is kept for a run that is not on record yet: much longer than a run takes to begin.
const BEGINNING: Duration = Duration::from_secs(60 * 60);

/// See the module.
#[derive(Debug)]
pub(crate) struct Kept(Result<Option<Folder>, Refused>);

impl Kept {
    pub(crate) fn new(folder: Result<Option<Folder>, Refused>) -> Kept {
        Kept(folder)
    }

    /// Keeps an artifact. One that is there counts as kept just now; one that was not written whole is written again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put(&self, digest: &Digest, wasm: &[u8]) -> io::Result<()> {
        let Some(folder) = self.0.as_ref().map_err(Refused::clone)? else {
            return Ok(());
        };
        let name = name(digest);
        // Whether its bytes are the right ones is looked at when they are taken.
        let whole = folder.find(&name).ok().filter(|file| {
            let length = file.metadata().map(|metadata| metadata.len());
            length.is_ok_and(|length| length == wasm.len() as u64)
        });
        match whole {
            Some(file) => file.set_modified(SystemTime::now()),
            None => whole::replace(folder.dir(), &name, wasm),
        }
    }

    /// Returns an artifact.
    pub(crate) fn get(&self, digest: &Digest) -> Option<Bytes> {
        let folder = self.folder()?;
        let wasm = Bytes::from(folder.read(&name(digest), MOST).ok()?);
        (wasm.digest() == *digest).then_some(wasm)
    }

    /// Removes every artifact but these, and those that were kept just now. One that cannot be removed only takes room.
    pub(crate) fn retain(&self, needed: &BTreeSet<Digest>) {
        let Some(folder) = self.folder() else { return };
        let dir = folder.dir();
        let kept: BTreeSet<String> = needed.iter().map(name).collect();
        for entry in dir.entries().into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(END) && !kept.contains(&name) && is_old(dir, &name) {
                drop(dir.remove_file(&name));
            }
        }
    }

    /// Notes that a person has been shown what an artifact asks for. Only a warning depends on it.
    pub(crate) fn note_inspected(&self, digest: &Digest) {
        if let Some(folder) = self.folder() {
            drop(whole::replace(folder.dir(), &seen(digest), b""));
        }
    }

    pub(crate) fn is_inspected(&self, digest: &Digest) -> bool {
        let found = self.folder().map(|folder| folder.find(&seen(digest)));
        found.is_some_and(|found| found.is_ok())
    }

    fn folder(&self) -> Option<&Folder> {
        self.0.as_ref().ok()?.as_ref()
    }
}

/// A time that cannot be told, or lies in the future, is none to remove anything by.
fn is_old(dir: &Dir, name: &str) -> bool {
    let modified = dir.metadata(name).and_then(|metadata| metadata.modified());
    let age = modified.map(|at| at.into_std().elapsed());
    age.is_ok_and(|age| age.is_ok_and(|age| age > BEGINNING))
}

fn name(digest: &Digest) -> String {
    format!("{}{END}", digest.hex())
}

fn seen(digest: &Digest) -> String {
    format!("{}.inspected", digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::folder;

    fn kept_in(folder: &Folder) -> Kept {
        Kept::new(Ok(Some(folder.try_clone().expect("clones"))))
    }

    fn grow_old(folder: &Folder, digest: &Digest) {
        let file = folder.find(&name(digest)).expect("there");
        let before = SystemTime::now() - BEGINNING - Duration::from_secs(1);
        file.set_modified(before).expect("sets");
    }

    #[test]
    fn artifact_of_a_run_that_is_not_on_record_yet_is_not_removed() {
        let (_keep, folder) = folder();
        let kept = kept_in(&folder);
        let wasm = Bytes::from(b"a component".to_vec());
        let digest = wasm.digest();
        for _ in 0..2 {
            kept.put(&digest, &wasm).expect("kept");
            kept.retain(&BTreeSet::new());
            assert!(kept.get(&digest).is_some());
            // The next run finds it there, from long ago.
            grow_old(&folder, &digest);
        }
    }

    #[test]
    fn artifact_is_kept_until_nobody_needs_it() {
        let (_keep, folder) = folder();
        let kept = kept_in(&folder);
        let wasm = Bytes::from(b"a component".to_vec());
        let digest = wasm.digest();
        kept.put(&digest, &wasm).expect("kept");
        assert_eq!(&*kept.get(&digest).expect("there"), &*wasm);
        grow_old(&folder, &digest);
        kept.retain(&BTreeSet::from([digest.clone()]));
        assert!(kept.get(&digest).is_some());
        kept.retain(&BTreeSet::new());
        assert!(kept.get(&digest).is_none());
    }

    #[test]
    fn file_whose_bytes_do_not_have_the_digest_is_not_taken_and_half_a_file_is_replaced() {
        let (_keep, folder) = folder();
        let wasm = Bytes::from(b"a component".to_vec());
        let digest = wasm.digest();
        let dir = folder.dir();
        dir.write(name(&digest), b"another").expect("written");
        let kept = kept_in(&folder);
        assert!(kept.get(&digest).is_none());
        kept.put(&digest, &wasm).expect("kept");
        assert!(kept.get(&digest).is_some());
    }

    #[test]
    fn directory_that_was_refused_keeps_nothing() {
        let refused = Refused::NotText { path: "x".into() };
        let kept = Kept::new(Err(refused));
        let wasm = Bytes::from(b"a component".to_vec());
        kept.put(&wasm.digest(), &wasm).expect_err("not kept");
    }
}
