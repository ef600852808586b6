//! Artifacts that runs need which are not over: a resumed run takes the very one that it began with, also when another has taken its place.
//!
//! A file is named by its digest and is worth nothing unless its bytes have that digest. Whether it came with an agent, and so has all rights
//! that it requests, is in its name: whoever can write here can write the agent itself.

use std::collections::BTreeSet;
use std::io;

use agent_core::agent::Origin;
use agent_core::id::Digest;
use cap_std::fs::Dir;

use crate::bytes::Bytes;
use crate::whole;

const BUNDLED: &str = ".bundled.wasm";
const FOREIGN: &str = ".wasm";

/// See the module.
#[derive(Debug)]
pub(crate) struct Kept(Option<Dir>);

impl Kept {
    pub(crate) fn new(dir: Option<Dir>) -> Kept {
        Kept(dir)
    }

    /// Keeps an artifact, unless it is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put(&self, digest: &Digest, origin: &Origin, wasm: &[u8]) -> io::Result<()> {
        let Some(dir) = &self.0 else { return Ok(()) };
        let name = name(digest, origin == &Origin::Bundled);
        if dir.exists(&name) {
            return Ok(());
        }
        whole::replace(dir, &name, wasm)
    }

    /// Returns an artifact, and whether it came with an agent.
    pub(crate) fn get(&self, digest: &Digest) -> Option<(Bytes, bool)> {
        let dir = self.0.as_ref()?;
        [true, false].into_iter().find_map(|bundled| {
            let wasm = Bytes::from(dir.read(name(digest, bundled)).ok()?);
            (wasm.digest() == *digest).then_some((wasm, bundled))
        })
    }

    /// Removes every artifact but these. One that cannot be removed only takes room.
    pub(crate) fn retain(&self, needed: &BTreeSet<Digest>) {
        let Some(dir) = &self.0 else { return };
        let kept: BTreeSet<String> = needed
            .iter()
            .flat_map(|digest| [name(digest, true), name(digest, false)])
            .collect();
        for entry in dir.entries().into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(FOREIGN) && !kept.contains(&name) {
                drop(dir.remove_file(&name));
            }
        }
    }
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
