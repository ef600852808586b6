//! Text of guests and of the cluster goes to terminals: nothing in it may steer one.
//!
//! Nothing that a plugin says can move the cursor, change colours or the window's title, write to the clipboard, or make a line read
//! differently from what it is (<https://trojansource.codes>).

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

/// Returns text without terminal escapes and without characters that steer ([`steers`]). Line feeds and tabs stay.
///
/// An escape sequence that does not end takes the rest of its line, never more.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\n' | '\t' => plain.push(c),
            c if steers(c) => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Returns a text of at most so many bytes: of a longer one its beginning, and a sign that it goes on.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    const GOES_ON: &str = "…";
    let end = text.floor_char_boundary(most.saturating_sub(GOES_ON.len()));
    Cow::Owned(format!("{}{GOES_ON}", &text[..end]))
}

/// Returns whether a character is a control character, line ends and tabs among them, or is invisible and changes how its neighbours are read.
pub fn steers(c: char) -> bool {
    c.is_control() || reorders(c)
}

fn reorders(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Skips what follows ESC (ECMA-48, 5.3 to 5.6): a control sequence, a control string up to its terminator, or the few bytes of any other.
fn skip_escape(rest: &mut Peekable<Chars<'_>>) {
    match rest.next_if(|c| matches!(c, ' '..='~')) {
        Some('[') => {
            skip_while(rest, |c| matches!(c, ' '..='?'));
            rest.next_if(|c| matches!(c, '@'..='~'));
        }
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(rest),
        // A character set is chosen by one more character, `ESC ( B`.
        Some(' '..='/') => {
            skip_while(rest, |c| matches!(c, ' '..='/'));
            rest.next_if(|c| matches!(c, '0'..='~'));
        }
        _ => {}
    }
}

fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next_if(|c| *c != '\n') {
        let ended = match c {
            '\u{7}' | '\u{9c}' => true,
            '\u{1b}' => rest.next_if_eq(&'\\').is_some(),
            _ => false,
        };
        if ended {
            return;
        }
    }
}

fn skip_while(rest: &mut Peekable<Chars<'_>>, wanted: fn(&char) -> bool) {
    while rest.next_if(wanted).is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_left() {
        let table = [
            ("plain", "plain"),
            ("one\ntwo\tthree", "one\ntwo\tthree"),
            ("日本 é 🏠 Zoë ✓", "日本 é 🏠 Zoë ✓"),
            // Control sequences.
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[1;2 qcursor", "cursor"),
            ("\u{1b}[31\nnext", "\nnext"),
            ("\u{1b}[é", "é"),
            // Control strings.
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]0;title\u{9c}after", "after"),
            ("\u{1b}]52;c;ZXZpbA==\u{1b}\\after", "after"),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}Pq#0;2;0;0;0\u{1b}\\sixel", "sixel"),
            ("\u{1b}]0;never ends\nnext", "\nnext"),
            // Other escapes.
            ("\u{1b}(Bset", "set"),
            ("\u{1b}creset", "reset"),
            ("\u{1b}\nnext", "\nnext"),
            ("\u{1b}\u{1b}[31mtwice", "twice"),
            ("\u{1b}", ""),
            // Control characters.
            ("over\rwrite\u{8}", "overwrite"),
            ("bell\u{7} del\u{7f}", "bell del"),
            ("c1 \u{9b}2J", "c1 2J"),
            // Invisible characters.
            ("user\u{202e}txt.exe", "usertxt.exe"),
            ("x\u{2066}y\u{2069}z\u{200f}", "xyz"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("tag\u{e0041}", "tag"),
        ];
        for (given, wanted) in table {
            assert_eq!(plain(given), wanted, "{given:?}");
        }
    }

    #[test]
    fn text_is_cut_between_characters_and_says_so() {
        for (text, most, wanted) in [
            ("short", 5, "short"),
            ("longer", 5, "lo…"),
            ("aébc", 5, "aébc"),
            ("ééé", 5, "é…"),
            ("ab", 1, "…"),
        ] {
            assert_eq!(cut(text, most), wanted);
        }
    }

    #[test]
    fn what_is_plain_stays_as_it_is() {
        for hostile in [
            "\u{1b}\u{1b}[[31m",
            "\u{1b}]\u{1b}[0m\u{7}m",
            "\u{9b}\u{1b}",
        ] {
            let once = plain(hostile);
            assert!(!once.chars().any(steers), "{once:?}");
            assert_eq!(plain(&once), once);
        }
    }
}
