//! The programs that we need and do not build.
//!
//! A missing one is an error that says what to type; a step that is skipped
//! because a tool is missing does not exist.

use anyhow::{Result, bail};

use crate::process::{cargo, command, output};
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

/// Fails at the first one that is missing, naming the command that installs it.
pub(crate) fn require(tools: &[Tool]) -> Result<()> {
    for tool in tools {
        if !present(*tool) {
            bail!(
                "{} is missing; install it with `{}`",
                name(*tool),
                remedy(*tool)
            );
        }
    }
    Ok(())
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
    fn go_versions_compare_as_numbers() {
        assert_eq!(go_version("go1.26.8"), Some((1, 26)));
        assert_eq!(go_version("go1.27rc1\n"), Some((1, 27)));
        assert!(go_version("go1.9") < Some(GO));
        assert_eq!(go_version("devel"), None);
    }
}
