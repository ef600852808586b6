//! Asking the person.
//!
//! A yes is for what the person saw. What was typed before is forgotten; who agrees sooner than anybody reads is asked again; and what destroys
//! wants a word. Whose question it is, and what a yes opens, is told by the agent and stands last, where no length of the question moves it off the screen.

use std::io::BufRead;
use std::time::{Duration, Instant};

use agent_core::Risk;
use agent_core::event::Asker;
use futures::channel::oneshot;

use crate::clean;
use crate::ink::Tone;
use crate::render::{margin, width};
use crate::terminal::Terminal;

/// How much of a question is shown: facts, and columns of a label and of a value.
const FACTS: usize = 30;
const LABEL: usize = 30;
const VALUE: usize = 300;
/// What stands in front of a fact that the agent tells.
const INDENT: &str = "  ";
/// How many columns of a question.
const TEXT: usize = 1000;
/// How many kinds of change are named that a yes opens.
const OPENS: usize = 12;

/// How often a question is asked whose answers are none.
const TIMES: u32 = 4;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) text: &'a str,
    pub(super) facts: &'a [(String, String)],
    /// What has to be typed, where its plugin says so.
    pub(super) phrase: Option<&'a str>,
    /// None when the agent itself asks.
    pub(super) by: Option<&'a Asker>,
    pub(super) opens: &'a [String],
}

/// A question that waits for its answer.
pub(super) struct Asking {
    pub(super) number: u64,
    prompt: String,
    wanted: Wanted,
    times: u32,
    shown: Instant,
    typed: Typed,
}

/// What agrees.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// `y` and `yes`.
    Yes,
    /// A word that nobody types by habit, or the phrase that the plugin wants.
    Word(String),
}

/// What an answer comes to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Agreed,
    Declined,
    /// It was no answer, and why.
    Again(String),
}

/// The answer to a question, or the question once more.
pub(super) enum Answered {
    Yes,
    No,
    Again(Asking),
}

impl Asking {
    /// Shows a question with its facts on standard error, and leaves the cursor behind it. None when nobody can answer.
    pub(super) fn begin(
        number: u64,
        question: &Question<'_>,
        terminal: &mut Terminal,
    ) -> Option<Asking> {
        show(question, terminal);
        let wanted = Wanted::by(question);
        let prompt = prompt(question, &wanted, terminal);
        Asking::ask(number, prompt, wanted, 1, terminal)
    }

    fn ask(
        number: u64,
        prompt: String,
        wanted: Wanted,
        times: u32,
        terminal: &mut Terminal,
    ) -> Option<Asking> {
        terminal.stderr.raw(&prompt);
        let stdin = terminal.stdin.take()?;
        (terminal.forget)();
        Some(Asking {
            number,
            prompt,
            wanted,
            times,
            shown: Instant::now(),
            typed: typed(stdin),
        })
    }

    /// Waits for a line. None when nobody can type one any more.
    pub(super) async fn line(&mut self) -> Option<Line> {
        (&mut self.typed).await.ok()
    }

    /// Hears an answer.
    pub(super) fn hear(self, line: Option<Line>, terminal: &mut Terminal) -> Answered {
        let Some(line) = line else {
            return Answered::No;
        };
        terminal.stdin = Some(line.stdin);
        let after = line.at.duration_since(self.shown);
        match self.wanted.judge(&line.text, after, terminal.reading) {
            Verdict::Agreed => Answered::Yes,
            Verdict::Again(why) if self.times < TIMES => {
                let why = terminal.stderr.ink.paint(Tone::Warn, why);
                terminal.stderr.line(why);
                let Asking {
                    number,
                    prompt,
                    wanted,
                    times,
                    ..
                } = self;
                let again = Asking::ask(number, prompt, wanted, times + 1, terminal);
                again.map_or(Answered::No, Answered::Again)
            }
            Verdict::Again(_) | Verdict::Declined => Answered::No,
        }
    }
}

impl Wanted {
    fn by(question: &Question<'_>) -> Wanted {
        match (question.phrase, question.by.map(|asker| asker.risk)) {
            (Some(phrase), _) => Wanted::Word(clean::line(phrase)),
            (None, Some(Risk::Destroy)) => Wanted::Word(Risk::Destroy.as_str().to_owned()),
            (None, _) => Wanted::Yes,
        }
    }

    /// Judges a line that came so long after the question. The end of input agrees to nothing, and is not asked again.
    fn judge(&self, line: &str, after: Duration, reading: Duration) -> Verdict {
        let answer = line.trim().to_ascii_lowercase();
        let is_yes = answer == "y" || answer == "yes";
        match self {
            Wanted::Word(word) if is_yes => {
                Verdict::Again(format!("only the word {word} agrees to this"))
            }
            Wanted::Word(word) if answer != word.to_ascii_lowercase() => Verdict::Declined,
            Wanted::Yes if !is_yes => Verdict::Declined,
            _ if after < reading => {
                Verdict::Again("that came before the question could be read".to_owned())
            }
            _ => Verdict::Agreed,
        }
    }
}

fn show(question: &Question<'_>, terminal: &mut Terminal) {
    let to = &mut terminal.stderr;
    let ink = to.ink;
    let (shown, left) = question.facts.split_at(question.facts.len().min(FACTS));
    let facts: Vec<(String, String)> = shown
        .iter()
        .map(|(label, value)| {
            let label = width::cut(&clean::line(label), LABEL);
            (label, width::cut(&clean::line(value), VALUE))
        })
        .collect();
    let widest = facts.iter().map(|(label, _)| width::of(label)).max();
    let widest = widest.unwrap_or(0);
    let width = terminal.facts.width;
    to.line("");
    let more = Some(format!("… and {} more", left.len())).filter(|_| !left.is_empty());
    let Some(by) = question.by else {
        // The agent's own, which the margin is not for.
        for (label, value) in &facts {
            let label = ink.paint(Tone::Faint, width::pad(label, widest));
            let value = width::fold(value, width, INDENT.len() + widest + 2);
            to.line(format_args!("{INDENT}{label}  {value}"));
        }
        if let Some(more) = more {
            to.line(format_args!("{INDENT}{}", ink.paint(Tone::Faint, more)));
        }
        return;
    };
    let room = width.map(|room| room.saturating_sub(margin::WIDTH));
    for (label, value) in &facts {
        let label = ink.paint(Tone::Faint, width::pad(label, widest));
        let value = width::fold(value, room, widest + 2);
        to.theirs("", None, &format!("{label}  {value}"));
    }
    if let Some(more) = more {
        to.theirs("", Some(Tone::Faint), &more);
    }
    if !facts.is_empty() {
        to.theirs("", None, "");
    }
    let text = width::cut(&clean::line(question.text), TEXT);
    to.theirs("", Some(Tone::Strong), &text);
    to.paste(format_args!(
        "{} of plugin {} asks this; its risk is {}",
        ink.paint(Tone::Strong, by.operation.as_str()),
        clean::line(&by.plugin),
        by.risk.as_str(),
    ));
    if !question.opens.is_empty() {
        to.paste("what it may do once you agree:");
    }
    for clause in question.opens.iter().take(OPENS) {
        let clause = width::fold(&clean::line(clause), to.room, 4);
        to.paste(format_args!("  {clause}"));
    }
    let left = question.opens.len().saturating_sub(OPENS);
    if left > 0 {
        to.paste(format_args!("  … and {left} more"));
    }
}

fn prompt(question: &Question<'_>, wanted: &Wanted, terminal: &mut Terminal) -> String {
    let ink = terminal.stderr.ink;
    match (question.by, wanted) {
        (_, Wanted::Word(word)) => {
            format!("type {} to agree: ", ink.paint(Tone::Strong, word))
        }
        (Some(_), Wanted::Yes) => "agree? [y/N] ".to_owned(),
        // The agent's own, but it may tell what a plugin said.
        (None, Wanted::Yes) => {
            if !question.facts.is_empty() {
                terminal.stderr.line("");
            }
            let text = width::cut(&clean::line(question.text), TEXT);
            let text = margin::running(&text, None).into_owned();
            let behind = width::of(&text) + width::of(" [y/N] ");
            let painted = ink.paint(Tone::Strong, &text);
            if terminal.facts.width.is_none_or(|room| behind < room) {
                return format!("{painted} [y/N] ");
            }
            terminal.stderr.line(painted);
            "[y/N] ".to_owned()
        }
    }
}

/// A line that was typed.
pub(in crate::command) struct Line {
    /// Empty at the end of input.
    pub(in crate::command) text: String,
    pub(in crate::command) at: Instant,
    pub(in crate::command) stdin: Box<dyn BufRead + Send>,
}

type Typed = oneshot::Receiver<Line>;

/// Reads a line on a thread of its own, so that Ctrl-C is heard meanwhile. The thread outlives a run that was stopped; the end of the process
/// ends it.
fn typed(mut stdin: Box<dyn BufRead + Send>) -> Typed {
    let (tx, rx) = oneshot::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        if stdin.read_line(&mut text).is_err() {
            text.clear();
        }
        let at = Instant::now();
        // The run may be over already; there is nobody to tell then.
        drop(tx.send(Line { text, at, stdin }));
    });
    rx
}

#[cfg(test)]
mod tests {
    use super::*;

    const READING: Duration = Duration::from_millis(400);

    #[test]
    fn only_what_was_asked_for_agrees_and_only_when_it_can_have_been_read() {
        let destroy = Wanted::Word("destroy".to_owned());
        let phrase = Wanted::Word("Machine 01".to_owned());
        let (slow, fast) = (READING, READING - Duration::from_millis(1));
        for (wanted, line, after, agrees) in [
            (&Wanted::Yes, "y\n", slow, Some(true)),
            (&Wanted::Yes, " YES \r\n", slow, Some(true)),
            (&Wanted::Yes, "y\n", fast, None),
            (&Wanted::Yes, "yes please\n", slow, Some(false)),
            (&Wanted::Yes, "destroy\n", slow, Some(false)),
            (&Wanted::Yes, "\n", fast, Some(false)),
            (&Wanted::Yes, "", fast, Some(false)),
            (&destroy, "destroy\n", slow, Some(true)),
            (&destroy, "Destroy\n", slow, Some(true)),
            (&destroy, "destroy\n", fast, None),
            (&destroy, "y\n", slow, None),
            (&destroy, "destroy it\n", slow, Some(false)),
            (&destroy, "n\n", fast, Some(false)),
            (&destroy, "", slow, Some(false)),
            (&phrase, "machine 01\n", slow, Some(true)),
            (&phrase, "yes\n", slow, None),
            (&phrase, "machine 02\n", slow, Some(false)),
        ] {
            let verdict = match wanted.judge(line, after, READING) {
                Verdict::Agreed => Some(true),
                Verdict::Declined => Some(false),
                Verdict::Again(_) => None,
            };
            assert_eq!(verdict, agrees, "{wanted:?} {line:?} after {after:?}");
        }
    }
}
