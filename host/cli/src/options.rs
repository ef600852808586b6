//! The options that every command takes, before or after its name.

use std::ffi::OsString;
use std::path::PathBuf;

use agent_core::{Consent, Mode, OnFailure};
use clap::{ArgAction, Args, Command, FromArgMatches as _, ValueEnum, ValueHint};

/// The options that every command takes.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Global options")]
pub struct Options {
    /// Work on the simulated home cluster inside this process
    #[arg(long, global = true, conflicts_with_all = ["kubeconfig", "context"])]
    pub sandbox: bool,
    /// Read the cluster's address and credentials from FILE
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub kubeconfig: Option<PathBuf>,
    /// Use this context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Load a plugin from FILE (can be repeated)
    #[arg(long = "plugin", global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub plugins: Vec<PathBuf>,
    /// Write results as a table, as JSON lines or as YAML
    #[arg(
        short,
        long,
        global = true,
        value_name = "table|json|yaml",
        value_enum,
        hide_possible_values = true,
        default_value = "table"
    )]
    pub output: Output,
    /// Print the changes that would be made, and write nothing
    #[arg(long, global = true)]
    pub plan: bool,
    /// Agree to every question beforehand
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Print the result and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print each change as it is made, and debug logs; twice: what the agent itself does, too
    #[arg(short, long = "verbose", global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        value_enum,
        hide_possible_values = true,
        default_value = "auto"
    )]
    pub color: Color,
}

/// The options of the commands that start a run. Those of `agent run` may stand anywhere in its line, like the ones that every command takes.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Run options")]
pub struct RunOptions {
    /// With --plan: keep the plan in FILE, for agent apply
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) failing: Failing,
}

/// Adds the options that may stand anywhere in a line of `agent run`.
pub(crate) fn of_run(command: clap::Command) -> clap::Command {
    Options::augment_args(RunOptions::augment_args(command))
}

/// What a run does when it fails.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Run options")]
pub struct Failing {
    /// When the run fails: put back what it changed for a while, keep it so for a look, or ask
    #[arg(
        long,
        value_name = "undo|keep|ask",
        value_enum,
        hide_possible_values = true,
        default_value = "undo"
    )]
    on_failure: Then,
}

/// What becomes of temporary changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Then {
    /// They are put back.
    #[default]
    Undo,
    /// They stay.
    Keep,
    /// The person says.
    Ask,
}

impl From<Failing> for OnFailure {
    fn from(failing: Failing) -> OnFailure {
        match failing.on_failure {
            Then::Undo => OnFailure::Undo,
            Then::Keep => OnFailure::Keep,
            Then::Ask => OnFailure::Ask,
        }
    }
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// One object a line; for a run, each event.
    Json,
    /// The result as one document.
    Yaml,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also into a pipe.
    Always,
    /// Not at all.
    Never,
}

impl Options {
    /// Reads words that are nothing but global options. What is wrong is passed over.
    pub(crate) fn of(words: Vec<OsString>) -> Options {
        let command = Options::augment_args(Command::new("agent"))
            .no_binary_name(true)
            .args_override_self(true)
            .ignore_errors(true);
        let matches = command.try_get_matches_from(words);
        let options = matches.and_then(|matches| Options::from_arg_matches(&matches));
        options.unwrap_or_default()
    }

    /// Returns an option that is given and would be passed over by whoever only keeps a simulated cluster up.
    pub(crate) fn of_no_use_to_a_sandbox(&self) -> Option<&'static str> {
        let given = [
            ("--sandbox", self.sandbox),
            ("--kubeconfig", self.kubeconfig.is_some()),
            ("--context", self.context.is_some()),
            ("--plugin", !self.plugins.is_empty()),
            ("--plan", self.plan),
        ];
        given
            .into_iter()
            .find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// Returns whether changes are made or planned.
    pub fn mode(&self) -> Mode {
        if self.plan { Mode::Plan } else { Mode::Perform }
    }

    /// Returns how questions are answered, given whether there is somebody to ask.
    pub(crate) fn consent(&self, interactive: bool) -> Consent {
        match (self.yes, interactive) {
            (true, _) => Consent::Given,
            (false, true) => Consent::Ask,
            (false, false) => Consent::Withheld,
        }
    }

    /// Takes over what was set in `later`, which stood further to the right.
    pub(crate) fn merge(&mut self, later: Options) {
        self.plan |= later.plan;
        self.yes |= later.yes;
        self.quiet |= later.quiet;
        self.verbose = self.verbose.saturating_add(later.verbose);
        if later.output != Output::Table {
            self.output = later.output;
        }
    }
}

/// A shell that can ask the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

#[cfg(test)]
mod tests {
    use agent_core::name::RESERVED;

    use super::*;

    #[test]
    fn no_parameter_can_be_called_as_an_option_of_the_agent() {
        let run = of_run(Command::new("run"));
        let longs = run.get_arguments().filter_map(clap::Arg::get_long);
        for long in longs {
            assert!(RESERVED.contains(&long), "--{long}");
        }
    }
}
