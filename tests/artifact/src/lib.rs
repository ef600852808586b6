//! Plugins as bytes, for tests: components assembled from text or made to do nothing, the documents in them, and the guests as cargo builds them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use wasm_encoder::{CustomSection, Encode as _};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId, Resolve};

/// The section of a component that has its manifest.
pub const MANIFEST: &str = "agent:manifest";
/// The section that has its descriptor.
pub const DESCRIPTOR: &str = "agent:descriptor";

/// What the outer cargo tells its rustc and must not tell that of the guests.
const NOT_FOR_GUESTS: [&str; 4] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "RUSTC_WORKSPACE_WRAPPER",
];

/// Returns a component of the contract whose code is a core module, written as text.
pub fn assembled(wat: &str) -> Vec<u8> {
    let (resolve, package) = contract();
    let module = wat::parse_str(wat).expect("valid text");
    component(&resolve, package, "everything", module)
}

/// Returns a component of the contract that does nothing.
pub fn idle() -> Vec<u8> {
    let (resolve, package) = contract();
    idle_of(&resolve, package, "everything")
}

/// Returns a component of a world of the last of some packages, given as WIT. It uses everything that the world imports, and does nothing.
pub fn idle_in(packages: impl IntoIterator<Item = String>, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::new();
    let mut last = None;
    for (number, text) in packages.into_iter().enumerate() {
        let pushed = resolve.push_source(&format!("{number}.wit"), &text);
        last = Some(pushed.expect("valid WIT"));
    }
    idle_of(&resolve, last.expect("a package"), world)
}

/// Adds a manifest and a descriptor to a component.
pub fn with_documents(wasm: Vec<u8>, manifest: &Value, descriptor: &Value) -> Vec<u8> {
    let wasm = with_section(wasm, MANIFEST, manifest.to_string().as_bytes());
    with_section(wasm, DESCRIPTOR, descriptor.to_string().as_bytes())
}

/// Adds a custom section to a component.
pub fn with_section(mut wasm: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let section = CustomSection {
        name: name.into(),
        data: data.into(),
    };
    wasm.push(0);
    section.encode(&mut wasm);
    wasm
}

/// Builds the plugin `guests` below a folder, and returns its path.
pub fn guests(below: &Path) -> PathBuf {
    guest(below, "agent-guests")
}

/// Builds a package that is a plugin below a folder, and returns its path. Symbols stay in it: they make the frames of a trap readable.
#[expect(clippy::disallowed_methods, reason = "a test builds what it runs")]
pub fn guest(below: &Path, package: &str) -> PathBuf {
    let target = below.join("guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["build", "--quiet", "--lib", "-p", package])
        .args(["--profile", "guest", "--target", "wasm32-wasip2"])
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_PROFILE_GUEST_STRIP", "debuginfo")
        .stdin(Stdio::null());
    for name in NOT_FOR_GUESTS {
        cargo.env_remove(name);
    }
    let built = cargo.status().expect("cargo runs");
    assert!(built.success(), "the guests do not build");
    let artifact = package.replace('-', "_");
    target.join(format!("wasm32-wasip2/guest/{artifact}.wasm"))
}

fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::new();
    let (package, _) = resolve.push_path(root().join("wit")).expect("the contract");
    (resolve, package)
}

fn idle_of(resolve: &Resolve, package: PackageId, world: &str) -> Vec<u8> {
    let id = resolve.select_world(&[package], Some(world));
    let module =
        wit_component::dummy_module(resolve, id.expect("the world"), ManglingAndAbi::Standard32);
    component(resolve, package, world, module)
}

fn component(resolve: &Resolve, package: PackageId, world: &str, mut module: Vec<u8>) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world));
    let world = world.expect("the world");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("embeds");
    let encoder = ComponentEncoder::default().module(&module);
    let mut encoder = encoder.expect("a module").validate(true);
    encoder.encode().expect("a component")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
