//! Runs that exclude each other.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use agent_core::id::RunId;
use agent_journal::Journal;

use crate::child::{Process, Work, hear, say};
use crate::world::{Home, begun, cut_off, done, failed, id, journal, names, ran, told, write};

const PLEX: &str = "pvc:media/plex";

/// In the other process: tries once for each word, and keeps what it got until the next word.
pub(crate) fn take_turns(path: &Path, run: &str, name: &str) {
    let journal = journal(path, None).expect("a journal");
    while hear().is_some() {
        match journal.lock(&[name.to_owned()], &id(run)) {
            Ok(locks) => {
                say("got it");
                hear();
                drop(locks);
                say("free");
            }
            Err(failure) => say(failure.code),
        }
    }
}

/// In the other process: takes the lock a thousand times and counts in a file, as only one at a time can.
pub(crate) fn take_often(path: &Path, run: &str) {
    let journal = journal(path, None).expect("a journal");
    let (inside, count) = (path.join("inside"), path.join("count"));
    for _ in 0..1000 {
        let _locks = taken(&journal, &id(run));
        fs::File::create_new(&inside).expect("nobody else is inside");
        let before: u64 =
            fs::read_to_string(&count).map_or(0, |text| text.parse().expect("a number"));
        fs::write(&count, (before + 1).to_string()).expect("counted");
        fs::remove_file(&inside).expect("still inside");
    }
}

fn taken(journal: &Journal, run: &RunId) -> agent_journal::Locks {
    loop {
        match journal.lock(&[PLEX.to_owned()], run) {
            Ok(locks) => return locks,
            Err(failure) => assert_eq!(failure.code, "lock.held"),
        }
    }
}

/// In the other process: a run that declares a lock, has it and waits.
pub(crate) fn hold_lock(path: &Path, run: &str) {
    let journal = journal(path, None).expect("a journal");
    let locks = vec![PLEX.to_owned()];
    let _held = journal.lock(&locks, &id(run)).expect("free");
    let run = journal.begin(declared(run)).expect("begins");
    write(&run, told(0)).expect("written");
    say("ready");
    hear();
}

fn declared(run: &str) -> agent_core::record::RunHeader {
    agent_core::record::RunHeader {
        locks: vec![PLEX.to_owned()],
        ..begun(&id(run))
    }
}

#[test]
fn of_two_processes_that_race_exactly_one_gets_the_lock_each_time() {
    const LANES: usize = 8;
    const ROUNDS: usize = 125;
    let home = Home::new();
    thread::scope(|scope| {
        for lane in 0..LANES {
            let home = &home;
            scope.spawn(move || {
                let name = format!("pvc:media/{lane}");
                let start = |run: &str| Work::new("take-turns", home.path(), &[run, &name]).start();
                let mut two = [start("aaaaaaaa"), start("bbbbbbbb")];
                (0..ROUNDS).for_each(|round| race(&mut two, round));
                two.into_iter().for_each(Process::finish);
            });
        }
    });
    assert_eq!(names(&home.file("locks")), [""; 0]);
    println!("{} races: one got the lock each time", LANES * ROUNDS);
}

fn race(two: &mut [Process; 2], round: usize) {
    two[round % 2].say("go");
    two[1 - round % 2].say("go");
    let answers = [two[0].next(), two[1].next()];
    let answers = answers.map(|answer| answer.expect("an answer"));
    let winner = answers
        .iter()
        .position(|answer| answer == "got it")
        .expect("somebody gets it");
    assert_eq!(answers[1 - winner], "lock.held", "round {round}");
    two[winner].say("let go");
    two[winner].expect("free");
}

#[test]
fn lock_that_is_taken_and_let_go_in_haste_is_never_held_twice() {
    let home = Home::new();
    let start = |run: &str| Work::new("take-often", home.path(), &[run]).start();
    let two = [start("aaaaaaaa"), start("bbbbbbbb")];
    two.into_iter().for_each(Process::finish);
    let count = fs::read_to_string(home.file("count")).expect("counted");
    assert_eq!(count, "2000");
}

/// The app of that name on another cluster is another app.
#[test]
fn run_that_was_cut_off_keeps_its_lock_on_its_own_cluster_only() {
    let home = Home::new();
    let on = |server: &str, run: &str| {
        let mut begun = declared(run);
        begun.cluster.server = Some(server.to_owned());
        begun
    };
    let journal = home.journal();
    let cut_off = on("https://one:6443", "aaaaaaaa");
    let run = journal.begin(cut_off.clone()).expect("begins");
    write(&run, told(0)).expect("written");
    drop(run);
    let same = on("https://one:6443", "bbbbbbbb");
    let refused = journal.lock(&same.local_locks(), &same.run);
    assert_eq!(refused.expect_err("unfinished").code, "lock.unfinished");
    let other = on("https://other:6443", "cccccccc");
    let free = journal.lock(&other.local_locks(), &other.run);
    assert!(free.is_ok(), "{free:?}");
}

#[test]
fn lock_that_is_held_names_its_run_and_process() {
    let home = Home::new();
    let mut process = Work::new("hold-lock", home.path(), &["aaaaaaaa"]).start();
    process.expect("ready");
    let failure = lock(&home.journal(), "bbbbbbbb").expect_err("held");
    assert_eq!(failure.code, "lock.held");
    let begins = "lock `pvc:media/plex` is held by run `aaaaaaaa` in process ";
    assert!(failure.message.starts_with(begins), "{failure}");
    assert!(failure.message.ends_with(" of kevin on desk"), "{failure}");
    assert_eq!(failure.hint.as_deref(), Some("agent runs follow aaaaaaaa"));
    process.finish();
    // It ended without coming to the run's end.
    let failure = lock(&home.journal(), "bbbbbbbb").expect_err("unfinished");
    assert_eq!(failure.code, "lock.unfinished");
}

#[test]
fn lock_of_a_killed_run_is_for_that_run_alone() {
    for _ in 0..10 {
        let home = Home::new();
        let mut process = Work::new("hold-lock", home.path(), &["aaaaaaaa"]).start();
        process.expect("ready");
        // Asked while the process goes down, lock by lock.
        let failure = thread::scope(|scope| {
            let asked = scope.spawn(|| {
                let journal = home.journal();
                loop {
                    let failure = lock(&journal, "bbbbbbbb").expect_err("never free");
                    if failure.code != "lock.held" {
                        return failure;
                    }
                }
            });
            process.kill();
            asked.join().expect("an answer")
        });
        assert_eq!(failure.code, "lock.unfinished");
        assert_eq!(
            failure.message,
            "lock `pvc:media/plex` belongs to run `aaaaaaaa`, which has not come to its end"
        );
        assert_eq!(
            failure.hint.as_deref(),
            Some("agent resume aaaaaaaa, or: agent undo aaaaaaaa")
        );
        drop(lock(&home.journal(), "aaaaaaaa").expect("its own"));
    }
}

#[test]
fn lock_is_not_free_while_the_owner_of_its_run_is_still_going_down() {
    let home = Home::new();
    // The kernel has let go of its lock, and not yet of the run.
    let run = home.journal().begin(declared("aaaaaaaa")).expect("begins");
    write(&run, told(0)).expect("written");
    let failure = lock(&home.journal(), "bbbbbbbb").expect_err("still live");
    assert_eq!(failure.code, "lock.held");
    assert!(
        failure.message.contains("run `aaaaaaaa` in process"),
        "{failure}"
    );
    thread::scope(|scope| {
        let asked = scope.spawn(|| lock(&home.journal(), "bbbbbbbb").expect_err("unfinished"));
        thread::sleep(Duration::from_millis(20));
        drop(run);
        assert_eq!(asked.join().expect("an answer").code, "lock.unfinished");
    });
}

#[test]
fn run_that_holds_changes_after_its_end_keeps_others_out() {
    let home = Home::new();
    let journal = home.journal();
    ran(&journal, declared("aaaaaaaa"), failed(1));
    let failure = lock(&journal, "bbbbbbbb").expect_err("unfinished");
    assert_eq!(failure.code, "lock.unfinished");
    assert_eq!(failure.hint.as_deref(), Some("agent undo aaaaaaaa"));
    ran(&journal, declared("cccccccc"), done());
    let (run, _) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    write(
        &run,
        agent_core::journal::Entry::Undone {
            left: 0,
            outcome: None,
        },
    )
    .expect("written");
    drop(run);
    drop(lock(&journal, "bbbbbbbb").expect("free"));
}

#[test]
fn run_may_take_its_own_lock_again_and_has_it_until_both_are_let_go() {
    let home = Home::new();
    let journal = home.journal();
    let one = lock(&journal, "aaaaaaaa").expect("free");
    let two = lock(&journal, "aaaaaaaa").expect("its own");
    assert!(lock(&journal, "bbbbbbbb").is_err());
    drop(one);
    assert!(lock(&journal, "bbbbbbbb").is_err());
    drop(two);
    drop(lock(&journal, "bbbbbbbb").expect("free"));
    assert_eq!(names(&home.file("locks")), [""; 0]);
}

#[test]
fn of_several_locks_all_are_had_or_none() {
    let home = Home::new();
    let journal = home.journal();
    let several =
        |names: &[&str]| -> Vec<String> { names.iter().map(ToString::to_string).collect() };
    let first = journal
        .lock(&several(&["b"]), &id("aaaaaaaa"))
        .expect("free");
    let failure = journal.lock(&several(&["c", "b", "a"]), &id("bbbbbbbb"));
    assert_eq!(failure.expect_err("held").code, "lock.held");
    let rest = journal
        .lock(&several(&["c", "a", "c"]), &id("cccccccc"))
        .expect("free");
    assert_eq!(rest.names().collect::<Vec<_>>(), ["a", "c"]);
    drop(first);
}

#[test]
fn locks_are_files_for_us_alone_that_go_with_the_lock() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let journal = home.journal();
    let locks = lock(&journal, "aaaaaaaa").expect("free");
    let folder = home.file("locks");
    let files = names(&folder);
    assert_eq!(files.len(), 1);
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(
        (mode(&folder), mode(&folder.join(&files[0]))),
        (0o700, 0o600)
    );
    let text = fs::read_to_string(folder.join(&files[0])).expect("reads");
    assert!(text.contains(PLEX) && text.contains("aaaaaaaa"), "{text}");
    drop(locks);
    let gone = fs::metadata(folder.join(&files[0])).map_err(|error| error.kind());
    assert_eq!(gone.err(), Some(io::ErrorKind::NotFound));
}

#[test]
fn unfinished_run_without_locks_is_in_nobodys_way() {
    let home = Home::new();
    let journal = home.journal();
    cut_off(&journal, begun(&id("aaaaaaaa")));
    drop(lock(&journal, "bbbbbbbb").expect("free"));
}

fn lock(
    journal: &Journal,
    run: &str,
) -> Result<agent_journal::Locks, agent_core::failure::Failure> {
    journal.lock(&[PLEX.to_owned()], &id(run))
}
