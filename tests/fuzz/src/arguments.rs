//! The words of a command line, and the arguments of an operation as a document.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use agent_core::arguments;
use agent_core::descriptor::Descriptor;
use serde_json::{Map, Value, json};

/// The first byte says which of the two; words are separated by line ends.
pub(crate) fn run(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    if first % 2 == 0 {
        let words = rest.split(|byte| *byte == b'\n');
        let words = words.map(|word| OsString::from_vec(word.to_vec()));
        drop(agent_cli::parse(
            std::iter::once("agent".into()).chain(words),
        ));
        return;
    }
    let Ok(given) = serde_json::from_slice::<Map<String, Value>>(rest) else {
        return;
    };
    let descriptor: Descriptor = serde_json::from_value(descriptor()).expect("a descriptor");
    for operation in &descriptor.operations {
        let Ok(complete) = arguments::complete(operation, given.clone()) else {
            continue;
        };
        let again = arguments::complete(operation, complete.clone()).expect("they are complete");
        assert_eq!(again, complete);
    }
}

/// An operation with a parameter of every sort.
fn descriptor() -> Value {
    json!({"operations": [{
        "name": "all", "summary": "Everything", "risk": "change",
        "parameters": [
            {"name": "namespace", "summary": "a", "style": "positional", "required": true, "schema": {"type": "string", "format": "name"}},
            {"name": "kind", "summary": "b", "style": "positional", "schema": {"type": "string", "enum": ["ks", "hr"]}, "default": "ks"},
            {"name": "previous", "summary": "c", "style": "flag", "schema": {"type": "integer", "minimum": 0}},
            {"name": "as-of", "summary": "d", "style": "flag", "schema": {"type": "string", "format": "date-time"}},
            {"name": "timeout", "summary": "e", "style": "flag", "schema": {"type": "string", "format": "duration"}, "default": "30m"},
            {"name": "force", "summary": "f", "style": "flag", "schema": {"type": "boolean"}, "default": false}
        ],
        "constraints": [{"at-most-one": ["previous", "as-of"]}]
    }]})
}
