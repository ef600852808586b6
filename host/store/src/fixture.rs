//! Artifacts for tests: real components of any world, with documents in them.

use agent_file::{Folder, Whose};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, PermissionsExt};
use serde_json::{Value, json};
use wasm_encoder::{CustomSection, Encode as _};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

use crate::artifact::{DESCRIPTOR, MANIFEST};
use crate::contract::PACKAGES;

/// A component of the contract's own world.
pub(crate) fn component() -> Vec<u8> {
    component_of(
        PACKAGES.iter().map(|(_, text)| (*text).to_owned()),
        "plugin",
    )
}

/// A component of a world of the last package, which uses everything that the world imports.
pub(crate) fn component_of(packages: impl IntoIterator<Item = String>, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let mut last = None;
    for (number, text) in packages.into_iter().enumerate() {
        let pushed = resolve.push_source(&format!("{number}.wit"), &text);
        last = Some(pushed.expect("valid WIT"));
    }
    let world = resolve
        .select_world(&[last.expect("a package")], Some(world))
        .expect("the world");
    let mut module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("embeds");
    let encoder = ComponentEncoder::default()
        .module(&module)
        .expect("a module");
    encoder.validate(true).encode().expect("a component")
}

/// Adds a custom section to a component.
pub(crate) fn with_section(mut wasm: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let section = CustomSection {
        name: name.into(),
        data: data.into(),
    };
    wasm.push(0);
    section.encode(&mut wasm);
    wasm
}

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

pub(crate) fn with_documents(wasm: Vec<u8>, manifest: &Value, descriptor: &Value) -> Vec<u8> {
    let wasm = with_section(wasm, MANIFEST, manifest.to_string().as_bytes());
    with_section(wasm, DESCRIPTOR, descriptor.to_string().as_bytes())
}

/// A plugin with the operations `greet` and `leave`.
pub(crate) fn plugin(id: &str) -> Vec<u8> {
    with_documents(component(), &manifest(id), &descriptor())
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
