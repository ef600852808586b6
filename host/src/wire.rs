//! The wiring: the only place that opens files and clients, reads the environment and starts programs.
//!
//! It gives each room what it may use, as values, and nothing below it opens anything.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the place where authority comes from"
)]

use std::io;

use agent_cli::{Command, Early, Invocation, Options};
use agent_core::{Failure, Limits, Settings, exit};
use agent_engine::{LocalAgent, Parts};
use agent_store::{Bundled, Sources, Store};
use tokio::runtime::{Builder, Runtime};

use directory::{CodeDirectory, Directories, StateDirectory};
use sandbox::World;

pub(crate) use compile::compiles;
pub(crate) use ending::end_at_the_second_signal;

mod cluster;
mod compile;
mod directory;
mod ending;
mod filesystem;
mod journal;
mod log;
mod plan;
mod plugin;
mod sandbox;
mod screen;

/// Makes the runtime. Two workers: a guest that computes must not keep the other from serving timers and signals.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// Reads the command line, carries it out, and returns the exit code.
pub(crate) async fn run() -> u8 {
    let mut terminal = match screen::terminal() {
        Ok(terminal) => terminal,
        Err(_no_signals) => return exit::BUG,
    };
    let mut invocation = match invocation() {
        Ok(invocation) => invocation,
        Err(early) => return early.print(&mut terminal),
    };
    if !matches!(invocation.command, Command::Complete(_)) {
        match log::begin(&invocation.options) {
            Ok(true) => terminal = terminal.without_live(),
            Ok(false) => {}
            Err(failure) => return agent_cli::report(&failure, &mut terminal),
        }
    }
    if let Command::Sandbox(command) = &invocation.command {
        let served = sandbox::serve(command, &mut terminal)
            .await
            .map(|()| exit::DONE);
        return served.unwrap_or_else(|failure| agent_cli::report(&failure, &mut terminal));
    }
    match plan::prepare(&mut invocation) {
        Ok(Some(keep)) => terminal = terminal.with_out(keep),
        Ok(None) => {}
        Err(failure) => return agent_cli::report(&failure, &mut terminal),
    }
    let code = CodeDirectory::open();
    if let (Some(failure), false) = (
        &code.refused,
        matches!(invocation.command, Command::Complete(_)),
    ) {
        agent_cli::warn(failure, &mut terminal);
    }
    match agent(&invocation, code).await {
        Ok((agent, _world)) => agent_cli::execute(invocation, &agent, terminal).await,
        Err(_) if matches!(invocation.command, Command::Complete(_)) => exit::DONE,
        Err(failure) => agent_cli::report(&failure, &mut terminal),
    }
}

/// Returns the options that the agent is made with. At a prompt they are those of the line that is being written.
fn options(invocation: &Invocation) -> Options {
    match &invocation.command {
        Command::Complete(words) => words.options(),
        _ => invocation.options.clone(),
    }
}

/// Reads the command line, or the variable by which a shell asks for its completion script.
fn invocation() -> Result<Invocation, Early> {
    let asked = std::env::var("COMPLETE").ok();
    match asked.as_deref().and_then(Invocation::from_complete) {
        Some(invocation) => Ok(invocation),
        None => agent_cli::parse(std::env::args_os()),
    }
}

/// Makes the agent. The simulated cluster, if it is wanted, lives as long as the second value.
async fn agent(
    invocation: &Invocation,
    code: CodeDirectory,
) -> Result<(LocalAgent, Option<World>), Failure> {
    let (directories, state) = (Directories::open(), StateDirectory::open());
    let Settings { retention } = match (directories.settings(), &invocation.command) {
        // Whoever takes a run back at night is not kept from it by a file that says how long it is remembered.
        (Err(_), Command::TakeUp(_)) => Settings::default(),
        (settings, _) => settings?,
    };
    let options = options(invocation);
    let journal = journal::open(&state, options.sandbox, retention);
    let options = match &invocation.command {
        Command::TakeUp(take_up) => journal::as_before(options, take_up, &journal),
        _ => options,
    };
    let world = if options.sandbox && invocation.command.needs_cluster() {
        Some(World::start().await?)
    } else {
        None
    };
    let limits = Limits::TERMINAL;
    let client = match &world {
        Some(world) => world.cluster_client(&limits),
        None => {
            let quiet = matches!(invocation.command, Command::Complete(_));
            cluster::client(&options, &limits, quiet)
        }
    };
    let store = Store::new(Sources {
        bundled: agent_bundle::plugins()
            .iter()
            .map(|plugin| Bundled {
                name: plugin.name,
                wasm: plugin.wasm,
            })
            .collect(),
        directory: directories.plugins,
        given: plugin::read(&options.plugins)?,
        config: directories.config,
        kept: state.as_ref().map_or(Ok(None), StateDirectory::kept),
        agent: plugin::agent_version(),
    });
    let agent = LocalAgent::new(Parts {
        store,
        code: code.cache,
        compile: Some(compile::elsewhere()),
        nouns: Vec::new(),
        journal,
        retention,
        client,
        cluster: journal::cluster(&options),
        who: journal::who(),
        limits,
    });
    Ok((agent, world))
}
