//! The guests as bytes: the plugin built once by cargo, and the raw ones assembled.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The plugin `guests`.
pub(crate) fn guests() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(build)
}

/// A plugin that was written by hand as text, with one operation `run`.
pub(crate) fn raw(id: &str, wat: &str) -> Vec<u8> {
    let descriptor =
        serde_json::json!({ "operations": [{ "name": "run", "summary": "Run", "risk": "read" }] });
    raw_with(id, wat, &descriptor)
}

/// A plugin that was written by hand as text, and requests nothing.
pub(crate) fn raw_with(id: &str, wat: &str, descriptor: &serde_json::Value) -> Vec<u8> {
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
        "manifest": 1, "id": id, "version": "0.1.0", "description": "Raw", "license": "Apache-2.0", "min-agent": "0.1.0"
    });
    for (name, document) in [
        ("agent:manifest", &manifest),
        ("agent:descriptor", descriptor),
    ] {
        use wasm_encoder::Encode as _;
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

#[expect(clippy::disallowed_methods, reason = "a test builds what it runs")]
fn build() -> Vec<u8> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args([
            "build",
            "--quiet",
            "--lib",
            "-p",
            "agent-guests",
            "--profile",
            "guest",
            "--target",
            "wasm32-wasip2",
        ])
        .arg("--target-dir")
        .arg(&target);
    // What the outer cargo tells its rustc is not for this one.
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(name);
    }
    // Symbols make the frames of a trap readable, which a test looks at.
    cargo.env("CARGO_PROFILE_GUEST_STRIP", "debuginfo");
    assert!(
        cargo.status().expect("cargo runs").success(),
        "the guests do not build"
    );
    std::fs::read(target.join("wasm32-wasip2/guest/agent_guests.wasm")).expect("the guests")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
