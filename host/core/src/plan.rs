//! A plan in a file: what was approved, so that `agent apply` does that and nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{self, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::effect::Effect;
use crate::id::{Digest, OperationName};
use crate::object::CLUSTER;
use crate::origin::{Cluster, Who};

/// The only version of the format that there is.
pub const FORMAT: u32 = 2;

/// What a run would do, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// The operation.
    pub operation: OperationName,
    /// With all defaults filled in.
    pub arguments: Map<String, Value>,
    /// The secrets that it was planned with, as keyed hashes by the names of their parameters. Whoever applies it gives them again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// Id and version of the plugin.
    pub plugin: String,
    /// The artifact.
    pub digest: Digest,
    /// Where it was planned.
    pub cluster: Cluster,
    /// Who planned it.
    pub who: Who,
    /// When.
    pub made: Timestamp,
    /// The changes, in the order in which they would be made.
    pub effects: Vec<Effect>,
    /// What it has seen and rests on, by capability, each in words that only that one reads. Secrets are keyed hashes in it.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "by_capability"
    )]
    pub rests_on: BTreeMap<String, Value>,
    /// Only in records of runs that applied a plan of format 1, which are read for its effects.
    #[serde(default, skip_serializing)]
    pub listed: IgnoredAny,
    /// Texts in the effects that only a run knows, such as tokens and times.
    pub stand_ins: Vec<Placeholder>,
}

/// Reads what a plan rests on. One of format 1 knew the cluster only; nobody looks at it again once it is being applied.
fn by_capability<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Value>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Array(objects) => Ok(BTreeMap::from_iter([(
            CLUSTER.to_owned(),
            serde_json::json!({ "objects": objects }),
        )])),
        rests_on => serde_json::from_value(rests_on).map_err(de::Error::custom),
    }
}

/// A text that stands for something which only a run knows. One that the host made may stand anywhere in a value or in the name of an object that the plan
/// makes; one that a plugin has declared stands for itself only where it is the whole of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Placeholder {
    /// What it stands for, such as `token`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The form that a plugin has declared by it; none when the host made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// The form of a text which a plugin says is known only when the run is performed: nothing that could be an image, a command or a name has one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Decimal digits.
    Digits,
    /// Hexadecimal digits in lower case, such as an id.
    Hex,
    /// A time by RFC 3339.
    Time,
}

impl Form {
    /// Returns the form of a text, if it has one.
    pub fn of(text: &str) -> Option<Form> {
        let all = [Form::Digits, Form::Hex, Form::Time];
        all.into_iter().find(|form| form.fits(text))
    }

    /// Returns whether a text has that form.
    pub fn fits(self, text: &str) -> bool {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match self {
            Form::Digits => is_of(text, DIGITS, |byte| byte.is_ascii_digit()),
            Form::Hex => is_of(text, HEX, hex),
            Form::Time => text.len() <= TIME && text.parse::<Timestamp>().is_ok(),
        }
    }
}

/// So long digits may be: some are an encoded list.
const DIGITS: usize = 64 << 10;
/// So long an id may be: a hash of 512 bits.
const HEX: usize = 128;
/// So long a time may be.
const TIME: usize = 40;

fn is_of(text: &str, most: usize, allowed: impl Fn(u8) -> bool) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_of_format_1_in_a_record_is_read() {
        let plan = serde_json::json!({
            "format": 1, "operation": "volsync.restore", "arguments": {}, "plugin": "volsync 0.1.0",
            "digest": format!("sha256:{}", "0".repeat(64)), "cluster": {}, "made": "2026-11-22T06:00:00Z",
            "who": {"user": "", "host": "", "door": "", "process": 0}, "stand-ins": [],
            "effects": [{
                "number": 1, "by": "volsync.restore", "verb": "patch", "fields": [], "temporary": false, "recovery": "retry",
                "target": {"of": "deployments.v1.apps", "namespace": "media", "name": "plex"},
            }],
            "rests-on": [{"target": {"of": "deployments.v1.apps", "name": "plex"}, "uid": "u", "generation": 1, "fields": {}}],
            "listed": [{"of": "pods.v1", "labels": "", "fields": "", "found": {}}],
        });
        let plan: Plan = serde_json::from_value(plan).expect("a plan of old");
        assert_eq!(plan.effects[0].target.capability, "cluster");
        assert_eq!(plan.rests_on["cluster"]["objects"][0]["uid"], "u");
    }

    #[test]
    fn only_digits_ids_and_times_have_a_form() {
        let table = [
            ("057164", Some(Form::Digits)),
            ("0a1b2c", Some(Form::Hex)),
            ("2026-11-22T06:00:00Z", Some(Form::Time)),
            ("2026-11-22T06:00:00.123+01:00", Some(Form::Time)),
            ("", None),
            ("evil.example/miner:666", None),
            ("v1.2.3", None),
            ("0A1B", None),
            ("/bin/sh", None),
            ("true", None),
            ("١٢٣", None),
            ("2026-11-22T06:00:00Z[UTC][x-very=long]xxxxxxx", None),
        ];
        for (text, form) in table {
            assert_eq!(Form::of(text), form, "{text:?}");
        }
        assert_eq!(Form::of(&"f".repeat(HEX + 1)), None);
        assert_eq!(Form::of(&"1".repeat(DIGITS + 1)), None);
        assert!(Form::Hex.fits("123"), "an id may have no letter in it");
    }
}
