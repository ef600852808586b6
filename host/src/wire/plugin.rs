//! Plugins that are named on the command line.

use std::io;
use std::path::PathBuf;

use agent_core::failure::remedy_for_file;
use agent_core::{Failure, Kind};
use agent_file::Pipes;
use agent_store::Given;
use semver::Version;

/// No plugin is larger.
const MOST: u64 = 64 << 20;

/// Reads the files.
///
/// # Errors
/// `invalid` for the first file that cannot be read.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Given>, Failure> {
    paths
        .iter()
        .map(|path| {
            let path_text = path.display().to_string();
            match agent_file::read_named(path, MOST, Pipes::Refused).map_err(io::Error::from) {
                Ok(wasm) => Ok(Given { path: path_text, wasm }),
                Err(error) => Err(Failure::of(Kind::Invalid, "operations.arguments", &error)
                    .while_doing(format!("reading the plugin `{path_text}`"))
                    .hinted("give --plugin the path of a component, such as target/wasm32-wasip2/release/hello.wasm")
                    .hinted_if(remedy_for_file(&error, &path_text))
                    .hinted_if(agent_file::remedy(&error))),
            }
        })
        .collect()
}

/// Returns this agent's version.
pub(super) fn agent_version() -> Version {
    let part = |text: &str| text.parse().unwrap_or(0);
    Version::new(
        part(env!("CARGO_PKG_VERSION_MAJOR")),
        part(env!("CARGO_PKG_VERSION_MINOR")),
        part(env!("CARGO_PKG_VERSION_PATCH")),
    )
}
