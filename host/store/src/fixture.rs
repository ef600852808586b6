//! Artifacts for tests: real components of any world, with documents in them.

pub(crate) use agent_artifact::{idle, idle_in, with_documents, with_section};
use agent_file::{Folder, Whose};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, PermissionsExt};
use serde_json::{Value, json};

pub(crate) fn manifest(id: &str) -> Value {
    json!({
        "manifest": 1, "id": id, "version": "0.1.0", "description": "Greet", "license": "Apache-2.0", "min-agent": "0.1.0",
        "request": [{
            "capability": "cluster", "verbs": ["get"], "resources": ["pods"], "namespaces": ["*"], "why": "look at pods"
        }]
    })
}

pub(crate) fn descriptor() -> Value {
    json!({ "operations": [{ "name": "greet", "summary": "Greet" }, { "name": "leave", "summary": "Leave" }] })
}

/// A plugin with the operations `greet` and `leave`.
pub(crate) fn plugin(id: &str) -> Vec<u8> {
    with_documents(idle(), &manifest(id), &descriptor())
}

/// A directory of its own, and its path for what only a test may do.
pub(crate) fn directory() -> (tempfile::TempDir, Dir) {
    let temporary = tempfile::tempdir().expect("a directory");
    let dir = Dir::open_ambient_dir(temporary.path(), ambient_authority()).expect("opens");
    let ours_alone = PermissionsExt::from_mode(0o700);
    dir.set_permissions(".", ours_alone).expect("sets");
    (temporary, dir)
}

/// The same, as it is handed to the store.
pub(crate) fn folder() -> (tempfile::TempDir, Folder) {
    let (temporary, dir) = directory();
    let folder = Folder::of(dir, temporary.path(), Whose::ToRead).expect("ours");
    (temporary, folder)
}
