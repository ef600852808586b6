//! What a loss of power leaves: a log that ends anywhere, or in garbage.

use std::fs;

use agent_core::journal::Entry;
use agent_core::record::{Filter, State};
use agent_journal::Journal;

use crate::world::{Home, begun, id, sync, told, told_at_length, write};

const SECTOR: usize = 512;

/// The files of a run as they were, and after each write how long the log was and how many entries were acknowledged.
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
    written: Vec<(usize, u64)>,
}

fn entry(number: u64) -> Entry {
    let length = (number * 7919) % 6000;
    told_at_length(number, usize::try_from(length).expect("small"))
}

/// A state directory with the key that all of these files are sealed with.
fn home() -> Home {
    let home = Home::new();
    fs::write(home.file("key"), [5; 32]).expect("written");
    home
}

/// A run of forty writes, of which nothing has gone from the log into the database.
fn files() -> Files {
    let home = home();
    let log = home.file("journal.db-wal");
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    let written = (0..40).map(|number| {
        sync(&run, entry(number)).expect("written");
        let length = fs::metadata(&log).expect("a log").len();
        (usize::try_from(length).expect("small"), number + 1)
    });
    Files {
        written: written.collect(),
        log: fs::read(log).expect("reads"),
        // Last: closing the database in this process lets go of SQLite's locks on it.
        database: fs::read(home.file("journal.db")).expect("reads"),
    }
}

/// A state directory with these files.
fn restored(database: &[u8], log: &[u8]) -> Home {
    let home = home();
    fs::write(home.file("journal.db"), database).expect("written");
    fs::write(home.file("journal.db-wal"), log).expect("written");
    home
}

/// How many entries the run has, after making sure that they are the first ones, and whole.
fn prefix(journal: &Journal) -> u64 {
    let runs = journal.runs(Filter::All).expect("opens");
    let Some(summary) = runs.first() else {
        return 0;
    };
    assert_eq!(summary.state, State::Unfinished);
    let record = journal.record(&id("aaaaaaaa")).expect("a record");
    for (at, noted) in (0..).zip(&record.entries) {
        assert_eq!((noted.number, &noted.entry), (at + 1, &entry(at)));
    }
    record.entries.len() as u64
}

#[test]
fn log_that_is_cut_anywhere_loses_its_end_only() {
    let Files {
        database,
        log,
        written,
    } = files();
    let mut cuts = 0;
    for cut in (0..=log.len()).step_by(SECTOR).chain([log.len()]) {
        let home = restored(&database, &log[..cut]);
        let journal = home.journal();
        let acknowledged = written.iter().filter(|(length, _)| *length <= cut);
        let acknowledged = acknowledged.map(|(_, entries)| *entries).max();
        assert_eq!(prefix(&journal), acknowledged.unwrap_or(0), "cut at {cut}");
        if acknowledged.is_some() && cuts % 16 == 0 {
            goes_on(&journal);
        }
        cuts += 1;
    }
    println!(
        "{cuts} cuts of a log of {} bytes: each opens, and has all that came before",
        log.len()
    );
}

/// A run that lost its end can be taken up, and what is written then is there.
fn goes_on(journal: &Journal) {
    let (run, record) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    write(&run, told(999)).expect("written");
    drop(run);
    let entries = journal.entries(&id("aaaaaaaa"), 0).expect("entries");
    assert_eq!(entries.len(), record.entries.len() + 1);
    assert_eq!(entries.last().map(|noted| &noted.entry), Some(&told(999)));
}

#[test]
fn log_that_ends_in_garbage_loses_its_end_only() {
    let Files { database, log, .. } = files();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut garbage = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    let mut before = 0;
    for at in (0..log.len()).step_by(SECTOR * 7) {
        let mut log = log.clone();
        log[at..].iter_mut().for_each(|byte| *byte = garbage());
        let there = prefix(&restored(&database, &log).journal());
        assert!(
            there >= before,
            "garbage from {at}: {there} entries, and {before} before"
        );
        before = there;
    }
    let mut longer = log;
    longer.extend((0..100_000).map(|_| garbage()));
    assert_eq!(prefix(&restored(&database, &longer).journal()), 40);
}

#[test]
fn log_that_was_begun_again_over_an_older_one_can_be_cut_too() {
    let home = home();
    let log = home.file("journal.db-wal");
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    let (mut written, mut length) = (0, 0);
    // Until the log is copied into the database, which shows when it no longer grows.
    loop {
        sync(&run, entry(written)).expect("written");
        written += 1;
        let now = fs::metadata(&log).expect("a log").len();
        if written % 64 > 2 && now == length {
            break;
        }
        length = now;
        assert!(written < 5000, "the log grows for ever");
    }
    for _ in 0..10 {
        sync(&run, entry(written)).expect("written");
        written += 1;
    }
    let log = fs::read(log).expect("reads");
    let database = fs::read(home.file("journal.db")).expect("reads");
    let mut before = 0;
    for cut in (0..200).map(|sectors| sectors * SECTOR).chain([log.len()]) {
        let there = prefix(&restored(&database, &log[..cut]).journal());
        assert!(
            there >= before,
            "cut at {cut}: {there} entries, and {before} before"
        );
        before = there;
    }
    assert!(before == written, "{before} of {written} entries");
    let least = prefix(&restored(&database, &[]).journal());
    assert!(
        least >= written - 16,
        "{least} of {written} entries are in the database itself"
    );
    drop(run);
}
