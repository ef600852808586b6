//! A disk that is full.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use agent_core::failure::Failure;
use agent_core::journal::RunJournal as _;
use agent_core::record::State;
use agent_journal::OpenRun;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::child::{Work, say};
use crate::world::{Home, begun, done, id, journal, sync, told_at_length, write};

/// Written until the disk is full.
fn write_until_refused(run: &OpenRun) -> (u64, Failure) {
    for number in 0..10_000 {
        let entry = told_at_length(number, 3000);
        let written = if number % 2 == 0 {
            write(run, entry)
        } else {
            sync(run, entry)
        };
        if let Err(failure) = written {
            return (number, failure);
        }
    }
    panic!("the disk is never full");
}

/// All that was acknowledged is there, and what was refused is not; then there is room again, and the run comes to its end.
fn goes_on(path: &Path, run: OpenRun, acknowledged: u64, make_room: impl FnOnce()) {
    run.note(told_at_length(acknowledged, 10));
    sync(&run, told_at_length(acknowledged + 1, 3000)).expect_err("still full");
    let other = journal(path, None).expect("a journal");
    let count = || other.entries(run.run(), 0).expect("reads").len() as u64;
    assert_eq!(count(), acknowledged);
    make_room();
    sync(&run, told_at_length(acknowledged + 1, 3000)).expect("there is room");
    write(&run, done()).expect("there is room");
    assert_eq!(count(), acknowledged + 3);
    for (at, noted) in (0..).zip(other.entries(run.run(), 0).expect("reads")) {
        assert_eq!(noted.number, at + 1);
    }
    drop(run);
    let record = other.record(&id("aaaaaaaa")).expect("a record");
    assert_eq!(record.summary.state, State::Done);
    say("done");
}

/// In the other process, on a file system of its own: fills it.
pub(crate) fn fill(path: &Path) {
    let ballast = path.join("ballast");
    fs::write(&ballast, vec![0; 64 * 1024]).expect("there is room");
    let journal_here = journal(path, None).expect("a journal");
    let run = journal_here.begin(begun(&id("aaaaaaaa"))).expect("begins");
    let (acknowledged, failure) = write_until_refused(&run);
    assert!(acknowledged > 5, "{acknowledged} entries");
    assert_eq!(failure.code, "journal.full", "{failure:?}");
    let hint = failure.hint.expect("a hint");
    assert_eq!(hint, format!("make room: df -h {}", path.display()));
    // To the last byte, so that not even a small entry fits.
    let mut file = File::create(path.join("rest")).expect("made");
    while let Ok(written) = file.write(&[0; 512]) {
        assert!(written > 0);
    }
    let error = file.write(&[0; 512]).expect_err("full");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    goes_on(path, run, acknowledged, || {
        fs::remove_file(ballast).expect("removed")
    });
}

/// In the other process, which may not write large files: reaches that limit.
pub(crate) fn limit(path: &Path) {
    let journal_here = journal(path, None).expect("a journal");
    let run = journal_here.begin(begun(&id("aaaaaaaa"))).expect("begins");
    let (acknowledged, failure) = write_until_refused(&run);
    assert!(acknowledged > 5, "{acknowledged} entries");
    assert_eq!(failure.code, "journal.unwritable", "{failure:?}");
    goes_on(path, run, acknowledged, || {
        let hard = getrlimit(Resource::Fsize).maximum;
        let unlimited = Rlimit {
            current: hard,
            maximum: hard,
        };
        setrlimit(Resource::Fsize, unlimited).expect("raised");
    });
}

#[test]
fn file_that_may_not_grow_refuses_the_write_and_keeps_what_was_before() {
    let home = Home::new();
    let shell = r#"trap "" XFSZ; ulimit -S -f 300; exec "$0" "$@""#;
    let mut process = Work::new("limit", home.path(), &[]).start_as(&["sh", "-c", shell]);
    process.expect("done");
    process.finish();
}

/// Needs a file system that it may fill, so it mounts one where nobody else sees it.
#[cfg(target_os = "linux")]
#[test]
fn full_disk_refuses_the_write_and_keeps_what_was_before() {
    const MOUNT: &str = r#"mount -t tmpfs -o size=400k,mode=700 none "$0" && exec "$@""#;
    let home = Home::new();
    let path = home.path().to_str().expect("UTF-8");
    let apart = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        MOUNT,
        path,
    ];
    let mut process = Work::new("fill", home.path(), &[]).start_as(&apart);
    match process.next() {
        Some(said) => assert_eq!(said, "done"),
        None if may_mount(&apart) => panic!("it ended before its end"),
        None => {
            println!("not tried: this system lets nobody mount a file system of his own");
            return;
        }
    }
    process.finish();
}

#[cfg(target_os = "linux")]
fn may_mount(apart: &[&str]) -> bool {
    let mounted = std::process::Command::new(apart[0])
        .args(&apart[1..])
        .arg("true")
        .status();
    mounted.is_ok_and(|status| status.success())
}
