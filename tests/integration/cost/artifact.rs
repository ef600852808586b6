//! Hostile plugins: the guests of `tests/guests`, and one that is dear to compile.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use agent_artifact::{assembled, with_documents};
use serde_json::json;

/// Builds the guests.
pub(super) fn guests() -> PathBuf {
    agent_artifact::guests(Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// A plugin of some hundred kilobytes with one function, in which each of many variables may come from each of many branches: a compiler has to ask
/// at every one.
pub(super) fn dear() -> Vec<u8> {
    const VARIABLES: usize = 8_000;
    const BRANCHES: usize = 20_000;
    let mut body = String::new();
    for branch in 0..BRANCHES {
        let variable = branch % VARIABLES;
        let set = write!(
            body,
            "(if (local.get 0) (then (local.set {} (i32.const {branch}))))",
            4 + variable
        );
        set.expect("a text");
    }
    for variable in 0..VARIABLES {
        let used = write!(
            body,
            "(i32.store (i32.const 0) (local.get {}))",
            4 + variable
        );
        used.expect("a text");
    }
    let locals = "i32 ".repeat(VARIABLES);
    let wasm = assembled(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "ops:plugin/provider@0.2.0#describe") (result i32) unreachable)
            (func (export "ops:plugin/provider@0.2.0#run") (param i32 i32 i32 i32) (result i32) (local {locals})
                {body} unreachable))"#
    ));
    let manifest = json!({
        "manifest": 1, "id": "dear", "version": "0.1.0", "description": "Dear", "license": "Apache-2.0", "min-agent": "0.1.0"
    });
    let operation = json!({ "name": "run", "summary": "Run", "risk": "read" });
    with_documents(wasm, &manifest, &json!({ "operations": [operation] }))
}
