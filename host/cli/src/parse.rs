//! From a command line to a command.
//!
//! The words of `agent run OPERATION …` belong to an operation that is not known yet, so they are split in two here: the global options,
//! which may stand anywhere, and the rest, which waits for the descriptor (`operation`). Everything else is clap's.

use std::ffi::{OsStr, OsString};
use std::sync::LazyLock;

use clap::{CommandFactory, Parser, Subcommand};

use crate::command::{
    Command, Invocation, apply, complete, completions, plugin, run, runs, sandbox, take_up,
};
use crate::options::{self, Options};
use crate::usage::Early;

/// Runs the operations of a Kubernetes home cluster as sandboxed plugins.
#[derive(Debug, Parser)]
#[command(
    name = "agent",
    version,
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  agent list
  agent --sandbox run volsync.restore media plex
  agent run flux.sync ks --all --plan
  agent run volsync.restore --help
  agent runs --unfinished
  agent undo last")]
pub(crate) struct Line {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, Subcommand)]
enum Word {
    Run(run::Arguments),
    Apply(apply::Arguments),
    Runs(runs::Arguments),
    Resume(take_up::Resume),
    Undo(take_up::Undo),
    /// List all operations
    List,
    /// Manage plugins
    #[command(subcommand)]
    Plugin(plugin::Word),
    Sandbox(sandbox::Arguments),
    Completions(completions::Arguments),
    #[command(name = "__complete", hide = true)]
    Complete(complete::Arguments),
}

/// Reads a command line, of which the first word is the program.
///
/// # Errors
/// [`Early`]: help was asked for, or the line is wrong. The arguments of an operation are judged later, by its descriptor.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, Early> {
    let words: Vec<OsString> = arguments.into_iter().collect();
    let split = Split::of(words.get(1..).unwrap_or_default());
    if let Some((operation, rest)) = split.operation()? {
        let globals = [OsString::from("agent"), OsString::from("run")]
            .into_iter()
            .chain(split.globals.iter().cloned());
        let line = Line::try_parse_from(globals)
            .map_err(|error| Early::of(&error, &format!("agent run {operation}")))?;
        let mut invocation = line.into_invocation();
        if let Command::Run(run) = &mut invocation.command {
            run.operation = Some(operation);
            run.words = rest;
        }
        return judged(invocation);
    }
    let line = Line::try_parse_from(&words).map_err(|error| Early::of(&error, &split.called()))?;
    judged(line.into_invocation())
}

/// Refuses options that do not go together, and those that a command would pass over although they matter.
fn judged(invocation: Invocation) -> Result<Invocation, Early> {
    match &invocation.command {
        Command::Run(run) if run.options.out.is_some() && !invocation.options.plan => {
            Err(Early::wrong(
                "`--out` keeps a plan, so it needs `--plan` as well",
                "agent run DOMAIN.OPERATION … --plan --out FILE",
            ))
        }
        Command::Apply(_) if invocation.options.sandbox => Err(Early::wrong(
            "no plan can be applied with `--sandbox`: that cluster begins anew with each command, and the one of the plan is gone",
            "agent sandbox --write-kubeconfig FILE keeps one up, to plan and apply on with --kubeconfig FILE",
        )),
        Command::Sandbox(_) => match invocation.options.of_no_use_to_a_sandbox() {
            Some(option) => Err(Early::wrong(
                format!(
                    "`{option}` does nothing for agent sandbox, which keeps a simulated cluster up"
                ),
                "see agent sandbox --help",
            )),
            None => Ok(invocation),
        },
        command if invocation.options.plan && command.changes_without_a_plan() => {
            Err(Early::wrong(
                "`--plan` goes with agent run alone: this command changes things, and has no plan",
                "leave it out; agent runs show RUN tells what a run did",
            ))
        }
        _ => Ok(invocation),
    }
}

/// Returns the clap command of everything but operations.
pub(crate) fn clap_command() -> clap::Command {
    Line::command()
}

impl Line {
    fn into_invocation(self) -> Invocation {
        let mut options = self.options;
        let command = match self.word {
            Word::Run(arguments) => Command::Run(arguments.into()),
            Word::Apply(arguments) => Command::Apply(arguments.into()),
            Word::Runs(arguments) => Command::Runs(arguments.into()),
            Word::Resume(arguments) => Command::TakeUp(arguments.into()),
            Word::Undo(arguments) => Command::TakeUp(arguments.into()),
            Word::List => Command::List,
            Word::Plugin(word) => Command::Plugin(word.into_plugin(&mut options.plugins)),
            Word::Sandbox(arguments) => Command::Sandbox(arguments.into()),
            Word::Completions(arguments) => Command::Completions(arguments.shell),
            Word::Complete(arguments) => Command::Complete(arguments.into()),
        };
        Invocation { options, command }
    }
}

/// Words split in global options, with their values, and the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) globals: Vec<OsString>,
    pub(crate) rest: Vec<OsString>,
}

impl Split {
    /// Splits words. After `--` everything belongs to the rest.
    pub(crate) fn of(words: &[OsString]) -> Split {
        let mut split = Split::default();
        let mut words = words.iter().cloned();
        while let Some(word) = words.next() {
            if word == "--" {
                split.rest.push(word);
                split.rest.extend(words);
                break;
            }
            match global(&word) {
                None => split.rest.push(word),
                Some(Global::Whole) => split.globals.push(word),
                Some(Global::WantsValue) => {
                    split.globals.push(word);
                    split.globals.extend(words.next());
                }
            }
        }
        split
    }

    /// Returns the command that the words lead to, such as `agent plugin grant`.
    fn called(&self) -> String {
        let tree = clap_command();
        let (mut command, mut called) = (&tree, "agent".to_owned());
        for word in &self.rest {
            let Some(next) = command.find_subcommand(word) else {
                break;
            };
            called = format!("{called} {}", next.get_name());
            command = next;
        }
        called
    }

    /// Returns the operation's name and its words, when this is `run` with an operation. Only a call for help may stand between the two.
    fn operation(&self) -> Result<Option<(String, Vec<String>)>, Early> {
        let Some((run, rest)) = self.rest.split_first() else {
            return Ok(None);
        };
        let helps = rest.iter().take_while(|word| is_help(word)).count();
        let (helps, rest) = rest.split_at(helps);
        let Some((operation, words)) = rest.split_first() else {
            return Ok(None);
        };
        if run != "run" || operation.as_encoded_bytes().starts_with(b"-") {
            return Ok(None);
        }
        let words = helps.iter().chain(words).map(|word| text(word));
        Ok(Some((text(operation)?, words.collect::<Result<_, _>>()?)))
    }
}

fn is_help(word: &OsStr) -> bool {
    word == "--help" || word == "-h"
}

pub(crate) enum Global {
    /// The word is all of it.
    Whole,
    /// The next word is its value.
    WantsValue,
}

/// Returns whether a word is a global option. A cluster such as `-av` is one only when it begins with one.
pub(crate) fn global(word: &OsStr) -> Option<Global> {
    static OPTIONS: LazyLock<clap::Command> =
        LazyLock::new(|| options::of_run(clap::Command::new("agent")));
    let word = word.to_str()?;
    let wants_value = |arg: &clap::Arg| arg.get_action().takes_values();
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = long
            .split_once('=')
            .map_or((long, None), |(name, value)| (name, Some(value)));
        let arg = OPTIONS
            .get_arguments()
            .find(|arg| arg.get_long() == Some(name))?;
        return Some(if wants_value(arg) && value.is_none() {
            Global::WantsValue
        } else {
            Global::Whole
        });
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let mut found = None;
    while let Some(letter) = letters.next() {
        let arg = OPTIONS
            .get_arguments()
            .find(|arg| arg.get_short() == Some(letter))?;
        found = Some(Global::Whole);
        if wants_value(arg) {
            return Some(if letters.next().is_none() {
                Global::WantsValue
            } else {
                Global::Whole
            });
        }
    }
    found
}

fn text(word: &OsStr) -> Result<String, Early> {
    word.to_str().map(str::to_owned).ok_or_else(|| {
        let shown = word.to_string_lossy();
        Early::wrong(format!("`{shown}` is not UTF-8"), "write it in UTF-8")
    })
}

#[cfg(test)]
mod tests;
