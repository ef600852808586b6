//! What can be asked for, one file per command.

use agent_core::{Agent, Failure, exit};
use clap::ValueEnum as _;

use crate::options::{Options, Output, Shell};
use crate::report;
use crate::terminal::Terminal;

pub(crate) mod apply;
pub(crate) mod complete;
pub(crate) mod completions;
mod follow;
pub(crate) mod list;
mod notice;
pub(crate) mod plugin;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod sandbox;
mod stop;
pub(crate) mod take_up;

/// A command line that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// The options that every command takes.
    pub options: Options,
    /// What to do.
    pub command: Command,
}

impl Invocation {
    /// Reads the value of `COMPLETE`, by which other programs are asked for their completion script: `COMPLETE=bash agent`. None for shells
    /// that are not known.
    pub fn from_complete(shell: &str) -> Option<Invocation> {
        let shell = Shell::from_str(shell, true).ok()?;
        Some(Invocation {
            options: Options::default(),
            command: Command::Completions(shell),
        })
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Run an operation.
    Run(run::Run),
    /// Do what a plan says. `wire.rs` reads it first.
    Apply(apply::Apply),
    /// List the runs that are remembered, and look at one.
    Runs(runs::Runs),
    /// Take up a run that was cut off or is over.
    TakeUp(take_up::TakeUp),
    /// List all operations.
    List,
    /// Manage plugins.
    Plugin(plugin::Plugin),
    /// Keep the simulated cluster up. `wire.rs` serves it: it needs no agent.
    Sandbox(sandbox::Sandbox),
    /// Print the script that makes a shell complete. Needs no agent.
    Completions(Shell),
    /// Print candidates for a prompt. Whatever goes wrong, it prints nothing and the exit code is 0.
    Complete(complete::Words),
}

impl Command {
    /// Returns whether [`execute`] asks the agent anything.
    pub fn needs_agent(&self) -> bool {
        !matches!(self, Command::Completions(_) | Command::Sandbox(_))
    }

    /// Returns whether it can reach the cluster. Without that, an agent that knows its plugins and no cluster is enough.
    pub fn needs_cluster(&self) -> bool {
        match self {
            Command::Run(run) => run.calls(),
            Command::Apply(_) | Command::TakeUp(_) => true,
            Command::Complete(words) => words.may_name_objects(),
            _ => false,
        }
    }

    /// Returns whether it changes things and cannot say beforehand which.
    pub(crate) fn changes_without_a_plan(&self) -> bool {
        match self {
            Command::Apply(_) | Command::TakeUp(_) => true,
            Command::Runs(runs) => matches!(runs, runs::Runs::Prune(_)),
            Command::Plugin(plugin) => plugin.changes(),
            _ => false,
        }
    }

    /// Returns whether the person should hear of a run that is not finished first.
    fn begins_something_else(&self) -> bool {
        match self {
            Command::Run(run) => !run.asks_for_help(),
            Command::Apply(_) | Command::List | Command::Plugin(_) => true,
            _ => false,
        }
    }
}

/// Carries out a command and returns the exit code, which is one of [`agent_core::exit`], or 130 after a second Ctrl-C.
///
/// [`Command::Sandbox`] is not for here; it is refused.
pub async fn execute(invocation: Invocation, agent: &dyn Agent, mut terminal: Terminal) -> u8 {
    let Invocation { options, command } = invocation;
    terminal.colour(options.color);
    terminal.calls_as(&options);
    if command.begins_something_else() && !options.quiet {
        notice::show(agent, &mut terminal).await;
    }
    let for_a_prompt = matches!(command, Command::Complete(_));
    let code = carry_out(command, options, agent, &mut terminal).await;
    match for_a_prompt {
        true => code,
        false => report::unwritten(code, &mut terminal),
    }
}

async fn carry_out(
    command: Command,
    options: Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> u8 {
    match command {
        Command::Run(run) => return run::execute(run, options, agent, terminal).await,
        Command::Apply(apply) => return apply::execute(apply, options, agent, terminal).await,
        Command::TakeUp(take_up) => {
            return take_up::execute(take_up, options, agent, terminal).await;
        }
        Command::Runs(runs::Runs::Follow(run)) => {
            return runs::follow(&run, options, agent, terminal).await;
        }
        Command::Complete(words) => return complete::execute(&words, agent, terminal).await,
        _ => {}
    }
    let mut door = Door {
        options,
        agent,
        terminal,
    };
    let done = match command {
        Command::List => list::execute(&mut door).await,
        Command::Plugin(plugin) => plugin::execute(plugin, &mut door).await,
        Command::Runs(runs) => runs::execute(runs, &mut door).await,
        Command::Completions(shell) => {
            completions::execute(shell, door.terminal);
            Ok(())
        }
        Command::Sandbox(_)
        | Command::Run(_)
        | Command::Apply(_)
        | Command::TakeUp(_)
        | Command::Complete(_) => Err(misplaced(
            "the sandbox is served by the wiring of the agent, not by its terminal door",
        )),
    };
    match done {
        Ok(()) => exit::DONE,
        Err(failure) => report::report(&failure, terminal),
    }
}

fn misplaced(message: &str) -> Failure {
    Failure::new(agent_core::Kind::Internal, "agent.misplaced", message)
}

/// What a command that asks one thing works with.
pub(crate) struct Door<'a> {
    pub(crate) options: Options,
    pub(crate) agent: &'a dyn Agent,
    pub(crate) terminal: &'a mut Terminal,
}

impl Door<'_> {
    /// Writes documents as JSON lines or YAML; returns false when a person wants to read them.
    pub(crate) fn documents(&mut self, documents: &[serde_json::Value]) -> bool {
        match self.options.output {
            Output::Table => return false,
            Output::Json => crate::render::json::lines(documents, &mut self.terminal.stdout),
            Output::Yaml => crate::render::yaml::list(documents, &mut self.terminal.stdout),
        }
        true
    }
}
