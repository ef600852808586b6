//! The few styles there are, by what a text means and not by how it looks.

use anstyle::{AnsiColor, Style};

/// Paints text, or leaves it plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ink {
    on: bool,
}

/// What a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something is wrong.
    Bad,
    /// Something went well.
    Good,
    /// Something needs a look.
    Warn,
    /// A remedy.
    Hint,
    /// A heading, or the name of what this is about.
    Strong,
    /// Of little weight.
    Faint,
}

impl Ink {
    pub(crate) fn new(on: bool) -> Ink {
        Ink { on }
    }

    /// Returns whether anything is painted at all.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    pub(crate) fn paint(self, tone: Tone, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let style = tone.style();
        format!("{style}{text}{style:#}")
    }
}

impl Tone {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Tone::Bad => colour(AnsiColor::Red).bold(),
            Tone::Good => colour(AnsiColor::Green),
            Tone::Warn => colour(AnsiColor::Yellow),
            Tone::Hint => colour(AnsiColor::Cyan),
            Tone::Strong => Style::new().bold(),
            Tone::Faint => Style::new().dimmed(),
        }
    }
}
