//! `agent resume RUN` and `agent undo RUN`: a run is taken up again, to its end or back to where it began.

use agent_core::descriptor::Risk;
use agent_core::journal::Aim;
use agent_core::record::Filter;
use agent_core::{Agent, Digest, Failure, OperationName, Resumption, RunId};
use clap::Args;

use super::follow::{self, Known};
use super::stop::stop;
use crate::command::runs::OfOne;
use crate::operation;
use crate::options::Options;
use crate::secret::{self, Again};
use crate::terminal::Terminal;

/// Finish a run that was cut off
#[derive(Args, Debug)]
#[command(after_help = "\
What is already done is not done again: the plugin gets the answers that it got, and goes on where they end. It asks first, unless --yes is \
given.

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
    pub(crate) to: Aim,
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
    pub fn to(&self) -> Aim {
        self.to
    }
}

impl From<Resume> for TakeUp {
    fn from(Resume { one, again }: Resume) -> TakeUp {
        TakeUp {
            run: one.run,
            to: Aim::Finish,
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
            to: Aim::Undo,
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
    let (run, (operation, digest, needed, agreed)) = match found.await {
        Ok(found) => found,
        Err(failure) => return stop(&failure.into(), options.output, terminal),
    };
    let of = digest.as_ref().map(|digest| (&operation, digest));
    let plugins = agent.plugins_of_runs(of).await.unwrap_or_default();
    let mut operation = operation::known(&operation, &plugins);
    if !agreed {
        // Before the person agrees the gate lets nothing be destroyed.
        operation.risk = operation.risk.min(Risk::Disrupt);
    }
    let secrets = async {
        let needed = needed.iter().filter(|_| to == Aim::Finish);
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
        out: None,
    };
    let how = Resumption {
        to,
        consent,
        give_up,
        leave_data,
        secrets,
    };
    follow::execute(agent.take_up(run.as_str(), how), known, terminal).await
}

/// Returns the operation of a run, its artifact, the secrets that it goes on with, and whether the person has agreed to what it does, as far as is known. A run
/// whose record cannot be read is in the list all the same.
async fn recorded(
    run: &RunId,
    agent: &dyn Agent,
) -> Result<(OperationName, Option<Digest>, Vec<String>, bool), Failure> {
    let unreadable = match agent.record(run.as_str()).await {
        Ok(record) => {
            let goes_on = !record.is_taken_back() && record.end().is_none();
            let agreed = !record.damage.is_empty() || record.has_agreement();
            let secrets = record.begun.secrets.into_keys().filter(|_| goes_on);
            let digest = Some(record.begun.digest);
            return Ok((record.summary.operation, digest, secrets.collect(), agreed));
        }
        Err(unreadable) => unreadable,
    };
    let mut runs = agent.runs(Filter::All).await?.into_iter();
    let listed = runs.find(|summary| summary.run == *run);
    let operation = listed.map(|summary| summary.operation).ok_or(unreadable)?;
    Ok((operation, None, Vec::new(), true))
}
