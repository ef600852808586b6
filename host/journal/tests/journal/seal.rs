//! A record that somebody edited: it is told, and nobody acts on it.

use agent_core::record::{Filter, State};
use rusqlite::Connection;

use crate::world::{Home, begun, cut_off, done, entries, id, ran, told, write};

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
    let home = edited("ALTER TABLE entry DROP COLUMN seal; PRAGMA user_version = 1");
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
