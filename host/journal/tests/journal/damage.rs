//! One run of which a part cannot be read: it hides no other, and nobody acts on what is left of it.

use agent_core::failure::{Failure, Kind};
use agent_core::id::RunId;
use agent_core::record::{Filter, Retention, RunHeader, State};
use agent_journal::Journal;
use rusqlite::Connection;

use crate::world::{Home, begun, cut_off, done, id, ran, told, write};

const LOCK: &str = "volsync:media/plex";

fn locking(run: &str) -> RunHeader {
    RunHeader {
        locks: vec![LOCK.to_owned()],
        ..begun(&id(run))
    }
}

/// A run that was cut off, one that is over, and what spoils the first.
fn spoiled(change: &str) -> Home {
    let home = Home::new();
    cut_off(&home.journal(), locking("aaaaaaaa"));
    ran(&home.journal(), begun(&id("bbbbbbbb")), done());
    let database = Connection::open(home.file("journal.db")).expect("opens");
    assert_eq!(database.execute(change, ()).expect("changed"), 1);
    database.close().expect("closed");
    home
}

fn states(journal: &Journal, filter: Filter) -> Vec<(String, State)> {
    let runs = journal.runs(filter).expect("they are listed").into_iter();
    runs.map(|run| (run.run.to_string(), run.state)).collect()
}

/// The others are there and can be had, and new ones begin.
fn others_go_on(home: &Home, damaged: &str) {
    let journal = home.journal();
    let others = [
        ("bbbbbbbb".to_owned(), State::Done),
        (damaged.to_owned(), State::Damaged),
    ];
    assert_eq!(states(&journal, Filter::All), others);
    assert_eq!(states(&journal, Filter::Unfinished), others[1..]);
    assert_eq!(states(&journal, Filter::Failed), others[1..]);
    assert_eq!(journal.resolve("last").expect("found"), id("bbbbbbbb"));
    assert_eq!(
        journal.record(&id("bbbbbbbb")).expect("read").damage,
        [""; 0]
    );
    journal.needed().expect("the rest is known");
    let another = [format!("{LOCK}x")];
    drop(journal.lock(&another, &id("cccccccc")).expect("had"));
    ran(&journal, begun(&id("cccccccc")), done());
    let everything = Retention { days: 0, bytes: 0 };
    let pruned = journal.prune(everything).expect("pruned");
    assert_eq!(pruned.runs, 2, "it is not forgotten");
}

fn refused(journal: &Journal, run: &RunId) -> Failure {
    let failure = journal.reopen(run).expect_err("nobody knows all of it");
    assert_eq!(failure.code, "journal.run-damaged", "{failure:?}");
    assert!(failure.message.contains(run.as_str()), "{failure:?}");
    assert!(failure.hint.clone().expect("a hint").contains("--give-up"));
    failure
}

/// Then it is over: nothing of it is in the way any more.
fn given_up(journal: &Journal, run: &RunId) {
    let damage = Failure::new(Kind::Internal, "journal.run-damaged", "as it is");
    journal.give_up(run, &damage).expect("given up");
    assert_eq!(states(journal, Filter::Unfinished), []);
    assert_eq!(journal.state(run).expect("known"), State::Failed);
    let locks = [LOCK.to_owned()];
    drop(journal.lock(&locks, &id("dddddddd")).expect("had"));
}

#[test]
fn entry_that_cannot_be_read_is_named_and_the_others_are_told() {
    let home = spoiled(r#"UPDATE entry SET body = '{"entry":"dreamt"}' WHERE id = (1 << 32) + 1"#);
    others_go_on(&home, "aaaaaaaa");
    let (journal, run) = (home.journal(), id("aaaaaaaa"));
    let record = journal.record(&run).expect("the rest");
    assert_eq!(
        (record.entries.len(), record.summary.state),
        (0, State::Damaged)
    );
    let damage = record.damage.join("\n");
    assert!(
        damage.starts_with("entry 1 cannot be read: unknown variant `dreamt`"),
        "{damage}"
    );
    let failure = refused(&journal, &run);
    assert_eq!(failure.causes[0], "entry 1 cannot be read");
    let locks = [LOCK.to_owned()];
    let held = journal.lock(&locks, &id("dddddddd")).expect_err("its own");
    assert_eq!(held.code, "lock.unfinished");
    given_up(&journal, &run);
}

#[test]
fn run_of_which_even_the_beginning_cannot_be_read_is_listed() {
    let home = spoiled("UPDATE entry SET body = x'ff' || body WHERE id = 1 << 32");
    others_go_on(&home, "aaaaaaaa");
    let (journal, run) = (home.journal(), id("aaaaaaaa"));
    let failure = journal.record(&run).expect_err("nothing to show");
    assert_eq!(failure.code, "journal.run-damaged");
    refused(&journal, &run);
    given_up(&journal, &run);
}

/// What the row says is said by the record too.
#[test]
fn row_that_cannot_be_read_is_made_up_for_by_the_record() {
    for column in [
        "operation = '?'",
        "arguments = '{'",
        "process = -1",
        "state = '?'",
    ] {
        let home = spoiled(&format!("UPDATE run SET {column} WHERE key = 1"));
        let journal = home.journal();
        let unfinished = [("aaaaaaaa".to_owned(), State::Unfinished)];
        assert_eq!(states(&journal, Filter::Unfinished), unfinished, "{column}");
        let (run, record) = journal.reopen(&id("aaaaaaaa")).expect("had");
        assert_eq!(record.summary.operation, record.begun.call.operation);
        assert_eq!(record.summary.arguments, record.begun.call.arguments);
        assert_eq!(record.summary.who, record.begun.who);
        write(&run, told(2)).expect("goes on");
    }
}

#[test]
fn run_without_an_id_is_named_by_its_row() {
    let home = spoiled("UPDATE run SET id = 'aaaa aaa', arguments = '{' WHERE key = 1");
    let journal = home.journal();
    let run = journal.resolve("ro000001").expect("found");
    let unfinished = [("ro000001".to_owned(), State::Unfinished)];
    assert_eq!(states(&journal, Filter::Unfinished), unfinished);
    assert_eq!(
        journal.record(&run).expect("read").begun.run,
        id("aaaaaaaa")
    );
    given_up(&journal, &run);
}

#[test]
fn run_without_an_id_is_no_other_however_many_there_were_before() {
    let home = spoiled("UPDATE run SET id = 'aaaa aaa', key = 100002 WHERE key = 1");
    let database = Connection::open(home.file("journal.db")).expect("opens");
    let follow = "UPDATE entry SET id = id + (100001 << 32) WHERE id < 2 << 32";
    assert_ne!(database.execute(follow, ()).expect("changed"), 0);
    database.close().expect("closed");
    let journal = home.journal();
    let unfinished = states(&journal, Filter::Unfinished);
    let [(name, State::Unfinished)] = unfinished.as_slice() else {
        panic!("{unfinished:?}");
    };
    let run = journal.resolve(name).expect("found");
    let record = journal.record(&run).expect("read");
    assert_eq!(record.begun.run, id("aaaaaaaa"));
    given_up(&journal, &run);
    assert_eq!(journal.state(&id("bbbbbbbb")).expect("known"), State::Done);
}

#[test]
fn row_that_nothing_makes_up_for_is_listed_too() {
    let home = spoiled("UPDATE run SET arguments = '{' WHERE key = 1");
    let database = Connection::open(home.file("journal.db")).expect("opens");
    let spoil = "UPDATE entry SET body = '{' WHERE id = 1 << 32";
    assert_eq!(database.execute(spoil, ()).expect("changed"), 1);
    database.close().expect("closed");
    others_go_on(&home, "aaaaaaaa");
    given_up(&home.journal(), &id("aaaaaaaa"));
}
