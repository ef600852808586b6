//! Text of guests and of the cluster goes to terminals: nothing in it may steer one.
//!
//! Nothing that a plugin says can move the cursor, change colours or the window's title, write to the clipboard, or make a line read
//! differently from what it is (<https://trojansource.codes>).

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use unicode_width::UnicodeWidthChar as _;

/// How many marks may stand on a letter. Vietnamese needs two, pointed Hebrew three; with a hundred they cover the lines above and below.
const MARKS: usize = 4;

/// Returns text without terminal escapes, without characters that steer ([`steers`]), and without marks that stand on nothing or are too many for one
/// letter. Line feeds and tabs stay.
///
/// An escape sequence that does not end takes the rest of its line, never more.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    // How many more marks the letter before may have.
    let mut room = 0;
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_escape(&mut rest),
            '\n' | '\t' => {
                plain.push(c);
                room = 0;
            }
            c if steers(c) => {}
            c if c.width() == Some(0) => {
                if room > 0 {
                    plain.push(c);
                    room -= 1;
                }
            }
            c => {
                plain.push(c);
                room = MARKS;
            }
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
    c.is_control() || is_invisible(c)
}

/// Returns whether nothing is to be seen of a character: the property `Default_Ignorable_Code_Point` of Unicode 17 (`DerivedCoreProperties.txt`), among them
/// what changes the direction of text, and what looks like nothing without having it: the ends of lines and paragraphs, annotations, an empty Braille cell.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}'
        | '\u{2028}'..='\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{2800}')
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
            ("se\u{ad}cr\u{34f}et", "secret"),
            ("a\u{115f}\u{180e}\u{2800}\u{3164}\u{ffa0}b", "ab"),
            ("v\u{fe0f}\u{e0100}s", "vs"),
            ("join\u{200d}er", "joiner"),
            // Marks.
            ("e\u{301}", "e\u{301}"),
            ("ệ ở", "ệ ở"),
            (
                "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}x",
                "e\u{301}\u{302}\u{303}\u{304}x",
            ),
            ("\u{301}\u{489}a\n\u{20dd}b", "a\nb"),
            // Escapes and what steers do not begin anew what may stand on a letter.
            (
                "e\u{301}\u{302}\u{ad}\u{303}\u{1b}[0m\u{304}\u{305}",
                "e\u{301}\u{302}\u{303}\u{304}",
            ),
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
