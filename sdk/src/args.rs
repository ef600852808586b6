//! Arguments of operations: a struct whose fields say what the descriptor says and are filled from JSON.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::{Error, Result};

/// The arguments of an operation. Derive it: see [`macro@crate::Args`].
pub trait Args: Sized {
    /// The parameters as a JSON array, in parts.
    #[doc(hidden)]
    const PARAMETERS: &'static [&'static str];
    /// The names of the parameters.
    #[doc(hidden)]
    const NAMES: &'static [&'static str];

    /// Fills the struct from a JSON object: parameter name to value.
    ///
    /// # Errors
    /// `invalid` (`operations.arguments`) when a value is missing or of the wrong type. The host has checked all that before it calls.
    fn decode(arguments: Map<String, Value>) -> Result<Self>;
}

/// A type that a field of arguments can have: text, numbers, `bool` (a flag), [`Timestamp`], [`SignedDuration`], a [`Choice`], an `Option` of one,
/// which makes the parameter optional, or a `Vec` of one, which takes any number of values: a flag that is repeated, or all words from its place on.
pub trait Argument: Sized {
    /// The inside of the JSON Schema object; of an array, that of its elements.
    #[doc(hidden)]
    const SCHEMA: &'static str;
    /// What stands around it: that of an array.
    #[doc(hidden)]
    const AROUND: (&'static str, &'static str) = ("", "");
    /// Whether it must be given.
    #[doc(hidden)]
    const REQUIRED: &'static str = "true";

    /// Reads the value of the parameter `name`.
    ///
    /// # Errors
    /// `invalid` (`operations.arguments`).
    fn decode(name: &str, value: Option<Value>) -> Result<Self>;
}

/// A closed set of words. Derive it on an enum without fields: see [`macro@crate::Choice`].
pub trait Choice: Sized + Copy + 'static {
    /// Every word with its case, in the order of the declaration.
    const WORDS: &'static [(&'static str, Self)];

    /// Returns the word.
    fn as_str(self) -> &'static str;
}

/// The arguments of an operation without parameters.
pub struct NoArgs;

impl Args for NoArgs {
    const PARAMETERS: &'static [&'static str] = &["[]"];
    const NAMES: &'static [&'static str] = &[];

    fn decode(_: Map<String, Value>) -> Result<Self> {
        Ok(NoArgs)
    }
}

fn missing(name: &str) -> Error {
    Error::invalid("operations.arguments", format!("`{name}` is missing"))
}

fn wrong(name: &str, value: &Value, wanted: &str) -> Error {
    Error::invalid(
        "operations.arguments",
        format!("`{name}` is `{value}`, which is not {wanted}"),
    )
}

/// Reads one of the words of a [`Choice`].
#[doc(hidden)]
pub fn decode_choice<C: Choice>(name: &str, value: Option<Value>) -> Result<C> {
    let value = value.ok_or_else(|| missing(name))?;
    C::WORDS
        .iter()
        .find(|(word, _)| value.as_str() == Some(word))
        .map(|(_, case)| *case)
        .ok_or_else(|| wrong(name, &value, "one of its words"))
}

impl Argument for String {
    const SCHEMA: &'static str = r#""type":"string""#;

    fn decode(name: &str, value: Option<Value>) -> Result<Self> {
        match value {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(wrong(name, &other, "text")),
            None => Err(missing(name)),
        }
    }
}

impl Argument for bool {
    const SCHEMA: &'static str = r#""type":"boolean""#;
    const REQUIRED: &'static str = "false";

    fn decode(name: &str, value: Option<Value>) -> Result<Self> {
        match value {
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(wrong(name, &other, "`true` or `false`")),
            None => Ok(false),
        }
    }
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Argument for $type {
            const SCHEMA: &'static str = r#""type":"integer""#;

            fn decode(name: &str, value: Option<Value>) -> Result<Self> {
                let value = value.ok_or_else(|| missing(name))?;
                value
                    .as_i64()
                    .and_then(|number| <$type>::try_from(number).ok())
                    .ok_or_else(|| wrong(name, &value, "a whole number in its range"))
            }
        }
    )*};
}

integer!(i64, i32, u64, u32, u16, usize);

impl Argument for f64 {
    const SCHEMA: &'static str = r#""type":"number""#;

    fn decode(name: &str, value: Option<Value>) -> Result<Self> {
        let value = value.ok_or_else(|| missing(name))?;
        value
            .as_f64()
            .ok_or_else(|| wrong(name, &value, "a number"))
    }
}

macro_rules! textual {
    ($($type:ty, $format:literal, $wanted:literal);*) => {$(
        impl Argument for $type {
            const SCHEMA: &'static str = concat!(r#""type":"string","format":""#, $format, r#"""#);

            fn decode(name: &str, value: Option<Value>) -> Result<Self> {
                let value = value.ok_or_else(|| missing(name))?;
                value
                    .as_str()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| wrong(name, &value, $wanted))
            }
        }
    )*};
}

textual!(
    Timestamp, "date-time", "a time such as `2026-11-22T06:00:00Z`";
    SignedDuration, "duration", "a length of time such as `90s` or `1h30m`"
);

impl<T: Argument> Argument for Option<T> {
    const SCHEMA: &'static str = T::SCHEMA;
    const REQUIRED: &'static str = "false";

    fn decode(name: &str, value: Option<Value>) -> Result<Self> {
        value
            .filter(|value| !value.is_null())
            .map(|value| T::decode(name, Some(value)))
            .transpose()
    }
}

impl<T: Argument> Argument for Vec<T> {
    const SCHEMA: &'static str = T::SCHEMA;
    const AROUND: (&'static str, &'static str) = (r#""type":"array","items":{"#, "}");
    const REQUIRED: &'static str = "false";

    fn decode(name: &str, value: Option<Value>) -> Result<Self> {
        match value {
            Some(Value::Array(values)) => {
                let values = values.into_iter();
                values.map(|value| T::decode(name, Some(value))).collect()
            }
            Some(other) => Err(wrong(name, &other, "an array")),
            None => Ok(Vec::new()),
        }
    }
}
