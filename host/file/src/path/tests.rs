use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

#[test]
fn path_is_followed_as_the_system_does() {
    let home = tempfile::tempdir().expect("a directory");
    let home = home.path().canonicalize().expect("there");
    fs::create_dir_all(home.join("a/b")).expect("made");
    fs::write(home.join("a/file"), "").expect("written");
    symlink("../file", home.join("a/b/up")).expect("a link");
    symlink(home.join("a/b"), home.join("away")).expect("a link");
    for path in ["a/b/up", "away/up", "away/../file", "./a/b/../b/./up"] {
        let path = home.join(path);
        let found = followed(&path).expect("followed");
        assert_eq!(found, path.canonicalize().expect("there"), "{path:?}");
    }
    let absent = followed(&home.join("away/none/deep")).expect("followed");
    assert_eq!(absent, home.join("a/b/none/deep"));
}

/// Whoever puts a link into `/tmp` must not say which file of ours is read or replaced.
#[test]
fn link_of_somebody_else_in_a_sticky_directory_is_refused() {
    let parent = |mode| {
        let home = tempfile::tempdir().expect("a directory");
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).expect("sets");
        let found = fs::metadata(home.path()).expect("there");
        (home, found)
    };
    let link = Path::new("/tmp/plan.json");
    let somebody = us() + 1;
    let (_sticky, sticky) = parent(0o1777);
    let (_ours, ours) = parent(0o700);
    judge_link(link, somebody, &ours, Way::Named).expect("nobody else puts one there");
    judge_link(link, us(), &sticky, Way::Named).expect("ours");
    for (parent, way) in [
        (&sticky, Way::Named),
        (&sticky, Way::Ours),
        (&ours, Way::Ours),
    ] {
        let refused = judge_link(link, somebody, parent, way).expect_err("refused");
        let wanted = format!("`/tmp/plan.json` is a link that belongs to user {somebody}");
        assert!(refused.to_string().starts_with(&wanted), "{refused}");
    }
}
