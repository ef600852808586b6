use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use rustix::fs::mkfifoat;
use tempfile::TempDir;

use super::*;

fn pipe_in(home: &TempDir) -> PathBuf {
    let path = home.path().join("pipe");
    mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).expect("made");
    path
}

fn read(path: &Path, pipes: Pipes) -> Result<Vec<u8>, String> {
    read_named(path, 100, pipes).map_err(|it| it.to_string())
}

#[test]
fn what_never_ends_is_not_opened() {
    let home = tempfile::tempdir().expect("a directory");
    let socket = home.path().join("socket");
    let _listening = UnixListener::bind(&socket).expect("made");
    let pipe = pipe_in(&home);
    for (path, wanted) in [
        (Path::new("/dev/zero"), "a device"),
        (Path::new("/dev/full"), "a device"),
        (home.path(), "a directory"),
        (&socket, "a socket"),
        (&pipe, "a pipe"),
    ] {
        let said = read(path, Pipes::Refused).expect_err("refused");
        let wanted = format!("is {wanted}, and must be a regular file");
        assert!(said.ends_with(&wanted), "{said}");
    }
}

#[test]
fn pipe_that_nobody_writes_to_is_told_at_once() {
    let home = tempfile::tempdir().expect("a directory");
    let pipe = pipe_in(&home);
    let said = read(&pipe, Pipes::Awaited).expect_err("refused");
    assert!(said.ends_with("is a pipe that nobody writes to"), "{said}");
}

#[test]
fn pipe_that_is_held_open_is_not_waited_for_without_end() {
    let home = tempfile::tempdir().expect("a directory");
    let pipe = pipe_in(&home);
    // On Linux it opens at once, and is a writer too.
    let _held = File::options().read(true).write(true).open(&pipe);
    let said = read(&pipe, Pipes::Within(Duration::ZERO)).expect_err("refused");
    assert!(said.starts_with("nothing came through"), "{said}");
}

/// As a shell makes one of `<(program)`.
#[test]
fn pipe_of_a_shell_is_read_to_its_end_and_within_its_bound() {
    for (length, fits) in [(100, true), (101, false)] {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        writer.write_all(&vec![b'a'; length]).expect("written");
        drop(writer);
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        let read = read(Path::new(&path), Pipes::Within(Duration::from_secs(60)));
        assert_eq!(read.is_ok(), fits, "{read:?}");
    }
}

#[test]
fn file_larger_than_its_bound_is_not_read() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("plan.json");
    let file = File::create(&path).expect("made");
    file.set_len(10 << 30).expect("grown");
    let said = read(&path, Pipes::Refused).expect_err("refused");
    assert!(said.contains("has more than 100 bytes"), "{said}");
    file.set_len(100).expect("cut");
    assert_eq!(read(&path, Pipes::Refused).expect("reads").len(), 100);
}

#[test]
fn file_behind_a_link_of_ours_is_read() {
    let home = tempfile::tempdir().expect("a directory");
    fs::write(home.path().join("config"), "text").expect("written");
    let link = home.path().join("link");
    std::os::unix::fs::symlink("config", &link).expect("a link");
    assert_eq!(read(&link, Pipes::Refused).expect("reads"), b"text");
}
