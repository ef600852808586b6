//! `agent apply FILE`: what a plan says is done, and nothing else.

use std::path::{Path, PathBuf};

use agent_core::hint;
use agent_core::hint::Piece;
use agent_core::plan::{FORMAT, Plan};
use agent_core::{Agent, Failure, Kind};
use clap::{Args, ValueHint};
use serde_json::Value;

use super::follow::{self, Known};
use super::stop::stop;
use crate::operation;
use crate::options::{Failing, Options};
use crate::secret::{self, Again};
use crate::terminal::Terminal;

/// Do what a plan says, and nothing else
#[derive(Args, Debug)]
#[command(after_help = "\
A plan is made by agent run DOMAIN.OPERATION … --plan --out FILE.
It is refused when an object has changed since in what the plan rests on. A change that is not in the plan ends the run before it is made, \
and the run is taken back.

Examples:
  agent run volsync.restore media plex --plan --out plan.json
  agent apply plan.json
  agent apply plan.json --yes --on-failure keep")]
pub(crate) struct Arguments {
    /// The plan
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    path: PathBuf,
    #[command(flatten)]
    failing: Failing,
    #[command(flatten)]
    again: Again,
}

/// How a plan is made. Never into the file that is none: whatever it is, it is not to be overwritten.
const MADE_BY: &str = "agent run DOMAIN.OPERATION … --plan --out plan.json";

/// A plan to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apply {
    /// The file that it is in.
    pub path: PathBuf,
    /// What the file holds. `wire.rs` reads it, because this crate opens nothing.
    pub text: String,
    failing: Failing,
    again: Again,
}

impl From<Arguments> for Apply {
    fn from(arguments: Arguments) -> Apply {
        Apply {
            path: arguments.path,
            text: String::new(),
            failing: arguments.failing,
            again: arguments.again,
        }
    }
}

pub(super) async fn execute(
    apply: Apply,
    options: Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> u8 {
    let plan = match read(&apply.text, &apply.path) {
        Ok(plan) => plan,
        Err(failure) => return stop(&failure.into(), options.output, terminal),
    };
    let plugins = agent.plugins_for(&plan.operation).await.unwrap_or_default();
    let operation = operation::known(&plan.operation, &plugins);
    let secrets = async {
        let sources = apply
            .again
            .sources(plan.secrets.keys(), &operation, terminal)?;
        secret::read(sources, terminal).await
    };
    let secrets = match secrets.await {
        Ok(secrets) => secrets,
        Err(failure) => return stop(&failure.into(), options.output, terminal),
    };
    let consent = options.consent(terminal.is_interactive());
    let on_failure = apply.failing.into();
    let known = Known {
        operation: &operation,
        options: &options,
        consent,
        to: None,
        gives_up: false,
        out: None,
        agent,
    };
    follow::execute(
        agent.apply(plan, consent, on_failure, secrets),
        known,
        terminal,
    )
    .await
}

/// Reads a plan. Its format is looked at first: a later one may have fields that this one does not know.
fn read(text: &str, path: &Path) -> Result<Plan, Failure> {
    let wrong = |error: &serde_json::Error| no_plan(path).because(place(error));
    let document: Value = serde_json::from_str(text).map_err(|error| wrong(&error))?;
    if !document.is_object() {
        let cause = "it holds JSON, but no object with the fields of a plan";
        return Err(no_plan(path).because(cause));
    }
    match document.get("format") {
        Some(format) if *format != FORMAT => Err(unknown_format(format, path)),
        _ => serde_json::from_str(text).map_err(|error| wrong(&error)),
    }
}

/// Says where a text is wrong, and how.
fn place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    // serde_json says the place itself, behind what is wrong.
    let what = said
        .rsplit_once(" at line ")
        .map_or(said.as_str(), |(what, _)| what);
    format!("line {}, column {}: {what}", error.line(), error.column())
}

fn no_plan(path: &Path) -> Failure {
    failure(format!("`{}` is no plan", path.display())).hinted(MADE_BY)
}

fn unknown_format(format: &Value, path: &Path) -> Failure {
    let path_text = path.display();
    failure(format!(
        "`{path_text}` is a plan of format {format}, and this agent knows format {FORMAT} only"
    ))
    .hinted(hint!(
        "apply it with the agent that made it, or make it anew: {}",
        Piece(Some(MADE_BY.into()))
    ))
}

fn failure(message: String) -> Failure {
    Failure::new(Kind::Invalid, "operations.arguments", message)
}
