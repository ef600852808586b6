//! Who has a run: a process that lives, or nobody.

use std::path::Path;
use std::thread;

use agent_core::journal::{Entry, RunJournal as _};

use agent_core::call::Goal;
use agent_core::record::{Filter, State};

use crate::child::{Work, hear, say};
use crate::world::{
    Home, begun, cut_off, done, entries, failed, id, journal, names, numbered, ran, told, write,
};

/// In the other process: has a run until it is told to end.
pub(crate) fn hold(path: &Path, run: &str) {
    let journal = journal(path, None).expect("a journal");
    let run = journal.begin(begun(&id(run))).expect("begins");
    write(&run, told(0)).expect("written");
    say("ready");
    if hear().as_deref() == Some("finish") {
        write(&run, done()).expect("written");
    }
}

/// In the other process: waits for the word, then writes as one of several who find no journal yet.
pub(crate) fn first(path: &Path, run: &str) {
    let journal = journal(path, None).expect("a journal");
    say("ready");
    hear();
    let run = journal.begin(begun(&id(run))).expect("begins");
    write(&run, done()).expect("written");
    say(format!("{:02x?}", journal.key().expect("a key")));
}

/// In the other process: one run after the other, each to its end.
pub(crate) fn finish_often(path: &Path) {
    let journal = journal(path, None).expect("a journal");
    for number in 0..2000 {
        let run = journal.begin(begun(&numbered(number))).expect("begins");
        write(&run, told(0)).expect("written");
        write(&run, done()).expect("written");
    }
}

#[test]
fn run_that_comes_to_its_end_is_never_taken_for_one_that_was_cut_off() {
    let home = Home::new();
    let process = Work::new("finish-often", home.path(), &[]).start();
    let journal = home.journal();
    thread::scope(|scope| {
        let finished = scope.spawn(|| process.finish());
        while !finished.is_finished() {
            assert_eq!(journal.open_runs().expect("runs"), []);
        }
    });
    assert_eq!(journal.runs(Filter::All).expect("runs").len(), 2000);
}

#[test]
fn run_of_a_live_process_is_running_and_cannot_be_taken() {
    let home = Home::new();
    let journal = home.journal();
    let mut process = Work::new("hold", home.path(), &["aaaaaaaa"]).start();
    process.expect("ready");
    assert_eq!(state(&home, "aaaaaaaa"), State::Running);
    assert!(journal.open_runs().expect("runs").is_empty());
    let failure = journal.reopen(&id("aaaaaaaa")).expect_err("it is live");
    assert_eq!(failure.code, "journal.run-is-live");
    assert!(
        failure
            .message
            .starts_with("run `aaaaaaaa` is at work in process ")
    );
    assert!(failure.message.ends_with(" of kevin on desk"), "{failure}");
    assert_eq!(failure.hint.as_deref(), Some("agent runs follow aaaaaaaa"));
    process.say("finish");
    process.finish();
    assert_eq!(state(&home, "aaaaaaaa"), State::Done);
    assert_eq!(names(&home.file("runs")), [""; 0]);
}

#[test]
fn run_of_a_killed_process_is_unfinished_and_can_be_taken_by_one() {
    let home = Home::new();
    let mut process = Work::new("hold", home.path(), &["aaaaaaaa"]).start();
    process.expect("ready");
    process.kill();
    let journal = home.journal();
    assert_eq!(state(&home, "aaaaaaaa"), State::Unfinished);
    assert_eq!(journal.open_runs().expect("runs").len(), 1);
    let (run, record) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    assert_eq!(record.summary.state, State::Unfinished);
    assert_eq!(state(&home, "aaaaaaaa"), State::Running);
    let failure = journal.reopen(&id("aaaaaaaa")).expect_err("it is ours");
    assert!(
        failure.message.contains(&std::process::id().to_string()),
        "{failure}"
    );
    write(&run, done()).expect("written");
    drop(run);
    assert_eq!(entries(&journal, &id("aaaaaaaa")), [told(0), done()]);
    assert_eq!(names(&home.file("runs")), [""; 0]);
}

#[test]
fn run_that_is_taken_up_is_open_until_it_is_over_again() {
    let home = Home::new();
    let journal = home.journal();
    ran(&journal, begun(&id("aaaaaaaa")), done());
    let (run, record) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    assert_eq!(record.summary.state, State::Done);
    let resumed = Entry::Resumed {
        host: "desk".to_owned(),
        process: 7,
        to: Goal::Undo,
    };
    write(&run, resumed).expect("written");
    assert_eq!(state(&home, "aaaaaaaa"), State::Running);
    drop(run);
    assert_eq!(state(&home, "aaaaaaaa"), State::Unfinished);
    let (run, _) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    write(
        &run,
        Entry::Undone {
            left: 0,
            outcome: None,
        },
    )
    .expect("written");
    drop(run);
    assert_eq!(state(&home, "aaaaaaaa"), State::Undone);
    assert!(journal.open_runs().expect("runs").is_empty());
}

#[test]
fn changes_that_are_held_after_the_end_are_told_until_undone() {
    let home = Home::new();
    let journal = home.journal();
    ran(&journal, begun(&id("aaaaaaaa")), failed(2));
    let open = journal.open_runs().expect("runs");
    assert_eq!(
        (open[0].state, open[0].held, open[0].exit),
        (State::Failed, 2, Some(1))
    );
    let (run, _) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    run.note(told(2));
    write(
        &run,
        Entry::Undone {
            left: 1,
            outcome: None,
        },
    )
    .expect("written");
    drop(run);
    let open = journal.open_runs().expect("runs");
    assert_eq!(
        (open[0].state, open[0].held, open[0].exit),
        (State::Undone, 1, Some(1))
    );
}

#[test]
fn entries_of_a_run_that_is_taken_up_come_after_those_before() {
    const MANY: u64 = 2000;
    let home = Home::new();
    let journal = home.journal();
    cut_off(&journal, begun(&id("aaaaaaaa")));
    for number in 0..3 {
        let (run, record) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
        assert_eq!(record.entries.len() as u64, 1 + number * MANY);
        // So many that they are not on disk at once.
        (0..MANY).for_each(|one| run.note(told(2 + number * MANY + one)));
    }
    let expected: Vec<Entry> = (1..2 + 3 * MANY).map(told).collect();
    assert_eq!(entries(&journal, &id("aaaaaaaa")), expected);
}

#[test]
fn run_that_is_not_there_cannot_be_taken_up_and_leaves_no_lock() {
    let home = Home::new();
    let failure = home
        .journal()
        .reopen(&id("aaaaaaaa"))
        .expect_err("nothing there");
    assert_eq!(failure.code, "journal.no-such-run");
    assert_eq!(home.names(), ["runs"]);
    assert_eq!(names(&home.file("runs")), [""; 0]);
}

#[test]
fn processes_that_find_no_journal_make_one_together() {
    for _ in 0..5 {
        let home = Home::new();
        let runs: Vec<_> = (0..8).map(numbered).collect();
        let start =
            |run: &agent_core::id::RunId| Work::new("first", home.path(), &[run.as_str()]).start();
        let mut processes: Vec<_> = runs.iter().map(start).collect();
        for process in &mut processes {
            process.expect("ready");
        }
        for process in &mut processes {
            process.say("go");
        }
        let mut keys: Vec<_> = processes
            .iter_mut()
            .map(|process| process.next().expect("a key"))
            .collect();
        for process in processes {
            process.finish();
        }
        keys.dedup();
        assert_eq!(keys.len(), 1, "all have one key");
        assert_eq!(home.journal().runs(Filter::All).expect("runs").len(), 8);
        let left = home.names();
        assert!(left.iter().all(|name| !name.starts_with('.')), "{left:?}");
    }
}

#[test]
fn looking_at_a_run_takes_it_from_nobody() {
    let home = Home::new();
    let journal = home.journal();
    cut_off(&journal, begun(&id("aaaaaaaa")));
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let other = home.journal();
            (0..2000).for_each(|_| drop(other.open_runs().expect("runs")));
        });
        while !looking.is_finished() {
            drop(journal.reopen(&id("aaaaaaaa")).expect("nobody has it"));
        }
    });
}

fn state(home: &Home, run: &str) -> State {
    // A journal of its own, as another process has it.
    let journal = home.journal();
    let record = journal.record(&id(run)).expect("a record");
    let listed = journal.runs(Filter::All).expect("runs");
    let listed = listed.iter().find(|summary| summary.run == id(run));
    assert_eq!(listed.expect("listed").state, record.summary.state);
    record.summary.state
}
