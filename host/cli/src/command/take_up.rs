//! `agent resume RUN` and `agent undo RUN`: a run is taken up again, to its end or back to where it began.

use agent_core::call::Goal;
use agent_core::descriptor::Risk;
use agent_core::hint;
use agent_core::journal::Entry;
use agent_core::origin::Cluster;
use agent_core::record::{Filter, Record, State};
use agent_core::{Agent, Digest, Event, Failure, Kind, OperationName, Resumption, RunId, exit};
use clap::Args;

use super::follow::{self, Known};
use super::stop::stop;
use crate::command::runs::OfOne;
use crate::ink::Tone;
use crate::operation;
use crate::options::{Options, Output};
use crate::render::json;
use crate::report;
use crate::secret::{self, Again};
use crate::terminal::Terminal;

/// Finish a run that was cut off
#[derive(Args, Debug)]
#[command(after_help = "\
What is already done is not done again: the plugin gets the answers that it got, and goes on where they end. A run that was stopped or had \
failed is not gone on with: what is left is to take it back. It asks first, unless --yes is given.

Examples:
  agent resume last
  agent resume 7f3a --yes")]
pub(crate) struct Resume {
    #[command(flatten)]
    one: OfOne,
    #[command(flatten)]
    again: Again,
}

/// Take a run back: what it holds, and what of its changes can be reverted, newest first
#[derive(Args, Debug)]
#[command(after_help = "\
What somebody else changed since stays as it is, and what cannot be put back is named. It asks first, unless --yes is given. The exit code is \
0 only when nothing is left to do.

Examples:
  agent undo last
  agent undo 7f3a --yes")]
pub(crate) struct Undo {
    #[command(flatten)]
    one: OfOne,
    /// Leave as it is what cannot be put back, so that nothing is left to do
    #[arg(long)]
    give_up: bool,
    /// Leave data that was overwritten as it is by now, and put back the rest
    #[arg(long)]
    leave_data: bool,
}

/// A run to take up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeUp {
    pub(crate) run: String,
    pub(crate) to: Goal,
    pub(crate) give_up: bool,
    pub(crate) leave_data: bool,
    again: Again,
}

impl TakeUp {
    /// Returns which run is meant, as it was written.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Returns what it is to come to.
    pub fn to(&self) -> Goal {
        self.to
    }
}

impl From<Resume> for TakeUp {
    fn from(Resume { one, again }: Resume) -> TakeUp {
        TakeUp {
            run: one.run,
            to: Goal::Finish,
            give_up: false,
            leave_data: false,
            again,
        }
    }
}

impl From<Undo> for TakeUp {
    fn from(undo: Undo) -> TakeUp {
        TakeUp {
            run: undo.one.run,
            to: Goal::Undo,
            give_up: undo.give_up,
            leave_data: undo.leave_data,
            again: Again::default(),
        }
    }
}

pub(super) async fn execute(
    TakeUp {
        run,
        to,
        give_up,
        leave_data,
        again,
    }: TakeUp,
    options: Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> u8 {
    // By its id from now on: what `last` means may change.
    let found = async {
        let run = agent.which(&run, to).await?;
        let recorded = recorded(&run, agent).await?;
        Ok::<_, Failure>((run, recorded))
    };
    let (run, recorded) = match found.await {
        Ok(found) => found,
        Err(failure) => return stop(&failure.into(), options.output, terminal),
    };
    if let (Some(record), Goal::Finish) = (recorded.over.as_deref(), to) {
        return over(record, options.output, terminal);
    }
    if let (Some(why), Goal::Finish, false) = (recorded.goes_back, to, options.quiet) {
        let line = format!("run {run} {why}: what is left is to take it back");
        let line = terminal.stderr.ink.paint(Tone::Warn, line);
        terminal.stderr.line(line);
    }
    let Recorded {
        operation,
        digest,
        secrets: needed,
        agreed,
        cluster,
        ..
    } = recorded;
    if let (None, None, Some(cluster)) = (&options.kubeconfig, &options.context, cluster) {
        terminal.calls_as_the_run_on(cluster);
    }
    let of = digest.as_ref().map(|digest| (&operation, digest));
    let plugins = agent.plugins_of_runs(of).await.unwrap_or_default();
    let mut operation = operation::known(&operation, &plugins);
    if !agreed {
        // Before the person agrees the gate lets nothing be destroyed.
        operation.risk = operation.risk.min(Risk::Disrupt);
    }
    let secrets = async {
        let needed = needed.iter().filter(|_| to == Goal::Finish);
        let sources = again.sources(needed, &operation, terminal)?;
        secret::read(sources, terminal).await
    };
    let secrets = match secrets.await {
        Ok(secrets) => secrets,
        Err(failure) => return stop(&failure.into(), options.output, terminal),
    };
    let consent = options.consent(terminal.is_interactive());
    let known = Known {
        operation: &operation,
        options: &options,
        consent,
        to: Some(to),
        gives_up: give_up,
        out: None,
        agent,
    };
    let how = Resumption {
        to,
        consent,
        give_up,
        leave_data,
        secrets,
    };
    follow::execute(agent.resume(run.as_str(), how), known, terminal).await
}

/// What is known of a run before it is taken up.
struct Recorded {
    operation: OperationName,
    /// None when its record cannot be read.
    digest: Option<Digest>,
    /// The cluster that it is on, when its record can be read.
    cluster: Option<Cluster>,
    /// The secrets that it goes on with.
    secrets: Vec<String>,
    /// Whether the person has agreed to what it does, as far as is known.
    agreed: bool,
    /// All of it, when the run has come to its end and holds nothing.
    over: Option<Box<Record>>,
    /// Why it is not gone on with, when that is so and something is left to do.
    goes_back: Option<&'static str>,
}

/// Looks a run up. One whose record cannot be read is in the list all the same.
async fn recorded(run: &RunId, agent: &dyn Agent) -> Result<Recorded, Failure> {
    let unreadable = match agent.record(run.as_str()).await {
        Ok(record) => {
            let goes_on = !record.is_taken_back() && record.end().is_none();
            let is_over = !record.summary.is_open() && record.summary.state != State::Running;
            return Ok(Recorded {
                goes_back: goes_back(&record),
                over: is_over.then(|| Box::new(record.clone())),
                agreed: !record.damage.is_empty() || record.has_agreement(),
                digest: Some(record.begun.digest),
                cluster: Some(record.begun.cluster),
                secrets: match goes_on {
                    true => record.begun.secrets.into_keys().collect(),
                    false => Vec::new(),
                },
                operation: record.summary.operation,
            });
        }
        Err(unreadable) => unreadable,
    };
    let mut runs = agent.runs(Filter::All).await?.into_iter();
    let listed = runs.find(|summary| summary.run == *run);
    Ok(Recorded {
        operation: listed.map(|summary| summary.operation).ok_or(unreadable)?,
        digest: None,
        cluster: None,
        secrets: Vec::new(),
        agreed: true,
        over: None,
        goes_back: None,
    })
}

/// Says of a run that has come to its end how it ended, and returns its exit code.
fn over(record: &Record, output: Output, terminal: &mut Terminal) -> u8 {
    let summary = &record.summary;
    let code = summary.exit.unwrap_or(exit::DONE);
    let mut entries = record.entries.iter().rev();
    let outcome = entries.find_map(|noted| match &noted.entry {
        Entry::Finished { outcome, .. } => Some(outcome),
        Entry::Undone { outcome, .. } => outcome.as_ref(),
        _ => None,
    });
    if let (Output::Json, Some(outcome)) = (output, outcome) {
        let outcome = outcome.clone();
        json::lines(&[Event::Finished { outcome }], &mut terminal.stdout);
        return code;
    }
    let ended = super::runs::ended(summary);
    let run = &summary.run;
    let line = format!(
        "run {run} has come to its end, and nothing is left to do: {ended}, exit code {code}"
    );
    terminal.stderr.line(line);
    report::hint(&hint!("agent runs show {}", run), &mut terminal.stderr);
    code
}

fn goes_back(record: &Record) -> Option<&'static str> {
    let why = match record.end() {
        _ if !record.summary.is_open() || !record.damage.is_empty() => return None,
        _ if record.is_taken_back() => "was being taken back",
        Some(Err(failure)) if failure.kind == Kind::Cancelled => "was stopped",
        Some(Err(_)) => "failed",
        _ => return None,
    };
    Some(why)
}
