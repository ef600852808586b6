//! Text in columns of a screen: measured, cut, filled up, folded.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns how many columns a text takes.
pub(crate) fn of(text: &str) -> usize {
    text.width()
}

/// Returns the text cut to so many columns; what is missing is marked with `…`.
pub(crate) fn cut(text: &str, room: usize) -> String {
    if of(text) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Returns the text filled up with blanks to so many columns.
pub(crate) fn pad(text: &str, room: usize) -> String {
    let missing = room.saturating_sub(of(text));
    format!("{text}{}", " ".repeat(missing))
}

/// What ends a line that was folded here. No text of a stranger has it, so what comes behind is known not to be one's line ([`super::margin`]).
pub(crate) const FOLD: char = '\u{b}';

/// Returns the text folded between words so that it fits a screen, with further lines indented. Words are never broken. Lines end in [`FOLD`].
pub(crate) fn fold(text: &str, screen: Option<usize>, indent: usize) -> String {
    let Some(screen) = screen else {
        return text.to_owned();
    };
    let room = screen.saturating_sub(indent).max(16);
    let mut out = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let width = of(word);
        if used > 0 && used + 1 + width > room {
            out.push(FOLD);
            out.push_str(&" ".repeat(indent));
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += width;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_counts_columns_and_not_characters() {
        assert_eq!(cut("plex", 4), "plex");
        assert_eq!(cut("sonarr", 4), "son…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
    }

    #[test]
    fn folded_text_keeps_its_words() {
        let text = "one two three-and-a-long-word four five";
        assert_eq!(
            fold(text, Some(20), 2).replace(FOLD, "\n"),
            "one two\n  three-and-a-long-word\n  four five"
        );
        assert_eq!(fold(text, None, 2), text);
    }
}
