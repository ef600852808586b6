//! Operations of a descriptor: their texts, rules, locks, errors and examples, and the shapes of their parameters.

use super::{LINE, LOCKS, Unfit, at_most, once, within};
use crate::arguments;
use crate::descriptor::{Constraint, Names, Operation, OwnError, Parameter, Style, Type};
use crate::failure::Kind;
use crate::manifest::Manifest;
use crate::name::{Key, ParameterName, shown};

/// Parameters of an operation.
const PARAMETERS: usize = 50;
/// Rules, columns, errors and examples of an operation.
const PARTS: usize = 50;
/// Values that a parameter lists, or types that it can name.
const VALUES: usize = 100;
/// What a person should know of an operation.
const PARAGRAPHS: usize = 8_000;

pub(super) fn judge(operation: &Operation, manifest: &Manifest) -> Result<(), Unfit> {
    let place = || format!("operation `{}`", operation.name);
    within(place, "summary", &operation.summary, LINE)?;
    within(place, "description", &operation.description, PARAGRAPHS)?;
    at_most(place, "parameters", operation.parameters.len(), PARAMETERS)?;
    at_most(place, "constraints", operation.constraints.len(), PARTS)?;
    at_most(place, "columns", operation.columns.len(), PARTS)?;
    at_most(place, "examples", operation.examples.len(), PARTS)?;
    at_most(place, "locks", operation.locks.len(), LOCKS)?;
    at_most(place, "errors", operation.errors.len(), PARTS)?;
    let names = operation.parameters.iter().map(|it| it.name.as_str());
    once(place, "parameter", names)?;
    let shorts: Vec<String> = operation
        .parameters
        .iter()
        .filter_map(|it| it.short)
        .map(String::from)
        .collect();
    once(place, "short flag", shorts.iter().map(String::as_str))?;
    for parameter in &operation.parameters {
        judge_parameter(operation, parameter)?;
    }
    judge_order(operation)?;
    for error in &operation.errors {
        judge_error(operation, error, manifest)?;
    }
    if let Some(deprecated) = &operation.deprecated {
        within(place, "deprecation", deprecated, LINE)?;
    }
    if operation.result.as_ref().is_some_and(|it| !it.is_object()) {
        return Err(Unfit::Shape {
            place: place(),
            of: "result",
            wanted: "a JSON Schema, which is an object",
        });
    }
    for constraint in &operation.constraints {
        let (Constraint::AtMostOne(names)
        | Constraint::ExactlyOne(names)
        | Constraint::Requires(names)) = constraint;
        at_most(place, "names in a constraint", names.len(), PARAMETERS)?;
        known(operation, names.iter().map(String::as_str))?;
    }
    for column in &operation.columns {
        judge_column(operation, &column.heading, &column.key)?;
    }
    for lock in &operation.locks {
        if *lock.owner() != *manifest.id.as_str() {
            return Err(Unfit::ForeignLock {
                operation: operation.name.to_string(),
                lock: lock.to_string(),
                plugin: manifest.id.to_string(),
            });
        }
        known(operation, lock.parameters().iter().map(|it| it.as_str()))?;
        let several = |name: &&ParameterName| {
            let parameter = operation.parameter(name);
            parameter.is_some_and(|parameter| parameter.schema.is_array())
        };
        if let Some(name) = lock.parameters().iter().find(several) {
            return Err(Unfit::Shape {
                place: format!("parameter `{name}` of operation `{}`", operation.name),
                of: "place in a lock",
                wanted: "one value, for a lock is of one thing",
            });
        }
    }
    for example in &operation.examples {
        within(place, "example", example, LINE)?;
        if !is_call(example, &format!("{}.{}", manifest.id, operation.name)) {
            return Err(Unfit::Example {
                operation: operation.name.to_string(),
                example: shown(example),
                plugin: manifest.id.to_string(),
            });
        }
    }
    Ok(())
}

/// Returns whether a text, pasted into a shell behind `agent run`, calls that operation and does nothing else.
fn is_call(example: &str, operation: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./:@%+,='\"".contains(c);
    let words = example.strip_prefix(operation);
    let even = |quote: char| example.matches(quote).count().is_multiple_of(2);
    words.is_some_and(|words| words.is_empty() || words.starts_with(' '))
        && example.chars().all(plain)
        && even('\'')
        && even('"')
}

fn judge_parameter(operation: &Operation, parameter: &Parameter) -> Result<(), Unfit> {
    let place = || {
        format!(
            "parameter `{}` of operation `{}`",
            parameter.name, operation.name
        )
    };
    let refused = |of| Unfit::Value {
        operation: operation.name.to_string(),
        parameter: parameter.name.to_string(),
        of,
    };
    within(place, "summary", &parameter.summary, LINE)?;
    judge_schema(place, parameter)?;
    let one_of = &parameter.schema.of_word().one_of;
    at_most(place, "values", one_of.len(), VALUES)?;
    for value in one_of {
        within(place, "value", value, LINE)?;
        // It would be an option where a word is wanted, and two words where a line is split.
        if value.starts_with('-') || value.is_empty() || value.chars().any(crate::text::steers) {
            return Err(refused("value"));
        }
    }
    if parameter
        .short
        .is_some_and(|short| !short.is_ascii_alphanumeric())
    {
        return Err(refused("short flag"));
    }
    if let Some(default) = &parameter.default {
        within(place, "default", &default.to_string(), LINE)?;
        arguments::fits(parameter, default).map_err(|_| refused("default"))?;
    }
    if let Some(Names::ObjectBy { parameter: by, of }) = &parameter.names {
        at_most(place, "types", of.len(), VALUES)?;
        of.keys()
            .try_for_each(|value| within(place, "value", value, LINE))?;
        known(operation, std::iter::once(by.as_str()))?;
    }
    Ok(())
}

/// Refuses a schema that says what its type has no use for.
fn judge_schema(place: impl Fn() -> String, parameter: &Parameter) -> Result<(), Unfit> {
    let schema = &parameter.schema;
    let word = schema.of_word();
    let shape = |of, wanted| Unfit::Shape {
        place: place(),
        of,
        wanted,
    };
    if schema.is_array() != schema.items.is_some() || word.is_array() {
        return Err(shape(
            "schema",
            "an array with `items` that are no arrays, or another type without",
        ));
    }
    let bare = schema.one_of.is_empty() && schema.format.is_none();
    let bare = bare && schema.minimum.is_none() && schema.maximum.is_none();
    if schema.is_array() && !bare {
        return Err(shape("schema", "of an array `type` and `items` alone"));
    }
    if schema.is_array() && (parameter.secret || parameter.default.is_some()) {
        return Err(shape(
            "schema",
            "no array, for it is a secret or has a default",
        ));
    }
    let text = !word.one_of.is_empty() || word.format.is_some();
    let number = word.minimum.is_some() || word.maximum.is_some();
    let numeric = matches!(word.of, Type::Integer | Type::Number);
    if text && word.of != Type::String || number && !numeric {
        return Err(shape(
            "schema",
            "`enum` and `format` of a string, `minimum` and `maximum` of a number",
        ));
    }
    Ok(())
}

/// Refuses words that nobody could reach: those behind an array, which takes all of them.
fn judge_order(operation: &Operation) -> Result<(), Unfit> {
    let places = operation.parameters.iter();
    let mut places = places.filter(|it| it.style == Style::Positional);
    let array = places.find(|parameter| parameter.schema.is_array());
    match (array, places.next()) {
        (Some(array), Some(_)) => Err(Unfit::Shape {
            place: format!(
                "parameter `{}` of operation `{}`",
                array.name, operation.name
            ),
            of: "place",
            wanted: "the last one, for an array takes all words from there on",
        }),
        _ => Ok(()),
    }
}

fn judge_error(operation: &Operation, error: &OwnError, manifest: &Manifest) -> Result<(), Unfit> {
    let place = || format!("error `{}` of operation `{}`", error.code, operation.name);
    within(place, "summary", &error.summary, LINE)?;
    let shape = |of, wanted| {
        Err(Unfit::Shape {
            place: place(),
            of,
            wanted,
        })
    };
    let owner = error.code.split_once('.').map(|(owner, _)| owner);
    if owner != Some(manifest.id.as_str()) {
        return shape("code", "one that begins with the id of the plugin");
    }
    if error.kind == Kind::Declined {
        return shape(
            "kind",
            "another one: what a person declines is the host's to say",
        );
    }
    Ok(())
}

fn judge_column(operation: &Operation, heading: &str, key: &str) -> Result<(), Unfit> {
    const HEADING: usize = 40;
    let wrong = |of, text: &str| Unfit::Column {
        operation: operation.name.to_string(),
        of,
        text: shown(text),
    };
    let short = heading.chars().count() <= HEADING;
    if !short || heading.chars().any(crate::text::steers) {
        return Err(wrong("heading", heading));
    }
    key.parse::<Key>().map(drop).map_err(|_| wrong("key", key))
}

fn known<'a>(operation: &Operation, names: impl Iterator<Item = &'a str>) -> Result<(), Unfit> {
    for name in names {
        if operation.parameter(name).is_none() {
            return Err(Unfit::Unknown {
                place: format!("operation `{}`", operation.name),
                of: "parameter",
                name: shown(name),
            });
        }
    }
    Ok(())
}
