//! Which positional word belongs to which parameter.
//!
//! A parameter that was given by flag takes no word. An optional one with a list of values steps aside for a word that is not in the list,
//! so that `flux.suspend media plex` and `flux.suspend ks media plex` both read as meant. An array takes all words from its place on.

use agent_core::arguments::{self, Misfit};
use agent_core::descriptor::{Operation, Parameter};
use agent_core::hint;
use agent_core::hint::Words;
use agent_core::{Failure, Kind};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{heading, positionals};

/// Why words have no place.
#[derive(Debug, Error)]
pub(crate) enum Unplaced {
    /// A word beyond the last positional parameter.
    #[error("`{word}` is one argument too many")]
    Extra { word: String },
    /// A value does not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

impl Unplaced {
    pub(crate) fn into_failure(self, name: &str, operation: &Operation) -> Failure {
        match self {
            Unplaced::Misfit(misfit) => misfit.into_failure(name),
            Unplaced::Extra { .. } => {
                let usage: Vec<String> = positionals(operation).map(heading).collect();
                Failure::new(
                    Kind::Invalid,
                    "operations.arguments",
                    format!("{name}: {self}"),
                )
                .hinted(match usage.is_empty() {
                    true => hint!(
                        "it takes no positional arguments; see agent run {} --help",
                        name
                    ),
                    false => {
                        hint!("it takes {}; see agent run {} --help", Words(usage), name)
                    }
                })
            }
        }
    }
}

/// Gives each word to a parameter, beside those in `given` already.
pub(crate) fn assign(
    operation: &Operation,
    mut given: Map<String, Value>,
    words: &[String],
) -> Result<Map<String, Value>, Unplaced> {
    let mut free: Vec<&Parameter> = free(operation, &given);
    for (index, word) in words.iter().enumerate() {
        let place = place(&free, word).ok_or_else(|| Unplaced::Extra { word: word.clone() })?;
        // With as many words as places, nobody steps aside: a misspelt kind is named as one. Where the last place takes any number of words, there
        // are never that many.
        let endless = free.last().is_some_and(|last| last.schema.is_array());
        let crowded = words.len() - index >= free.len() && !endless;
        let place = if crowded { 0 } else { place };
        let parameter = free[place];
        let taken = place + usize::from(!parameter.schema.is_array());
        free.drain(..taken);
        arguments::add(parameter, word, &mut given)?;
    }
    Ok(given)
}

/// Returns the parameters to which the next positional word could go, and the arguments so far. There are several where some may step
/// aside.
pub(crate) fn next<'a>(
    operation: &'a Operation,
    given: Map<String, Value>,
    words: &[String],
) -> Option<(Vec<&'a Parameter>, Map<String, Value>)> {
    let assigned = assign(operation, given.clone(), words).ok()?;
    let by_word = |parameter: &&Parameter| {
        assigned.contains_key(parameter.name.as_str())
            && !given.contains_key(parameter.name.as_str())
            && !parameter.schema.is_array()
    };
    let places: Vec<&Parameter> = positionals(operation).collect();
    let from = places.iter().rposition(by_word).map_or(0, |last| last + 1);
    let mut next = Vec::new();
    for parameter in &places[from..] {
        let name = parameter.name.as_str();
        let by_flag = given.contains_key(name);
        if by_flag || assigned.contains_key(name) && !parameter.schema.is_array() {
            continue;
        }
        next.push(*parameter);
        if !may_step_aside(parameter) {
            break;
        }
    }
    Some((next, assigned))
}

/// Returns whether a word outside its list of values goes to the next parameter.
fn may_step_aside(parameter: &Parameter) -> bool {
    !parameter.required && !parameter.schema.one_of.is_empty()
}

fn free<'a>(operation: &'a Operation, given: &Map<String, Value>) -> Vec<&'a Parameter> {
    positionals(operation)
        .filter(|parameter| !given.contains_key(parameter.name.as_str()))
        .collect()
}

fn place(free: &[&Parameter], word: &str) -> Option<usize> {
    let steps_aside = |parameter: &Parameter| {
        may_step_aside(parameter) && !parameter.schema.one_of.iter().any(|one| one == word)
    };
    free.iter()
        .position(|parameter| !steps_aside(parameter))
        .or_else(|| (!free.is_empty()).then_some(0))
}
