//! YAML as kubectl reads it: YAML 1.1, of the first document, the last of two equal keys wins
//! (<https://github.com/kubernetes-sigs/yaml>, goyaml.v2).
//!
//! No error repeats what stands in the text: it may be a secret.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, Tag};
use zeroize::Zeroizing;

mod plain;
mod text;

/// How many nodes a text may have once its aliases are followed: a few lines of aliases can stand for millions.
const NODES: usize = 100_000;

/// Where something stands; both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value and where it stands. Without `Debug`: values are secrets.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(Zeroizing<String>),
    Text(Zeroizing<String>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) at: At,
    pub(crate) what: &'static str,
}

impl Node {
    /// Returns the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, node)| node),
            _ => None,
        }
    }

    /// Calls `found` with each scalar, and the keys that lead to it.
    pub(crate) fn scalars<'a>(
        &'a self,
        path: &mut Vec<&'a str>,
        found: &mut impl FnMut(&[&str], &str),
    ) {
        match &self.value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(text) | Value::Text(text) => found(path, text),
            Value::List(items) => items.iter().for_each(|item| item.scalars(path, found)),
            Value::Map(entries) => {
                for (key, node) in entries {
                    path.push(key);
                    node.scalars(path, found);
                    path.pop();
                }
            }
        }
    }

    /// Returns the value as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Number(text) => plain::json(text),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::json).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.clone(), node.json()));
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

/// Reads the first document; a text without one is null.
pub(crate) fn parse(bytes: &[u8]) -> Result<Node, Syntax> {
    let text = text::decode(bytes)?;
    let mut reader = Reader {
        events: Parser::new_from_str(&text),
        text: &text,
        anchors: HashMap::new(),
        nodes: 0,
    };
    loop {
        match reader.next()? {
            (Event::StreamEnd, at) => {
                return Ok(Node {
                    at,
                    value: Value::Null,
                });
            }
            (Event::DocumentStart(..), _) => break,
            _ => {}
        }
    }
    let (event, at) = reader.next()?;
    let node = reader.node(event, at)?;
    // What comes behind the document is nobody's business, but it has to come to an end.
    reader.next()?;
    Ok(node)
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    text: &'a str,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, At), Syntax> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok((event, span))) => {
                    let at = place(span.start.line(), span.start.col());
                    return Ok((event, at));
                }
                Some(Err(error)) => return Err(syntax(&error, self.text)),
                None => return Ok((Event::StreamEnd, At::default())),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: At) -> Result<Node, Syntax> {
        self.nodes += 1;
        if self.nodes > NODES {
            let what = "it has too many values";
            return Err(Syntax { at, what });
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                (anchor, value.map_err(|what| Syntax { at, what })?)
            }
            Event::SequenceStart(_, anchor, _) => (anchor, Value::List(self.list()?)),
            Event::MappingStart(_, anchor, _) => (anchor, Value::Map(self.map()?)),
            Event::Alias(anchor) => return self.alias(anchor, at),
            _ => {
                let what = "a value is missing";
                return Err(Syntax { at, what });
            }
        };
        let node = Node { at, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, at: At) -> Result<Node, Syntax> {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            let what = "an alias stands inside of what it names";
            return Err(Syntax { at, what });
        };
        self.nodes += count(&node);
        Ok(node)
    }

    fn list(&mut self) -> Result<Vec<Node>, Syntax> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(event, at)?);
        }
    }

    fn map(&mut self) -> Result<Vec<(String, Node)>, Syntax> {
        let mut entries = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let merges =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, at)?;
            let (event, at) = self.next()?;
            let node = self.node(event, at)?;
            if merges {
                merge(&mut entries, node)?;
            } else {
                set(&mut entries, key_text(key)?, node);
            }
        }
    }
}

/// Puts the entries of a map, or of several, among those of another one.
fn merge(entries: &mut Vec<(String, Node)>, node: Node) -> Result<(), Syntax> {
    match node.value {
        Value::Map(merged) => {
            for (key, node) in merged {
                set(entries, key, node);
            }
            Ok(())
        }
        // The first of them is the strongest.
        Value::List(items) if items.iter().all(|item| matches!(item.value, Value::Map(_))) => items
            .into_iter()
            .rev()
            .try_for_each(|item| merge(entries, item)),
        _ => Err(Syntax {
            at: node.at,
            what: "`<<` needs a map, or a list of maps",
        }),
    }
}

fn set(entries: &mut Vec<(String, Node)>, key: String, node: Node) {
    match entries.iter_mut().find(|(known, _)| *known == key) {
        Some((_, known)) => *known = node,
        None => entries.push((key, node)),
    }
}

fn key_text(key: Node) -> Result<String, Syntax> {
    match key.value {
        Value::Text(text) | Value::Number(text) => Ok(text.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null => Ok("null".to_owned()),
        Value::List(_) | Value::Map(_) => Err(Syntax {
            at: key.at,
            what: "a key is a list or a map",
        }),
    }
}

fn count(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| count(node)).sum::<usize>(),
        _ => 1,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, &'static str> {
    const MISTAGGED: &str = "a value is not what its tag says";
    let quoted = || Value::Text(Zeroizing::new(text.to_owned()));
    let Some(tag) = tag.map(ToString::to_string) else {
        return Ok(match style {
            ScalarStyle::Plain => plain::resolve(text),
            _ => quoted(),
        });
    };
    match (tag.strip_prefix("tag:yaml.org,2002:"), plain::resolve(text)) {
        (Some("binary"), _) => plain::binary(text),
        (Some("null"), Value::Null) => Ok(Value::Null),
        (Some("bool"), flag @ Value::Bool(_)) => Ok(flag),
        (Some("int" | "float"), number @ Value::Number(_)) => Ok(number),
        (Some("null" | "bool" | "int" | "float"), _) => Err(MISTAGGED),
        _ => Ok(quoted()),
    }
}

fn syntax(error: &ScanError, text: &str) -> Syntax {
    let (marker, what) = (error.marker(), text::fault(error.kind()));
    let mut at = place(marker.line(), marker.col());
    if what == text::TAB {
        // The parser points at the value that the line with the tab seems to go on with.
        let lines = text.lines().enumerate().skip(at.line.saturating_sub(1));
        let indents = |line: &str| {
            line.len() > line.trim_start().len() && line.trim_start_matches(' ').starts_with('\t')
        };
        if let Some((index, _)) = lines.into_iter().find(|(_, line)| indents(line)) {
            at = place(index + 1, 0);
        }
    }
    Syntax { at, what }
}

/// The parser counts columns from 0.
fn place(line: usize, column: usize) -> At {
    At {
        line,
        column: column + 1,
    }
}

#[cfg(test)]
mod tests;
