//! Remedies: what helps, in words that can be pasted.
//!
//! People paste hints. So a hint of the agent is a text of its author's with holes, and what goes into a hole is quoted here, in one place, such
//! that a shell takes it for the one word that it is: [`hint!`](crate::hint!) is the only way to put a value into one, and it does not compile with a
//! hole inside of quotes. What a plugin or a server advises is a [`Remedy`] too, but one that says whose it is, for the screen to draw it apart.

use std::fmt;
use std::ops::Deref;

use crate::text;

/// How long a word may be, in characters: that of a path. What is beyond is cut off.
const LONGEST_WORD: usize = 4096;

/// How long the advice of a stranger may be, in characters.
const LONGEST_ADVICE: usize = 4096;

/// How many names of a list are shown.
const MANY: usize = 30;

/// What helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// No `String`: a failure, which holds one of these, is returned everywhere.
    text: Box<str>,
    by: Author,
}

/// Whose words a remedy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The agent's: a command in it may be pasted.
    Agent,
    /// A plugin's or a server's: it says what it likes.
    Stranger,
}

/// Makes a [`Remedy`] of the agent's own words, with a `{}` for each value. Values are words ([`Value`]) and are quoted as a shell needs it:
/// `hint!("agent plugin grant {} {}", id, Words(rights))`.
///
/// The text is looked at by the compiler: holes may stand neither inside of quotes nor first, where a value would be the command.
#[macro_export]
macro_rules! hint {
    ($text:literal $(, $value:expr)* $(,)?) => {{
        const VALUES: &[&str] = &[$(stringify!($value)),*];
        const { assert!($crate::hint::holes($text) == VALUES.len(), "as many values as holes") }
        $crate::hint::Remedy::filled_in($text, &[$(&$value as &dyn $crate::hint::Value),*])
    }};
}

/// What can go into a hole of a remedy.
pub trait Value {
    /// Returns its words as a shell takes them.
    fn quoted(&self) -> String;
}

impl<T: fmt::Display> Value for T {
    fn quoted(&self) -> String {
        word(&self.to_string())
    }
}

/// Several words with spaces between them: arguments of a command.
#[derive(Clone, Debug)]
pub struct Words<T>(pub Vec<T>);

impl<T: fmt::Display> Value for Words<T> {
    fn quoted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(Value::quoted).collect();
        words.join(" ")
    }
}

/// Several words with commas between them, and how many more there are: names that are known.
#[derive(Clone, Debug)]
pub struct Names<T>(pub Vec<T>);

impl<T: fmt::Display> Value for Names<T> {
    fn quoted(&self) -> String {
        let shown: Vec<String> = self.0.iter().take(MANY).map(Value::quoted).collect();
        let list = shown.join(", ");
        match self.0.len().saturating_sub(MANY) {
            0 => list,
            more => format!("{list} and {more} more"),
        }
    }
}

/// Several words of which one was meant.
#[derive(Clone, Debug)]
pub struct Either<T>(pub Vec<T>);

impl<T: fmt::Display> Value for Either<T> {
    fn quoted(&self) -> String {
        let words: Vec<String> = self.0.iter().map(Value::quoted).collect();
        words.join(" or ")
    }
}

/// A path: one that begins with a dash would be an option.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a>(pub &'a str);

impl Value for Path<'_> {
    fn quoted(&self) -> String {
        match self.0.starts_with('-') {
            true => word(&format!("./{}", self.0)),
            false => word(self.0),
        }
    }
}

/// A piece of a command that was quoted when it was made, such as an option and its value; nothing at all when there is none.
#[derive(Clone, Debug)]
pub struct Piece(pub Option<Remedy>);

impl Value for Piece {
    fn quoted(&self) -> String {
        let ours = self.0.iter().filter(|it| it.by == Author::Agent);
        ours.map(Remedy::as_str).collect()
    }
}

/// Returns a text as one word of a shell. What steers a terminal cannot be in a word, and is shown as `�`.
pub fn word(given: &str) -> String {
    let mut letters = given.chars();
    let mut cleaned: String = letters
        .by_ref()
        .take(LONGEST_WORD)
        .map(|c| if text::steers(c) { '\u{fffd}' } else { c })
        .collect();
    if letters.next().is_some() {
        cleaned.push('…');
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    // zsh takes `=word` for the path of a program.
    if !cleaned.is_empty() && cleaned.chars().all(plain) && !cleaned.starts_with('=') {
        cleaned
    } else {
        format!("'{}'", cleaned.replace('\'', "'\\''"))
    }
}

impl Remedy {
    /// Fills the holes of a text that [`hint!`](crate::hint!) has looked at.
    #[doc(hidden)]
    pub fn filled_in(text: &'static str, values: &[&dyn Value]) -> Remedy {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        for value in values {
            let (before, after) = rest.split_once("{}").unwrap_or((rest, ""));
            filled.push_str(before);
            filled.push_str(&value.quoted());
            rest = after;
        }
        filled.push_str(rest);
        Remedy {
            text: filled.into(),
            by: Author::Agent,
        }
    }

    /// Takes the advice of a plugin or a server, which stays theirs.
    pub fn of_stranger(advice: &str) -> Remedy {
        let mut letters = advice.chars();
        let mut text: String = letters.by_ref().take(LONGEST_ADVICE).collect();
        if letters.next().is_some() {
            text.push('…');
        }
        Remedy {
            text: text.into(),
            by: Author::Stranger,
        }
    }

    /// Reads back what was written.
    pub(crate) fn read_back(text: String, by: Author) -> Remedy {
        Remedy {
            text: text.into(),
            by,
        }
    }

    /// Returns whose words it is.
    pub fn by(&self) -> Author {
        self.by
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns this remedy, and behind it another one, which is the agent's own only when both are.
    #[must_use]
    pub fn and(self, between: &'static str, other: &Remedy) -> Remedy {
        let by = match (self.by, other.by) {
            (Author::Agent, Author::Agent) => Author::Agent,
            _ => Author::Stranger,
        };
        let text = format!("{}{between}{}", self.text, other.text).into();
        Remedy { text, by }
    }

    /// Returns it with everything outside of quoted words changed, such as the beginning of a command that names a cluster too. What is in a quoted
    /// word is a value, and stays the value that it is.
    #[must_use]
    pub fn with_said(&self, change: impl Fn(&str) -> String) -> Remedy {
        self.by_segment(change, |quoted| format!("'{quoted}'"))
    }

    /// Returns it with everything shown that `mask` returns: each value as a whole, so that no quote is lost with a part of it.
    #[must_use]
    pub fn masked(&self, mask: impl Fn(&str) -> String) -> Remedy {
        let whole = |quoted: &str| word_of(&mask(&quoted.replace("'\\''", "'")));
        self.by_segment(&mask, whole)
    }

    fn by_segment(&self, said: impl Fn(&str) -> String, quoted: impl Fn(&str) -> String) -> Remedy {
        if self.by == Author::Stranger {
            // There are no words in it, only text.
            let text = said(&self.text).into();
            return Remedy { text, by: self.by };
        }
        let mut text = String::with_capacity(self.text.len());
        let mut rest = self.as_str();
        while let Some((before, after)) = rest.split_once('\'') {
            text.push_str(&said(before));
            let Some(end) = end_of_word(after) else {
                // An apostrophe.
                text.push('\'');
                rest = after;
                break;
            };
            text.push_str(&quoted(&after[..end]));
            rest = after.get(end + 1..).unwrap_or_default();
        }
        text.push_str(&said(rest));
        Remedy {
            text: text.into(),
            by: self.by,
        }
    }
}

/// Returns where the quoted word ends that begins here: `'\''` in it is a quote of its own. None where it does not end.
fn end_of_word(text: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = text[from..].find('\'') {
        let at = from + found;
        if !text[at..].starts_with("'\\''") {
            return Some(at);
        }
        from = at + "'\\''".len();
    }
    None
}

fn word_of(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Deref for Remedy {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq<str> for Remedy {
    fn eq(&self, other: &str) -> bool {
        *self.text == *other
    }
}

impl PartialEq<&str> for Remedy {
    fn eq(&self, other: &&str) -> bool {
        *self.text == **other
    }
}

impl PartialEq<String> for Remedy {
    fn eq(&self, other: &String) -> bool {
        *self.text == **other
    }
}

/// The agent's own words without any value.
impl From<&'static str> for Remedy {
    fn from(text: &'static str) -> Remedy {
        Remedy {
            text: text.into(),
            by: Author::Agent,
        }
    }
}

impl From<Remedy> for String {
    fn from(remedy: Remedy) -> String {
        remedy.text.into()
    }
}

/// Counts the holes of a text, for [`hint!`](crate::hint!).
///
/// # Panics
/// In the compiler, when a hole stands where a quoted word would not be one: inside of quotes, behind a backslash, or first; when a quote is left
/// open; and for a hole with a name in it, whose value nobody would quote.
pub const fn holes(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut count) = (0, 0);
    let mut open: u8 = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'\'' || byte == b'"' || byte == b'`' {
            if open == 0 {
                open = byte;
            } else if open == byte {
                open = 0;
            }
        }
        if byte == b'{' && (at == 0 || bytes[at - 1] != b'$') {
            assert!(
                at + 1 < bytes.len() && bytes[at + 1] == b'}',
                "a hole is a pair of braces, without a name in it"
            );
            assert!(open == 0, "a hole cannot stand inside of quotes");
            assert!(at > 0, "a value cannot come first: it would be the command");
            assert!(bytes[at - 1] != b'\\', "a hole cannot be escaped");
            count += 1;
        }
        at += 1;
    }
    assert!(open == 0, "a quote is left open, as by an apostrophe");
    count
}

#[cfg(test)]
mod tests;
