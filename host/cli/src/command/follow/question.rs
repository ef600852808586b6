//! Asking the person.

use std::io::BufRead;

use futures::channel::oneshot;

use crate::clean;
use crate::ink::Tone;
use crate::render::width;
use crate::terminal::Terminal;

/// Shows a question with its facts on standard error, and leaves the cursor behind it.
pub(super) fn show(text: &str, facts: &[(String, String)], terminal: &mut Terminal) {
    let room = terminal.facts.width;
    let to = &mut terminal.stderr;
    let ink = to.ink;
    let label = facts
        .iter()
        .map(|(label, _)| width::of(&clean::line(label)))
        .max()
        .unwrap_or(0);
    to.line("");
    for (name, value) in facts {
        let name = ink.paint(Tone::Faint, width::pad(&clean::line(name), label));
        let value = width::fold(&clean::line(value), room, label + 4);
        to.line(format_args!("  {name}  {value}"));
    }
    if !facts.is_empty() {
        to.line("");
    }
    let question = ink.paint(Tone::Strong, clean::line(text));
    to.raw(&format!("{question} [y/N] "));
}

/// A line that is typed, with the reader; empty at the end of input.
pub(in crate::command) type Typed = oneshot::Receiver<(String, Box<dyn BufRead + Send>)>;

/// Reads a line on a thread of its own, so that Ctrl-C is heard meanwhile. The thread outlives a run that was stopped; the end of the process
/// ends it.
pub(in crate::command) fn typed(mut stdin: Box<dyn BufRead + Send>) -> Typed {
    let (tx, rx) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if stdin.read_line(&mut line).is_err() {
            line.clear();
        }
        // The run may be over already; there is nobody to tell then.
        drop(tx.send((line, stdin)));
    });
    rx
}

/// Returns whether a line agrees. Only `y` and `yes` do; the end of input does not.
pub(super) fn agrees(line: &str) -> bool {
    let answer = line.trim().to_ascii_lowercase();
    answer == "y" || answer == "yes"
}
