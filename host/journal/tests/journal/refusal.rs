//! Files that are not what they should be: each is refused with a remedy, and left as it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use agent_core::failure::{Failure, Kind};
use agent_core::record::{Filter, State};
use rusqlite::Connection;

use crate::world::{Home, begun, done, id, journal, names, ran, sync, told_at_length, write};

fn read(home: &Home) -> Result<usize, Failure> {
    Ok(home.journal().runs(Filter::All)?.len())
}

fn written(home: &Home) -> Result<(), Failure> {
    let run = home.journal().begin(begun(&id("aaaaaaaa")))?;
    write(&run, done())
}

/// Both are refused for the same reason, and the file is as it was.
fn refused(home: &Home, code: &str) -> Failure {
    let path = home.file("journal.db");
    let before = fs::read(&path).expect("reads");
    let failure = read(home).expect_err("cannot be read");
    assert_eq!(failure.code, code, "{failure:?}");
    assert_eq!(written(home).expect_err("cannot be written").code, code);
    assert!(fs::read(&path).expect("reads") == before, "it was changed");
    failure
}

#[test]
fn file_that_is_no_database_is_damaged() {
    let home = Home::new();
    for content in [
        &b""[..],
        b"SQLite format 3\0",
        &[7; 10_000],
        "text\n".repeat(3000).as_bytes(),
    ] {
        fs::write(home.file("journal.db"), content).expect("written");
        let failure = refused(&home, "journal.damaged");
        assert!(
            failure
                .message
                .contains(home.file("journal.db").to_str().expect("UTF-8"))
        );
        assert_eq!(failure.kind, Kind::Unavailable);
        let said = failure.causes.join(": ");
        assert!(!said.contains("Error code"), "{said}");
        drop(fs::remove_file(home.file("journal.db-wal")));
        drop(fs::remove_file(home.file("journal.db-shm")));
    }
}

#[test]
fn database_of_another_program_is_no_journal() {
    let home = Home::new();
    let database = Connection::open(home.file("journal.db")).expect("opens");
    database.execute_batch("CREATE TABLE a (b)").expect("made");
    database.close().expect("closed");
    let failure = refused(&home, "journal.damaged");
    assert!(
        failure.message.ends_with("is no journal of the agent"),
        "{failure}"
    );
}

#[test]
fn hint_of_a_damaged_journal_moves_it_away_and_a_new_one_begins() {
    let home = Home::new();
    ran(&home.journal(), begun(&id("aaaaaaaa")), done());
    fs::write(home.file("journal.db"), [7; 10_000]).expect("written");
    let hint = refused(&home, "journal.damaged").hint.expect("a hint");
    let (_, command) = hint.split_once(": ").expect("a command");
    let status = std::process::Command::new("sh")
        .args(["-c", command])
        .status();
    assert!(status.expect("starts").success(), "{command}");
    written(&home).expect("a new one");
    assert_eq!(read(&home).expect("reads"), 1);
    assert!(names(&home.file("damaged")).contains(&"journal.db".to_owned()));
}

#[test]
fn damage_in_the_middle_is_found_and_named() {
    let home = Home::new();
    {
        let journal = home.journal();
        let run = journal.begin(begun(&id("aaaaaaaa"))).expect("begins");
        (0..200).for_each(|number| sync(&run, told_at_length(number, 3000)).expect("written"));
    }
    let path = home.file("journal.db");
    let mut bytes = fs::read(&path).expect("reads");
    assert!(bytes.len() > 400_000, "the log went into it");
    bytes[200_000..300_000].fill(7);
    fs::write(&path, bytes).expect("written");
    let failure = home.journal().record(&id("aaaaaaaa")).expect_err("damaged");
    assert_eq!(failure.code, "journal.damaged", "{failure:?}");
    let listed = home.journal().runs(Filter::All).expect("reads");
    assert_eq!(listed[0].state, State::Damaged, "what can be read is read");
    let others = home.journal().begin(begun(&id("bbbbbbbb")));
    write(&others.expect("begins"), done()).expect("written");
    assert_eq!(read(&home).expect("reads"), 2);
}

#[test]
fn journal_of_a_later_format_needs_a_newer_agent() {
    let home = Home::new();
    ran(&home.journal(), begun(&id("aaaaaaaa")), done());
    let database = Connection::open(home.file("journal.db")).expect("opens");
    database
        .pragma_update(None, "user_version", 4)
        .expect("set");
    database.close().expect("closed");
    let failure = refused(&home, "journal.newer");
    assert!(
        failure
            .message
            .ends_with("has format 4, and this agent knows format 3"),
        "{failure}"
    );
    assert_eq!(failure.hint.as_deref(), Some("use a newer agent"));
}

#[test]
fn directory_where_others_may_write_is_refused() {
    let home = Home::new();
    let open = |mode| {
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).expect("set");
        journal(home.path(), None).map(drop)
    };
    let failure = open(0o770).expect_err("others may write");
    assert_eq!(failure.code, "journal.unsafe");
    let wanted = format!("chmod go-w {}", home.path().display());
    assert_eq!(failure.hint.as_deref(), Some(wanted.as_str()));
    open(0o700).expect("ours alone");
}

#[test]
fn place_that_cannot_be_written_is_named() {
    let home = Home::new();
    fs::write(home.file("runs"), "in the way").expect("written");
    let failure = home.journal().begin(begun(&id("aaaaaaaa"))).map(drop);
    let failure = failure.expect_err("no folder for locks");
    assert_eq!(failure.code, "journal.unwritable");
    assert!(failure.message.contains("/runs"), "{failure}");
    fs::remove_file(home.file("runs")).expect("removed");
    fs::create_dir(home.file("journal.db")).expect("made");
    assert_eq!(
        written(&home).expect_err("no file").code,
        "journal.unwritable"
    );
}

#[test]
fn file_that_is_no_key_is_refused() {
    let home = Home::new();
    fs::write(home.file("key"), "short").expect("written");
    let failure = home.journal().key().expect_err("too short");
    assert_eq!(failure.code, "journal.key");
    assert_eq!(fs::read(home.file("key")).expect("reads"), b"short");
}

#[test]
fn files_are_for_us_alone() {
    let home = Home::new();
    ran(&home.journal(), begun(&id("aaaaaaaa")), done());
    home.journal().key().expect("a key");
    assert_eq!(
        home.names(),
        [
            "journal.db",
            "journal.db-shm",
            "journal.db-wal",
            "key",
            "runs"
        ]
    );
    for name in home.names() {
        let mode = fs::metadata(home.file(&name))
            .expect("there")
            .permissions()
            .mode()
            & 0o777;
        assert_eq!(mode, if name == "runs" { 0o700 } else { 0o600 }, "{name}");
    }
}

#[test]
fn writer_waits_for_another_process_that_writes() {
    let home = Home::new();
    ran(&home.journal(), begun(&id("aaaaaaaa")), done());
    let mut other = Connection::open(home.file("journal.db")).expect("opens");
    let transaction = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .expect("begins");
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ran(&home.journal(), begun(&id("bbbbbbbb")), done()));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!waiting.is_finished());
        drop(transaction);
    });
    assert!(begin.elapsed() >= Duration::from_millis(300));
    assert_eq!(read(&home).expect("reads"), 2);
}
