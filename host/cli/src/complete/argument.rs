//! Candidates for the words of an operation.

use agent_core::arguments;
use agent_core::descriptor::{Operation, Parameter, Type};
use agent_core::{Agent, Completion};
use serde_json::{Map, Value};

use super::Candidate;
use crate::catalog;
use crate::operation::{self, Flag};
use crate::options;

pub(super) async fn candidates(
    name: &str,
    words: &[&str],
    current: &str,
    agent: &dyn Agent,
) -> Vec<Candidate> {
    let Ok(operation) = name.parse() else {
        return Vec::new();
    };
    let plugins = agent.plugins_for(&operation).await.unwrap_or_default();
    let Ok((_, operation)) = catalog::find(name, &plugins) else {
        return Vec::new();
    };
    let flags = operation::flags(operation);
    let (given, free) = so_far(&flags, words);
    let open = words.last().and_then(|word| open_flag(&flags, word));
    if let Some(flag) = open {
        return values(operation, flag.parameter, given, current, agent).await;
    }
    if let Some((flag, prefix)) = current
        .split_once('=')
        .filter(|_| current.starts_with("--"))
    {
        let Some(flag) = flags.iter().find(|known| known.parameter.name == flag[2..]) else {
            return Vec::new();
        };
        let found = values(operation, flag.parameter, given, prefix, agent).await;
        let whole = |found: Candidate| {
            Candidate::new(
                format!("--{}={}", flag.parameter.name, found.value),
                &found.help,
            )
        };
        return found.into_iter().map(whole).collect();
    }
    if current.starts_with('-') {
        return options(&flags, &given);
    }
    let Some((places, given)) = operation::next_place(operation, given, &free) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for parameter in places {
        found.extend(values(operation, parameter, given.clone(), current, agent).await);
    }
    found
}

/// Returns the values that a parameter can have, in the light of the others. One that begins with a dash would be an option.
async fn values(
    operation: &Operation,
    parameter: &Parameter,
    given: Map<String, Value>,
    prefix: &str,
    agent: &dyn Agent,
) -> Vec<Candidate> {
    let mut values = all_values(operation, parameter, given, prefix, agent).await;
    values.retain(|value| !value.value.starts_with('-'));
    values
}

async fn all_values(
    operation: &Operation,
    parameter: &Parameter,
    mut given: Map<String, Value>,
    prefix: &str,
    agent: &dyn Agent,
) -> Vec<Candidate> {
    let schema = parameter.schema.of_word();
    if !schema.one_of.is_empty() {
        return schema
            .one_of
            .iter()
            .map(|one| Candidate::new(one, ""))
            .collect();
    }
    if schema.of == Type::Boolean {
        return ["true", "false"].map(|one| Candidate::new(one, "")).into();
    }
    let Some(names) = parameter.names.clone() else {
        return Vec::new();
    };
    given.remove(parameter.name.as_str());
    for other in &operation.parameters {
        if let Some(default) = &other.default {
            given
                .entry(other.name.as_str())
                .or_insert_with(|| default.clone());
        }
    }
    let completion = Completion {
        names,
        arguments: given,
        prefix: prefix.to_owned(),
    };
    let found = agent.complete(completion).await.unwrap_or_default();
    found
        .into_iter()
        .map(|one| Candidate::new(one, ""))
        .collect()
}

/// Returns the options that are not given yet, the operation's own first.
fn options(flags: &[Flag<'_>], given: &Map<String, Value>) -> Vec<Candidate> {
    let own = flags
        .iter()
        .filter(|flag| {
            let name = flag.parameter.name.as_str();
            flag.parameter.schema.is_array() || !given.contains_key(name)
        })
        .map(|flag| {
            Candidate::new(
                format!("--{}", flag.parameter.name),
                &flag.parameter.summary,
            )
        });
    let globals = options::of_run(clap::Command::new("globals"));
    let global = globals.get_arguments().filter_map(|arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.get_long()
            .map(|long| Candidate::new(format!("--{long}"), &help))
    });
    own.chain(global)
        .chain([Candidate::new("--help", "Print help")])
        .collect()
}

/// Returns the flag that still waits for its value after this word.
fn open_flag<'a>(flags: &'a [Flag<'a>], word: &str) -> Option<&'a Flag<'a>> {
    let found = find_flag(flags, word)?;
    (found.wants_value() && !word.contains('=')).then_some(found)
}

fn find_flag<'a>(flags: &'a [Flag<'a>], word: &str) -> Option<&'a Flag<'a>> {
    if let Some(long) = word.strip_prefix("--") {
        let long = long.split('=').next().unwrap_or(long);
        return flags.iter().find(|flag| flag.parameter.name == long);
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    flags.iter().find(|flag| flag.short == Some(letter))
}

/// Returns what the finished words say: arguments given by flag, and positional words. What does not fit is passed over.
fn so_far(flags: &[Flag<'_>], words: &[&str]) -> (Map<String, Value>, Vec<String>) {
    let mut given = Map::new();
    let mut free = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(flag) = find_flag(flags, word) else {
            if !word.starts_with('-') {
                free.push((*word).to_owned());
            }
            continue;
        };
        let text = match word.split_once('=') {
            Some((_, text)) => Some(text),
            None if flag.wants_value() => words.next().copied(),
            None => Some("true"),
        };
        if let Some(text) = text {
            drop(arguments::add(flag.parameter, text, &mut given));
        }
    }
    (given, free)
}
