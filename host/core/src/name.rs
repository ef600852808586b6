//! Names that strangers write into documents, each with a type that is parsed when the document is read: whoever has one of these need not ask
//! again what is in it.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::name;
use crate::object::action;
use crate::text;

/// How much of a wrong name is shown, in characters.
const SHOWN: usize = 60;

/// How long a label may be: that of RFC 1123.
const LONGEST_LABEL: usize = 63;

/// A text that is not a valid name of its sort.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{given}` is not {wanted}")]
pub struct Misnamed {
    /// The text, or its beginning, as it can be shown.
    given: String,
    /// What it should have been, with an example.
    wanted: &'static str,
}

impl Misnamed {
    pub(crate) fn new(given: &str, wanted: &'static str) -> Misnamed {
        Misnamed {
            given: shown(given),
            wanted,
        }
    }
}

/// Returns a text as a message may repeat it: as one line, without what steers a terminal, and not at length.
pub fn shown(given: &str) -> String {
    let mut letters = given.chars();
    let mut shown: String = letters
        .by_ref()
        .take(SHOWN)
        .map(|c| {
            if text::steers(c) || c == '`' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $wanted:literal) => {
        name! {
            $(#[$doc])*
            $name, Misnamed
        }

        impl FromStr for $name {
            type Err = Misnamed;

            fn from_str(text: &str) -> Result<Self, Misnamed> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok($name(text.to_owned()))
                } else {
                    Err(Misnamed::new(text, $wanted))
                }
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                self.0 == *other
            }
        }
    };
}

text! {
    /// A type of object as rights name it: `PLURAL`, or `PLURAL.GROUP`; a subresource of it follows a slash.
    Resource,
    |text| {
        let (whole, subresource) = parted(text, '/');
        let (plural, group) = parted(whole, '.');
        let is_object = |sub: &str| is_label(sub) && action(sub).is_none();
        is_label(plural) && group.is_none_or(is_subdomain) && subresource.is_none_or(is_object)
    },
    "a resource: write PLURAL.GROUP such as `deployments.apps`, or PLURAL such as `pods`, and a subresource as `deployments.apps/scale`"
}
text! {
    /// A namespace: a label by RFC 1123.
    Namespace,
    is_label,
    "a namespace: it has at most 63 lower-case letters, digits and dashes"
}
text! {
    /// The name of an object: a subdomain by RFC 1123, as all types but those of RBAC have it.
    ObjectName,
    |text| {
        let at_ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let part = |part: &str| part.starts_with(at_ends) && part.ends_with(at_ends) && is_kebab(part);
        text.len() <= 253 && text.split('.').all(part)
    },
    "the name of an object: it has at most 253 lower-case letters, digits, dashes and dots"
}
text! {
    /// A field of an object, with everything below it: a JSON Pointer (RFC 6901) such as `/spec/suspend`. A `*` at the end stands for the rest of the last
    /// name: `/metadata/annotations/example.org~1*`.
    Field,
    is_field,
    "a field: write a JSON Pointer such as `/spec/suspend` or `/metadata/annotations/example.org~1key`, where `*` at its end stands for the rest of the last name"
}
text! {
    /// A parameter, which is also a key in the arguments and a flag: `as-of`. What every command takes is not among them.
    ParameterName,
    |text| is_word(text) && !RESERVED.contains(&text),
    "the name of a parameter: use at most 40 lower-case letters, digits and dashes with a letter first, and none of the agent's own options"
}
text! {
    /// An operation within its plugin: the part after the dot.
    OperationPart,
    is_word,
    "the name of an operation: use at most 40 lower-case letters, digits and dashes, with a letter first"
}
text! {
    /// The code of an error of a plugin: its id, a dot and a word, such as `volsync.restore-failed`.
    ErrorCode,
    |text| text.split_once('.').is_some_and(|(plugin, word)| is_word(plugin) && is_word(word)),
    "a code: write PLUGIN.WORD in lower-case letters, digits and dashes"
}
text! {
    /// A key of a row of a table: that of a field in JSON.
    Key,
    |text| {
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (1..=LONGEST_LABEL).contains(&text.len()) && text.bytes().all(inner)
    },
    "a key of a row: use letters, digits, dashes, dots and underscores"
}

/// The options that every command of the agent takes, by their names. A parameter that is called so could not be given. `cli` has a test that
/// none of its own is missing here.
pub const RESERVED: &[&str] = &[
    "color",
    "context",
    "help",
    "kubeconfig",
    "on-failure",
    "out",
    "output",
    "plan",
    "plugin",
    "quiet",
    "sandbox",
    "verbose",
    "version",
    "yes",
];

impl OperationPart {
    /// Takes what was parsed as part of a longer name.
    pub(crate) fn checked(text: &str) -> OperationPart {
        OperationPart(text.to_owned())
    }
}

/// Returns whether a text is a word of ours: lower-case letters, digits and dashes, a letter first, at most 40.
pub(crate) fn is_word(text: &str) -> bool {
    text.len() <= 40 && text.starts_with(|c: char| c.is_ascii_lowercase()) && is_kebab(text)
}

fn is_kebab(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Returns what stands before a separator, and what stands behind it, if it is there.
fn parted(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, behind)) => (before, Some(behind)),
        None => (text, None),
    }
}

/// How long a field may be: a key of an annotation has 317 bytes.
const LONGEST_FIELD: usize = 512;

fn is_field(text: &str) -> bool {
    let stem = text.strip_suffix('*');
    let pointer = stem.unwrap_or(text);
    let plain = |b: u8| b.is_ascii_graphic() && b != b'*' && b != b'`';
    let mut escapes = pointer.split('~').skip(1);
    let escaped = escapes.all(|rest| rest.starts_with(['0', '1']));
    let mut names = pointer.split('/').rev();
    let last = names.next().unwrap_or_default();
    // What stands before the first slash is nothing.
    let begins = pointer.starts_with('/');
    let inner = names.rev().skip(1).all(|name| !name.is_empty());
    let ends = stem.is_some() || !last.is_empty();
    text.len() <= LONGEST_FIELD && begins && inner && ends && escaped && pointer.bytes().all(plain)
}

/// Returns whether a text is a label by RFC 1123.
pub(crate) fn is_label(text: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && is_kebab(text)
}

/// Returns whether a text is a subdomain by RFC 1123: labels with dots between them.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

mod lock;
mod request;
mod thing;

pub use lock::LockName;
pub use request::{Named, Place, Resources, Things};
pub use thing::{ThingName, Word};

#[cfg(test)]
mod tests;
