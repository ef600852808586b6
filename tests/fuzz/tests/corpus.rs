//! What is worth trying is tried on any compiler: a seed that has crashed once is a test from then on.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test harness: it reads the corpus, and prints which seed it is at"
)]

use std::fs;
use std::path::{Path, PathBuf};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Returns what lies in a folder, by name.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

#[test]
fn every_parser_comes_to_an_end_with_every_seed() {
    for (name, run) in agent_fuzz::TARGETS.iter().copied() {
        let seeds = entries(&corpus().join(name));
        assert!(!seeds.is_empty(), "`{name}` has no seeds");
        for seed in seeds {
            println!("{}", seed.display());
            run(&fs::read(&seed).expect("a seed"));
        }
    }
}

/// Cut, doubled, and with a byte that is another one: what a fuzzer begins with.
#[test]
fn every_parser_comes_to_an_end_with_what_is_nearly_a_seed() {
    for (name, run) in agent_fuzz::TARGETS.iter().copied() {
        for seed in entries(&corpus().join(name)) {
            let bytes = fs::read(&seed).expect("a seed");
            let step = (bytes.len() / 8).max(1);
            for at in (0..bytes.len()).step_by(step) {
                run(&bytes[..at]);
                run(&[&bytes[at..], &bytes[..at]].concat());
                for other in [b'"', b'9', 0, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] = other;
                    run(&changed);
                }
            }
        }
    }
}

#[test]
fn every_folder_of_seeds_belongs_to_a_parser() {
    for folder in entries(&corpus()) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        assert!(agent_fuzz::target(&name).is_some(), "`{name}` is no parser");
    }
}
