//! A record that somebody edited: it is told, and nobody acts on it.

use agent_core::call::Goal;
use agent_core::record::{Filter, Retention, State};
use rusqlite::Connection;

use crate::world::{Home, begun, cut_off, done, entries, failed, id, ran, told, write};

/// A run with three entries behind its beginning that was cut off, one that is over, and what somebody did to their records.
fn edited(change: &str) -> Home {
    let home = Home::new();
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    for number in 1..=3 {
        write(&run, told(number)).expect("written");
    }
    drop(run);
    ran(&home.journal(), begun(&id("bbbbbbbb")), done());
    let database = Connection::open(home.file("journal.db")).expect("opens");
    database.execute_batch(change).expect("changed");
    database.close().expect("closed");
    home
}

/// Returns what is said of the record, having seen that nobody can take it up.
fn refused(home: &Home, what: &str) -> String {
    let journal = home.journal();
    let unfinished = journal.runs(Filter::Unfinished).expect("listed");
    let states: Vec<State> = unfinished.iter().map(|run| run.state).collect();
    assert_eq!(states, [State::Damaged], "{what}");
    let failure = journal.reopen(&id("aaaaaaaa")).expect_err(what);
    assert_eq!(failure.code, "journal.run-damaged", "{what}");
    failure.causes.join(": ")
}

#[test]
fn entry_that_was_edited_is_not_acted_upon() {
    const EDITED: &str = "it, or the one before it, is not as it was written";
    for (change, said) in [
        // As a text editor does it.
        (
            r#"UPDATE entry SET body = replace(body, '"2 "', '"9 "') WHERE id = (1 << 32) + 2"#,
            "entry 2 cannot be read",
        ),
        (
            "UPDATE entry SET at = at + 1 WHERE id = (1 << 32) + 2",
            "entry 2 cannot be read",
        ),
        (
            "UPDATE entry SET kind = 'intent' WHERE id = (1 << 32) + 2",
            "entry 2 cannot be read",
        ),
        (
            "UPDATE entry SET seal = NULL WHERE id = (1 << 32) + 3",
            "entry 3 cannot be read",
        ),
        (
            "UPDATE entry SET body = replace(body, 'plex', 'evil') WHERE id = 1 << 32",
            "entry 0 cannot be read",
        ),
        // An entry that is not there any more.
        (
            "DELETE FROM entry WHERE id = (1 << 32) + 2",
            "entry 3 cannot be read",
        ),
        // Two that have changed places.
        (
            "UPDATE entry SET id = 7 WHERE id = (1 << 32) + 1;
             UPDATE entry SET id = (1 << 32) + 1 WHERE id = (1 << 32) + 2;
             UPDATE entry SET id = (1 << 32) + 2 WHERE id = 7",
            "entry 1 cannot be read",
        ),
        // One of another run.
        (
            "INSERT INTO entry (id, at, kind, body, seal)
             SELECT (1 << 32) + 4, at, kind, body, seal FROM entry WHERE id = (2 << 32) + 1",
            "entry 4 cannot be read",
        ),
        // One that was written with the seal of another.
        (
            "INSERT INTO entry (id, at, kind, body, seal)
             SELECT (1 << 32) + 4, at, kind, body, seal FROM entry WHERE id = (1 << 32) + 3",
            "entry 4 cannot be read",
        ),
    ] {
        let home = edited(change);
        assert_eq!(
            refused(&home, change),
            format!("{said}: {EDITED}"),
            "{change}"
        );
    }
}

/// Whoever says `undo aaaaaaaa` must not take back another run than the one that is shown to them.
#[test]
fn record_of_another_run_is_not_taken_for_the_one_that_is_named() {
    let home = edited(
        "UPDATE run SET id = 'cccccccc' WHERE id = 'bbbbbbbb';
         UPDATE run SET id = 'bbbbbbbb' WHERE id = 'aaaaaaaa';
         UPDATE run SET id = 'aaaaaaaa' WHERE id = 'cccccccc'",
    );
    let failure = home.journal().reopen(&id("bbbbbbbb")).expect_err("edited");
    assert_eq!(
        failure.causes,
        ["entry 0 cannot be read", "it belongs to another run"]
    );
}

#[test]
fn run_that_is_taken_up_again_goes_on_with_its_seals() {
    let home = Home::new();
    cut_off(&home.journal(), begun(&id("aaaaaaaa")));
    for number in 5..8 {
        let (run, record) = home.journal().reopen(&id("aaaaaaaa")).expect("had");
        assert_eq!(record.damage, [""; 0]);
        write(&run, told(number)).expect("written");
    }
    assert!(entries(&home.journal(), &id("aaaaaaaa")).len() > 3);
}

/// The journal of an agent that knew no seals is sealed as it is, once.
#[test]
fn record_from_before_there_were_seals_is_sealed_as_it_is() {
    let home = edited(
        "ALTER TABLE entry DROP COLUMN seal; ALTER TABLE run DROP COLUMN seal; PRAGMA user_version = 1",
    );
    let (run, record) = home.journal().reopen(&id("aaaaaaaa")).expect("had");
    assert_eq!(record.entries.len(), 3);
    write(&run, told(4)).expect("goes on");
    drop(run);
    let (_, record) = home.journal().reopen(&id("aaaaaaaa")).expect("had");
    assert_eq!(record.entries.len(), 4);
    let database = Connection::open(home.file("journal.db")).expect("opens");
    let edit = r#"UPDATE entry SET body = replace(body, '"2 "', '"9 "') WHERE id = (1 << 32) + 2"#;
    assert_eq!(database.execute(edit, ()).expect("changed"), 1);
    database.close().expect("closed");
    refused(&home, edit);
}

/// Another key has sealed them: that of a state directory from elsewhere.
#[test]
fn record_from_another_state_directory_is_not_acted_upon() {
    let home = edited("SELECT 1");
    std::fs::write(home.file("key"), [7; 32]).expect("written");
    let said = refused(&home, "another key");
    assert!(said.starts_with("entry 1 cannot be read"), "{said}");
}

/// What a run's row says in one line is no more believed than an entry: it hides nothing that is left to do.
#[test]
fn row_that_was_edited_is_computed_anew_from_the_record() {
    for edit in [
        "UPDATE run SET ended = begun + 1, state = 'done', held = 0, exit = 0 WHERE key = 1",
        "UPDATE run SET ended = begun + 1, state = 'undone', exit = 0, seal = NULL WHERE key = 1",
        "UPDATE run SET operation = 'flux.status', begun = 1 WHERE key = 1",
        // The seal of another row.
        "UPDATE run SET ended = begun + 1, state = 'done', exit = 0, seal = (SELECT seal FROM run WHERE key = 2) WHERE key = 1",
    ] {
        let home = edited(edit);
        let journal = home.journal();
        let open = journal.runs(Filter::Unfinished).expect("listed");
        let [run] = open.as_slice() else {
            panic!("{edit}: {open:?}");
        };
        assert_eq!(
            (run.run.as_str(), run.state),
            ("aaaaaaaa", State::Unfinished),
            "{edit}"
        );
        assert_eq!(run.operation.as_str(), "volsync.restore", "{edit}");
        assert!(run.edited, "{edit}");
        assert_eq!(
            journal.which("last", Goal::Finish).expect("found"),
            run.run,
            "{edit}"
        );
        let everything = Retention { days: 0, bytes: 0 };
        assert_eq!(journal.prune(everything).expect("pruned").runs, 1, "{edit}");
        let (again, record) = journal
            .reopen(&id("aaaaaaaa"))
            .expect("it is not forgotten");
        assert_eq!(record.entries.len(), 3, "{edit}");
        // At its end it is sealed anew, with what the record says.
        write(&again, done()).expect("ends");
        drop(again);
        let over = journal.summary(&id("aaaaaaaa")).expect("known");
        assert_eq!((over.state, over.edited), (State::Done, false), "{edit}");
        assert_eq!(over.operation.as_str(), "volsync.restore", "{edit}");
    }
}

#[test]
fn row_of_a_run_that_holds_something_is_not_believed_to_hold_nothing() {
    let home = Home::new();
    ran(&home.journal(), begun(&id("aaaaaaaa")), failed(3));
    let database = Connection::open(home.file("journal.db")).expect("opens");
    let edit = "UPDATE run SET state = 'done', held = 0, exit = 0";
    assert_eq!(database.execute(edit, ()).expect("changed"), 1);
    database.close().expect("closed");
    let open = home.journal().open_runs().expect("listed");
    assert_eq!(
        (open.len(), open[0].held, open[0].state),
        (1, 3, State::Failed)
    );
}

/// Rows of before have no seal, and are taken as they are, once.
#[test]
fn row_from_before_there_were_seals_is_sealed_as_it_is() {
    let home = edited("ALTER TABLE run DROP COLUMN seal; PRAGMA user_version = 2");
    let all = home.journal().runs(Filter::All).expect("listed");
    assert!(all.iter().all(|run| !run.edited), "{all:?}");
    assert_eq!(all.len(), 2);
}

/// Without the key nobody can tell what was edited: it is told, nothing is made in its place, and the runs are still there when it is back.
#[test]
fn key_that_is_gone_is_told_of_and_no_other_is_made() {
    let home = edited("SELECT 1");
    let key = std::fs::read(home.file("key")).expect("there");
    std::fs::remove_file(home.file("key")).expect("removed");
    let journal = home.journal();
    let states: Vec<State> = journal
        .runs(Filter::All)
        .expect("listed")
        .iter()
        .map(|run| run.state)
        .collect();
    assert_eq!(states, [State::Done, State::Unfinished]);
    assert_eq!(
        journal.record(&id("aaaaaaaa")).expect("shown").damage,
        [""; 0]
    );
    let doubt = journal.doubt().expect("it is told");
    let begins = journal
        .begin(begun(&id("cccccccc")))
        .and_then(|run| write(&run, told(1)));
    for failure in [
        doubt,
        journal.reopen(&id("aaaaaaaa")).expect_err("refused"),
        journal.key().expect_err("refused"),
        begins.expect_err("refused"),
    ] {
        assert_eq!(failure.code, "journal.key-missing", "{failure:?}");
        assert!(
            failure
                .message
                .contains(home.file("key").to_str().expect("text")),
            "{failure:?}"
        );
        let hint = failure.hint.expect("a hint");
        assert!(
            hint.as_str().starts_with("put it back from a backup"),
            "{hint}"
        );
    }
    assert!(!home.file("key").exists(), "no other is made");
    std::fs::write(home.file("key"), key).expect("put back");
    assert!(home.journal().doubt().is_none());
    home.journal().reopen(&id("aaaaaaaa")).expect("had");
}

#[test]
fn key_of_a_journal_without_a_run_is_made() {
    let home = Home::new();
    home.journal().key().expect("made");
    assert!(home.file("key").exists());
    assert!(home.journal().doubt().is_none());
}
