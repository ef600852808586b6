//! One line of a timeline: when, what, and beneath it what belongs to it.

use jiff::Timestamp;

use crate::clean;
use crate::ink::{Ink, Tone};
use crate::render::time::{between, offset};
use crate::render::width;
use crate::terminal::Sink;

/// The columns of the time, and those with the gap behind it.
const TIME: usize = 6;
const MARGIN: usize = TIME + 2;
const GAP: &str = "  ";

/// What a line is about, as a sign in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A step that has not ended.
    Open,
    /// Something came to a good end.
    Good,
    /// A step was not needed.
    Skipped,
    /// Something came to a bad end.
    Bad,
    /// A change was put back.
    Back,
    /// The person was asked.
    Asked,
    /// The plugin wrote a line that matters.
    Log,
    /// Nothing of these.
    None,
}

/// A line, and what is beneath it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) depth: usize,
    pub(super) mark: Mark,
    pub(super) text: String,
    /// What is said behind it with less weight; empty ones are passed over.
    pub(super) extras: Vec<String>,
    pub(super) details: Vec<String>,
    /// Whether all of it has little weight.
    pub(super) faint: bool,
    /// Whether it needs a look.
    pub(super) warns: bool,
}

impl Line {
    pub(super) fn new(at: Timestamp, mark: Mark, text: &str) -> Line {
        Line {
            at,
            depth: 0,
            mark,
            text: clean::line(text),
            extras: Vec::new(),
            details: Vec::new(),
            faint: false,
            warns: false,
        }
    }

    /// Writes it with the time since `begun`, on a screen of so many columns.
    pub(super) fn write(&self, begun: Timestamp, room: Option<usize>, to: &mut Sink) {
        let ink = to.ink;
        let time = format!("{:>TIME$}", offset(between(begun, self.at)));
        let indent = " ".repeat(MARGIN + 2 * self.depth);
        let lead = format!(
            "{}{GAP}{}{}",
            ink.paint(Tone::Faint, time),
            "  ".repeat(self.depth),
            self.mark.sign(ink)
        );
        let extras: Vec<&str> = self.extras.iter().map(String::as_str).collect();
        let extras: Vec<&str> = extras
            .into_iter()
            .filter(|extra| !extra.is_empty())
            .collect();
        let under = indent.len() + 2;
        let needed = under
            + width::of(&self.text)
            + extras
                .iter()
                .map(|extra| 2 + width::of(extra))
                .sum::<usize>();
        let tone = self.tone();
        let text = |text: &str| tone.map_or_else(|| text.to_owned(), |tone| ink.paint(tone, text));
        if room.is_none_or(|room| needed <= room) {
            let extras: String = extras
                .iter()
                .map(|extra| format!("{GAP}{}", ink.paint(Tone::Faint, extra)))
                .collect();
            to.line(format_args!("{lead}{}{extras}", text(&self.text)));
        } else {
            to.line(format_args!(
                "{lead}{}",
                text(&width::fold(&self.text, room, under))
            ));
            for extra in extras {
                let extra = ink.paint(Tone::Faint, width::fold(extra, room, under + 2));
                to.line(format_args!("{indent}    {extra}"));
            }
        }
        for detail in &self.details {
            // Lines of a manifest keep their indentation.
            let fits = room.is_none_or(|room| under + 2 + width::of(detail) <= room);
            let detail = if fits {
                detail.clone()
            } else {
                width::fold(detail, room, under + 4)
            };
            to.line(format_args!("{indent}    {detail}"));
        }
    }

    fn tone(&self) -> Option<Tone> {
        match (self.mark, self.warns, self.faint) {
            (Mark::Bad, ..) => Some(Tone::Bad),
            (_, true, _) => Some(Tone::Warn),
            (.., true) => Some(Tone::Faint),
            _ => None,
        }
    }
}

impl Mark {
    /// Returns the sign, which takes two columns with the gap behind it.
    fn sign(self, ink: Ink) -> String {
        let (tone, sign) = match self {
            Mark::Open => (Tone::Warn, "·"),
            Mark::Good => (Tone::Good, "✓"),
            Mark::Skipped => (Tone::Faint, "-"),
            Mark::Bad => (Tone::Bad, "✗"),
            Mark::Back => (Tone::Good, "↩"),
            Mark::Asked => (Tone::Strong, "?"),
            Mark::Log => (Tone::Warn, "!"),
            Mark::None => return "  ".to_owned(),
        };
        format!("{} ", ink.paint(tone, sign))
    }
}
