use std::io::Read as _;

use agent_file::Whose;
use cap_std::fs::{Dir, Permissions, PermissionsExt as _};

use super::*;
use crate::fixture::directory;

fn digest() -> Digest {
    Digest::from_sha256(&[1; 32])
}

fn cache(dir: Dir, at: &tempfile::TempDir) -> CodeCache {
    let folder = Folder::of(dir, at.path(), Whose::Alone);
    CodeCache::new(folder.expect("ours alone"))
}

fn set_mode(dir: &Dir, name: &str, mode: u32) {
    dir.set_permissions(name, Permissions::from_mode(mode))
        .expect("sets");
}

#[test]
fn code_comes_back_for_the_same_artifact_and_engine_only() {
    let (keep, dir) = directory();
    let cache = cache(dir, &keep);
    cache.put(&digest(), "one", b"code").expect("kept");
    let mut read = Vec::new();
    let code = cache.get(&digest(), "one").expect("there");
    { code.file }.read_to_end(&mut read).expect("reads");
    assert_eq!(read, b"code");
    assert!(cache.get(&digest(), "two").is_none());
    assert!(cache.get(&Digest::from_sha256(&[2; 32]), "one").is_none());
    cache.forget(&digest(), "one");
    assert!(cache.get(&digest(), "one").is_none());
}

#[test]
fn code_that_was_found_is_never_written_again() {
    const LENGTH: usize = 64 << 10;
    let (keep, dir) = directory();
    let cache = cache(dir, &keep);
    let compile = |byte: u8| {
        for _ in 0..4 {
            cache.put(&digest(), "one", &[byte; LENGTH]).expect("kept");
            let mut code = Vec::new();
            let found = cache.get(&digest(), "one").expect("there");
            { found.file }.read_to_end(&mut code).expect("reads");
            assert_eq!(code.len(), LENGTH, "it is complete");
            assert!(
                code.iter().all(|byte| *byte == code[0]),
                "it is of one piece"
            );
        }
    };
    // Threads of one process are like processes of one number in two containers.
    std::thread::scope(|threads| {
        for byte in 0..8 {
            threads.spawn(move || compile(byte));
        }
    });
}

#[test]
fn directory_that_others_can_enter_is_not_used() {
    let (keep, dir) = directory();
    set_mode(&dir, ".", 0o755);
    let refused = Folder::of(dir, keep.path(), Whose::Alone).expect_err("refused");
    assert!(refused.to_string().ends_with("nobody else may look there"));
}

#[test]
fn file_that_others_can_write_is_forgotten() {
    let (keep, dir) = directory();
    let look = dir.try_clone().expect("clones");
    let cache = cache(dir, &keep);
    cache.put(&digest(), "one", b"code").expect("kept");
    set_mode(&look, &name(&digest(), "one"), 0o666);
    assert!(cache.get(&digest(), "one").is_none());
    assert!(!look.exists(name(&digest(), "one")));
}

#[test]
fn empty_file_is_forgotten() {
    let (keep, dir) = directory();
    let cache = cache(dir, &keep);
    cache.put(&digest(), "one", b"").expect("kept");
    assert!(cache.get(&digest(), "one").is_none());
}
