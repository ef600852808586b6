//! Hostile plugins: the guests of `tests/guests`, and one that is dear to compile.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wasm_encoder::Encode as _;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Builds the guests.
pub(super) fn guests() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args([
        "build",
        "--quiet",
        "--lib",
        "-p",
        "agent-guests",
        "--profile",
        "guest",
        "--target",
        "wasm32-wasip2",
    ]);
    cargo
        .arg("--target-dir")
        .arg(&target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .stdin(Stdio::null());
    assert!(
        cargo.status().expect("starting cargo").success(),
        "building the guests"
    );
    target.join("wasm32-wasip2/guest/agent_guests.wasm")
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
    component(&format!(
        r#"(module
            (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "ops:plugin/provider@0.1.0#describe") (result i32) unreachable)
            (func (export "ops:plugin/provider@0.1.0#run") (param i32 i32 i32 i32) (result i32) (local {locals})
                {body} unreachable))"#
    ))
}

fn component(wat: &str) -> Vec<u8> {
    let mut module = wat::parse_str(wat).expect("valid text");
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_path(root().join("wit")).expect("the contract");
    let world = resolve
        .select_world(&[package], Some("plugin"))
        .expect("the world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("embeds");
    let encoder = ComponentEncoder::default()
        .module(&module)
        .expect("a module");
    let mut wasm = encoder.validate(true).encode().expect("a component");
    let manifest = serde_json::json!({
        "manifest": 1, "id": "dear", "version": "0.1.0", "description": "Dear", "license": "Apache-2.0", "min-agent": "0.1.0"
    });
    let descriptor =
        serde_json::json!({ "operations": [{ "name": "run", "summary": "Run", "risk": "read" }] });
    for (name, document) in [
        ("agent:manifest", manifest),
        ("agent:descriptor", descriptor),
    ] {
        let data = document.to_string().into_bytes();
        wasm.push(0);
        wasm_encoder::CustomSection {
            name: name.into(),
            data: data.into(),
        }
        .encode(&mut wasm);
    }
    wasm
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
