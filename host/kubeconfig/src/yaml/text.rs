//! From bytes to text, and what the parser says in words that hold nothing of the text.

use std::borrow::Cow;

use granit_parser::ErrorKind;

use super::{At, Syntax};

/// Decodes UTF-8, or UTF-16 with a byte order mark, as libyaml does. Control characters have no place in YAML.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Syntax> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest)?,
        bytes => utf8(bytes)?,
    };
    match text.char_indices().find(|(_, one)| !is_printable(*one)) {
        Some((index, _)) => Err(Syntax {
            at: behind(&text[..index]),
            what: "there is a control character",
        }),
        None => Ok(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, Syntax> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            Err(Syntax {
                at: behind(&good),
                what: "it is not UTF-8",
            })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'static, str>, Syntax> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>());
    match (text, rest) {
        (Ok(text), []) => Ok(text.into()),
        _ => Err(Syntax {
            at: At { line: 1, column: 1 },
            what: "it is not UTF-16, as its first two bytes say",
        }),
    }
}

fn is_printable(one: char) -> bool {
    matches!(one, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
        && one != '\u{feff}'
}

/// Returns the place behind a text.
fn behind(text: &str) -> At {
    let line = text.rsplit('\n').next().unwrap_or_default();
    At {
        line: text.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    }
}

pub(super) const TAB: &str = "a tab indents; YAML wants spaces";

/// Says what is wrong. The parser's own words may repeat a piece of the text.
pub(super) fn fault(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => "a bracket is not closed",
        ErrorKind::UnclosedQuotedScalar => "a quote is not closed",
        ErrorKind::MappingValueNotAllowed => "`:` has no place here; look at the indentation",
        ErrorKind::UnexpectedEof
        | ErrorKind::UnexpectedEofBlockSequence
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping => "it ends in the middle",
        ErrorKind::UnknownAnchor => "an alias names nothing",
        ErrorKind::ExpectedBlockMappingKey => "a key is expected here; look at the indentation",
        ErrorKind::ExpectedFlowMappingSeparator => "`,` or `}` is expected here",
        ErrorKind::ExpectedFlowSequenceSeparator => "`,` or `]` is expected here",
        ErrorKind::ExpectedBlockSequenceEntry => "`-` is expected here; look at the indentation",
        ErrorKind::InvalidSimpleKey | ErrorKind::SimpleKeyExpected => {
            "`:` is missing behind a key, or a quote is not closed"
        }
        ErrorKind::InvalidIndentation => "the indentation is wrong",
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabInIndentation => TAB,
        _ => "it is not valid YAML",
    }
}
