//! The one place with unsafe code: turning kept machine code into a component.
//!
//! What is loaded here was made by this engine's own compiler and kept by [`CodeCache`], which vouches that the directory and the file are
//! ours alone, or comes from a process of ours that has just compiled it. Nothing else ever reaches this module: not a plugin file, not a download.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;

use agent_core::id::Digest;
use agent_store::CodeCache;
use wasmtime::Engine;
use wasmtime::component::Component;

/// Loads the code of an artifact. What is kept but does not fit is forgotten, so it is compiled again.
pub(crate) fn load(
    cache: &CodeCache,
    engine: &Engine,
    artifact: &Digest,
    compatibility: &str,
) -> Option<Component> {
    let code = cache.get(artifact, compatibility)?;
    match map(engine, &code.file).or_else(|_| copy(engine, code.file)) {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(%artifact, error = format!("{error:#}"), "compiled code is of no use and is made again");
            cache.forget(artifact, compatibility);
            None
        }
    }
}

/// Maps the file, which costs no copy. It is opened again by its descriptor, so it is the very file that was examined.
fn map(engine: &Engine, file: &File) -> wasmtime::Result<Component> {
    let path = format!("/dev/fd/{}", file.as_raw_fd());
    // SAFETY: the file was written by `CodeCache::put` from `Component::serialize`, under a name that stands for a complete file and is
    // never written again, in a directory that nobody else can enter. wasmtime itself refuses code of another version or other settings.
    #[expect(
        unsafe_code,
        reason = "the only way to load compiled code; see the invariant above"
    )]
    unsafe {
        Component::deserialize_file(engine, path)
    }
}

/// Loads code that a process of this very agent has just compiled: see [`crate::Elsewhere`].
pub(crate) fn from_our_compiler(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code comes through a pipe from the program that is running here, which was started for nothing but [`crate::compile`], and nobody
    // else writes into that pipe. wasmtime itself refuses code of another version or other settings.
    #[expect(
        unsafe_code,
        reason = "the only way to load compiled code; see the invariant above"
    )]
    unsafe {
        Component::deserialize(engine, code)
    }
}

/// Reads the file, where there is no `/dev/fd`.
fn copy(engine: &Engine, mut file: File) -> wasmtime::Result<Component> {
    let mut code = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut code)?;
    // SAFETY: as for `map`.
    #[expect(
        unsafe_code,
        reason = "the only way to load compiled code; see the invariant above"
    )]
    unsafe {
        Component::deserialize(engine, code)
    }
}
