//! The values of Secrets and of secret arguments that guests were handed, or that they set. The gate knows them again wherever a guest repeats
//! them: in what people see and in what is on record there is `***` in their place. What goes to the API server is as the guest wishes it.
//!
//! This is against accidents: a plugin that means ill can write a value backwards. It may only read the Secrets that it was granted.
//!
//! Names of objects are not masked, for whoever takes a run back must find them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use agent_core::secret::MASK;
use agent_core::text::{plain, steers};
use agent_core::undo::{Compensation, Undo};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Gate;
use crate::memory::RunMemory;
use crate::texts::{Begins, Texts};

mod mask;

/// How many bytes a value has at least; shorter values are no secrets.
const SHORTEST: usize = 4;

/// How long a part of a value must be, such as a line of it, to be looked for by itself.
const PART: usize = 8;

/// What Secrets hold besides secrets. Masking these would hide half of what a run says.
const COMMON: [&str; 20] = [
    "true",
    "false",
    "null",
    "none",
    "admin",
    "root",
    "user",
    "username",
    "default",
    "localhost",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "http",
    "https",
    "enabled",
    "disabled",
    "opaque",
    "info",
];

/// See the module. Costs nothing until a Secret was read.
#[derive(Default)]
pub struct Secrets {
    any: AtomicBool,
    values: RwLock<Texts<()>>,
    /// What pays for them.
    memory: RunMemory,
}

impl Gate {
    /// Has the values of secret arguments masked wherever the plugin repeats them: before anything of it is shown or recorded.
    pub fn learn(&self, secrets: &agent_core::secret::Secrets) {
        for (_, value) in secrets.iter() {
            self.run.secrets.learn_declared(value);
        }
    }
}

impl Secrets {
    /// Knows no secrets yet. Those that are learned are charged to the run.
    pub(super) fn new(memory: RunMemory) -> Secrets {
        Secrets {
            memory,
            ..Secrets::default()
        }
    }

    /// Remembers a value that was declared to be secret, however little it looks like one.
    fn learn_declared(&self, value: &str) {
        self.add_whatever_it_is(value.trim());
        self.learn_value(value);
    }

    /// Remembers a text just as it is.
    pub fn learn_text(&self, text: &str) {
        self.add(text);
    }

    /// Remembers bytes that are no text, in the forms in which they are written.
    pub fn learn_bytes(&self, bytes: &[u8]) {
        self.add_encoded(bytes);
    }

    /// Remembers one value, as it is and encoded.
    pub fn learn_value(&self, value: &str) {
        self.add(&Zeroizing::new(STANDARD.encode(value)));
        if !is_trivial(value.trim()) {
            self.add_encoded(value.as_bytes());
        }
        self.add_forms(value);
    }

    /// Remembers what was sealed in an earlier process: a value of a Secret is somewhere in it, or all of it.
    pub(super) fn learn_sealed(&self, undo: &Undo) {
        let mut learn = |value: &Value| match value {
            Value::String(text) if text.len() >= PART => {
                self.learn_value(text);
                if let Ok(Ok(text)) = STANDARD.decode(text).map(String::from_utf8) {
                    self.learn_value(&Zeroizing::new(text));
                }
            }
            _ => {}
        };
        match undo {
            Undo::Fields { fields, .. } => fields
                .iter()
                .flat_map(|field| field.before.iter().chain(&field.after))
                .for_each(|value| each_leaf(value, &mut learn)),
            Undo::Compensate(Compensation { call, .. }) => call
                .iter()
                .flat_map(|call| call.arguments.values())
                .for_each(|value| each_leaf(value, &mut learn)),
            _ => {}
        }
    }

    /// Returns whether a text holds one of the values, also when something invisible stands between its letters.
    pub fn holds(&self, text: &str) -> bool {
        !self.is_empty() && (self.finds(text) || bare(text).is_some_and(|bare| self.finds(&bare)))
    }

    /// Returns a text without the values. Where something invisible hides one, what is invisible goes too.
    pub fn text(&self, text: String) -> String {
        if self.is_empty() {
            return text;
        }
        match bare(&text) {
            Some(bare) if self.finds(&bare) => self.masked(bare),
            _ => self.masked(text),
        }
    }

    fn finds(&self, text: &str) -> bool {
        self.find(text).next().is_some()
    }

    fn masked(&self, text: String) -> String {
        if !self.finds(&text) {
            return text;
        }
        let mut masked = String::with_capacity(text.len());
        let mut end = 0;
        for (at, length) in self.find(&text) {
            masked.push_str(&text[end..at]);
            masked.push_str(MASK);
            end = at + length;
        }
        masked.push_str(&text[end..]);
        masked
    }

    /// Returns where a text that goes on can be cut: what is before holds values whole or not at all. What is after may be the beginning of one.
    pub fn cut(&self, text: &[u8]) -> usize {
        if self.is_empty() {
            return text.len();
        }
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if values.goes_on(rest) {
                return at;
            }
            at += match values.at(rest) {
                Begins::With(length, ()) => length,
                Begins::Perhaps | Begins::Not => 1,
            };
        }
        at
    }

    /// Finds values in a text, each with its place and its length, the longest where several begin.
    fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let rest = text.as_bytes().get(at..).filter(|rest| !rest.is_empty())?;
                match values.at(rest) {
                    Begins::With(length, ()) => {
                        let place = at;
                        at = text.floor_char_boundary(at + length);
                        return Some((place, at - place));
                    }
                    Begins::Perhaps | Begins::Not => at += 1,
                }
            }
        })
    }

    /// Adds a value in the forms in which it is repeated: as it is, line by line, as a part of JSON, and what is in it when it is JSON itself.
    fn add_forms(&self, value: &str) {
        self.add(value);
        let quoted = Zeroizing::new(Value::from(value.trim()).to_string());
        self.add(quoted.trim_matches('"'));
        self.add(&Zeroizing::new(plain(value)));
        for line in value.lines().filter(|line| !line.starts_with("-----")) {
            self.add_part(line);
        }
        // As a connection string has it, as a header, and as a name of an environment's variable would.
        for other in [
            percent(value.trim(), false),
            percent(value.trim(), true),
            value.to_uppercase(),
        ] {
            self.add_part(&Zeroizing::new(other));
        }
        // A registry's credentials, a service account, a kubeconfig.
        if let Ok(document @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(value) {
            self.add_leaves(&document);
        }
    }

    /// Adds what of base64 does not depend on what stands around a value, such as the user before a password in a `Basic` header: once for each of the
    /// three places where it can begin.
    fn add_encoded(&self, value: &[u8]) {
        for before in 0..3 {
            let text = Zeroizing::new([&[0; 2][..before], value].concat());
            let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&*text));
            let own = encoded.get([0, 2, 3][before]..text.len() * 8 / 6);
            let own = own.unwrap_or_default();
            self.add_part(own);
            if own.contains(['+', '/']) {
                self.add_part(&Zeroizing::new(own.replace('+', "-").replace('/', "_")));
            }
        }
    }

    fn add_leaves(&self, value: &Value) {
        match value {
            Value::String(text) => self.add_part(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_leaves(item)),
            Value::Object(fields) => fields.values().for_each(|value| self.add_leaves(value)),
            _ => {}
        }
    }

    fn add_part(&self, part: &str) {
        if part.trim().len() >= PART {
            self.add(part);
        }
    }

    /// Adds a value, and what it is in a JSON Pointer.
    fn add(&self, value: &str) {
        self.add_one(value);
        if value.contains(['/', '~']) {
            let escaped = value.replace('~', "~0").replace('/', "~1");
            self.add_one(&Zeroizing::new(escaped));
        }
    }

    fn add_one(&self, value: &str) {
        let value = value.trim();
        if !is_trivial(value) {
            self.add_whatever_it_is(value);
        }
    }

    fn add_whatever_it_is(&self, value: &str) {
        if value.len() < SHORTEST {
            return;
        }
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        let (bytes, _) = values.insert(value, ());
        self.memory.add(bytes);
        self.any.store(true, Ordering::Release);
    }
}

/// Returns whether a value is known to everybody: a word of [`COMMON`], or the number of a port.
fn is_trivial(value: &str) -> bool {
    let number = value.len() <= 5 && value.bytes().all(|byte| byte.is_ascii_digit());
    let known =
        |common: &&str| value.eq_ignore_ascii_case(common) || STANDARD.encode(common) == value;
    number || COMMON.iter().any(known)
}

/// Returns a text without what is invisible in it, where there is such.
fn bare(text: &str) -> Option<String> {
    let invisible = |c: char| steers(c) && !matches!(c, '\n' | '\t');
    text.contains(invisible).then(|| plain(text))
}

/// Writes a text as a URL has it (RFC 3986), with the digits of either case.
fn percent(text: &str, lower: bool) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                written.push(char::from(byte));
            }
            _ if lower => written.push_str(&format!("%{byte:02x}")),
            _ => written.push_str(&format!("%{byte:02X}")),
        }
    }
    written
}

fn each_leaf(value: &Value, act: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each_leaf(item, act)),
        Value::Object(fields) => fields.values().for_each(|value| each_leaf(value, act)),
        leaf => act(leaf),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn knowing(data: Value) -> Secrets {
        let secrets = Secrets::default();
        let values = data.as_object().into_iter().flat_map(|all| all.values());
        for value in values.filter_map(Value::as_str) {
            let bytes = STANDARD.decode(value).expect("base64");
            secrets.learn_value(std::str::from_utf8(&bytes).expect("text"));
        }
        secrets
    }

    fn encoded(text: &str) -> String {
        STANDARD.encode(text)
    }

    #[test]
    fn value_is_masked_as_it_is_and_encoded() {
        let secrets = knowing(json!({ "password": encoded("hunter2-and-more\n") }));
        let said = format!("a hunter2-and-more b {} c", encoded("hunter2-and-more\n"));
        assert_eq!(secrets.text(said), "a *** b *** c");
        assert_eq!(secrets.text("hunter".to_owned()), "hunter");
    }

    #[test]
    fn declared_value_is_masked_whatever_it_looks_like() {
        for value in ["4815", "admin", "true"] {
            let secrets = Secrets::default();
            secrets.learn_declared(value);
            assert_eq!(secrets.text(format!("it is {value}")), "it is ***");
        }
    }

    #[test]
    fn value_is_masked_in_a_pointer() {
        let secrets = knowing(json!({ "path": encoded("a/secret~path") }));
        assert_eq!(
            secrets.text("/data/a~1secret~0path".to_owned()),
            "/data/***"
        );
    }

    #[test]
    fn longest_of_the_values_that_begin_alike_is_masked() {
        let secrets = knowing(json!({ "a": encoded("secret"), "b": encoded("secret-longer") }));
        assert_eq!(secrets.text("secret-longer, secret".to_owned()), "***, ***");
    }

    #[test]
    fn text_is_cut_where_no_value_has_begun() {
        let secrets = knowing(json!({ "a": encoded("secret"), "b": encoded("secret-longer") }));
        for (text, before) in [
            ("nothing", "nothing"),
            ("a secre", "a "),
            ("a s", "a "),
            ("a secret", "a "),
            ("a secret-l", "a "),
            ("a secret and", "a secret and"),
            ("a secret-longer", "a secret-longer"),
            ("secret, secret-lo", "secret, "),
        ] {
            assert_eq!(&text[..secrets.cut(text.as_bytes())], before, "{text}");
        }
        let nothing = Secrets::default();
        assert_eq!(nothing.cut(b"a secre"), 7);
    }

    #[test]
    fn what_everybody_knows_is_no_secret() {
        let data = json!({ "a": encoded("true"), "b": encoded("5432"), "c": encoded("abc"), "d": encoded("Postgres") });
        let secrets = knowing(data);
        let said = "true 5432 abc Postgres dHJ1ZQ==".to_owned();
        assert_eq!(secrets.text(said.clone()), said);
    }

    #[test]
    fn line_of_a_value_and_what_is_in_json_are_masked_by_themselves() {
        let config = json!({ "auths": { "ghcr.io": { "password": "p4ssw0rd-of-it" } } });
        let secrets = knowing(json!({
            "key": encoded("-----BEGIN KEY-----\nMIIEvQIBADANBgkq\n-----END KEY-----\n"),
            ".dockerconfigjson": encoded(&config.to_string()),
            "quoted": encoded("with \"quotes\" in it"),
        }));
        for said in ["MIIEvQIBADANBgkq", "p4ssw0rd-of-it"] {
            assert_eq!(secrets.text(said.to_owned()), MASK);
        }
        let document = json!({ "said": "with \"quotes\" in it" }).to_string();
        assert!(!secrets.text(document).contains("quotes"));
        assert_eq!(
            secrets.text("-----END KEY-----".to_owned()),
            "-----END KEY-----"
        );
    }

    #[test]
    fn value_is_masked_in_the_forms_in_which_headers_and_urls_have_it() {
        let password = "p@ss/word?=+1";
        let secrets = knowing(json!({ "password": encoded(password) }));
        let masked = |said: &str| secrets.text(said.to_owned());
        assert_eq!(
            masked("postgres://plex:p%40ss%2Fword%3F%3D%2B1@db"),
            "postgres://plex:***@db"
        );
        assert_eq!(masked("p%40ss%2fword%3f%3d%2b1"), MASK);
        assert_eq!(masked("P@SS/WORD?=+1"), MASK);
        let unpadded = encoded(password).trim_end_matches('=').to_owned();
        assert_eq!(
            masked(&unpadded).len(),
            MASK.len() + 1,
            "but for the last letter, which has 2 bits of it"
        );
        for user in ["a", "ab", "abc", "admin"] {
            let header = format!("Basic {}", encoded(&format!("{user}:{password}")));
            let said = masked(&header);
            assert!(
                said.contains(MASK) && said.len() < header.len() / 2 + 10,
                "{said}"
            );
        }
        let url_safe = encoded("????>>>>~~~~").replace('+', "-").replace('/', "_");
        let secrets = knowing(json!({ "key": encoded("????>>>>~~~~") }));
        assert_eq!(secrets.text(url_safe), MASK);
    }

    #[test]
    fn value_is_masked_behind_what_is_invisible() {
        let secrets = knowing(json!({ "password": encoded("correct-horse") }));
        for said in [
            "cor\u{200b}rect-horse",
            "correct\u{1b}[31m-horse",
            "\u{202e}correct-horse\u{feff}",
        ] {
            assert_eq!(secrets.text(said.to_owned()), MASK, "{said:?}");
            assert!(secrets.holds(said));
        }
        let other = "nothing\u{200b} of it";
        assert_eq!(secrets.text(other.to_owned()), other);
    }
}
