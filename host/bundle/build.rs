//! Builds the plugins in `plugins/` to WebAssembly, for the crate to embed.
//!
//! It runs a cargo of its own, in a target folder of its own (`guests`, beside the folders of the profiles), because the outer one holds
//! the lock of its folder for as long as this script runs.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script runs on its author's machine, not in the agent"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

const PLUGINS: [&str; 3] = ["flux", "keda", "volsync"];
const TARGET: &str = "wasm32-wasip2";
/// The profile in the workspace's manifest.
const PROFILE: &str = "guest";

/// What the outer cargo tells its rustc and must not tell ours: a lint driver, flags for another target.
const NOT_OURS: [&str; 8] = [
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "TARGET",
];

fn main() {
    if let Err(message) = run() {
        println!("cargo::error={message}");
        exit(1);
    }
}

fn run() -> Result<(), String> {
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    for input in ["plugins", "sdk", "wit", "Cargo.lock", "Cargo.toml"] {
        let path = workspace.join(input);
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let guests = guests(&out)?;
    target_is_installed()?;
    build(&workspace, &guests)?;
    embed(&guests.join(TARGET).join(PROFILE), &out)
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("reading `{name}`: {error}"))
}

/// Returns the folder for the guests: `OUT_DIR` is `TARGET/[TRIPLE/]PROFILE/build/PACKAGE/out`.
fn guests(out: &Path) -> Result<PathBuf, String> {
    let mut folder = out
        .ancestors()
        .nth(4)
        .ok_or_else(|| format!("`{}` is not in a target folder", out.display()))?;
    if folder.ends_with(variable("TARGET")?) {
        folder = folder.parent().unwrap_or(folder);
    }
    Ok(folder.join("guests"))
}

fn target_is_installed() -> Result<(), String> {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("asking rustc for its targets: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(folder.trim()).is_dir() {
        return Ok(());
    }
    Err(format!(
        "the bundled plugins are built for `{TARGET}`, which is not installed; run: rustup target add {TARGET}"
    ))
}

fn build(workspace: &Path, guests: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(workspace)
        .args(["build", "--quiet", "--lib", "--profile", PROFILE])
        .args(["--target", TARGET, "--target-dir"])
        .arg(guests);
    for plugin in PLUGINS {
        cargo.args(["--package", &format!("agent-plugin-{plugin}")]);
    }
    for name in NOT_OURS {
        cargo.env_remove(name);
    }
    let status = cargo
        .status()
        .map_err(|error| format!("starting cargo for the plugins: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("the bundled plugins do not build: see above".to_owned())
    }
}

/// Copies the components beside a list of them, which the crate includes.
fn embed(built: &Path, out: &Path) -> Result<(), String> {
    let mut list = String::from("&[\n");
    for plugin in PLUGINS {
        let from = built.join(format!("agent_plugin_{plugin}.wasm"));
        let file = format!("{plugin}.wasm");
        fs::copy(&from, out.join(&file))
            .map_err(|error| format!("copying `{}`: {error}", from.display()))?;
        list.push_str(&format!(
            "Bundled {{ name: {plugin:?}, wasm: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")) }},\n"
        ));
    }
    list.push(']');
    fs::write(out.join("plugins.rs"), list).map_err(|error| format!("writing the list: {error}"))
}
