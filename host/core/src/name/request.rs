//! What a request of a manifest is about: names, and what stands for them until an operation is called.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Misnamed, Namespace, ObjectName, ParameterName, Resource, ThingName};

/// Returns what stands between braces, if the text is in braces.
fn braced(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

/// Where something may be done, as a manifest writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// `*`: in all namespaces, and on what is in none.
    Everywhere,
    /// In this one.
    Namespace(Namespace),
    /// `{parameter}`: in the one that the invocation names. The parameter is text and must be given.
    Named(ParameterName),
    /// `{parameter|*}`: in the one that the invocation names, or everywhere when it names none.
    NamedOrEverywhere(ParameterName),
}

impl Place {
    /// Returns the parameter that says where, if one does.
    pub fn parameter(&self) -> Option<&ParameterName> {
        match self {
            Place::Named(parameter) | Place::NamedOrEverywhere(parameter) => Some(parameter),
            Place::Everywhere | Place::Namespace(_) => None,
        }
    }
}

const PLACE: &str = "a place: write a namespace, `*` for all, `{parameter}` for the one that a required parameter names, or `{parameter|*}` for all without it";

impl FromStr for Place {
    type Err = Misnamed;

    fn from_str(text: &str) -> Result<Self, Misnamed> {
        let wrong = |_| Misnamed::new(text, PLACE);
        if text == "*" {
            return Ok(Place::Everywhere);
        }
        match braced(text) {
            Some(inner) => match inner.strip_suffix("|*") {
                Some(name) => name.parse().map(Place::NamedOrEverywhere).map_err(wrong),
                None => inner.parse().map(Place::Named).map_err(wrong),
            },
            None => text.parse().map(Place::Namespace).map_err(wrong),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = Misnamed;

    fn try_from(text: String) -> Result<Self, Misnamed> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        place.to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Everywhere => f.write_str("*"),
            Place::Namespace(namespace) => f.write_str(namespace),
            Place::Named(parameter) => write!(f, "{{{parameter}}}"),
            Place::NamedOrEverywhere(parameter) => write!(f, "{{{parameter}|*}}"),
        }
    }
}

/// An object of a request, as a manifest writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Named {
    /// The one of this name.
    Object(ObjectName),
    /// `{parameter}`: the one that the invocation names. The parameter is text and must be given.
    Parameter(ParameterName),
}

impl Named {
    /// Returns the parameter that says which, if one does.
    pub fn parameter(&self) -> Option<&ParameterName> {
        match self {
            Named::Object(_) => None,
            Named::Parameter(parameter) => Some(parameter),
        }
    }
}

impl TryFrom<String> for Named {
    type Error = Misnamed;

    fn try_from(text: String) -> Result<Self, Misnamed> {
        const WANTED: &str = "an object of a request: write its name, or `{parameter}` for the one that a required parameter names";
        let wrong = |_| Misnamed::new(&text, WANTED);
        match braced(&text) {
            Some(inner) => inner.parse().map(Named::Parameter).map_err(wrong),
            None => text.parse().map(Named::Object).map_err(wrong),
        }
    }
}

impl From<Named> for String {
    fn from(named: Named) -> String {
        named.to_string()
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Named::Object(name) => f.write_str(name),
            Named::Parameter(parameter) => write!(f, "{{{parameter}}}"),
        }
    }
}

/// A resource of a request: one, or `*` for any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Resources {
    /// `*`.
    Any,
    /// This one.
    One(Resource),
}

impl TryFrom<String> for Resources {
    type Error = Misnamed;

    fn try_from(text: String) -> Result<Self, Misnamed> {
        match text.as_str() {
            "*" => Ok(Resources::Any),
            one => one.parse().map(Resources::One),
        }
    }
}

impl From<Resources> for String {
    fn from(resources: Resources) -> String {
        resources.to_string()
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resources::Any => f.write_str("*"),
            Resources::One(resource) => f.write_str(resource),
        }
    }
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
        match (text.as_str(), braced(&text)) {
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
