//! The command line of an operation, made at run time from its descriptor.
//!
//! clap splits the words; which word belongs to which positional parameter, and whether values fit, is decided here and in `agent_core`.
//! Text of the descriptor is a guest's text and is cleaned before it is shown.

use std::collections::BTreeSet;

use agent_core::descriptor::{Operation, Parameter, Risk, Style, Type};
use agent_core::hint;
use agent_core::secret::MASK;
use agent_core::{Failure, OperationName, Plugin, arguments};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde_json::{Map, Value};

use crate::catalog;
use crate::clean;
use crate::options::{self, Options};
use crate::secret::{Source, Sources};
use crate::usage::Early;

mod help;
mod line;
mod places;

pub(crate) use help::help;
pub(crate) use line::{all as all_arguments, line};
pub(crate) use places::{assign, next as next_place};

/// The words given to an operation, understood.
#[derive(Debug, PartialEq)]
pub(crate) enum Given {
    /// `--help` is among them.
    Help,
    /// The arguments with all defaults, where its secrets are to be read, and global options that stood in a cluster of letters with the operation's own.
    Call {
        arguments: Map<String, Value>,
        secrets: Sources,
        options: Box<Options>,
    },
}

const WORDS: &str = "positional words";

/// Reads the words given to an operation; `name` is its full name, `person` whether somebody can be asked for secrets that it needs.
///
/// # Errors
/// The first thing that does not fit.
pub(crate) fn read(
    name: &str,
    operation: &Operation,
    words: &[String],
    person: bool,
) -> Result<Given, Early> {
    let called = format!("agent run {name}");
    let command = splitter(operation);
    let argv = std::iter::once(called.clone()).chain(words.iter().cloned());
    let matches = command
        .try_get_matches_from(argv)
        .map_err(|error| Early::of(&error, &called))?;
    if matches.get_flag("help") {
        return Ok(Given::Help);
    }
    let secrets = sources(operation, &matches, person)?;
    // Their places are taken, so that rules about several parameters are judged as later with the values.
    let masks = secrets.keys().map(|name| (name.clone(), MASK.into()));
    let masks: Map<String, Value> = masks.collect();
    let given = by_flag(operation, &matches, masks)
        .and_then(|flags| assign(operation, flags, &positional(&matches)))
        .and_then(|given| arguments::complete(operation, given).map_err(places::Unplaced::from));
    let mut arguments =
        given.map_err(|unplaced| Early::from(unplaced.into_failure(name, operation)))?;
    arguments.retain(|name, _| !secrets.contains_key(name));
    let options =
        Options::from_arg_matches(&matches).map_err(|error| Early::of(&error, &called))?;
    Ok(Given::Call {
        arguments,
        secrets,
        options: Box::new(options),
    })
}

/// The parameter that `-n` belongs to, whatever a descriptor says: kubectl has taught that letter to everybody.
const NAMESPACE: (&str, char) = ("namespace", 'n');

/// Returns the flags of an operation that can be reached: a global option of the same name wins, and of two equal ones the first.
pub(crate) fn flags(operation: &Operation) -> Vec<Flag<'_>> {
    let globals = options::of_run(Command::new("globals"));
    let mut longs: BTreeSet<String> = globals
        .get_arguments()
        .filter_map(|arg| arg.get_long().map(str::to_owned))
        .chain(["help".to_owned()])
        .collect();
    let mut shorts: BTreeSet<char> = globals
        .get_arguments()
        .filter_map(Arg::get_short)
        .chain(['h', NAMESPACE.1])
        .collect();
    let parameters = operation.parameters.iter();
    parameters
        .filter(|parameter| longs.insert(parameter.name.to_string()))
        .map(|parameter| Flag {
            parameter,
            short: if parameter.name == NAMESPACE.0 {
                Some(NAMESPACE.1)
            } else {
                parameter.short.filter(|short| shorts.insert(*short))
            },
        })
        .collect()
}

/// One flag of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flag<'a> {
    pub(crate) parameter: &'a Parameter,
    pub(crate) short: Option<char>,
}

impl Flag<'_> {
    /// Returns whether it is followed by a value.
    pub(crate) fn wants_value(&self) -> bool {
        self.parameter.schema.of != Type::Boolean
    }

    fn id(&self) -> String {
        id(self.parameter)
    }

    /// Returns the clap argument of it.
    fn arg(&self) -> Arg {
        let parameter = self.parameter;
        let schema = &parameter.schema;
        let numeric = matches!(schema.of_word().of, Type::Integer | Type::Number);
        let arg = Arg::new(self.id())
            .long(parameter.name.to_string())
            .help(help::summary(parameter))
            .value_name(help::placeholder(parameter))
            .action(match schema.is_array() {
                true => ArgAction::Append,
                false => ArgAction::Set,
            })
            .allow_negative_numbers(numeric);
        match self.short {
            Some(short) => arg.short(short),
            None => arg,
        }
    }

    /// Returns the clap argument for reading: a boolean may say `--all=false`.
    fn readable(&self) -> Arg {
        if self.wants_value() {
            return self.arg();
        }
        self.arg()
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true")
    }

    /// Returns the clap argument for help.
    fn shown(&self) -> Arg {
        if self.wants_value() {
            return self.arg();
        }
        self.arg().action(ArgAction::SetTrue)
    }
}

/// Returns the clap command that splits words in flags and positional words.
fn splitter(operation: &Operation) -> Command {
    let command = Command::new("operation")
        .no_binary_name(false)
        .disable_help_flag(true)
        .args_override_self(true)
        .arg(Arg::new(WORDS).num_args(0..).action(ArgAction::Append))
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::SetTrue),
        );
    let command = Options::augment_args(command);
    command.args(flags(operation).iter().map(Flag::readable))
}

fn positional(matches: &ArgMatches) -> Vec<String> {
    matches
        .get_many::<String>(WORDS)
        .map(|words| words.cloned().collect())
        .unwrap_or_default()
}

/// Returns where the secrets are read. One that is needed and was not given is asked for.
fn sources(operation: &Operation, matches: &ArgMatches, person: bool) -> Result<Sources, Failure> {
    let mut sources = Sources::new();
    for flag in flags(operation).iter().filter(|flag| flag.parameter.secret) {
        let name = &flag.parameter.name;
        let source = match matches.get_one::<String>(&flag.id()) {
            Some(text) => Source::read(name, &hint!("--{} ", name), text)?,
            None if !flag.parameter.required => continue,
            None if person => Source::person(operation, name),
            None => return Err(Source::missing(name, &hint!("--{} ", name))),
        };
        sources.insert(name.to_string(), source);
    }
    Ok(sources)
}

fn by_flag(
    operation: &Operation,
    matches: &ArgMatches,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, places::Unplaced> {
    for flag in flags(operation)
        .iter()
        .filter(|flag| !flag.parameter.secret)
    {
        for text in matches.get_many::<String>(&flag.id()).into_iter().flatten() {
            arguments::add(flag.parameter, text, &mut given)?;
        }
    }
    Ok(given)
}

fn id(parameter: &Parameter) -> String {
    format!("parameter {}", parameter.name)
}

/// Returns an operation by its full name; one of which nothing is known any more is shown without its columns.
pub(crate) fn known(name: &OperationName, plugins: &[Plugin]) -> Operation {
    match catalog::find(name.as_str(), plugins) {
        Ok((_, operation)) => operation.clone(),
        Err(_gone) => Operation {
            name: name.part(),
            summary: name.as_str().to_owned(),
            description: String::new(),
            risk: Risk::Change,
            parameters: Vec::new(),
            constraints: Vec::new(),
            columns: Vec::new(),
            locks: Vec::new(),
            examples: Vec::new(),
            errors: Vec::new(),
            result: None,
            deprecated: None,
        },
    }
}

/// Returns the positional parameters in their order.
pub(crate) fn positionals(operation: &Operation) -> impl Iterator<Item = &Parameter> {
    operation
        .parameters
        .iter()
        .filter(|parameter| parameter.style == Style::Positional)
}

/// Returns a parameter as it stands in a usage line: `NAMESPACE`, `AS-OF`.
pub(crate) fn heading(parameter: &Parameter) -> String {
    clean::line(&parameter.name).to_uppercase()
}

#[cfg(test)]
mod tests;
