use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;

use agent_core::failure::Hint as _;
use rustix::fs::{CWD, mkfifoat};
use tempfile::TempDir;

use super::*;

fn home() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
}

fn refused(path: &Path, whose: Whose) -> String {
    Folder::open(path, whose).expect_err("refused").to_string()
}

#[test]
fn directory_that_others_can_write_to_is_refused_with_what_mends_it() {
    let home = home();
    let config = home.path().join("agent");
    for (mode, whose, wanted) in [
        (0o777, Whose::ToRead, Some("chmod go-w")),
        (0o720, Whose::ToRead, Some("chmod go-w")),
        (0o1777, Whose::ToRead, Some("chmod go-w")),
        (0o755, Whose::ToRead, None),
        (0o755, Whose::Alone, Some("chmod go=")),
        (0o700, Whose::Alone, None),
    ] {
        drop(Folder::made(&config, Whose::ToRead));
        set_mode(&config, mode);
        let refused = Folder::open(&config, whose).err();
        let remedy = refused.map(|it| it.hint().expect("a remedy").to_string());
        let command = wanted.map(|chmod| format!("{chmod} {}", config.display()));
        assert_eq!(remedy, command, "{mode:o}");
    }
}

#[test]
fn what_somebody_else_owns_is_refused_and_what_the_administrator_owns_is_not() {
    let path = Path::new("/home/us/agent");
    let by = |owner| judge_as(1000, path, owner, 0o700, Whose::Alone);
    by(1000).expect("ours");
    by(0).expect("the administrator's");
    assert_eq!(
        by(1001).expect_err("refused").to_string(),
        "`/home/us/agent` belongs to user 1001, and this is user 1000"
    );
}

#[test]
fn directory_beneath_one_in_which_others_can_rename_is_refused() {
    let home = home();
    let shared = home.path().join("shared");
    Folder::made(&shared.join("agent"), Whose::ToRead).expect("made");
    set_mode(&shared, 0o777);
    let said = refused(&shared.join("agent"), Whose::ToRead);
    assert!(said.contains("shared` has mode 0777"), "{said}");
    // As `/tmp` is.
    set_mode(&shared, 0o1777);
    Folder::open(&shared.join("agent"), Whose::ToRead).expect("nobody can rename it");
}

#[test]
fn directory_is_made_for_us_alone() {
    let home = home();
    let path = home.path().join("a/b/agent");
    let folder = Folder::made(&path, Whose::Alone).expect("made");
    assert_eq!(folder.path(), path);
    let modes = ["a", "a/b", "a/b/agent"].map(|name| {
        let found = fs::metadata(home.path().join(name)).expect("there");
        found.permissions().mode() & 0o777
    });
    assert_eq!(modes, [0o700; 3]);
}

#[test]
fn link_of_ours_leads_to_a_directory_and_its_end_is_judged() {
    let home = home();
    let path = home.path().join("dotfiles");
    Folder::made(&path, Whose::ToRead).expect("made");
    let link = home.path().join("agent");
    symlink("dotfiles", &link).expect("a link");
    Folder::open(&link, Whose::ToRead).expect("ours");
    set_mode(&path, 0o777);
    refused(&link, Whose::ToRead);
}

#[test]
fn links_that_lead_to_each_other_are_an_error() {
    let home = home();
    symlink("b", home.path().join("a")).expect("a link");
    symlink("a", home.path().join("b")).expect("a link");
    refused(&home.path().join("a"), Whose::ToRead);
}

#[test]
fn file_in_the_place_of_a_directory_is_refused() {
    let home = home();
    let path = home.path().join("agent");
    fs::write(&path, "no directory").expect("written");
    let said = Folder::made(&path, Whose::ToRead).expect_err("refused");
    assert!(
        said.to_string()
            .ends_with("is a regular file, and must be a directory"),
        "{said}"
    );
}

/// Each of them would keep whoever opens it waiting, or never end.
#[test]
fn only_a_regular_file_is_opened() {
    let home = home();
    let at = |name: &str| home.path().join(name);
    fs::create_dir(at("directory")).expect("made");
    mkfifoat(CWD, at("pipe"), Mode::from_raw_mode(0o600)).expect("made");
    let _socket = UnixListener::bind(at("socket")).expect("made");
    fs::write(at("file"), "text").expect("written");
    symlink("file", at("link")).expect("a link");
    symlink("/dev/zero", at("device")).expect("a link");
    let folder = Folder::open(home.path(), Whose::ToRead).expect("ours");
    for (name, wanted) in [
        ("directory", "a directory"),
        ("pipe", "a pipe"),
        ("socket", "a socket"),
        ("link", "a link"),
        ("device", "a link"),
    ] {
        let said = folder.read(name, 10).expect_err("refused").to_string();
        let wanted = format!("{name}` is {wanted}, and must be a regular file");
        assert!(said.ends_with(&wanted), "{said}");
    }
    assert_eq!(folder.read("file", 10).expect("reads"), b"text");
    assert!(folder.read("none", 10).expect_err("refused").is_absent());
}

#[test]
fn file_that_others_can_write_to_is_refused() {
    let home = home();
    let path = home.path().join("grants.toml");
    fs::write(&path, "").expect("written");
    let folder = Folder::open(home.path(), Whose::ToRead).expect("ours");
    for mode in [0o666, 0o660, 0o602] {
        set_mode(&path, mode);
        let refused = folder.read("grants.toml", 10).expect_err("refused");
        let command = format!("chmod go-w {}", path.display());
        assert_eq!(refused.hint().as_deref(), Some(&*command), "{mode:o}");
    }
    set_mode(&path, 0o644);
    folder.read("grants.toml", 10).expect("reads");
}

#[test]
fn file_is_read_as_far_as_its_bound_and_no_further() {
    let home = home();
    let path = home.path().join("file");
    let folder = Folder::open(home.path(), Whose::ToRead).expect("ours");
    fs::write(&path, "12345").expect("written");
    assert_eq!(folder.read("file", 5).expect("reads"), b"12345");
    let said = folder.read("file", 4).expect_err("refused").to_string();
    assert!(said.ends_with("has more than 4 bytes, the most that is read of it"));
    // Ten gigabytes that take no room.
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_len(10 << 30))
        .expect("grown");
    folder.read("file", 1 << 20).expect_err("refused");
}

#[test]
fn text_is_utf_8() {
    let home = home();
    fs::write(home.path().join("file"), b"\xff").expect("written");
    let folder = Folder::open(home.path(), Whose::ToRead).expect("ours");
    let said = folder.read_text("file", 5).expect_err("refused");
    assert!(said.to_string().contains("is not text"), "{said}");
}

#[test]
fn settings_may_be_a_link_of_ours_to_a_file_of_ours() {
    let home = home();
    let config = Folder::made(&home.path().join("agent"), Whose::ToRead).expect("made");
    let dots = home.path().join("dots");
    fs::create_dir(&dots).expect("made");
    fs::write(dots.join("agent.toml"), "as it is").expect("written");
    symlink("../dots/agent.toml", config.path().join("agent.toml")).expect("a link");
    let read = || config.read_linked_text("agent.toml", 100);
    assert_eq!(read().expect("followed"), "as it is");
    // What is no link is read as ever.
    fs::write(config.path().join("plain.toml"), "plain").expect("written");
    assert_eq!(
        config.read_linked_text("plain.toml", 100).expect("read"),
        "plain"
    );
    assert!(
        config
            .read_linked_text("none.toml", 100)
            .expect_err("none")
            .is_absent()
    );
    let said = |what: &str| {
        let refused = read().expect_err(what);
        assert!(!refused.is_absent(), "{what}");
        refused.to_string()
    };
    set_mode(&dots.join("agent.toml"), 0o666);
    assert!(said("a file of others").contains("has mode 0666"));
    set_mode(&dots.join("agent.toml"), 0o644);
    set_mode(&dots, 0o777);
    assert!(said("a directory of others").contains("has mode 0777"));
    set_mode(&dots, 0o755);
    fs::remove_file(dots.join("agent.toml")).expect("removed");
    assert!(said("nothing").contains("is a link to"));
    mkfifoat(
        CWD,
        dots.join("agent.toml"),
        rustix::fs::Mode::from_bits_retain(0o600),
    )
    .expect("a pipe");
    assert!(said("a pipe").contains("is a pipe"));
}
