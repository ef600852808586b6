//! `agent run DOMAIN.OPERATION [ARGS…]`: the operation is looked up, its descriptor judges the words, and the run is followed to its end.

use agent_core::agent::{Origin, State};
use agent_core::{Agent, Call, Failure, Operation, Plugin, exit};
use clap::Args;

use crate::catalog::{find, usable};
use crate::clean;
use crate::command::follow::{self, Known, Out};
use crate::command::list;
use crate::command::stop::stop;
use crate::operation::{self, Given};
use crate::options::{Options, Output, RunOptions};
use crate::report;
use crate::secret;
use crate::terminal::Terminal;
use crate::usage::Early;

/// Run an operation
#[derive(Args, Debug)]
#[command(after_help = "\
Which operations there are depends on the plugins: agent list
What one does and accepts: agent run DOMAIN.OPERATION --help

Examples:
  agent run volsync.restore media plex
  agent run flux.sync ks media plex
  agent run flux.reconcile hr media plex --plan
  agent run volsync.restore media plex --plan --out plan.json
  agent run volsync                              lists the operations of volsync")]
pub(crate) struct Arguments {
    /// The operation, such as volsync.restore; without it, all are listed
    #[arg(value_name = "DOMAIN.OPERATION")]
    operation: Option<String>,
    /// The arguments of the operation
    #[arg(value_name = "ARGS")]
    arguments: Vec<String>,
    #[command(flatten)]
    options: RunOptions,
}

/// An operation to run; its words are not judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub(crate) operation: Option<String>,
    pub(crate) words: Vec<String>,
    /// How it is run.
    pub options: RunOptions,
}

impl From<Arguments> for Run {
    fn from(arguments: Arguments) -> Run {
        Run {
            operation: arguments.operation,
            words: arguments.arguments,
            options: arguments.options,
        }
    }
}

impl Run {
    /// Returns whether an operation is called, rather than listed or explained.
    pub(crate) fn calls(&self) -> bool {
        let names_operation = self
            .operation
            .as_ref()
            .is_some_and(|name| name.contains('.'));
        names_operation && !self.asks_for_help()
    }

    /// Returns whether the operation is to be explained.
    pub(super) fn asks_for_help(&self) -> bool {
        let mut options = self.words.iter().take_while(|word| *word != "--");
        options.any(|word| word == "--help" || word == "-h")
    }
}

pub(super) async fn execute(
    run: Run,
    options: Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> u8 {
    let out = run.options.out.clone().map(Out::new);
    match prepare(run, options, agent, terminal).await {
        Ok(Prepared::Shown) => exit::DONE,
        Ok(Prepared::Call {
            call,
            operation,
            options,
        }) => {
            let known = Known {
                operation: &operation,
                options: &options,
                consent: call.consent,
                to: None,
                gives_up: false,
                out,
                agent,
            };
            follow::execute(agent.run(*call), known, terminal).await
        }
        Err(Stop { early, output }) => stop(&early, output, terminal),
    }
}

/// What is to be done about the words.
enum Prepared {
    /// Nothing more: the answer was a list or a help text.
    Shown,
    Call {
        call: Box<Call>,
        operation: Box<Operation>,
        options: Box<Options>,
    },
}

/// Why nothing is run.
struct Stop {
    early: Early,
    output: Output,
}

async fn prepare(
    run: Run,
    mut options: Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> Result<Prepared, Stop> {
    let output = options.output;
    let stop = |early: Early| Stop { early, output };
    // One operation is looked for where it is, and no list of all is made.
    let one = run.operation.as_ref().and_then(|name| name.parse().ok());
    let found = match &one {
        Some(operation) => agent.plugins_for(operation).await,
        None => agent.plugins().await,
    };
    let plugins = found.map_err(|failure| stop(failure.into()))?;
    let Some(wanted) = run.operation else {
        show_all(&plugins, output, terminal);
        return Ok(Prepared::Shown);
    };
    if let Some(domain) = usable(&plugins).find(|usable| usable.manifest.id.as_str() == wanted) {
        list::show(std::iter::once(domain), output, terminal);
        return Ok(Prepared::Shown);
    }
    // Whoever names a file wants it to be used.
    if let Some(failure) = plugins.iter().find_map(refused_file) {
        return Err(stop(failure.clone().into()));
    }
    let (name, operation) = find(&wanted, &plugins).map_err(|failure| stop(failure.into()))?;
    match operation::read(
        name.as_str(),
        operation,
        &run.words,
        terminal.is_interactive(),
    )
    .map_err(stop)?
    {
        Given::Help => {
            operation::help(name.as_str(), operation, terminal.facts.width).show(terminal);
            Ok(Prepared::Shown)
        }
        Given::Call {
            arguments,
            secrets,
            options: later,
        } => {
            options.merge(*later);
            if let Some(instead) = &operation.deprecated {
                let text = format!("`{name}` is deprecated: {}", clean::line(instead));
                report::warning(&text, &mut terminal.stderr);
            }
            let secrets = secret::read(secrets, terminal)
                .await
                .map_err(|failure| stop(failure.into()))?;
            let call = Call {
                operation: name,
                arguments,
                secrets,
                mode: options.mode(),
                consent: options.consent(terminal.is_interactive()),
                on_failure: run.options.failing.into(),
            };
            Ok(Prepared::Call {
                call: Box::new(call),
                operation: Box::new(operation.clone()),
                options: Box::new(options),
            })
        }
    }
}

fn refused_file(plugin: &Plugin) -> Option<&Failure> {
    match (&plugin.origin, &plugin.state) {
        (Origin::File(_), State::Refused { failure }) => Some(failure),
        _ => None,
    }
}

fn show_all(plugins: &[Plugin], output: Output, terminal: &mut Terminal) {
    list::show(usable(plugins), output, terminal);
    list::warn_of_stand_ins(plugins, terminal);
    list::warn_of_refused(plugins, terminal);
    report::hint(
        &"agent run DOMAIN.OPERATION --help".into(),
        &mut terminal.stderr,
    );
}
