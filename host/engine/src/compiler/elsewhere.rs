//! Compiling a stranger's plugin where it can be ended. What a compiler takes of time and memory is no function of how long the code is, and nothing
//! can stop it half-way but the end of its process.

use std::io;

use agent_core::limits::Limits;
use futures::future::BoxFuture;
use thiserror::Error;
use wasmtime::Engine;

/// Compiles a component in another process, which ends when nobody waits for it any more. Its answer is that of [`compile`].
pub type Elsewhere =
    Box<dyn Fn(Vec<u8>) -> BoxFuture<'static, Result<Vec<u8>, NotCompiled>> + Send + Sync>;

/// Why a component was not compiled.
#[derive(Debug, Error)]
pub enum NotCompiled {
    /// The compiler refused it, with these words.
    #[error("{why}")]
    Refused {
        /// Its words, a line for each cause.
        why: String,
    },
    /// It took too long.
    #[error("compiling it takes longer than {seconds} s")]
    TooLong {
        /// The limit.
        seconds: u64,
    },
    /// It took too much memory.
    #[error("compiling it takes more than {bytes} bytes of memory")]
    TooLarge {
        /// The limit.
        bytes: u64,
    },
    /// Its process did not come to an end of its own.
    #[error("the process that compiles it cannot be used")]
    NoProcess {
        /// Why.
        source: io::Error,
    },
}

/// Compiles a component to code that the engine of this very agent loads. For the process that [`Elsewhere`] starts.
///
/// # Errors
/// What the compiler refuses.
pub fn compile(wasm: &[u8], limits: &Limits) -> Result<Vec<u8>, NotCompiled> {
    let compiled =
        Engine::new(&super::config(limits)).and_then(|engine| engine.precompile_component(wasm));
    compiled.map_err(|error| {
        let lines = error.chain().map(|cause| cause.to_string());
        let why = lines.collect::<Vec<_>>().join("\n");
        NotCompiled::Refused { why }
    })
}
