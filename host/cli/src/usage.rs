//! What a wrong command line is told, in the same words whether clap or a descriptor found the fault.

use std::error::Error as _;

use agent_core::hint;
use agent_core::hint::{Remedy, Words};
use agent_core::{Failure, Kind, exit};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::options::Color;
use crate::report;
use crate::terminal::Terminal;

/// Why a command line leads to no command: help was asked for, or it is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Early {
    /// Help or the version; plain, and with escapes for a screen.
    Text {
        /// Without escapes.
        plain: String,
        /// With escapes.
        painted: String,
    },
    /// The command line is wrong.
    Usage(Box<Failure>),
}

impl Early {
    /// Prints it, and returns the exit code.
    pub fn print(&self, terminal: &mut Terminal) -> u8 {
        terminal.colour(Color::Auto);
        let code = self.show(terminal);
        report::unwritten(code, terminal)
    }

    pub(crate) fn show(&self, terminal: &mut Terminal) -> u8 {
        match self {
            Early::Text { plain, painted } => {
                let painting = terminal.stdout.ink.is_on();
                terminal.stdout.raw(if painting { painted } else { plain });
                exit::DONE
            }
            Early::Usage(failure) => {
                report::error(failure, &mut terminal.stderr);
                exit::USAGE
            }
        }
    }

    /// Says in our words what clap found. `command` is what was called, such as `agent run volsync.restore`.
    pub(crate) fn of(error: &clap::Error, command: &str) -> Early {
        match error.kind() {
            ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let text = error.render();
                Early::Text {
                    plain: text.to_string(),
                    painted: text.ansi().to_string(),
                }
            }
            _ => Early::wrong(message(error), remedy(error, command)),
        }
    }

    /// Makes the answer to a command line with that fault and remedy.
    pub(crate) fn wrong(message: impl Into<String>, remedy: impl Into<Remedy>) -> Early {
        Early::Usage(Box::new(
            Failure::new(Kind::Invalid, "operations.arguments", message).hinted(remedy),
        ))
    }
}

impl From<Failure> for Early {
    fn from(failure: Failure) -> Early {
        Early::Usage(Box::new(failure))
    }
}

fn message(error: &clap::Error) -> String {
    let arg = first(error, ContextKind::InvalidArg).map(|arg| name(&arg));
    match (error.kind(), arg) {
        (ErrorKind::UnknownArgument, Some(arg)) if arg.starts_with('-') => {
            format!("there is no option `{arg}`")
        }
        (ErrorKind::UnknownArgument, Some(arg)) => format!("`{arg}` is one argument too many"),
        (ErrorKind::MissingSubcommand, _) => "a command is missing".to_owned(),
        (ErrorKind::InvalidSubcommand, _) => {
            let given = first(error, ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("there is no command `{given}`")
        }
        (ErrorKind::InvalidValue, Some(arg)) => invalid_value(error, &arg),
        (ErrorKind::ValueValidation, Some(arg)) => {
            let given = first(error, ContextKind::InvalidValue).unwrap_or_default();
            let wanted = error.source().map_or_else(String::new, ToString::to_string);
            format!("`{arg}` is `{given}`, which is not {wanted}")
        }
        (ErrorKind::MissingRequiredArgument, Some(_)) => {
            let missing = all(error, ContextKind::InvalidArg);
            let missing: Vec<String> = missing
                .iter()
                .map(|arg| format!("`{}`", name(arg)))
                .collect();
            format!("{} is missing", missing.join(", "))
        }
        (ErrorKind::ArgumentConflict, Some(arg)) => {
            let other = first(error, ContextKind::PriorArg)
                .map_or_else(|| "another option".to_owned(), |other| name(&other));
            format!("`{arg}` and `{other}` exclude each other: give one of them")
        }
        _ => plain_message(error),
    }
}

fn invalid_value(error: &clap::Error, arg: &str) -> String {
    let given = first(error, ContextKind::InvalidValue).unwrap_or_default();
    let valid: Vec<String> = all(error, ContextKind::ValidValue)
        .iter()
        .map(|value| format!("`{value}`"))
        .collect();
    if given.is_empty() {
        format!("`{arg}` needs a value")
    } else if valid.is_empty() {
        plain_message(error)
    } else {
        format!(
            "`{arg}` is `{given}`, which is not one of {}",
            valid.join(", ")
        )
    }
}

fn plain_message(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.trim_start_matches("error: ").replace('\'', "`")
}

fn remedy(error: &clap::Error, command: &str) -> Remedy {
    let of_the_agent = command == "agent" && error.kind() == ErrorKind::InvalidSubcommand;
    let command = Words(command.split(' ').collect());
    let given = first(error, ContextKind::InvalidSubcommand).unwrap_or_default();
    if given.contains('.') {
        return hint!("operations are run by agent run {}", given);
    }
    let meant = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ]
    .into_iter()
    .find_map(|kind| first(error, kind));
    match meant {
        Some(meant) if of_the_agent => hint!(
            "did you mean {}? see agent --help; an operation is run by agent run DOMAIN.OPERATION, and agent list names them",
            name(&meant)
        ),
        None if of_the_agent => hint!(
            "see agent --help; an operation is run by agent run DOMAIN.OPERATION, and agent list names them"
        ),
        Some(meant) => hint!("did you mean {}? see {} --help", name(&meant), command),
        None => hint!("see {} --help", command),
    }
}

/// Returns an option's name without the placeholder of its value.
fn name(arg: &str) -> String {
    let name = arg.split([' ', '=']).next().unwrap_or(arg);
    name.trim_start_matches('<')
        .trim_end_matches(['.', '>'])
        .to_owned()
}

fn first(error: &clap::Error, kind: ContextKind) -> Option<String> {
    all(error, kind).into_iter().next()
}

fn all(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}
