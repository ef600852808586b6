//! What a plugin offers: its operations, their parameters, results and risks. Help, completion, validation and every door come from it.
//!
//! The document is made at build time by the SDK's macros, and embedded in the component's custom section `agent:descriptor`, so none of
//! its uses runs guest code.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::failure::Kind;
use crate::name::{ErrorCode, LockName, OperationPart, ParameterName};
use crate::object::ObjectType;

/// The operations of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Descriptor {
    /// The version of this format: 1. A higher one needs a newer agent.
    #[serde(default = "format")]
    pub descriptor: u32,
    /// Every operation, in the order in which help lists them.
    pub operations: Vec<Operation>,
}

/// The version of the format that this agent reads and writes.
pub const FORMAT: u32 = 1;

fn format() -> u32 {
    FORMAT
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operation {
    /// The name after the dot, such as `restore`.
    pub name: OperationPart,
    /// One line in the imperative without a full stop.
    pub summary: String,
    /// What else a person should know, in paragraphs.
    #[serde(default)]
    pub description: String,
    /// How much harm it can do. Absent means `destroy`.
    #[serde(default)]
    pub risk: Risk,
    /// Its parameters; positional ones in their order.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    /// Which parameters go together.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    /// The columns of its result as a table; empty when the result is no table.
    #[serde(default)]
    pub columns: Vec<Column>,
    /// Names of locks, with the plugin's id in front and `{parameter}` in them, such as `volsync:{namespace}/{app}`.
    #[serde(default)]
    pub locks: Vec<LockName>,
    /// Command lines without `agent run`, such as `volsync.restore media plex`.
    #[serde(default)]
    pub examples: Vec<String>,
    /// The errors that are its own, for people and scripts. It may fail with others: those of the host, and of what it calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<OwnError>,
    /// The JSON Schema (2020-12) of its result, for whoever calls it from a program. The host does not hold it to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What to use in its place, as one line; such an operation is not listed, and warns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
}

/// An error that an operation documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OwnError {
    /// Its code, which begins with the id of the plugin: `volsync.restore-failed`.
    pub code: ErrorCode,
    /// Its kind, from which its exit code follows.
    pub kind: Kind,
    /// When it comes, as one line without a full stop.
    pub summary: String,
}

/// How much harm an operation can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// It only looks: the gate refuses every write.
    Read,
    /// It changes something that can be changed back.
    Change,
    /// It makes something unavailable.
    Disrupt,
    /// It can destroy data: the gate refuses the first write until the person has agreed.
    #[default]
    Destroy,
}

impl Risk {
    /// Returns it as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            Risk::Read => "read",
            Risk::Change => "change",
            Risk::Disrupt => "disrupt",
            Risk::Destroy => "destroy",
        }
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Parameter {
    /// Its name in lower case with dashes, such as `as-of`; also its key in the arguments, and its flag.
    pub name: ParameterName,
    /// One line in the imperative or a noun phrase, without a full stop.
    pub summary: String,
    /// How it is written on a command line. Positional parameters can be given by flag too.
    pub style: Style,
    /// A one-letter flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<char>,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Its type.
    pub schema: Schema,
    /// The value when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether its value is known to nobody but the plugin: it is text without a form, a default or a place on the command line, it is read from a
    /// file or typed unseen, and neither shown nor on record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// What in the world its values name, for completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Names>,
}

/// How a parameter is written on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    /// By its place.
    Positional,
    /// As `--name VALUE`, or `--name` alone for a boolean.
    Flag,
}

/// The part of JSON Schema (2020-12) that a parameter's type may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Schema {
    /// The type.
    #[serde(rename = "type")]
    pub of: Type,
    /// The only values allowed.
    #[serde(default, rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// The form of a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The least number allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Number>,
    /// The greatest number allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Number>,
    /// What each element of an array is; an array of arrays there is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Schema>>,
}

/// The type of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number, which may have a fraction.
    Number,
    /// Yes or no.
    Boolean,
    /// Several values of one type: a flag that is repeated, or all the words from its place on.
    Array,
}

/// The form of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A time by RFC 3339 such as `2026-11-22T06:00:00Z`.
    DateTime,
    /// A length of time such as `90s` or `1h30m`.
    Duration,
    /// A name of an object by RFC 1123.
    Name,
}

/// What in the world a value names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// A namespace.
    Namespace,
    /// An object of one type, in the namespace that the parameter `namespace` holds.
    Object(ObjectType),
    /// An object whose type depends on the value of another parameter.
    ObjectBy {
        /// That parameter.
        parameter: String,
        /// From its values to types.
        of: BTreeMap<String, ObjectType>,
    },
}

/// A rule about parameters together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Constraint {
    /// At most one of these is given.
    AtMostOne(Vec<String>),
    /// Exactly one of these is given. A boolean counts when it is true, an array when something is in it.
    ExactlyOne(Vec<String>),
    /// When the first is given, all the others are given too.
    Requires(Vec<String>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Column {
    /// The heading, in capitals.
    pub heading: String,
    /// The key in the row's object.
    pub key: String,
}

impl Schema {
    /// Returns what one word of a command line is: an element of an array, or the value itself.
    pub fn of_word(&self) -> &Schema {
        self.items.as_deref().unwrap_or(self)
    }

    /// Returns whether several values can be given.
    pub fn is_array(&self) -> bool {
        self.of == Type::Array
    }
}

impl Operation {
    /// Returns a parameter by name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| *parameter.name == *name)
    }
}

impl Descriptor {
    /// Returns an operation by the name after the dot.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| *operation.name == *name)
    }
}
