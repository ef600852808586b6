//! `agent runs …`: the runs that are remembered.

use agent_core::record::{Filter, Retention, State, Summary};
use agent_core::{Agent, Failure, exit};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

use crate::command::Door;
use crate::options::Options;
use crate::report;
use crate::terminal::Terminal;

mod list;
mod prune;
mod show;
mod watch;

/// List the runs that are remembered, newest first, and look at one
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  agent runs --unfinished
  agent runs show last
  agent runs show 7f3a -v
  agent runs follow last
  agent runs prune --days 30 --size 50M"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    word: Option<Word>,
    /// Only those that failed or were cut off
    #[arg(long, conflicts_with = "unfinished")]
    failed: bool,
    /// Only those of which something is left to do
    #[arg(long)]
    unfinished: bool,
}

#[derive(Debug, Subcommand)]
enum Word {
    /// Show what a run did, when, and how it ended
    #[command(after_help = "\
Examples:
  agent runs show last
  agent runs show 7f3a -v                with created objects whole, details of steps, and logs
  agent runs show 7f3a -o json | jq .")]
    Show(OfOne),
    /// Watch a run from its beginning, also one of another process; Ctrl-C stops watching, never the run
    #[command(after_help = "\
The exit code is the run's.

Examples:
  agent runs follow last
  agent runs follow 7f3a -o json")]
    Follow(OfOne),
    /// Forget runs that are over
    #[command(after_help = "\
Without options, those go that the agent would forget by itself. Runs of which something is left to do are never forgotten.

Examples:
  agent runs prune
  agent runs prune --days 30
  agent runs prune --days 7 --size 10M")]
    Prune(prune::Arguments),
}

/// The one run that a command is about.
#[derive(Args, Clone, Debug)]
pub(crate) struct OfOne {
    /// The run: its id, the beginning of it, or the word last
    #[arg(value_name = "RUN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) run: String,
}

/// What to do with the runs that are remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Runs {
    /// List them.
    List(Filter),
    /// Show one.
    Show(String),
    /// Watch one.
    Follow(String),
    /// Forget those that are over; without a retention, by the one that is set.
    Prune(Option<Retention>),
}

impl From<Arguments> for Runs {
    fn from(arguments: Arguments) -> Runs {
        match (arguments.word, arguments.failed, arguments.unfinished) {
            (Some(Word::Show(one)), ..) => Runs::Show(one.run),
            (Some(Word::Follow(one)), ..) => Runs::Follow(one.run),
            (Some(Word::Prune(prune)), ..) => Runs::Prune(prune.into()),
            (None, true, _) => Runs::List(Filter::Failed),
            (None, _, true) => Runs::List(Filter::Unfinished),
            (None, ..) => Runs::List(Filter::All),
        }
    }
}

/// Watches a run to its end, and returns its exit code.
pub(super) async fn follow(
    run: &str,
    options: Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> u8 {
    watch::execute(run, &options, agent, terminal).await
}

pub(super) async fn execute(command: Runs, door: &mut Door<'_>) -> Result<(), Failure> {
    if let (Runs::List(_) | Runs::Show(_), Some(doubt)) = (&command, door.agent.doubt().await) {
        report::warn(&doubt, door.terminal);
    }
    match command {
        Runs::List(filter) => list::execute(filter, door).await,
        Runs::Show(run) => show::execute(&run, door).await,
        Runs::Prune(retention) => prune::execute(retention, door).await,
        Runs::Follow(_) => Err(super::misplaced("a run is followed to its own exit code")),
    }
}

/// Returns how many changes a run still holds. Of one that was cut off nobody has summed them up, so they are counted.
pub(crate) async fn held(summary: &Summary, agent: &dyn Agent) -> u64 {
    if summary.state != State::Unfinished || summary.held > 0 {
        return summary.held;
    }
    let Ok(record) = agent.record(summary.run.as_str()).await else {
        return summary.held;
    };
    let held = record
        .recorded_effects()
        .iter()
        .filter(|recorded| recorded.is_held())
        .count();
    u64::try_from(held).unwrap_or(u64::MAX)
}

/// Returns how a run stands, in a word. One to which the person said no did not fail.
pub(crate) fn ended(summary: &Summary) -> &'static str {
    let declined = summary.state == State::Failed && summary.exit == Some(exit::DECLINED);
    match declined && summary.held == 0 {
        true => "declined",
        false => summary.state.as_str(),
    }
}
