//! An artifact: the bytes of a component, and the two documents in it.

use std::sync::OnceLock;

use agent_core::agent::State;
use agent_core::arguments;
use agent_store::{Given, Sources, Store};
use semver::Version;
use serde_json::{Map, json};
use wasm_encoder::{CustomSection, Encode as _};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

const MANIFEST: &str = "agent:manifest";
const DESCRIPTOR: &str = "agent:descriptor";

/// The contract, in the order in which its packages use each other.
const CONTRACT: [&str; 5] = [
    include_str!("../../../wit/deps/types/types.wit"),
    include_str!("../../../wit/deps/run/run.wit"),
    include_str!("../../../wit/deps/cluster/cluster.wit"),
    include_str!("../../../wit/deps/operations/operations.wit"),
    include_str!("../../../wit/world.wit"),
];

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
    let mut wasm = component().to_vec();
    for (name, data) in [(MANIFEST, manifest), (DESCRIPTOR, descriptor)] {
        let section = CustomSection {
            name: name.into(),
            data: data.into(),
        };
        wasm.push(0);
        section.encode(&mut wasm);
    }
    wasm
}

/// A component of the contract's world that does nothing.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let mut resolve = Resolve::new();
        let mut last = None;
        for (number, text) in CONTRACT.iter().enumerate() {
            let pushed = resolve.push_source(&format!("{number}.wit"), text);
            last = Some(pushed.expect("valid WIT"));
        }
        let world = resolve.select_world(&[last.expect("a package")], Some("plugin"));
        let world = world.expect("the world");
        let mut module = wit_component::dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("embeds");
        let encoder = ComponentEncoder::default().module(&module);
        encoder.expect("a module").encode().expect("a component")
    })
}
