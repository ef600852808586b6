//! Artifacts that runs need which are not over: a resumed run takes the very one that it began with, also when another has taken its place.
//!
//! A file is named by its digest and is worth nothing unless its bytes have that digest. Whether it came with an agent, and so has all rights
//! that it requests, is in its name: whoever can write here can write the agent itself.
//!
//! An artifact is kept before its run is on record, so that no record is without its artifact. Until then nobody knows that it is needed: one that
//! was kept in the last hour is never removed.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, SystemTime};

use agent_core::agent::Origin;
use agent_core::id::Digest;
use cap_std::fs::Dir;

use crate::bytes::Bytes;
use crate::whole;

const BUNDLED: &str = ".bundled.wasm";
const FOREIGN: &str = ".wasm";

/// How long an artifact is kept for a run that is not on record yet: much longer than a run takes to begin.
const BEGINNING: Duration = Duration::from_secs(60 * 60);

/// See the module.
#[derive(Debug)]
pub(crate) struct Kept(Option<Dir>);

impl Kept {
    pub(crate) fn new(dir: Option<Dir>) -> Kept {
        Kept(dir)
    }

    /// Keeps an artifact. One that is there counts as kept just now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put(&self, digest: &Digest, origin: &Origin, wasm: &[u8]) -> io::Result<()> {
        let Some(dir) = &self.0 else { return Ok(()) };
        let name = name(digest, origin == &Origin::Bundled);
        match refresh(dir, &name) {
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => whole::replace(dir, &name, wasm),
            refreshed => refreshed,
        }
    }

    /// Returns an artifact, and whether it came with an agent.
    pub(crate) fn get(&self, digest: &Digest) -> Option<(Bytes, bool)> {
        let dir = self.0.as_ref()?;
        [true, false].into_iter().find_map(|bundled| {
            let wasm = Bytes::from(dir.read(name(digest, bundled)).ok()?);
            (wasm.digest() == *digest).then_some((wasm, bundled))
        })
    }

    /// Removes every artifact but these, and those that were kept just now. One that cannot be removed only takes room.
    pub(crate) fn retain(&self, needed: &BTreeSet<Digest>) {
        let Some(dir) = &self.0 else { return };
        let kept: BTreeSet<String> = needed
            .iter()
            .flat_map(|digest| [name(digest, true), name(digest, false)])
            .collect();
        for entry in dir.entries().into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(FOREIGN) && !kept.contains(&name) && is_old(dir, &name) {
                drop(dir.remove_file(&name));
            }
        }
    }
}

fn refresh(dir: &Dir, name: &str) -> io::Result<()> {
    dir.open(name)?.into_std().set_modified(SystemTime::now())
}

/// A time that cannot be told, or lies in the future, is none to remove anything by.
fn is_old(dir: &Dir, name: &str) -> bool {
    let modified = dir.metadata(name).and_then(|metadata| metadata.modified());
    let age = modified.map(|at| at.into_std().elapsed());
    age.is_ok_and(|age| age.is_ok_and(|age| age > BEGINNING))
}

fn name(digest: &Digest, bundled: bool) -> String {
    let hex = digest.as_str().trim_start_matches("sha256:");
    let end = if bundled { BUNDLED } else { FOREIGN };
    format!("{hex}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::directory;

    fn grow_old(kept: &Kept, digest: &Digest) {
        let dir = kept.0.as_ref().expect("a directory");
        let file = dir.open(name(digest, true)).expect("there").into_std();
        let before = SystemTime::now() - BEGINNING - Duration::from_secs(1);
        file.set_modified(before).expect("sets");
    }

    #[test]
    fn artifact_of_a_run_that_is_not_on_record_yet_is_not_removed() {
        let (_keep, dir) = directory();
        let kept = Kept::new(Some(dir));
        let wasm = Bytes::from(b"a component".to_vec());
        let digest = wasm.digest();
        for _ in 0..2 {
            kept.put(&digest, &Origin::Bundled, &wasm).expect("kept");
            kept.retain(&BTreeSet::new());
            assert!(kept.get(&digest).is_some());
            // The next run finds it there, from long ago.
            grow_old(&kept, &digest);
        }
    }

    #[test]
    fn artifact_is_kept_until_nobody_needs_it() {
        let (_keep, dir) = directory();
        let kept = Kept::new(Some(dir));
        let wasm = Bytes::from(b"a component".to_vec());
        let digest = wasm.digest();
        kept.put(&digest, &Origin::Bundled, &wasm).expect("kept");
        let (found, bundled) = kept.get(&digest).expect("there");
        assert!(bundled);
        assert_eq!(&*found, &*wasm);
        grow_old(&kept, &digest);
        kept.retain(&BTreeSet::from([digest.clone()]));
        assert!(kept.get(&digest).is_some());
        kept.retain(&BTreeSet::new());
        assert!(kept.get(&digest).is_none());
    }

    #[test]
    fn file_whose_bytes_do_not_have_the_digest_is_not_taken() {
        let (_keep, dir) = directory();
        let digest = Bytes::from(b"a component".to_vec()).digest();
        dir.write(name(&digest, true), b"another").expect("written");
        assert!(Kept::new(Some(dir)).get(&digest).is_none());
    }
}
