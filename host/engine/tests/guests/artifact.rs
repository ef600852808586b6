//! The guests as bytes: the plugin built once by cargo, and the raw ones assembled.

use std::path::Path;
use std::sync::OnceLock;

use agent_artifact::{assembled, with_documents};
use serde_json::{Value, json};

/// The plugin `guests`.
pub(crate) fn guests() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("agent-guests"))
}

/// A plugin that was written by hand as text, with one operation `run`.
pub(crate) fn raw(id: &str, wat: &str) -> Vec<u8> {
    with_documents(assembled(wat), &manifest(id), &descriptor())
}

/// A plugin that was written by hand as text, and requests nothing.
pub(crate) fn raw_with(id: &str, wat: &str, descriptor: &Value) -> Vec<u8> {
    with_documents(assembled(wat), &manifest(id), descriptor)
}

/// A plugin that imports all there is, requests nothing, and traps in its one operation `run`.
pub(crate) fn idle(id: &str) -> Vec<u8> {
    with_documents(agent_artifact::idle(), &manifest(id), &descriptor())
}

fn manifest(id: &str) -> Value {
    json!({
        "manifest": 1, "id": id, "version": "0.1.0", "description": "Raw", "license": "Apache-2.0", "min-agent": "0.1.0"
    })
}

fn descriptor() -> Value {
    json!({ "operations": [{ "name": "run", "summary": "Run", "risk": "read" }] })
}

/// The plugin `toy`.
pub(crate) fn toy() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| build("agent-toy-guest"))
}

#[expect(clippy::disallowed_methods, reason = "a test reads what it runs")]
fn build(package: &str) -> Vec<u8> {
    let path = agent_artifact::guest(Path::new(env!("CARGO_TARGET_TMPDIR")), package);
    std::fs::read(path).expect("the guests")
}
