//! What a plugin does to the world, as the gate sees it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::id::OperationName;
use crate::name::shown;

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
    /// To what.
    pub target: Target,
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

/// What an effect is done to, in the words of the capability that does it: an object of a cluster, a machine, a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The capability, such as `cluster`.
    #[serde(default = "cluster")]
    pub capability: String,
    /// What sort of thing it is, with what only that capability reads behind the first dot: `deployments.v1.apps`.
    pub of: String,
    /// Where it is, such as a namespace; none for what is in no place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// Records and plans of old know no other capability.
fn cluster() -> String {
    "cluster".to_owned()
}

impl Target {
    /// Returns the sort of thing as people say it: `deployments`, `deployments/scale`.
    pub fn noun(&self) -> String {
        let (of, part) = self.of.split_once('/').unwrap_or((&self.of, ""));
        let noun = of.split('.').next().unwrap_or_default();
        match part {
            "" => noun.to_owned(),
            part => format!("{noun}/{part}"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = self.noun();
        match &self.namespace {
            Some(namespace) => write!(f, "{noun} {namespace}/{}", self.name),
            None => write!(f, "{noun} {}", self.name),
        }
    }
}

/// What is done to a target: a word in lower case, such as `create` or `reboot`. The host gives a meaning to some of them, which are constants here, and
/// treats all others alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Verb(Cow<'static, str>);

/// A text that is not a verb.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{}` is not a verb: write up to {} lower-case letters, digits and dashes, with a letter first", shown(.0), Verb::LONGEST)]
pub struct InvalidVerb(String);

impl Verb {
    /// It is made.
    pub const CREATE: Verb = Verb::of("create");
    /// Fields are set.
    pub const PATCH: Verb = Verb::of("patch");
    /// Somebody is asked to act, by fields that nobody puts back: nothing of the change itself stands.
    pub const SIGNAL: Verb = Verb::of("signal");
    /// It is made, or fields are set, by server-side apply.
    pub const APPLY: Verb = Verb::of("apply");
    /// It is removed.
    pub const DELETE: Verb = Verb::of("delete");
    /// It is a pod, and is moved away as far as its disruption budgets allow it.
    pub const EVICT: Verb = Verb::of("evict");
    /// What is behind it is overwritten by somebody else, such as a volume by a controller.
    pub const OVERWRITE: Verb = Verb::of("overwrite");

    const LONGEST: usize = 40;

    /// Makes the verb of a capability.
    ///
    /// # Panics
    /// When it is not a verb: a record that has it could not be read. In a constant that is an error of the compiler.
    pub const fn of(word: &'static str) -> Verb {
        assert!(is_verb(word.as_bytes()), "a verb is a plain word");
        Verb(Cow::Borrowed(word))
    }

    /// Returns the word.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the word for what was done: `created`.
    pub fn done(&self) -> String {
        match self.as_str() {
            "overwrite" => "overwritten".to_owned(),
            "signal" => "signalled".to_owned(),
            "apply" => "applied".to_owned(),
            "stop" | "drop" => format!("{}ped", self.as_str()),
            word if word.ends_with("set") => word.to_owned(),
            word if word.ends_with('e') => format!("{word}d"),
            word => format!("{word}ed"),
        }
    }
}

/// Returns whether a text is a verb: what is a word in a right, see [`crate::name::Word`].
const fn is_verb(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let later = at > 0 && (byte.is_ascii_digit() || byte == b'-');
        if !(byte.is_ascii_lowercase() || later) {
            return false;
        }
        at += 1;
    }
    0 < at && at <= Verb::LONGEST
}

impl FromStr for Verb {
    type Err = InvalidVerb;

    fn from_str(text: &str) -> Result<Self, InvalidVerb> {
        match is_verb(text.as_bytes()) {
            true => Ok(Verb(Cow::Owned(text.to_owned()))),
            false => Err(InvalidVerb(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Verb {
    type Error = InvalidVerb;

    fn try_from(text: String) -> Result<Self, InvalidVerb> {
        text.parse()
    }
}

impl From<Verb> for String {
    fn from(verb: Verb) -> String {
        verb.0.into_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_reads_as_the_object_it_is() {
        let target = |of: &str, namespace: Option<&str>| Target {
            capability: "cluster".to_owned(),
            of: of.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: "plex".to_owned(),
        };
        let table = [
            (
                "deployments.v1.apps",
                Some("media"),
                "deployments media/plex",
            ),
            ("pods.v1/status", Some("media"), "pods/status media/plex"),
            ("namespaces.v1", None, "namespaces plex"),
            ("machine", None, "machine plex"),
        ];
        for (of, namespace, said) in table {
            assert_eq!(target(of, namespace).to_string(), said);
        }
        let old = serde_json::json!({"of": "pods.v1", "name": "plex"});
        let old: Target = serde_json::from_value(old).expect("a target of old");
        assert_eq!(old, target("pods.v1", None));
    }

    #[test]
    fn verb_is_a_plain_word_and_has_a_past() {
        for (word, done) in [
            ("create", "created"),
            ("patch", "patched"),
            ("signal", "signalled"),
            ("apply", "applied"),
            ("delete", "deleted"),
            ("evict", "evicted"),
            ("overwrite", "overwritten"),
            ("reboot", "rebooted"),
            ("reset", "reset"),
            ("stop", "stopped"),
        ] {
            assert_eq!(word.parse::<Verb>().expect(word).done(), done);
        }
        for wrong in [
            "",
            "Create",
            "rm -rf",
            "a\u{1b}[2J",
            "-a",
            "2",
            &"a".repeat(41),
        ] {
            assert!(wrong.parse::<Verb>().is_err(), "{wrong:?}");
        }
    }

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
