//! The user's directory of plugins. Files are opened through the directory that was handed over, and no link is followed.
//!
//! Every command may look here, so there is a bound on the whole of it: on how many files count, and on how much of them is read.

use std::io;

use agent_core::agent::Origin;
use agent_file::{Folder, Refused};
use semver::Version;

use super::Candidate;
use crate::artifact::Trust;
use crate::refusal::Problem;

/// No plugin is larger; a file that is would only fill the memory.
const MOST: u64 = 64 << 20;
/// So much is read of all of them together.
const TOTAL: u64 = 128 << 20;
/// So many files count, by name.
const FILES: usize = 256;

/// Reads every file `*.wasm`, by name. What cannot be read is a candidate too, so that the person sees why it is not there.
pub(super) fn read(folder: &Folder, agent: &Version) -> Vec<Candidate> {
    let mut names = match names(folder) {
        Ok(names) => names,
        Err(source) => return vec![unreadable(source)],
    };
    let beyond = names.split_off(names.len().min(FILES));
    let mut left = TOTAL;
    let mut candidates: Vec<Candidate> = names
        .into_iter()
        .map(|name| candidate(folder, name, agent, &mut left))
        .collect();
    if let Some(name) = beyond.into_iter().next() {
        let problem = Problem::TooMany { most: FILES };
        candidates.push(Candidate::unreadable(
            Origin::Directory(shown(name)),
            problem,
        ));
    }
    candidates
}

/// Stands for all that may lie in a directory that cannot be looked into.
pub(super) fn unreadable(source: io::Error) -> Candidate {
    let origin = Origin::Directory("the plugin directory".to_owned());
    Candidate::unreadable(origin, Problem::Unreadable { source })
}

fn candidate(folder: &Folder, name: String, agent: &Version, left: &mut u64) -> Candidate {
    let most = MOST.min(*left);
    let read = folder.read(&name, most);
    let origin = Origin::Directory(shown(name));
    match read {
        Ok(wasm) => {
            *left = left.saturating_sub(wasm.len() as u64);
            Candidate::read(origin, wasm.into(), Trust::Foreign, agent)
        }
        Err(Refused::TooLarge { .. }) if most < MOST => {
            Candidate::unreadable(origin, Problem::TooMuch { most: TOTAL })
        }
        Err(Refused::TooLarge { .. }) => {
            Candidate::unreadable(origin, Problem::TooLarge { most: MOST })
        }
        Err(refused) => {
            let source = refused.into();
            Candidate::unreadable(origin, Problem::Unreadable { source })
        }
    }
}

/// A name is a stranger's too: it has one line, and draws nothing.
fn shown(name: String) -> String {
    match name.chars().any(char::is_control) {
        true => name.escape_debug().collect(),
        false => name,
    }
}

fn names(folder: &Folder) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in folder.dir().entries()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
