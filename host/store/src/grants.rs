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
use agent_file::{Folder, Refused};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::whole;

const FILE: &str = "grants.toml";
/// Locked by whoever changes the file. A file of its own, since the other one is replaced.
const LOCK: &str = ".grants.toml.lock";
/// As much as is read of it: more grants than anybody gives.
const MOST: u64 = 1 << 20;
const HEAD: &str = "# What plugins were granted with `agent plugin grant`. Remove an entry to take its rights back.\n\n";

/// Why grants cannot be read or kept.
#[derive(Debug, Error)]
pub enum GrantsError {
    /// There is no directory for them.
    #[error("grants cannot be kept: there is no configuration directory")]
    Nowhere,
    /// The file cannot be read, or somebody else could have written what is in it.
    #[error("the grants cannot be read")]
    Read {
        /// Why.
        #[source]
        source: Refused,
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
            GrantsError::Read { source } => source.hint(),
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
    folder: Result<Option<Folder>, Refused>,
}

impl Grants {
    pub(crate) fn new(folder: Result<Option<Folder>, Refused>) -> Grants {
        Grants { folder }
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
        let dir = self.folder()?.ok_or(GrantsError::Nowhere)?.dir();
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
        let Some(folder) = self.folder()? else {
            return Ok(Document::default());
        };
        match folder.read_text(FILE, MOST) {
            Ok(text) => parse(&text),
            Err(absent) if absent.is_absent() => Ok(Document::default()),
            Err(source) => Err(GrantsError::Read { source }),
        }
    }

    fn folder(&self) -> Result<Option<&Folder>, GrantsError> {
        let folder = self.folder.as_ref().map_err(|refused| GrantsError::Read {
            source: refused.clone(),
        })?;
        Ok(folder.as_ref())
    }
}

fn parse(text: &str) -> Result<Document, GrantsError> {
    toml::from_str(text).map_err(|source| GrantsError::Parse { source })
}

/// Keeps others out until the file is closed.
fn lock(dir: &Dir) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
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
