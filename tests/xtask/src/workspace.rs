//! Where things are: the repository's root and what is built below it.
//!
//! Paths only; nothing is created or read here.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where the testbed's servers are kept.
///
/// Always below the workspace, whatever cargo's target folder is: they take
/// minutes to build and do not depend on any Rust code.
pub(crate) fn servers() -> PathBuf {
    root().join("target/testbed/bin")
}
