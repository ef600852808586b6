//! What capabilities know by names.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Misnamed, ParameterName, is_word};
use crate::id::name;

text! {
    /// A capability, or what is done with a thing of it: `talos`, `reboot`.
    Word,
    is_word,
    "a word: use at most 40 lower-case letters, digits and dashes, with a letter first"
}
text! {
    /// A thing that a capability knows by a name, such as a machine or a URL.
    ThingName,
    |text| {
        let plain = |c: char| c.is_ascii_graphic() && !"*{}'\"`\\".contains(c);
        (1..=253).contains(&text.len()) && text.chars().all(plain)
    },
    "the name of a thing: use at most 253 visible ASCII characters, and no quotes, braces, stars or backslashes"
}

/// A thing of a request, as a manifest writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Things {
    /// `*`: whatever there is.
    Any,
    /// The one of this name.
    One(ThingName),
    /// `{parameter}`: the one that the invocation names. The parameter is text and must be given.
    Parameter(ParameterName),
}

impl Things {
    /// Returns the parameter that says which, if one does.
    pub fn parameter(&self) -> Option<&ParameterName> {
        match self {
            Things::Any | Things::One(_) => None,
            Things::Parameter(parameter) => Some(parameter),
        }
    }
}

impl TryFrom<String> for Things {
    type Error = Misnamed;

    fn try_from(text: String) -> Result<Self, Misnamed> {
        const WANTED: &str = "a thing of a request: write its name, `*` for any, or `{parameter}` for the one that a required parameter names";
        let wrong = |_| Misnamed::new(&text, WANTED);
        let inner = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match (text.as_str(), inner) {
            ("*", _) => Ok(Things::Any),
            (_, Some(inner)) => inner.parse().map(Things::Parameter).map_err(wrong),
            (name, None) => name.parse().map(Things::One).map_err(wrong),
        }
    }
}

impl From<Things> for String {
    fn from(things: Things) -> String {
        things.to_string()
    }
}

impl fmt::Display for Things {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Things::Any => f.write_str("*"),
            Things::One(name) => f.write_str(name),
            Things::Parameter(parameter) => write!(f, "{{{parameter}}}"),
        }
    }
}
