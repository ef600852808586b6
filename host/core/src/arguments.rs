//! Whether arguments fit an operation. Every door asks here, so `agent run`, a remote call and one operation calling another refuse the
//! same things in the same words.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Number, Value};
use thiserror::Error;

use crate::descriptor::{Constraint, Format, Names, Operation, Parameter, Schema, Type};
use crate::failure::{Failure, Kind};
use crate::hint;
use crate::hint::Remedy;
use crate::name;
use crate::secret::MASK;
use crate::suggest;
use crate::text;

/// Why arguments do not fit.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Misfit {
    /// A name that the operation does not have.
    #[error("there is no parameter `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// What is known, as a sentence.
        known: Option<Remedy>,
    },
    /// A required parameter is missing.
    #[error("`{name}` is missing: {summary}")]
    Missing {
        /// The parameter.
        name: String,
        /// What it is.
        summary: String,
    },
    /// A value of the wrong type or form.
    #[error("`{name}` is `{given}`, which is not {wanted}")]
    Wrong {
        /// The parameter.
        name: String,
        /// The value.
        given: String,
        /// What it must be, as a noun phrase.
        wanted: String,
    },
    /// Parameters that exclude each other.
    #[error("{given} exclude each other: give one of them")]
    Exclusive {
        /// Those that were given.
        given: String,
    },
    /// None of several, of which one is needed.
    #[error("one of {wanted} is needed")]
    NoneOf {
        /// The parameters.
        wanted: String,
    },
    /// One that needs another.
    #[error("`{name}` needs {missing} as well")]
    Needs {
        /// The parameter that was given.
        name: String,
        /// Those that are missing.
        missing: String,
    },
}

impl Misfit {
    /// Turns it into a failure of a call to `operation`.
    pub fn into_failure(self, operation: &str) -> Failure {
        let known = match &self {
            Misfit::Unknown { known, .. } => known.clone(),
            _ => None,
        };
        let help = hint!("agent run {} --help", operation);
        let hint = match known {
            Some(known) => known.and("; see ", &help),
            None => help,
        };
        Failure::new(
            Kind::Invalid,
            "operations.arguments",
            format!("{operation}: {self}"),
        )
        .hinted(hint)
    }
}

/// Returns the arguments with all defaults filled in, or the first thing that does not fit.
///
/// # Errors
/// See [`Misfit`]. The order is: unknown names, types, missing ones, rules about several.
pub fn complete(
    operation: &Operation,
    mut given: Map<String, Value>,
) -> Result<Map<String, Value>, Misfit> {
    given.retain(|_, value| !value.is_null());
    for (name, value) in &given {
        let parameter = operation
            .parameter(name)
            .ok_or_else(|| unknown(operation, name))?;
        fits(parameter, value)?;
    }
    for rule in &operation.constraints {
        holds(rule, &given)?;
    }
    for parameter in &operation.parameters {
        let value = given.get(parameter.name.as_str());
        let none = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        if value.is_some_and(|value| !(parameter.required && none(value))) {
            continue;
        }
        if let Some(default) = &parameter.default {
            given.insert(parameter.name.to_string(), default.clone());
        } else if parameter.required {
            return Err(Misfit::Missing {
                name: parameter.name.to_string(),
                summary: parameter.summary.clone(),
            });
        }
    }
    Ok(given)
}

/// Reads one word of a command line, and puts it among the arguments: the value of its parameter, or one more of an array.
///
/// # Errors
/// [`Misfit::Wrong`].
pub fn add(
    parameter: &Parameter,
    word: &str,
    given: &mut Map<String, Value>,
) -> Result<(), Misfit> {
    let value = read(parameter, word)?;
    let name = parameter.name.as_str();
    match given.get_mut(name).and_then(Value::as_array_mut) {
        Some(values) if parameter.schema.is_array() => {
            values.push(value);
            return fits(parameter, &given[name]);
        }
        _ => {}
    }
    let value = match parameter.schema.is_array() {
        true => Value::Array(vec![value]),
        false => value,
    };
    given.insert(name.to_owned(), value);
    Ok(())
}

/// Turns a word of a command line into a value of the parameter's type, or of its elements'.
fn read(parameter: &Parameter, word: &str) -> Result<Value, Misfit> {
    let schema = parameter.schema.of_word();
    let value = match schema.of {
        Type::String => Some(Value::from(word)),
        Type::Integer => word.parse::<i64>().ok().map(Value::from),
        Type::Number => word.parse::<f64>().ok().and_then(number),
        Type::Boolean => word.parse::<bool>().ok().map(Value::from),
        // A document with an array of arrays is refused.
        Type::Array => None,
    };
    let value = value.ok_or_else(|| wrong(parameter, word))?;
    one_fits(parameter, schema, &value)?;
    Ok(value)
}

/// Returns a number as JSON has it; there is none for what is infinite or no number.
fn number(number: f64) -> Option<Value> {
    Number::from_f64(number).map(Value::Number)
}

/// How many elements an array may have.
const ELEMENTS: usize = 1_000;

pub(crate) fn fits(parameter: &Parameter, value: &Value) -> Result<(), Misfit> {
    let schema = &parameter.schema;
    let Type::Array = schema.of else {
        return one_fits(parameter, schema, value);
    };
    let few = value.as_array().filter(|values| values.len() <= ELEMENTS);
    let values = few.ok_or_else(|| Misfit::Wrong {
        name: parameter.name.to_string(),
        given: value.as_array().map_or_else(
            || name::shown(&shown(value)),
            |values| format!("{} values", values.len()),
        ),
        wanted: format!("an array of at most {ELEMENTS}"),
    })?;
    values
        .iter()
        .try_for_each(|value| one_fits(parameter, schema.of_word(), value))
}

fn one_fits(parameter: &Parameter, schema: &Schema, value: &Value) -> Result<(), Misfit> {
    let good = match (schema.of, value) {
        (Type::String, Value::String(text)) => {
            text_fits(schema, text) && names_fit(parameter.names.as_ref(), text)
        }
        (Type::Integer, Value::Number(number)) => number.is_i64() && is_within(schema, number),
        (Type::Number, Value::Number(number)) => is_within(schema, number),
        (Type::Boolean, Value::Bool(_)) => true,
        _ => false,
    };
    match good {
        true => Ok(()),
        false => Err(wrong(parameter, shown(value))),
    }
}

fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn is_within(schema: &Schema, number: &Number) -> bool {
    let least = schema.minimum.as_ref();
    let most = schema.maximum.as_ref();
    least.is_none_or(|least| compare(number, least).is_some_and(Ordering::is_ge))
        && most.is_none_or(|most| compare(number, most).is_some_and(Ordering::is_le))
}

/// Compares whole numbers as such, for those beyond 2⁵³ are not all there among the others.
fn compare(one: &Number, other: &Number) -> Option<Ordering> {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => one.as_f64()?.partial_cmp(&other.as_f64()?),
    }
}

fn text_fits(schema: &Schema, text: &str) -> bool {
    let listed = schema.one_of.is_empty() || schema.one_of.iter().any(|one| one == text);
    listed
        && match schema.format {
            None => true,
            Some(Format::DateTime) => text.parse::<Timestamp>().is_ok(),
            Some(Format::Duration) => text
                .parse::<SignedDuration>()
                .is_ok_and(|length| !length.is_negative()),
            Some(Format::Name) => is_name(text),
        }
}

/// Returns whether a text can name what the parameter names. Names of objects of some types have capitals or colons in them, and none has what cannot stand
/// in a path (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#path-segment-names>).
fn names_fit(names: Option<&Names>, text: &str) -> bool {
    match names {
        None => true,
        Some(Names::Namespace) => name::is_label(text),
        Some(Names::Object(_) | Names::ObjectBy { .. }) => {
            let segment = |c: char| !c.is_whitespace() && !text::steers(c) && !"/%".contains(c);
            (1..=253).contains(&text.len())
                && text.chars().all(segment)
                && text != "."
                && text != ".."
        }
    }
}

/// Returns whether a text can name an object: an RFC 1123 subdomain.
fn is_name(text: &str) -> bool {
    let edge =
        |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= 253
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}

fn holds(rule: &Constraint, given: &Map<String, Value>) -> Result<(), Misfit> {
    let present = |name: &&String| match given.get(*name) {
        None | Some(Value::Bool(false)) => false,
        Some(Value::Array(values)) => !values.is_empty(),
        Some(_) => true,
    };
    match rule {
        Constraint::AtMostOne(names) | Constraint::ExactlyOne(names) => {
            let there: Vec<&String> = names.iter().filter(present).collect();
            match (there.len(), rule) {
                (0, Constraint::ExactlyOne(_)) => Err(Misfit::NoneOf {
                    wanted: quoted(names.iter()),
                }),
                (0 | 1, _) => Ok(()),
                _ => Err(Misfit::Exclusive {
                    given: quoted(there),
                }),
            }
        }
        Constraint::Requires(names) => {
            let Some((first, others)) = names.split_first() else {
                return Ok(());
            };
            let missing: Vec<&String> = others.iter().filter(|name| !present(name)).collect();
            if !present(&first) || missing.is_empty() {
                return Ok(());
            }
            Err(Misfit::Needs {
                name: first.clone(),
                missing: quoted(missing),
            })
        }
    }
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names
        .into_iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn unknown(operation: &Operation, name: &str) -> Misfit {
    let known = suggest::sentence(
        name,
        operation
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str()),
    );
    Misfit::Unknown {
        name: name.to_owned(),
        known,
    }
}

fn wrong(parameter: &Parameter, given: impl Into<String>) -> Misfit {
    Misfit::Wrong {
        name: parameter.name.to_string(),
        given: if parameter.secret {
            MASK.to_owned()
        } else {
            name::shown(&given.into())
        },
        wanted: wanted_of(parameter),
    }
}

fn wanted_of(parameter: &Parameter) -> String {
    let of_schema = wanted(parameter.schema.of_word());
    match (&parameter.names, of_schema.as_str()) {
        (Some(Names::Namespace), "text") => {
            "the name of a namespace (lower-case letters, digits and dashes, at most 63)".to_owned()
        }
        (Some(Names::Object(_) | Names::ObjectBy { .. }), "text") => {
            "the name of an object (at most 253 letters, without blanks, `/` and `%`)".to_owned()
        }
        _ => of_schema,
    }
}

/// Returns what a schema allows, as a noun phrase for people.
pub fn wanted(schema: &Schema) -> String {
    if schema.is_array() {
        return format!("one or more, each {}", wanted(schema.of_word()));
    }
    if !schema.one_of.is_empty() {
        return format!("one of {}", quoted(schema.one_of.iter()));
    }
    let number = match schema.of {
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Boolean => return "`true` or `false`".to_owned(),
        Type::String | Type::Array => {
            return match schema.format {
                Some(Format::DateTime) => "a time such as `2026-11-22T06:00:00Z`",
                Some(Format::Duration) => "a length of time such as `90s` or `1h30m`",
                Some(Format::Name) => {
                    "the name of an object (lower-case letters, digits, dashes, dots)"
                }
                None => "text",
            }
            .to_owned();
        }
    };
    match (&schema.minimum, &schema.maximum) {
        (Some(least), Some(most)) => format!("{number} from {least} to {most}"),
        (Some(least), None) => format!("{number}, {least} or more"),
        (None, Some(most)) => format!("{number}, {most} or less"),
        (None, None) => number.to_owned(),
    }
}

#[cfg(test)]
mod tests;
