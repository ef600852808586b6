//! Compiled code, kept so that it is compiled once. The engine puts in what its own compiler made, and maps what it takes out.
//!
//! Whoever can write here can make the agent run native code, so the directory must be ours alone (mode 0700, our user), and so must each
//! file. Nothing is ever copied here from anywhere but the engine's compiler.

use std::io;

use agent_core::id::Digest;
use agent_file::Folder;

use crate::whole;

/// A directory of compiled code.
#[derive(Debug)]
pub struct CodeCache {
    folder: Folder,
}

/// Compiled code that was found.
#[derive(Debug)]
pub struct Code {
    /// The file, which is ours, complete and never written again.
    pub file: std::fs::File,
}

impl CodeCache {
    /// Takes a directory for compiled code, which was opened as one that nobody else may look into.
    pub fn new(folder: Folder) -> CodeCache {
        CodeCache { folder }
    }

    /// Returns the code of an artifact for an engine, of which `compatibility` names version, settings and processor.
    pub fn get(&self, artifact: &Digest, compatibility: &str) -> Option<Code> {
        let found = self.folder.find(&name(artifact, compatibility));
        if let Err(refused) = &found
            && refused.is_absent()
        {
            return None;
        }
        let file = found.ok().filter(|file| {
            let length = file.metadata().map(|metadata| metadata.len());
            length.is_ok_and(|length| length > 0)
        });
        if file.is_none() {
            self.forget(artifact, compatibility);
        }
        file.map(|file| Code { file })
    }

    /// Keeps code that the engine's compiler has just made.
    ///
    /// # Errors
    /// When it cannot be written; it is compiled again the next time.
    pub fn put(&self, artifact: &Digest, compatibility: &str, code: &[u8]) -> io::Result<()> {
        whole::replace(self.folder.dir(), &name(artifact, compatibility), code)
    }

    /// Removes code that turned out to be of no use.
    pub fn forget(&self, artifact: &Digest, compatibility: &str) {
        // Somebody else may have removed it; either way it is gone.
        let name = name(artifact, compatibility);
        drop(self.folder.dir().remove_file(name));
    }
}

fn name(artifact: &Digest, compatibility: &str) -> String {
    format!("{}-{compatibility}.cwasm", artifact.hex())
}

#[cfg(test)]
mod tests;
