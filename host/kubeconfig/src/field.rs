//! Typed fields of a YAML map. What does not fit is told by its place and its name, never by its value.

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::yaml::{At, Node, Value};

/// Base64 as Go reads it: padded, and not particular about the bits behind the end.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A value and its place. It may be a secret, so it is wiped when it is dropped, and its `Debug` is `***`.
#[derive(Clone, Default)]
pub(crate) struct Placed<T> {
    value: T,
    pub(crate) at: At,
}

/// Empty when the field is not there.
pub(crate) type Text = Placed<Zeroizing<String>>;
/// Empty when the field is not there.
pub(crate) type Data = Placed<Zeroizing<Vec<u8>>>;

/// A field that does not hold what it is for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {what}")]
pub(crate) struct Wrong {
    pub(crate) at: At,
    /// One of ours: a key of the text may be anything.
    pub(crate) field: &'static str,
    pub(crate) what: &'static str,
}

/// The fields of a map. Unknown ones are nobody's business; an absent or null one is empty, as for kubectl.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    node: Option<&'a Node>,
}

impl<T> Deref for Placed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Placed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Placed {
            value: Zeroizing::new(text.to_owned()),
            at: At::default(),
        }
    }
}

impl<'a> Fields<'a> {
    /// Takes what `name` holds.
    pub(crate) fn of(node: &'a Node, name: &'static str) -> Result<Fields<'a>, Wrong> {
        match node.value {
            Value::Map(_) => Ok(Fields { node: Some(node) }),
            Value::Null => Ok(Fields { node: None }),
            _ => Err(wrong(node, name, "must be a map")),
        }
    }

    fn get(&self, name: &'static str) -> Option<&'a Node> {
        self.node?
            .get(name)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Text, Wrong> {
        match self.get(name) {
            Some(node) => text(node, name),
            None => Ok(Text::default()),
        }
    }

    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, Wrong> {
        match self.get(name) {
            Some(Node {
                value: Value::Bool(flag),
                ..
            }) => Ok(*flag),
            Some(node) => Err(wrong(node, name, "must be true or false, without quotes")),
            None => Ok(false),
        }
    }

    /// Decodes base64.
    pub(crate) fn data(&self, name: &'static str) -> Result<Data, Wrong> {
        let Placed { value, at } = self.text(name)?;
        let one_line = Zeroizing::new(value.replace(['\r', '\n'], ""));
        match BASE64.decode(one_line.as_bytes()) {
            Ok(bytes) => Ok(Placed {
                value: Zeroizing::new(bytes),
                at,
            }),
            Err(_) => Err(Wrong {
                at,
                field: name,
                what: "is not base64",
            }),
        }
    }

    pub(crate) fn map(&self, name: &'static str) -> Result<Option<Fields<'a>>, Wrong> {
        self.get(name)
            .map(|node| Fields::of(node, name))
            .transpose()
    }

    pub(crate) fn list(&self, name: &'static str) -> Result<&'a [Node], Wrong> {
        match self.get(name) {
            Some(Node {
                value: Value::List(items),
                ..
            }) => Ok(items),
            Some(node) => Err(wrong(node, name, "must be a list")),
            None => Ok(&[]),
        }
    }

    pub(crate) fn texts(&self, name: &'static str) -> Result<Vec<Text>, Wrong> {
        self.get(name)
            .map_or(Ok(Vec::new()), |node| texts(node, name))
    }

    /// Returns the entries of a map of free keys.
    pub(crate) fn entries(&self, name: &'static str) -> Result<&'a [(String, Node)], Wrong> {
        match self.get(name) {
            Some(Node {
                value: Value::Map(entries),
                ..
            }) => Ok(entries),
            Some(node) => Err(wrong(node, name, "must be a map")),
            None => Ok(&[]),
        }
    }

    /// Returns whatever stands there.
    pub(crate) fn any(&self, name: &'static str) -> Option<&'a Node> {
        self.get(name)
    }
}

/// Takes a list of texts.
pub(crate) fn texts(node: &Node, name: &'static str) -> Result<Vec<Text>, Wrong> {
    let items = match &node.value {
        Value::List(items) => items.iter(),
        Value::Null => return Ok(Vec::new()),
        _ => return Err(wrong(node, name, "must be a list")),
    };
    items
        .map(|item| match item.value {
            Value::Null => Ok(Text::default()),
            _ => text(item, name),
        })
        .collect()
}

/// Takes a text.
pub(crate) fn text(node: &Node, name: &'static str) -> Result<Text, Wrong> {
    match &node.value {
        Value::Text(text) => Ok(Placed {
            value: text.clone(),
            at: node.at,
        }),
        Value::Number(_) => Err(wrong(
            node,
            name,
            "is read as a number: put its value in quotes",
        )),
        Value::Bool(_) => Err(wrong(
            node,
            name,
            "is read as true or false: put its value in quotes",
        )),
        _ => Err(wrong(node, name, "must be a text")),
    }
}

fn wrong(node: &Node, name: &'static str, what: &'static str) -> Wrong {
    Wrong {
        at: node.at,
        field: name,
        what,
    }
}
