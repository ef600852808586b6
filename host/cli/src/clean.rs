//! Makes text of guests and of the cluster harmless on a terminal.
//!
//! Nothing that a plugin says can move the cursor, change colours or the window's title, write to the clipboard, or make a line read
//! differently from what it is (<https://trojansource.codes>).

use agent_core::text;

/// Returns the text without terminal escapes and control characters. Line ends stay, a tab becomes a space.
pub(crate) fn text(given: &str) -> String {
    text::plain(given).replace('\t', " ")
}

/// Returns the text as one line.
pub(crate) fn line(given: &str) -> String {
    let cleaned = text(given);
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the text as a word that a shell takes for one.
pub(crate) fn word(given: &str) -> String {
    let cleaned = text(given);
    let plain = |c: char| c.is_alphanumeric() || "-_./:@%+,=".contains(c);
    if !cleaned.is_empty() && cleaned.chars().all(plain) {
        cleaned
    } else {
        format!("'{}'", cleaned.replace('\'', "'\\''"))
    }
}

/// Returns the line of JSON with every character that [`text`] drops written as an escape, so that it stays the same document.
pub(crate) fn json(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if text::steers(c) {
            // JSON has four digits for an escape: what needs more is a pair of surrogates (RFC 8259, 7).
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_tab_is_a_space_and_line_ends_stay() {
        assert_eq!(text("a\tb\n\x1b[31mc"), "a b\nc");
    }

    #[test]
    fn a_line_has_no_line_ends() {
        assert_eq!(line("one\r\n  two\n"), "one two");
    }

    #[test]
    fn a_word_is_one_for_a_shell() {
        let table = [
            ("plan.json", "plan.json"),
            ("my plan.json", "'my plan.json'"),
            ("it's", "'it'\\''s'"),
            ("$HOME", "'$HOME'"),
            ("", "''"),
            ("a\u{1b}[2Jb", "ab"),
        ];
        for (given, wanted) in table {
            assert_eq!(word(given), wanted);
        }
    }

    #[test]
    fn json_stays_the_same_document_beyond_the_basic_plane_too() {
        for text in [
            "\x1b[31m \u{9b} \u{202e} é",
            "\u{e0041}",
            "a\u{e007f}\u{e0001}b 🏠",
            "\u{e0020}41",
        ] {
            let document = serde_json::json!({ "a": text, text: 1 });
            let written = json(&document.to_string());
            assert!(!written.chars().any(text::steers), "{written:?}");
            assert_eq!(
                serde_json::from_str::<Value>(&written).expect("still JSON"),
                document
            );
        }
    }
}
