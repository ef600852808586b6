//! What a plugin does to the world, as the gate sees it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::id::OperationName;
use crate::object::ObjectRef;

/// One change, planned or performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Effect {
    /// Its place in the run, from 1.
    pub number: u64,
    /// The operation that wished it.
    pub by: OperationName,
    /// What is done.
    pub verb: Verb,
    /// To which object.
    pub target: ObjectRef,
    /// Which fields get which values; for a creation the whole manifest is the one field `` (the root). Values of Secrets are `***`.
    pub fields: Vec<FieldChange>,
    /// Keyed hashes of the values after, by the paths of fields that are not shown whole. A run that applies a plan sets the same, and nothing else that
    /// is shown as `***` too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hashes: BTreeMap<String, String>,
    /// Whether it is put back at the end.
    pub temporary: bool,
    /// What to do about it when a crash left it without a result.
    pub recovery: Recovery,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// It is made.
    Create,
    /// Fields are set.
    Patch,
    /// Fields that ask a controller to act are set.
    Signal,
    /// It is made, or fields are set, by server-side apply.
    Apply,
    /// It is removed.
    Delete,
    /// It is a pod, and is moved away as far as its disruption budgets allow it.
    Evict,
    /// What is behind it is overwritten by somebody else, such as a volume by a controller.
    Overwrite,
}

impl Verb {
    /// Returns the word for it in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Patch => "patch",
            Verb::Signal => "signal",
            Verb::Apply => "apply",
            Verb::Delete => "delete",
            Verb::Evict => "evict",
            Verb::Overwrite => "overwrite",
        }
    }
}

/// One field before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// A JSON Pointer.
    pub path: String,
    /// The value before, where it was read; none when the field was absent or not read.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub before: Option<Value>,
    /// The value after; none when the field is removed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    pub after: Option<Value>,
}

/// Reads a value that is there. An explicit null is one: to serde it would be none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// How an effect is recovered when there is an intent without a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// It is idempotent: do it again.
    Retry,
    /// Look whether it happened, by uid, token or resourceVersion.
    Check,
    /// Only a person can tell.
    Ask,
}

impl Verb {
    /// Returns how an effect of this sort is recovered. This is the one table of it.
    pub fn recovery(self) -> Recovery {
        match self {
            Verb::Create => Recovery::Check,
            Verb::Patch
            | Verb::Signal
            | Verb::Apply
            | Verb::Delete
            | Verb::Evict
            | Verb::Overwrite => Recovery::Retry,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn explicit_null_and_absence_read_back_as_they_are() {
        for before in [None, Some(Value::Null), Some(Value::from(1))] {
            let field = FieldChange {
                path: "/spec/values".to_owned(),
                before,
                after: None,
            };
            let text = serde_json::to_string(&field).expect("text");
            assert_eq!(
                serde_json::from_str::<FieldChange>(&text).expect("reads"),
                field
            );
        }
    }
}
