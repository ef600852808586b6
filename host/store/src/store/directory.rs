//! The user's directory of plugins. Files are opened through the directory that was handed over, so a link cannot lead out of it.

use std::io::{self, Read};

use agent_core::agent::Origin;
use cap_std::fs::Dir;
use semver::Version;

use super::Candidate;
use crate::artifact::Trust;
use crate::bytes::Bytes;
use crate::refusal::Problem;

/// No plugin is larger; a file that is would only fill the memory.
const MOST: u64 = 64 << 20;

/// Reads every file `*.wasm`, by name. What cannot be read is a candidate too, so that the person sees why it is not there.
pub(super) fn read(dir: &Dir, agent: &Version) -> Vec<Candidate> {
    let names = match names(dir) {
        Ok(names) => names,
        Err(source) => {
            let origin = Origin::Directory("the plugin directory".to_owned());
            return vec![Candidate::unreadable(
                origin,
                Problem::Unreadable { source },
            )];
        }
    };
    let candidate = |name: String| match bytes(dir, &name) {
        Ok(wasm) => Candidate::read(Origin::Directory(name), wasm, Trust::Foreign, agent),
        Err(problem) => Candidate::unreadable(Origin::Directory(name), problem),
    };
    names.into_iter().map(candidate).collect()
}

fn names(dir: &Dir) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in dir.entries()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn bytes(dir: &Dir, name: &str) -> Result<Bytes, Problem> {
    let unreadable = |source| Problem::Unreadable { source };
    let file = dir.open(name).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let too_large = |bytes| Problem::TooLarge { bytes, most: MOST };
    if size > MOST {
        return Err(too_large(size));
    }
    let mut wasm = Vec::new();
    // The file may grow while it is read.
    let read = file
        .take(MOST + 1)
        .read_to_end(&mut wasm)
        .map_err(unreadable)?;
    if read as u64 > MOST {
        return Err(too_large(read as u64));
    }
    Ok(wasm.into())
}
