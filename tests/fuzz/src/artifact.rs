//! An artifact: the bytes of a component, and the two documents in it.

use std::sync::OnceLock;

use agent_artifact::{DESCRIPTOR, MANIFEST, idle, with_section};
use agent_core::agent::State;
use agent_core::arguments;
use agent_store::{Given, Sources, Store};
use semver::Version;
use serde_json::{Map, json};

/// Reads a whole file.
pub(crate) fn run(bytes: &[u8]) {
    read(bytes.to_vec());
}

/// Reads a manifest beside a descriptor that is as it should be.
pub(crate) fn manifest(bytes: &[u8]) {
    read(with_documents(bytes, greeting().to_string().as_bytes()));
}

/// Reads a descriptor beside a manifest that is as it should be.
pub(crate) fn descriptor(bytes: &[u8]) {
    read(with_documents(named().to_string().as_bytes(), bytes));
}

/// A plugin with the operation `greet`.
pub(crate) fn hello() -> &'static [u8] {
    static HELLO: OnceLock<Vec<u8>> = OnceLock::new();
    HELLO.get_or_init(|| {
        let (manifest, descriptor) = (named().to_string(), greeting().to_string());
        with_documents(manifest.as_bytes(), descriptor.as_bytes())
    })
}

/// Does with it what `agent list`, `agent plugin inspect` and a call do before any of it is compiled.
fn read(wasm: Vec<u8>) {
    let store = Store::new(Sources {
        bundled: Vec::new(),
        directory: Ok(None),
        given: vec![Given {
            path: "fuzz.wasm".to_owned(),
            wasm,
        }],
        config: Ok(None),
        kept: Ok(None),
        agent: Version::new(0, 1, 0),
    });
    for plugin in store.plugins().expect("there are no grants to be read") {
        serde_json::to_string(&plugin).expect("it can be told as JSON");
        let State::Usable(usable) = plugin.state else {
            continue;
        };
        for operation in &usable.descriptor.operations {
            // Whatever it wants, nothing was given.
            drop(arguments::complete(operation, Map::new()));
        }
    }
}

fn named() -> serde_json::Value {
    json!({
        "manifest": 1, "id": "hello", "version": "0.1.0", "description": "Greet", "license": "Apache-2.0", "min-agent": "0.1.0",
        "request": [{
            "capability": "cluster", "verbs": ["get"], "resources": ["pods"], "namespaces": ["*"], "why": "look at pods"
        }]
    })
}

fn greeting() -> serde_json::Value {
    json!({ "operations": [{ "name": "greet", "summary": "Greet" }] })
}

fn with_documents(manifest: &[u8], descriptor: &[u8]) -> Vec<u8> {
    static IDLE: OnceLock<Vec<u8>> = OnceLock::new();
    let wasm = with_section(IDLE.get_or_init(idle).clone(), MANIFEST, manifest);
    with_section(wasm, DESCRIPTOR, descriptor)
}
