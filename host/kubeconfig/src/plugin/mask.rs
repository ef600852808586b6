//! What must not be seen in what a plugin says.

use serde_json::Value;
use zeroize::Zeroizing;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Shorter ones would take away every other word, and are not secrets worth the name.
const SHORTEST: usize = 4;

/// Texts that must not be seen, the longest first.
#[derive(Clone, Default)]
pub(crate) struct Mask(Vec<Zeroizing<String>>);

impl Mask {
    /// Adds a secret; of one with several lines, each line.
    pub(crate) fn add(&mut self, secret: &str) {
        let lines = secret.lines().map(str::trim);
        let lines = lines.filter(|line| line.chars().count() >= SHORTEST);
        self.0
            .extend(lines.map(|line| Zeroizing::new(line.to_owned())));
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }

    /// Adds what a plugin printed: the texts in it when it is JSON, else each of its words.
    pub(crate) fn add_output(&mut self, output: &[u8]) {
        match serde_json::from_slice(output) {
            Ok(value) => self.add_value(&value),
            Err(_) => {
                let text = Zeroizing::new(String::from_utf8_lossy(output).into_owned());
                let words =
                    text.split(|one: char| one.is_whitespace() || "\"',:{}[]".contains(one));
                words.for_each(|word| self.add(word));
            }
        }
    }

    fn add_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add(text),
            Value::Array(items) => items.iter().for_each(|item| self.add_value(item)),
            Value::Object(fields) => fields.values().for_each(|field| self.add_value(field)),
            _ => {}
        }
    }

    /// Returns a text without secrets, and without control characters, in which one could hide.
    pub(crate) fn of(&self, text: &str) -> String {
        let shown = |one: &char| !one.is_control() || matches!(one, '\n' | '\t');
        let clean: String = text.chars().filter(shown).collect();
        self.0
            .iter()
            .fold(clean, |text, secret| text.replace(secret.as_str(), MASK))
    }
}
