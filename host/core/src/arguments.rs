//! Whether arguments fit an operation. Every door asks here, so `agent run`, a remote call and one operation calling another refuse the
//! same things in the same words.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
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
        if given.contains_key(parameter.name.as_str()) {
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

/// Turns the text of a command line into a value of the parameter's type.
///
/// # Errors
/// [`Misfit::Wrong`].
pub fn parse(parameter: &Parameter, text: &str) -> Result<Value, Misfit> {
    let value = match parameter.schema.of {
        Type::String => Value::from(text),
        Type::Integer => Value::from(text.parse::<i64>().map_err(|_| wrong(parameter, text))?),
        Type::Boolean => Value::from(text.parse::<bool>().map_err(|_| wrong(parameter, text))?),
    };
    fits(parameter, &value)?;
    Ok(value)
}

pub(crate) fn fits(parameter: &Parameter, value: &Value) -> Result<(), Misfit> {
    let schema = &parameter.schema;
    let good = match (schema.of, value) {
        (Type::String, Value::String(text)) => {
            text_fits(schema, text) && names_fit(parameter.names.as_ref(), text)
        }
        (Type::Integer, Value::Number(number)) => number.as_i64().is_some_and(|n| {
            schema.minimum.is_none_or(|least| n >= least)
                && schema.maximum.is_none_or(|most| n <= most)
        }),
        (Type::Boolean, Value::Bool(_)) => true,
        _ => false,
    };
    if good {
        Ok(())
    } else {
        Err(wrong(
            parameter,
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        ))
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
    let present = |name: &&String| {
        given
            .get(*name)
            .is_some_and(|value| *value != Value::Bool(false))
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
    let of_schema = wanted(&parameter.schema);
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
    if !schema.one_of.is_empty() {
        return format!("one of {}", quoted(schema.one_of.iter()));
    }
    match (schema.of, schema.format, schema.minimum, schema.maximum) {
        (Type::String, Some(Format::DateTime), ..) => {
            "a time such as `2026-11-22T06:00:00Z`".to_owned()
        }
        (Type::String, Some(Format::Duration), ..) => {
            "a length of time such as `90s` or `1h30m`".to_owned()
        }
        (Type::String, Some(Format::Name), ..) => {
            "the name of an object (lower-case letters, digits, dashes, dots)".to_owned()
        }
        (Type::String, None, ..) => "text".to_owned(),
        (Type::Integer, _, Some(least), Some(most)) => {
            format!("a whole number from {least} to {most}")
        }
        (Type::Integer, _, Some(least), None) => format!("a whole number, {least} or more"),
        (Type::Integer, _, None, Some(most)) => format!("a whole number, {most} or less"),
        (Type::Integer, _, None, None) => "a whole number".to_owned(),
        (Type::Boolean, ..) => "`true` or `false`".to_owned(),
    }
}

#[cfg(test)]
mod tests;
