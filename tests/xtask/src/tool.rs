//! The programs that we need and do not build.
//!
//! Parts of the pinned toolchain are installed by rustup, which is all that a
//! fresh clone needs; anything else that is missing is an error that says what to
//! type. A step that is skipped because a tool is missing does not exist. What only
//! a part of a test needs, [`untried`] names.

use anyhow::{Context, Result, bail};

use crate::process::{cargo, command, output, run};
use crate::workspace;

/// A program or toolchain part that has to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Formats Rust code.
    Rustfmt,
    /// Lints Rust code.
    Clippy,
    /// Compiles plugins.
    WasmTarget,
    /// Builds the testbed's servers.
    Go,
    /// Sends the requests that ours are measured against.
    Curl,
}

/// The oldest Go that builds the pinned modules, as (major, minor).
const GO: (u32, u32) = (1, 26);

/// Installs what rustup has; fails at the first one that is missing still, naming
/// the command that installs it.
pub(crate) fn require(tools: &[Tool]) -> Result<()> {
    for tool in tools {
        if !present(*tool) {
            provide(*tool).with_context(|| {
                format!(
                    "{} is missing; install it with `{}`",
                    name(*tool),
                    remedy(*tool)
                )
            })?;
        }
    }
    Ok(())
}

/// Returns what the tests leave out on this system, each with what would change
/// that. They print it at their end, so that nobody takes it for tried.
pub(crate) fn untried() -> Vec<&'static str> {
    let without = |program: &str, words: &[&str], told: &'static str| {
        output(&mut command(program, words))
            .is_none()
            .then_some(told)
    };
    let mount = ["--user", "--map-root-user", "--mount", "true"];
    let untried = [
        without(
            "zsh",
            &["--version"],
            "completion in zsh (apt-get install zsh)",
        ),
        without(
            "fish",
            &["--version"],
            "completion in fish (apt-get install fish)",
        ),
        without(
            "unshare",
            &mount,
            "a full disk (sysctl kernel.unprivileged_userns_clone=1)",
        ),
    ];
    untried.into_iter().flatten().collect()
}

/// Gets a part of the toolchain that `rust-toolchain.toml` pins: rustup does so by
/// itself only where that was not switched off (`RUSTUP_AUTO_INSTALL=0`).
fn provide(tool: Tool) -> Result<()> {
    let Some(words) = remedy(tool).strip_prefix("rustup ") else {
        bail!("it is no part of the toolchain");
    };
    println!("{} is missing: rustup {words}", name(tool));
    run(&mut command("rustup", words.split(' ')))
}

fn present(tool: Tool) -> bool {
    match tool {
        Tool::Rustfmt => output(&mut cargo(["fmt", "--version"])).is_some(),
        Tool::Clippy => output(&mut cargo(["clippy", "--version"])).is_some(),
        Tool::WasmTarget => {
            output(&mut command("rustc", ["--print", "sysroot"])).is_some_and(|dir| {
                workspace::root()
                    .join(dir)
                    .join("lib/rustlib/wasm32-wasip2/lib")
                    .is_dir()
            })
        }
        Tool::Go => output(&mut command("go", ["env", "GOVERSION"]))
            .and_then(|text| go_version(&text))
            .is_some_and(|version| version >= GO),
        Tool::Curl => output(&mut command("curl", ["--version"])).is_some(),
    }
}

fn name(tool: Tool) -> &'static str {
    match tool {
        Tool::Rustfmt => "rustfmt",
        Tool::Clippy => "clippy",
        Tool::WasmTarget => "the compilation target wasm32-wasip2",
        Tool::Go => "go 1.26 or newer",
        Tool::Curl => "curl",
    }
}

fn remedy(tool: Tool) -> &'static str {
    match tool {
        Tool::Rustfmt => "rustup component add rustfmt",
        Tool::Clippy => "rustup component add clippy",
        Tool::WasmTarget => "rustup target add wasm32-wasip2",
        Tool::Go => "apt-get install golang-go, or a package from go.dev/dl",
        Tool::Curl => "apt-get install curl",
    }
}

/// `go1.26.8` and `go1.27rc1` to (1, 26) and (1, 27).
fn go_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix("go")?.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts
        .next()?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    Some((major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_part_of_the_toolchain_is_not_installed() {
        for tool in [Tool::Go, Tool::Curl] {
            provide(tool).unwrap_err();
        }
    }

    #[test]
    fn go_versions_compare_as_numbers() {
        assert_eq!(go_version("go1.26.8"), Some((1, 26)));
        assert_eq!(go_version("go1.27rc1\n"), Some((1, 27)));
        assert!(go_version("go1.9") < Some(GO));
        assert_eq!(go_version("devel"), None);
    }
}
