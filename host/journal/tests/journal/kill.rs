//! A process that is killed in the middle of writing.

use std::path::Path;
use std::thread;
use std::time::Duration;

use agent_core::id::RunId;
use agent_core::journal::{Entry, RunJournal as _};
use agent_core::record::{Filter, Retention, State};
use rusqlite::Connection;

use crate::child::{Work, say};
use crate::world::{Home, begun, done, id, journal, numbered, sync, told_at_length, write};

/// Entries of very different length, so that they end everywhere in the pages.
fn entry(number: u64) -> Entry {
    let length = (number * 7919) % 9000;
    told_at_length(number, usize::try_from(length).expect("small"))
}

/// In the other process: writes for ever, and says after each write how many entries are acknowledged.
pub(crate) fn stream(path: &Path, run: &str) {
    let journal = journal(path, None).expect("a journal");
    let run = journal.begin(begun(&id(run))).expect("begins");
    for number in 0.. {
        match number % 7 {
            2 | 5 => write(&run, entry(number)).expect("written"),
            6 => sync(&run, entry(number)).expect("written"),
            _ => {
                run.note(entry(number));
                continue;
            }
        }
        say(number + 1);
    }
}

/// In the other process: makes runs and forgets them, for ever. The first thing that it does is to make the journal.
pub(crate) fn churn(path: &Path) {
    let journal = journal(path, None).expect("a journal");
    say("begun");
    for number in 0.. {
        let run = journal.begin(begun(&random(number))).expect("begins");
        sync(&run, entry(number)).expect("written");
        write(&run, done()).expect("written");
        drop(run);
        if number % 20 == 19 {
            let some = Retention {
                days: 1,
                bytes: 60_000,
            };
            journal.prune(some).expect("pruned");
        }
    }
}

/// An id that another process does not make.
fn random(number: u64) -> RunId {
    let seed = u64::from(std::process::id()) * 1_000_003 + number;
    RunId::from_random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

#[test]
fn process_that_is_killed_while_it_makes_or_prunes_the_journal_leaves_it_whole() {
    let mut home = Home::new();
    for kill in 0..60 {
        if kill % 3 == 0 {
            home = Home::new();
        }
        let mut process = Work::new("churn", home.path(), &[]).start();
        process.expect("begun");
        thread::sleep(Duration::from_micros(if kill % 3 == 0 {
            kill * 50
        } else {
            kill * 997 % 40_000
        }));
        process.kill();
        for summary in home.journal().runs(Filter::All).expect("runs") {
            let record = home.journal().record(&summary.run).expect("a record");
            assert_eq!(record.summary.ended.is_some(), record.entries.len() == 2);
        }
        check(&home);
    }
}

/// SQLite finds nothing wrong, and no entry is without its run.
fn check(home: &Home) {
    if !home.names().contains(&"journal.db".to_owned()) {
        return;
    }
    let database = Connection::open(home.file("journal.db")).expect("opens");
    let integrity: String = database
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .expect("checked");
    assert_eq!(integrity, "ok");
    let orphans: i64 = database
        .query_row(
            "SELECT count(*) FROM entry WHERE run NOT IN (SELECT key FROM run)",
            (),
            |row| row.get(0),
        )
        .expect("counted");
    assert_eq!(orphans, 0);
}

#[test]
fn killed_process_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    let (mut least, mut most) = (u64::MAX, 0);
    // Two at a time, so that each is killed while the other writes to the same file.
    let runs: Vec<u64> = (0..200).collect();
    for pair in runs.chunks(2) {
        let acknowledged = thread::scope(|scope| {
            let killed = pair
                .iter()
                .map(|number| scope.spawn(|| killed(&home, *number)));
            let killed: Vec<_> = killed.collect();
            let joined = killed
                .into_iter()
                .map(|thread| thread.join().expect("killed"));
            joined.collect::<Vec<u64>>()
        });
        let journal = home.journal();
        for (number, acknowledged) in pair.iter().zip(acknowledged) {
            let record = journal.record(&numbered(*number)).expect("a record");
            assert_eq!(record.summary.state, State::Unfinished);
            let there = record.entries.len() as u64;
            assert!(there >= acknowledged, "{there} of {acknowledged} entries");
            for (at, noted) in (0..).zip(record.entries) {
                assert_eq!((noted.number, noted.entry), (at + 1, entry(at)));
            }
            (least, most) = (least.min(there), most.max(there));
        }
    }
    check(&home);
    println!(
        "{} kills, after {least} to {most} entries: nothing lost",
        runs.len()
    );
}

/// Starts a process, kills it at some moment, and returns how much it said was acknowledged.
fn killed(home: &Home, number: u64) -> u64 {
    let name = numbered(number);
    let mut process = Work::new("stream", home.path(), &[name.as_str()]).start();
    let mut acknowledged = process.next().expect("it writes");
    for _ in 0..number % 40 {
        acknowledged = process.next().expect("it writes");
    }
    thread::sleep(Duration::from_micros(number * 131 % 3000));
    let last = process.kill().unwrap_or(acknowledged);
    last.parse().expect("a number")
}
