//! What people have granted, kept in one file that they can read and edit: `grants.toml`.
//!
//! A grant belongs to a plugin's id *and* to whoever vouches for the artifact. For an unsigned artifact that is its own digest, so a file
//! that is replaced starts with nothing.

use std::io;

use agent_core::failure::{Failure, Hint, Kind};
use agent_core::grant::Right;
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::id::{Digest, PluginId};
use cap_std::fs::{Dir, OpenOptions};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::whole;

const FILE: &str = "grants.toml";
/// Locked by whoever changes the file. A file of its own, since the other one is replaced.
const LOCK: &str = ".grants.toml.lock";
const HEAD: &str = "# What plugins were granted with `agent plugin grant`. Remove an entry to take its rights back.\n\n";

/// Why grants cannot be read or kept.
#[derive(Debug, Error)]
pub enum GrantsError {
    /// There is no directory for them.
    #[error("grants cannot be kept: there is no configuration directory")]
    Nowhere,
    /// The file cannot be read.
    #[error("`{FILE}` in the configuration directory cannot be read")]
    Read {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not in its format.
    #[error("`{FILE}` in the configuration directory is damaged")]
    Parse {
        /// Where and why.
        #[source]
        source: toml::de::Error,
    },
    /// The file cannot be made.
    #[error("`{FILE}` cannot be written out")]
    Serialize {
        /// Why.
        #[source]
        source: toml::ser::Error,
    },
    /// Others who change the file cannot be kept out.
    #[error("`{LOCK}` in the configuration directory cannot be locked")]
    Lock {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("`{FILE}` in the configuration directory cannot be written")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Hint for GrantsError {
    fn hint(&self) -> Option<Remedy> {
        match self {
            GrantsError::Nowhere => Some("set HOME or XDG_CONFIG_HOME".into()),
            GrantsError::Parse { .. } => Some(hint!(
                "mend {}, or remove it and grant again with: agent plugin grant",
                FILE
            )),
            _ => None,
        }
    }
}

impl From<GrantsError> for Failure {
    fn from(error: GrantsError) -> Failure {
        let failure = Failure::of(Kind::Unavailable, "plugin.grants", &error);
        match error.hint() {
            Some(hint) => failure.hinted(hint),
            None => failure,
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    grant: Vec<Grant>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    plugin: PluginId,
    signer: String,
    rights: Vec<Right>,
}

/// The file of grants, or the lack of one.
#[derive(Debug)]
pub(crate) struct Grants {
    dir: Option<Dir>,
}

impl Grants {
    pub(crate) fn new(dir: Option<Dir>) -> Grants {
        Grants { dir }
    }

    /// Returns the rights that were granted to an artifact of a plugin.
    pub(crate) fn of(
        &self,
        plugin: &PluginId,
        artifact: &Digest,
    ) -> Result<Vec<Right>, GrantsError> {
        let signer = signer(artifact);
        let grants = self.read()?.grant.into_iter();
        Ok(grants
            .filter(|grant| grant.plugin == *plugin && grant.signer == signer)
            .flat_map(|grant| grant.rights)
            .collect())
    }

    /// Adds rights and returns all that the artifact has now. Waits while another process does the same.
    pub(crate) fn add(
        &self,
        plugin: &PluginId,
        artifact: &Digest,
        rights: Vec<Right>,
    ) -> Result<Vec<Right>, GrantsError> {
        let dir = self.dir.as_ref().ok_or(GrantsError::Nowhere)?;
        let _alone = lock(dir).map_err(|source| GrantsError::Lock { source })?;
        let mut all = self.of(plugin, artifact)?;
        all.extend(rights);
        all.sort();
        all.dedup();
        let mut document = self.read()?;
        let signer = signer(artifact);
        document
            .grant
            .retain(|grant| grant.plugin != *plugin || grant.signer != signer);
        document.grant.push(Grant {
            plugin: plugin.clone(),
            signer,
            rights: all.clone(),
        });
        write(dir, &document)?;
        Ok(all)
    }

    fn read(&self) -> Result<Document, GrantsError> {
        let Some(dir) = &self.dir else {
            return Ok(Document::default());
        };
        match dir.read_to_string(FILE) {
            Ok(text) => toml::from_str(&text).map_err(|source| GrantsError::Parse { source }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Document::default()),
            Err(source) => Err(GrantsError::Read { source }),
        }
    }
}

/// Keeps others out until the file is closed.
fn lock(dir: &Dir) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    let file = dir.open_with(LOCK, &options)?.into_std();
    match file.lock() {
        // A file system without locks has to do without.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(file),
    }
}

/// Writes the file whole, so a reader sees the old grants or the new ones.
fn write(dir: &Dir, document: &Document) -> Result<(), GrantsError> {
    let text = toml::to_string(document).map_err(|source| GrantsError::Serialize { source })?;
    whole::replace(dir, FILE, format!("{HEAD}{text}").as_bytes())
        .map_err(|source| GrantsError::Write { source })
}

fn signer(artifact: &Digest) -> String {
    format!("digest:{artifact}")
}

#[cfg(test)]
mod tests;
