//! The text of an object as a guest is told it, and as the record keeps it.
//!
//! With the value of a Secret in it, the record has only what identifies the object, its version among it, and a keyed hash of the rest. A run
//! that is resumed reads the object again and compares states, so whatever else was told by the same call stays on record.

use std::fmt;

use agent_gate::Gate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::IDENTITY;
use super::projection::Projection;

/// See the module.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Sealed {
    /// The object, or only what identifies it.
    text: String,
    /// The keyed hash of the object, where the text is not all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    /// The object where the text is not all of it: never on record, so missing at a replay until it is [`Sealed::open`]ed.
    #[serde(skip)]
    whole: Option<Zeroizing<String>>,
}

impl Sealed {
    /// Takes an object that a guest is about to be told. `secret` says that it is a Secret.
    pub(crate) fn new(gate: &Gate, object: &Value, secret: bool) -> Sealed {
        let text = object.to_string();
        if !(secret || gate.secrets().holds(&text)) {
            return Sealed::unsealed(text);
        }
        let identity = identity(object);
        if identity == text {
            return Sealed::unsealed(text);
        }
        Sealed {
            hash: Some(hash(gate, object)),
            text: identity,
            whole: Some(Zeroizing::new(text)),
        }
    }

    /// Takes an object of which nothing is left but what identifies it, such as a Secret that is gone.
    pub(crate) fn identity(object: &Value) -> Sealed {
        Sealed::unsealed(identity(object))
    }

    /// Takes what is no object and is masked already, such as a failure.
    pub(crate) fn masked(value: &Value) -> Sealed {
        Sealed::unsealed(value.to_string())
    }

    fn unsealed(text: String) -> Sealed {
        Sealed {
            text,
            hash: None,
            whole: None,
        }
    }

    /// Returns whether the record does not have all of the object and it was not read again yet.
    pub(crate) fn is_closed(&self) -> bool {
        self.hash.is_some() && self.whole.is_none()
    }

    /// Takes over an object that was read again, if it is as it was told. Only its version may be another one; the guest is told the one
    /// of then.
    pub(crate) fn open(&mut self, gate: &Gate, object: &Value) -> bool {
        let same = Some(hash(gate, object)) == self.hash;
        if same {
            let version = "/metadata/resourceVersion";
            let mut object = object.clone();
            if let (Some(now), Some(then)) = (
                object.pointer_mut(version),
                self.parsed().pointer(version).cloned(),
            ) {
                *now = then;
            }
            self.whole = Some(Zeroizing::new(object.to_string()));
        }
        same
    }

    /// Returns what is on record of the object, as JSON.
    pub(crate) fn parsed(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Returns the object as the guest is told it.
    pub(crate) fn told(&self) -> &str {
        self.whole.as_ref().map_or(&self.text, |whole| whole)
    }

    /// Returns the text for the guest.
    pub(crate) fn into_told(self) -> String {
        match self.whole {
            Some(whole) => whole.to_string(),
            None => self.text,
        }
    }
}

/// An object may be a Secret, so nobody sees it by accident.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(agent_core::secret::MASK)
    }
}

fn identity(object: &Value) -> String {
    if !object.is_object() {
        return object.to_string();
    }
    let pointers = IDENTITY.map(str::to_owned).to_vec();
    Projection::new(pointers).of(object.clone()).to_string()
}

/// Returns the keyed hash of a value or an object, whichever version it has.
pub(super) fn hash(gate: &Gate, value: &Value) -> String {
    let text = match value {
        Value::Object(_) => Value::String(value.to_string()),
        value => value.clone(),
    };
    gate.keyed_hash(&stripped(&text))
}

/// Answers hold objects as text. Their version says nothing about their values.
pub(super) fn stripped(answer: &Value) -> Value {
    match answer {
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(mut object) if object["metadata"].is_object() => {
                if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
                    metadata.remove("resourceVersion");
                    metadata.remove("managedFields");
                }
                object
            }
            _ => answer.clone(),
        },
        Value::Array(items) => items.iter().map(stripped).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), stripped(value)))
            .collect(),
        _ => answer.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_compared_does_not_depend_on_a_version_but_on_values() {
        let answer = |version: &str, value: &str| {
            let object = json!({"metadata": {"name": "s", "resourceVersion": version}, "data": {"k": value}});
            stripped(&json!([object.to_string()]))
        };
        assert_eq!(answer("7", "a"), answer("8", "a"));
        assert_ne!(answer("7", "a"), answer("7", "b"));
    }
}
