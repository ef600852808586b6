//! From an artifact to something that can be instantiated: compile (or load what was compiled), link, and keep it ready.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agent_capability::bindings::PluginPre;
use agent_core::agent::Origin;
use agent_core::failure::{Failure, Kind};
use agent_core::id::Digest;
use agent_core::limits::Limits;
use agent_store::{CodeCache, Found};
use wasmtime::component::{Component, HasData, Linker, ResourceTable};
use wasmtime::{Config, Engine, WasmBacktraceDetails};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::clock::Clocks;
use crate::code;
use crate::instance::State;
use crate::noun::Noun;
use crate::ticker::Ticker;

mod elsewhere;

pub use elsewhere::{Elsewhere, NotCompiled, compile};

/// How long a plugin may take to be compiled: a hundred times what a large one takes.
pub const LONGEST: Duration = Duration::from_secs(60);
/// How many frames of a trap are kept.
const FRAMES: NonZeroUsize = NonZeroUsize::new(32).expect("not zero");
/// What host functions need of a fiber's stack besides what the guest may use.
const HOST_STACK: usize = 1 << 20;

/// One engine with everything that is linked once.
pub(crate) struct Compiler {
    engine: Engine,
    linker: Linker<State>,
    ticker: Ticker,
    cache: Option<CodeCache>,
    elsewhere: Option<Elsewhere>,
    compatibility: String,
    ready: Mutex<HashMap<Digest, PluginPre<State>>>,
}

impl Compiler {
    pub(crate) fn new(
        limits: &Limits,
        nouns: &[Arc<dyn Noun>],
        cache: Option<CodeCache>,
        elsewhere: Option<Elsewhere>,
    ) -> wasmtime::Result<Compiler> {
        let engine = Engine::new(&config(limits))?;
        let ticker = Ticker::start(&engine)?;
        let linker = link(&engine, nouns)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Compiler {
            compatibility: format!("{:016x}", hasher.finish()),
            engine,
            linker,
            ticker,
            cache,
            elsewhere,
            ready: Mutex::default(),
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// Returns a plugin that is ready to be instantiated.
    ///
    /// # Errors
    /// `invalid` when its code is none, `unsupported` when it wants what the host does not have.
    pub(crate) async fn plugin(&self, found: &Found) -> Result<PluginPre<State>, Failure> {
        if let Some(ready) = self.ready().get(&found.digest) {
            return Ok(ready.clone());
        }
        let component = match self.cached(&found.digest) {
            Some(component) => component,
            None => self.compile(found).await?,
        };
        let pre = self
            .linker
            .instantiate_pre(&component)
            .and_then(PluginPre::new);
        let pre = pre.map_err(|error| unlinkable(found, &error))?;
        self.ready().insert(found.digest.clone(), pre.clone());
        Ok(pre)
    }

    fn cached(&self, artifact: &Digest) -> Option<Component> {
        code::load(
            self.cache.as_ref()?,
            &self.engine,
            artifact,
            &self.compatibility,
        )
    }

    async fn compile(&self, found: &Found) -> Result<Component, Failure> {
        tracing::debug!(plugin = %found.manifest.id, digest = %found.digest, "compiling");
        let compiled = tokio::time::timeout(LONGEST, async {
            match &self.elsewhere {
                // What came with the agent is known to be compiled soon.
                Some(elsewhere) if found.origin != Origin::Bundled => {
                    let code = elsewhere(found.wasm.to_vec()).await;
                    let code = code.map_err(|error| not_compiled(found, &error))?;
                    code::from_our_compiler(&self.engine, &code)
                        .map_err(|error| uncompilable(found, &error))
                }
                _ => self.compile_here(found).await,
            }
        });
        let component = compiled.await.unwrap_or_else(|_too_long| {
            let seconds = LONGEST.as_secs();
            Err(not_compiled(found, &NotCompiled::TooLong { seconds }))
        })?;
        self.keep(&found.digest, &component);
        Ok(component)
    }

    async fn compile_here(&self, found: &Found) -> Result<Component, Failure> {
        let (engine, wasm) = (self.engine.clone(), found.wasm.clone());
        let compile = move || Component::from_binary(&engine, &wasm);
        // It takes tens of milliseconds, in which the executor has other things to do.
        let compiled = tokio::task::spawn_blocking(compile).await;
        compiled
            .map_err(|error| Failure::of(Kind::Internal, "agent.bug", &error))?
            .map_err(|error| uncompilable(found, &error))
    }

    /// Keeps compiled code for the next time. Without it everything works, only later.
    fn keep(&self, artifact: &Digest, component: &Component) {
        let Some(cache) = &self.cache else { return };
        let kept = component
            .serialize()
            .and_then(|code| Ok(cache.put(artifact, &self.compatibility, &code)?));
        if let Err(error) = kept {
            tracing::warn!(%artifact, error = format!("{error:#}"), "compiled code cannot be kept");
        }
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, PluginPre<State>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.stack_bytes);
    config.async_stack_size(limits.stack_bytes + HOST_STACK);
    config.wasm_backtrace_max_frames(Some(FRAMES));
    // The default asks the environment.
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

/// Streams and pollables live in the table alone.
struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links the capabilities, and of WASI what standard libraries need. Of the file system that is only its types: no directory is ever
/// handed over, so there is nothing to open; and of sockets only that there are none, for which some languages ask before they begin.
fn link(engine: &Engine, nouns: &[Arc<dyn Noun>]) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    agent_capability::add_to_linker(l)?;
    for noun in nouns {
        noun.link(l)?;
    }
    io::error::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    io::poll::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    io::streams::add_to_linker::<State, Io>(l, |state| state.ctx().table)?;
    clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    clocks::monotonic_clock::add_to_linker::<State, Clocks>(l, State::monotonic_clock)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    random::random::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<State, WasiSockets>(l, &options, State::sockets)?;
    sockets::instance_network::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::ip_name_lookup::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::tcp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::tcp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::udp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::udp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    Ok(linker)
}

fn not_compiled(found: &Found, error: &NotCompiled) -> Failure {
    let message = format!(
        "plugin `{}` from `{}` cannot be compiled",
        found.manifest.id, found.origin
    );
    let (kind, code) = match error {
        NotCompiled::Refused { why } => return malformed(message, why.lines()),
        NotCompiled::TooLong { .. } | NotCompiled::TooLarge { .. } => {
            (Kind::Exhausted, "plugin.compile-limit")
        }
        NotCompiled::NoProcess { .. } => (Kind::Internal, "plugin.not-compiled"),
    };
    Failure::of(kind, code, error).while_doing(message)
}

fn malformed(message: String, why: impl Iterator<Item = impl Into<String>>) -> Failure {
    let failure = Failure::new(Kind::Invalid, "plugin.malformed", message);
    why.fold(failure, Failure::because)
        .hinted("build or copy it again: cargo build --release --target wasm32-wasip2")
        .bounded()
}

fn uncompilable(found: &Found, error: &wasmtime::Error) -> Failure {
    let message = format!(
        "plugin `{}` from `{}` cannot be compiled",
        found.manifest.id, found.origin
    );
    malformed(message, error.chain().map(|cause| cause.to_string()))
}

fn unlinkable(found: &Found, error: &wasmtime::Error) -> Failure {
    let message = format!(
        "plugin `{}` from `{}` wants what this agent does not have",
        found.manifest.id, found.origin
    );
    chained(
        Failure::new(Kind::Unsupported, "plugin.contract", message),
        error,
    )
    .hinted("build the plugin again with the agent-sdk of this agent, or use a newer agent")
}

fn chained(failure: Failure, error: &wasmtime::Error) -> Failure {
    error
        .chain()
        .fold(failure, |failure, cause| failure.because(cause.to_string()))
        .bounded()
}
