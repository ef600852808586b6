//! Compiled code, kept so that it is compiled once. The engine puts in what its own compiler made, and maps what it takes out.
//!
//! Whoever can write here can make the agent run native code, so the directory must be ours alone (mode 0700, our user), and so must each
//! file. Nothing is ever copied here from anywhere but the engine's compiler.

use std::io;

use agent_core::failure::Hint;
use agent_core::hint::Remedy;
use agent_core::id::Digest;
use cap_std::fs::{Dir, Metadata, MetadataExt, PermissionsExt};
use thiserror::Error;

use crate::whole;

/// Why a directory is not used for compiled code.
#[derive(Debug, Error)]
pub enum Unsafe {
    /// Its owner and mode cannot be read.
    #[error("the directory for compiled code cannot be examined")]
    Unknown {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It belongs to somebody else.
    #[error("the directory for compiled code belongs to user {owner}, and this is user {us}")]
    Owner {
        /// Its owner.
        owner: u32,
        /// Us.
        us: u32,
    },
    /// Others can get in.
    #[error("the directory for compiled code has mode {mode:04o}, and must have 0700")]
    Mode {
        /// Its mode.
        mode: u32,
    },
}

impl Hint for Unsafe {
    fn hint(&self) -> Option<Remedy> {
        match self {
            Unsafe::Mode { .. } => Some("chmod 700 on it, or remove it".into()),
            Unsafe::Owner { .. } => Some("remove it, or run as its owner".into()),
            Unsafe::Unknown { .. } => None,
        }
    }
}

/// A directory of compiled code.
#[derive(Debug)]
pub struct CodeCache {
    dir: Dir,
}

/// Compiled code that was found.
#[derive(Debug)]
pub struct Code {
    /// The file, which is ours, complete and never written again.
    pub file: std::fs::File,
}

impl CodeCache {
    /// Takes a directory for compiled code.
    ///
    /// # Errors
    /// [`Unsafe`], when others could put code there. The agent does without it then.
    pub fn new(dir: Dir) -> Result<CodeCache, Unsafe> {
        let metadata = dir
            .dir_metadata()
            .map_err(|source| Unsafe::Unknown { source })?;
        verify(&metadata)?;
        Ok(CodeCache { dir })
    }

    /// Returns the code of an artifact for an engine, of which `compatibility` names version, settings and processor.
    pub fn get(&self, artifact: &Digest, compatibility: &str) -> Option<Code> {
        let name = name(artifact, compatibility);
        let file = self.dir.open(&name).ok()?;
        let sound = file.metadata().ok().is_some_and(|metadata| {
            metadata.is_file() && metadata.len() > 0 && verify(&metadata).is_ok()
        });
        if !sound {
            self.forget(artifact, compatibility);
            return None;
        }
        Some(Code {
            file: file.into_std(),
        })
    }

    /// Keeps code that the engine's compiler has just made.
    ///
    /// # Errors
    /// When it cannot be written; it is compiled again the next time.
    pub fn put(&self, artifact: &Digest, compatibility: &str, code: &[u8]) -> io::Result<()> {
        whole::replace(&self.dir, &name(artifact, compatibility), code)
    }

    /// Removes code that turned out to be of no use.
    pub fn forget(&self, artifact: &Digest, compatibility: &str) {
        // Somebody else may have removed it; either way it is gone.
        drop(self.dir.remove_file(name(artifact, compatibility)));
    }
}

fn verify(metadata: &Metadata) -> Result<(), Unsafe> {
    let us = rustix::process::geteuid().as_raw();
    if metadata.uid() != us {
        return Err(Unsafe::Owner {
            owner: metadata.uid(),
            us,
        });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Unsafe::Mode { mode });
    }
    Ok(())
}

fn name(artifact: &Digest, compatibility: &str) -> String {
    format!("{}-{compatibility}.cwasm", artifact.hex())
}

#[cfg(test)]
mod tests;
