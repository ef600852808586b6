//! The one place that turns errors into ink.

use std::io;

use agent_core::hint::{Author, Remedy};
use agent_core::{Failure, Kind, UndoReport, exit};

use crate::clean;
use crate::ink::Tone;
use crate::terminal::{Sink, Terminal};

/// How many causes of one failure are told.
const CAUSES: usize = 12;

/// Writes a failure that kept a command from starting, and returns its exit code. For `wire.rs`: files, clients, plugins.
pub fn report(failure: &Failure, terminal: &mut Terminal) -> u8 {
    error(failure, &mut terminal.stderr);
    exit::of(failure)
}

/// Writes a failure that the command can do without, as a warning. For `wire.rs`.
pub fn warn(failure: &Failure, terminal: &mut Terminal) {
    let texts: Vec<String> = std::iter::once(failure.message.clone())
        .chain(failure.causes.iter().cloned())
        .chain(failure.hint.iter().map(|hint| format!("({hint})")))
        .collect();
    warning(&clean::text(&texts.join(": ")), &mut terminal.stderr);
}

/// Writes `Error:`, the chain of causes, and `Hint:`.
pub(crate) fn error(failure: &Failure, to: &mut Sink) {
    let ink = to.ink;
    to.line(format_args!(
        "{} {}",
        ink.paint(Tone::Bad, "Error:"),
        block(&failure.message)
    ));
    let label = ink.paint(Tone::Warn, "Caused by:");
    match failure.causes.as_slice() {
        [] => {}
        [one] => to.line(format_args!("{label} {}", block(one))),
        many => {
            to.line(label);
            for (index, cause) in many.iter().take(CAUSES).enumerate() {
                to.line(format_args!("  {}: {}", index + 1, block(cause)));
            }
            let left = many.len().saturating_sub(CAUSES);
            if left > 0 {
                to.line(format_args!("  … and {left} more"));
            }
        }
    }
    if let Some(remedy) = &failure.hint {
        hint(remedy, to);
    }
}

/// Says what could not be written, and returns the exit code then: a result that nobody got is none. The run itself has come to its end by now.
pub(crate) fn unwritten(code: u8, terminal: &mut Terminal) -> u8 {
    let lost = [
        ("writing the result", terminal.stdout.unwritten.take()),
        (
            "writing progress and messages",
            terminal.stderr.unwritten.take(),
        ),
    ];
    let mut is_whole = true;
    for (doing, lost) in lost {
        let Some(lost) = lost else { continue };
        let message = format!("{doing}: {}", why(&lost));
        let failure = Failure::new(Kind::Exhausted, "agent.unwritten", message);
        error(&failure, &mut terminal.stderr);
        is_whole = false;
    }
    match code {
        exit::DONE if !is_whole => exit::FAILED,
        code => code,
    }
}

/// Returns the words of an error of the operating system without its number.
fn why(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// Writes what helps: `Hint:` and words to paste when it is the agent's own, and else behind the margin whose advice it is.
pub(crate) fn hint(remedy: &Remedy, to: &mut Sink) {
    if remedy.by() == Author::Stranger {
        let label = to
            .ink
            .paint(Tone::Faint, "advice of the plugin or the server:");
        to.line(label);
        to.theirs("", None, &block(remedy));
        return;
    }
    let label = to.ink.paint(Tone::Hint, "Hint:");
    let remedy = remedy.with_said(|said| called(said, &to.agent));
    to.paste(format_args!("{label} {}", block(&remedy)));
}

/// Returns a text in which commands that reach a cluster reach the same one. Without that, what was tried on one cluster would be done to
/// another by whoever pastes it.
fn called(text: &str, agent: &str) -> String {
    ["run", "apply"]
        .iter()
        .fold(text.to_owned(), |text, command| {
            text.replace(&format!("agent {command} "), &format!("{agent} {command} "))
        })
}

/// Writes `Warning:`.
pub(crate) fn warning(text: &str, to: &mut Sink) {
    let label = to.ink.paint(Tone::Warn, "Warning:");
    to.line(format_args!("{label} {}", block(text)));
}

/// Writes what was put back after a failed run, what was left alone, and what could not be put back.
pub(crate) fn put_back(list: &[UndoReport], to: &mut Sink) {
    if list.is_empty() {
        return;
    }
    let (failed, good): (Vec<_>, Vec<_>) = list.iter().partition(|one| one.failure.is_some());
    if !good.is_empty() {
        to.line("Put back, newest first:");
        for one in good {
            put_back_line(one, to);
        }
    }
    not_put_back(&failed, to);
}

/// Writes what could not be put back, and what to do.
pub(crate) fn not_put_back(failed: &[&UndoReport], to: &mut Sink) {
    if failed.is_empty() {
        return;
    }
    let heading = to.ink.paint(Tone::Bad, "Not put back, so look here first:");
    to.line(heading);
    let mut told: Vec<&UndoReport> = Vec::new();
    for one in failed {
        if told.iter().any(|other| is_same(other, one)) {
            continue;
        }
        told.push(one);
        let times = failed.iter().filter(|other| is_same(other, one)).count();
        match times {
            1 => put_back_line(one, to),
            times => put_back_line(&times_over(one, times), to),
        }
    }
}

/// Returns whether two changes of one object are told of in the same words.
fn is_same(one: &UndoReport, other: &UndoReport) -> bool {
    (&one.target, &one.failure, &one.left) == (&other.target, &other.failure, &other.left)
}

/// Returns what is said of several changes at once.
fn times_over(one: &UndoReport, times: usize) -> UndoReport {
    UndoReport {
        target: format!("{} ({times} changes)", one.target),
        ..one.clone()
    }
}

/// Writes the line of one change that was put back, or was not.
pub(crate) fn put_back_line(one: &UndoReport, to: &mut Sink) {
    let ink = to.ink;
    let target = clean::line(&one.target);
    if let Some(failure) = &one.failure {
        to.line(format_args!(
            "  {} {target}: {}",
            ink.paint(Tone::Bad, "✗"),
            clean::line(&failure.message)
        ));
        for cause in &failure.causes {
            let cause = called(&clean::line(cause), &to.agent);
            to.line(format_args!("      caused by: {cause}"));
        }
        if let Some(remedy) = &failure.hint {
            let label = match remedy.by() {
                Author::Agent => "hint",
                Author::Stranger => "advice",
            };
            let remedy = remedy.with_said(|said| called(said, &to.agent));
            to.paste(format_args!("      {label}: {}", clean::line(&remedy)));
        }
    } else {
        to.line(format_args!(
            "  {} {target}: {}",
            ink.paint(Tone::Good, "↩"),
            clean::line(&one.summary)
        ));
    }
    for left in &one.left {
        let note = format!("      left alone: {}", clean::line(left));
        to.line(ink.paint(Tone::Faint, note));
    }
}

/// Returns a text of several lines. Its further ones stand behind the margin.
fn block(text: &str) -> String {
    clean::text(text.trim_end())
}
