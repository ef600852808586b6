//! What the journal costs. The times are printed and not judged: `cargo test --release -p agent-journal figures -- --nocapture`.

use std::fs;
use std::time::{Duration, Instant};

use agent_core::journal::{Entry, RunJournal as _, Survives};
use agent_core::record::{Filter, Retention};
use agent_journal::OpenRun;
use futures::executor::block_on;
use futures::future::join_all;

use crate::world::{Home, begun, done, id, numbered, ran, sync, told_at_length, write};

/// As long as an intent with a few fields.
fn entry(number: u64) -> Entry {
    told_at_length(number, 600)
}

/// Does something so many times and prints the times of the middle one and of the one that 99 of 100 are faster than.
fn measure(what: &str, times: u64, mut act: impl FnMut(u64)) {
    let mut each: Vec<Duration> = (0..times)
        .map(|number| {
            let begin = Instant::now();
            act(number);
            begin.elapsed()
        })
        .collect();
    each.sort();
    let at = |part: usize| each[(each.len() - 1) * part / 100];
    println!("{what:<45} median {:>9.1?}   p99 {:>9.1?}", at(50), at(99));
}

#[test]
fn figures_of_writing() {
    let home = Home::new();
    let journal = home.journal();
    let run = journal.begin(begun(&id("aaaaaaaa"))).expect("begins");
    write(&run, entry(0)).expect("written");
    measure("note", 2000, |number| run.note(entry(number)));
    measure("write, survives the process", 2000, |number| {
        write(&run, entry(number)).expect("written");
    });
    measure("write, survives the loss of power", 500, |number| {
        sync(&run, entry(number)).expect("written");
    });
    measure("16 such writes one after the other", 30, |number| {
        (0..16).for_each(|_| sync(&run, entry(number)).expect("written"));
    });
    measure("16 such writes at the same time", 100, |number| {
        together(&run, number)
    });
    drop(run);
    let written = 1 + 2000 + 2000 + 500 + 16 * 30 + 16 * 100;
    let entries = journal.entries(&id("aaaaaaaa"), 0).expect("entries");
    assert_eq!(entries.len(), written);
}

fn together(run: &OpenRun, number: u64) {
    let writes = (0..16).map(|_| run.write(entry(number), Survives::PowerLoss));
    for written in block_on(join_all(writes)) {
        written.expect("written");
    }
}

#[test]
fn figures_of_opening() {
    let home = Home::new();
    measure("open and ask for open runs, no journal yet", 200, |_| {
        assert!(home.journal().open_runs().expect("runs").is_empty());
    });
    ran(&home.journal(), begun(&id("aaaaaaaa")), done());
    measure("open alone", 200, |_| drop(home.journal()));
    measure("open and ask for open runs", 200, |_| {
        assert!(home.journal().open_runs().expect("runs").is_empty());
    });
    measure("open, begin, close without entries", 200, |number| {
        drop(
            home.journal()
                .begin(begun(&numbered(number)))
                .expect("begins"),
        );
    });
    measure("open, begin, note 3, finish, close", 200, |number| {
        let run = home
            .journal()
            .begin(begun(&numbered(number)))
            .expect("begins");
        (0..3).for_each(|number| run.note(entry(number)));
        write(&run, done()).expect("written");
    });
    assert_eq!(home.journal().runs(Filter::All).expect("runs").len(), 201);
    measure("the first run in an empty directory", 20, |_| {
        let home = Home::new();
        ran(&home.journal(), begun(&id("aaaaaaaa")), done());
    });
}

#[test]
fn figures_of_ten_thousand_runs() {
    const RUNS: u64 = 10_000;
    let home = Home::new();
    let journal = home.journal();
    let begin = Instant::now();
    for number in 0..RUNS {
        let run = journal.begin(begun(&numbered(number))).expect("begins");
        (0..10).for_each(|number| run.note(told_at_length(number, 200)));
        write(&run, done()).expect("written");
    }
    drop(journal);
    println!(
        "{RUNS} runs with 11 entries each written in {:.1?}",
        begin.elapsed()
    );
    let bytes = |name: &str| fs::metadata(home.file(name)).expect("there").len();
    let (database, log) = (bytes("journal.db"), bytes("journal.db-wal"));
    println!(
        "journal.db {database} bytes, log {log} bytes, {} bytes a run",
        database / RUNS
    );
    measure("open and list 10,000 runs", 20, |_| {
        let runs = home.journal().runs(Filter::All).expect("runs");
        assert_eq!(runs.len() as u64, RUNS);
        assert!(runs.is_sorted_by(|one, next| one.begun >= next.begun));
    });
    measure("open and ask for open runs of 10,000", 100, |_| {
        assert!(home.journal().open_runs().expect("runs").is_empty());
    });
    measure("open and find `last` of 10,000", 100, |_| {
        assert_eq!(
            home.journal().resolve("last").expect("one"),
            numbered(RUNS - 1)
        );
    });
    measure("open and read one record of 10,000", 100, |number| {
        let record = home
            .journal()
            .record(&numbered(number * 97))
            .expect("a record");
        assert_eq!(record.entries.len(), 11);
    });
    let begin = Instant::now();
    let half = Retention {
        days: 365,
        bytes: database / 2,
    };
    let pruned = home.journal().prune(half).expect("pruned");
    println!(
        "pruned to half its size in {:.1?}: {pruned:?}",
        begin.elapsed()
    );
    assert!(pruned.after <= database / 2);
}
