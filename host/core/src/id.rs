//! Names that must not be mixed up, each with its own type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::code;
use crate::name::{OperationPart, is_word, shown};

/// A text that is not a valid name of its sort.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidName {
    /// A plugin id outside `[a-z][a-z0-9-]*`.
    #[error(
        "`{}` is no plugin id: use lower-case letters, digits and dashes, with a letter first",
        shown(.0)
    )]
    Plugin(String),
    /// A plugin id with which the host's own codes begin.
    #[error("`{0}` is a name of the agent's own: give the plugin another id")]
    Reserved(String),
    /// An operation that is not `DOMAIN.OPERATION`.
    #[error(
        "`{}` is no operation: write DOMAIN.OPERATION, such as `volsync.restore`",
        shown(.0)
    )]
    Operation(String),
    /// An id of a run that is not eight lower-case letters and digits.
    #[error("`{}` is no id of a run: it is eight lower-case letters and digits", shown(.0))]
    Run(String),
    /// A place of a call that is not numbers with dots between them.
    #[error("it is no place of a call: numbers with dots between them")]
    Call,
    /// A digest that is not `sha256:` and 64 hexadecimal digits.
    #[error("`{}` is no digest: it is `sha256:` and 64 hexadecimal digits", shown(.0))]
    Digest(String),
}

/// A text that is parsed when it is read, and the error when it cannot be.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $error:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }
    };
}
pub(crate) use name;

name! {
    /// What a plugin is called, which is also the domain of its operations: `[a-z][a-z0-9-]*`, at most 40 characters.
    PluginId, InvalidName
}
name! {
    /// The full name of an operation: `DOMAIN.OPERATION`, both in the form of a plugin id.
    OperationName, InvalidName
}
name! {
    /// The SHA-256 of an artifact's bytes, written `sha256:` and 64 hexadecimal digits.
    Digest, InvalidName
}

/// A run: eight lower-case letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// Makes an id of 40 random bits, of which the caller brings eight bytes.
    pub fn from_random(bytes: [u8; 8]) -> RunId {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        RunId(
            bytes
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect(),
        )
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for RunId {
    type Error = InvalidName;

    fn try_from(text: &str) -> Result<RunId, InvalidName> {
        let valid = text.len() == 8
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if valid {
            Ok(RunId(text.to_owned()))
        } else {
            Err(InvalidName::Run(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<RunId, InvalidName> {
        text.as_str().try_into()
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> String {
        run.0
    }
}

/// Where a call stands in its run: the numbers of the calls that lead to it. `7.2` is the second call of the operation that the seventh call
/// of the run's own operation called. The operation itself stands where it was called; the run's own at the empty place. An operation's calls
/// come one after the other, so each has the same place at every replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallId(String);

impl TryFrom<String> for CallId {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<CallId, InvalidName> {
        let numbers = text.strip_prefix('u').unwrap_or(&text);
        let is_number = |part: &str| {
            (1..=20).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        match text.is_empty() || numbers.split('.').all(is_number) {
            true => Ok(CallId(text)),
            false => Err(InvalidName::Call),
        }
    }
}

impl From<CallId> for String {
    fn from(call: CallId) -> String {
        call.0
    }
}

impl CallId {
    /// Returns the place of the run's own operation.
    pub fn root() -> CallId {
        CallId::default()
    }

    /// Returns the place of the call with that number, from 1, of the operation that stands here.
    #[must_use]
    pub fn nested(&self, number: u64) -> CallId {
        if self.0.is_empty() {
            CallId(number.to_string())
        } else {
            CallId(format!("{}.{number}", self.0))
        }
    }

    /// Returns the place of an operation that the run itself calls: the `attempt`th one, from 1, to undo the effect with that number.
    pub fn compensation(effect: u64, attempt: u64) -> CallId {
        CallId(format!("u{effect}.{attempt}"))
    }

    /// Returns whether it stands within an operation that the run itself called to undo an effect.
    pub fn is_compensating(&self) -> bool {
        self.0.starts_with('u')
    }

    /// Splits it into the place of the operation that calls, and the number of the call; none for the run's own operation.
    pub fn split(&self) -> Option<(CallId, u64)> {
        let (caller, number) = self.0.rsplit_once('.').unwrap_or(("", &self.0));
        Some((CallId(caller.to_owned()), number.parse().ok()?))
    }

    /// Returns whether this call was made by the operation that stands at `operation`, or by one that it called.
    pub fn is_within(&self, operation: &CallId) -> bool {
        operation.0.is_empty()
            || self
                .0
                .strip_prefix(&operation.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Returns the place as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PluginId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if code::is_reserved(text) {
            Err(InvalidName::Reserved(text.to_owned()))
        } else if is_word(text) {
            Ok(PluginId(text.to_owned()))
        } else {
            Err(InvalidName::Plugin(text.to_owned()))
        }
    }
}

impl OperationName {
    /// Joins a plugin's id and the name of one of its operations.
    pub fn new(plugin: &PluginId, operation: &OperationPart) -> Self {
        OperationName(format!("{plugin}.{operation}"))
    }

    /// Returns the part before the dot.
    pub fn plugin(&self) -> &str {
        self.0
            .split_once('.')
            .map_or(self.as_str(), |(plugin, _)| plugin)
    }

    /// Returns the part after the dot, as the name that it is.
    pub fn part(&self) -> OperationPart {
        OperationPart::checked(self.operation())
    }

    /// Returns the part after the dot.
    pub fn operation(&self) -> &str {
        self.0
            .split_once('.')
            .map_or("", |(_, operation)| operation)
    }
}

impl FromStr for OperationName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        match text.split_once('.') {
            Some((plugin, operation)) if is_word(plugin) && is_word(operation) => {
                Ok(OperationName(text.to_owned()))
            }
            _ => Err(InvalidName::Operation(text.to_owned())),
        }
    }
}

impl Digest {
    /// Names a SHA-256.
    pub fn from_sha256(hash: &[u8; 32]) -> Digest {
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Digest(format!("sha256:{hex}"))
    }

    /// Returns the hexadecimal digits alone, for use as a file name.
    pub fn hex(&self) -> &str {
        self.0.trim_start_matches("sha256:")
    }
}

impl FromStr for Digest {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let valid = text.strip_prefix("sha256:").is_some_and(|hex| {
            hex.len() == 64
                && hex
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if valid {
            Ok(Digest(text.to_owned()))
        } else {
            Err(InvalidName::Digest(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operation_is_two_labels() {
        let name: OperationName = "volsync.restore".parse().expect("valid");
        assert_eq!((name.plugin(), name.operation()), ("volsync", "restore"));
        for wrong in [
            "volsync",
            "volsync.",
            ".restore",
            "Volsync.restore",
            "a.b.c",
            "a b.c",
            "",
        ] {
            assert!(wrong.parse::<OperationName>().is_err(), "{wrong}");
        }
    }

    /// A failure of a plugin has a code that begins with its id.
    #[test]
    fn plugin_cannot_be_called_as_the_host_calls_what_fails() {
        for wrong in ["agent", "store", "journal", "host"] {
            let said = wrong.parse::<PluginId>().expect_err(wrong).to_string();
            let wanted =
                format!("`{wrong}` is a name of the agent's own: give the plugin another id");
            assert_eq!(said, wanted);
        }
        for right in [
            "externalsecrets",
            "network",
            "sops",
            "restic",
            "talos",
            "bootstrap",
            "k8s",
            "ceph",
            "agents",
        ] {
            right.parse::<PluginId>().expect(right);
        }
    }

    /// What a record says is printed, so a record that was edited must not draw on the terminal.
    #[test]
    fn id_of_a_run_or_a_call_in_a_record_is_one() {
        let run = |text: &str| serde_json::from_value::<RunId>(text.into());
        assert_eq!(run("7f3akm2x").expect("an id").as_str(), "7f3akm2x");
        for wrong in ["\u{1b}[2Jabcd", "7f3akm2", "7F3AKM2X", "7f3akm2x ", ""] {
            run(wrong).expect_err(wrong);
        }
        let call = |text: &str| serde_json::from_value::<CallId>(text.into());
        for right in ["", "7", "7.2", "u12.1", "u12.1.3"] {
            assert_eq!(call(right).expect(right).as_str(), right);
        }
        for wrong in ["u", "7.", ".7", "7..2", "7.\u{1b}[2J", "-1", "7u1", " 7"] {
            call(wrong).expect_err(wrong);
        }
    }

    #[test]
    fn id_of_a_run_is_one_wherever_it_is_read() {
        let read = |text: &str| serde_json::from_value::<RunId>(text.into());
        assert_eq!(read("7f3akm2x").expect("valid").as_str(), "7f3akm2x");
        for wrong in ["", "7f3akm2", "7f3akm2\u{1b}", "7f3a;id;", "7F3AKM2X"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn wrong_name_is_not_repeated_at_length() {
        let long = "x".repeat(1 << 20) + "\u{1b}[2J";
        assert!(
            long.parse::<PluginId>()
                .expect_err("wrong")
                .to_string()
                .len()
                < 250
        );
        assert!(
            long.parse::<OperationName>()
                .expect_err("wrong")
                .to_string()
                .len()
                < 250
        );
    }

    #[test]
    fn digest_is_lower_case_hex() {
        assert!(
            Digest::from_sha256(&[171; 32])
                .as_str()
                .parse::<Digest>()
                .is_ok()
        );
        assert!("sha256:AB".parse::<Digest>().is_err());
    }
}
