//! What is worth trying is tried on any compiler: a seed that has crashed once is a test from then on.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test harness: it reads the corpus, and prints which seed it is at"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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

/// Numbers that are the same each time (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % end.max(1)
    }
}

/// Pieces that formats give a meaning to.
const PIECES: [&str; 16] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\u0000",
    ":",
    ",",
    "null",
    "-1",
    "18446744073709551616",
    "1e999",
    "\n",
    "&a *a",
    "..",
    "\u{1b}[2J",
];

/// Changes a seed in one place, or puts a part of another one into it.
fn change(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    let length = 1 + numbers.below(16);
    let end = (at + length).min(bytes.len());
    let from = numbers.below(other.len());
    let part = &other[from..(from + length * 4).min(other.len())];
    match numbers.below(6) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let again = bytes[at..end].repeat(1 + numbers.below(64));
            drop(bytes.splice(at..at, again));
        }
        3 => drop(bytes.splice(at..end, part.iter().copied())),
        4 => drop(bytes.splice(at..at, part.iter().copied())),
        _ => {
            let piece = PIECES[numbers.below(PIECES.len())];
            drop(bytes.splice(at..end, piece.bytes()));
        }
    }
}

/// Fuzzing without a look at which branches were taken, for where there is no nightly compiler: `AGENT_FUZZ_SECONDS` for each parser.
#[test]
#[ignore = "it takes as long as it is told to"]
fn every_parser_comes_to_an_end_with_what_came_of_many_changes() {
    let seconds = std::env::var("AGENT_FUZZ_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(5);
    let mut crashed = Vec::new();
    for (name, run) in agent_fuzz::TARGETS.iter().copied() {
        let read = |path: &PathBuf| fs::read(path).expect("a seed");
        let seeds: Vec<Vec<u8>> = entries(&corpus().join(name)).iter().map(read).collect();
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let (begin, mut runs, mut longest) = (Instant::now(), 0_u64, Duration::ZERO);
        while begin.elapsed() < Duration::from_secs(seconds) {
            let mut bytes = seeds[numbers.below(seeds.len())].clone();
            for _ in 0..1 + numbers.below(8) {
                let other = numbers.below(seeds.len());
                change(&mut bytes, &seeds[other], &mut numbers);
            }
            let started = Instant::now();
            let ended = catch_unwind(AssertUnwindSafe(|| run(&bytes)));
            longest = longest.max(started.elapsed());
            runs += 1;
            if ended.is_err() {
                let kept = std::env::temp_dir().join(format!("agent-fuzz-{name}-{runs}"));
                fs::write(&kept, &bytes).expect("the input is kept");
                crashed.push(kept);
                break;
            }
        }
        println!("{name:12} {runs:>9} runs, the longest {longest:?}");
    }
    assert!(crashed.is_empty(), "{crashed:?}");
}
