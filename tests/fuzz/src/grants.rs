//! `grants.toml`: what it grants nobody has granted otherwise, and it can be added to or is left alone.

use std::cell::OnceCell;

use agent_core::grant::Right;
use agent_core::policy::Granted;
use agent_file::{Folder, Whose};
use agent_store::{Given, Sources, Store};
use tempfile::TempDir;

use crate::artifact;

thread_local! {
    static HOME: OnceCell<TempDir> = const { OnceCell::new() };
}

pub(crate) fn run(bytes: &[u8]) {
    HOME.with(|home| {
        let home = home.get_or_init(|| tempfile::tempdir().expect("a folder"));
        in_folder(home, bytes);
    });
}

fn in_folder(home: &TempDir, bytes: &[u8]) {
    let folder = Folder::open(home.path(), Whose::ToRead).expect("ours");
    folder.dir().write("grants.toml", bytes).expect("written");
    let store = Store::new(Sources {
        bundled: Vec::new(),
        directory: Ok(None),
        given: vec![Given {
            path: "hello.wasm".to_owned(),
            wasm: artifact::hello().to_vec(),
        }],
        config: Ok(Some(folder)),
        kept: Ok(None),
        agent: semver::Version::new(0, 1, 0),
    });
    let operation = "hello.greet".parse().expect("a name");
    let Ok(found) = store.lookup(&operation) else {
        return;
    };
    let before = rights(&found.granted);
    let right: Right = "cluster:get:pods:*".parse().expect("a right");
    let id = "hello".parse().expect("an id");
    let granted = store.grant(&id, None, vec![right.clone()]);
    let granted = granted.expect("what can be read can be added to").rights;
    assert!(granted.contains(&right));
    assert!(before.iter().all(|right| granted.contains(right)));
    let again = store.lookup(&operation).expect("what was written is read");
    assert_eq!(rights(&again.granted), granted);
}

fn rights(granted: &Granted) -> Vec<Right> {
    match granted {
        Granted::Rights(rights) => rights.clone(),
        Granted::Requested => panic!("a file that was given has what it was granted"),
    }
}
