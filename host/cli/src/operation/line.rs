//! A call as a person would write it, for lists and notices.

use agent_core::Plugin;
use agent_core::descriptor::{Operation, Parameter, Type};
use agent_core::record::Summary;
use serde_json::{Map, Value};

use super::positionals;
use crate::catalog;
use crate::clean;

/// The positional parameters of operations that are not known any more: `[KIND] NAMESPACE NAME` is how all of them are called.
const CUSTOM: [&str; 3] = ["kind", "namespace", "name"];

/// Returns the operation of a run with its main arguments, such as `volsync.restore media plex`: what stands at a place, and what was switched
/// on.
pub(crate) fn line(summary: &Summary, plugins: &[Plugin]) -> String {
    let name = summary.operation.as_str();
    let operation = catalog::find(name, plugins)
        .ok()
        .map(|(_, operation)| operation);
    let words = match operation {
        Some(operation) => main(operation, &summary.arguments),
        None => CUSTOM
            .iter()
            .filter_map(|name| summary.arguments.get(*name))
            .map(shown)
            .collect(),
    };
    std::iter::once(name.to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns all arguments, such as `name=plex namespace=media`.
pub(crate) fn all(arguments: &Map<String, Value>) -> String {
    let pairs = arguments
        .iter()
        .map(|(name, value)| format!("{}={}", clean::line(name), shown(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

fn main(operation: &Operation, given: &Map<String, Value>) -> Vec<String> {
    let places = positionals(operation)
        .filter_map(|parameter| given.get(parameter.name.as_str()))
        .flat_map(|value| match value {
            Value::Array(values) => values.iter().map(shown).collect(),
            value => vec![shown(value)],
        });
    let switches = operation
        .parameters
        .iter()
        .filter(|parameter| is_switched_on(parameter, given))
        .map(|parameter| format!("--{}", clean::line(&parameter.name)));
    places.chain(switches).collect()
}

fn is_switched_on(parameter: &Parameter, given: &Map<String, Value>) -> bool {
    let on = Value::Bool(true);
    parameter.schema.of == Type::Boolean
        && given.get(parameter.name.as_str()) == Some(&on)
        && parameter.default.as_ref() != Some(&on)
}

fn shown(value: &Value) -> String {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), clean::line);
    clean::word(&text)
}
