//! What happened in a run, in order: a line for each step with how it ended, and each change as a diff beneath.

use std::collections::BTreeMap;

use agent_core::call::Goal;
use agent_core::event::Level;
use agent_core::journal::Entry;
use agent_core::record::{Noted, Record, RecordedEffect, State};
use agent_core::{CallId, Event, Failure, Outcome, UndoReport};
use jiff::Timestamp;

use super::time::{between, felt, short};
use crate::clean;
use crate::render::words::changes;
use crate::terminal::Terminal;

use line::{Line, Mark};

mod effect;
mod line;

/// Writes the record of a run to standard output; with `verbose`, with whole manifests, notes of steps and logs.
pub(crate) fn write(record: &Record, verbose: bool, now: Timestamp, terminal: &mut Terminal) {
    let mut timeline = Timeline::new(record, verbose);
    for noted in &record.entries {
        timeline.entry(noted);
    }
    timeline.close(now);
    let room = terminal.result_width();
    for line in timeline.lines {
        line.write(record.begun.at, room, &mut terminal.stdout);
    }
}

struct Timeline<'a> {
    record: &'a Record,
    recorded_effects: Vec<RecordedEffect>,
    verbose: bool,
    lines: Vec<Line>,
    /// Where the line of each step is.
    steps: BTreeMap<CallId, usize>,
    /// The steps that are under way, outermost first.
    open: Vec<CallId>,
    /// The changes that have a line.
    shown: Vec<u64>,
}

impl<'a> Timeline<'a> {
    fn new(record: &'a Record, verbose: bool) -> Timeline<'a> {
        Timeline {
            record,
            recorded_effects: record.recorded_effects(),
            verbose,
            lines: Vec::new(),
            steps: BTreeMap::new(),
            open: Vec::new(),
            shown: Vec::new(),
        }
    }

    fn entry(&mut self, noted: &Noted) {
        let at = noted.at;
        match &noted.entry {
            Entry::Told { event } => self.event(at, event),
            Entry::Intent(intent) => self.change(at, intent),
            Entry::PutBack { take_back, .. } => self.put_back(at, take_back),
            Entry::Ended { end: Err(failure) } => self.failed(at, failure),
            Entry::Resumed { host, process, to } => {
                let aim = match to {
                    Goal::Finish => "taken up again, to finish it",
                    Goal::Undo => "taken up again, to take it back",
                };
                self.open.clear();
                let whom = format!("by process {process} on {}", clean::line(host));
                self.say(at, Mark::None, aim).extras = vec![whom];
            }
            Entry::Finished { outcome, held } => self.finished(at, outcome, *held),
            Entry::Undone { left, outcome } => self.undone(at, *left, outcome.as_ref()),
            Entry::Called { .. }
            | Entry::Answered { .. }
            | Entry::Result { .. }
            | Entry::Releasing { .. }
            | Entry::Kept { .. }
            | Entry::Ended { end: Ok(_) } => {}
        }
    }

    fn event(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::StepStarted { step, title, depth } => self.step(at, step, title, *depth),
            Event::StepDone { step, summary } => self.end(at, step, Mark::Good, summary),
            Event::StepSkipped { step, reason } => {
                self.end(at, step, Mark::Skipped, &format!("skipped: {reason}"));
            }
            Event::StepFailed { step, reason } => self.end(at, step, Mark::Bad, reason),
            Event::Asked { text, .. } => {
                self.say(at, Mark::Asked, text);
            }
            Event::TakingBack { held, .. } if *held > 0 => {
                let text = format!("putting back {}", changes(*held));
                self.say(at, Mark::None, &text);
            }
            Event::StepNoted { text, .. } if self.verbose => {
                self.say(at, Mark::None, text).faint = true;
            }
            Event::Logged { level, message } if self.verbose => self.log(at, *level, message),
            Event::LogsDropped { lines } if self.verbose => {
                let text = format!("{lines} more log lines were dropped");
                self.say(at, Mark::None, &text).faint = true;
            }
            _ => {}
        }
    }

    /// A run that is taken up again tells of its steps once more; each stays where it began.
    fn step(&mut self, at: Timestamp, step: &CallId, title: &str, depth: u32) {
        self.open.push(step.clone());
        if self.steps.contains_key(step) {
            return;
        }
        self.steps.insert(step.clone(), self.lines.len());
        let depth = usize::try_from(depth).unwrap_or(usize::MAX).min(8);
        self.lines.push(Line {
            depth,
            ..Line::new(at, Mark::Open, title)
        });
    }

    fn end(&mut self, at: Timestamp, step: &CallId, mark: Mark, summary: &str) {
        self.open.retain(|open| open != step);
        let Some(line) = self.steps.get(step).and_then(|at| self.lines.get_mut(*at)) else {
            return;
        };
        // What is told again of a step that has ended is the replay of a run that was taken up.
        if line.mark != Mark::Open {
            return;
        }
        line.mark = mark;
        line.extras = vec![clean::line(summary), felt(between(line.at, at))];
    }

    fn put_back(&mut self, at: Timestamp, one: &UndoReport) {
        let target = clean::line(&one.target);
        let left = one.left.iter().map(|left| format!("left alone: {left}"));
        let (mark, text, causes) = match &one.failure {
            None => (Mark::Back, clean::line(&one.summary), Vec::new()),
            Some(failure) => (
                Mark::Bad,
                format!("not put back: {}", failure.message),
                failure.causes.clone(),
            ),
        };
        let causes = causes
            .into_iter()
            .map(|cause| format!("caused by: {cause}"));
        let details = left.chain(causes).map(|line| clean::line(&line)).collect();
        self.say(at, mark, &format!("{target}: {text}")).details = details;
    }

    fn failed(&mut self, at: Timestamp, failure: &Failure) {
        let causes = failure.causes.iter();
        let causes = causes.map(|cause| format!("caused by: {}", clean::line(cause)));
        let hint = failure.hint.iter();
        let hint = hint.map(|hint| format!("hint: {}", clean::line(hint)));
        let details = causes.chain(hint).collect();
        self.open.clear();
        self.say(at, Mark::Bad, &failure.message).details = details;
    }

    fn finished(&mut self, at: Timestamp, outcome: &Outcome, held: u64) {
        self.open.clear();
        let (mark, text) = match outcome {
            Outcome::Done { failed: 0, .. } => (Mark::Good, "done".to_owned()),
            Outcome::Done { failed, .. } => (Mark::Bad, format!("done, but {failed} failed")),
            Outcome::Failed { .. } => (Mark::Bad, "failed".to_owned()),
            Outcome::Undone { .. } => (Mark::Good, "taken back".to_owned()),
        };
        let took = short(between(self.record.begun.at, at));
        let held = match held {
            0 => String::new(),
            held => format!("still holds {}", changes(held)),
        };
        let line = self.say(at, mark, &text);
        line.warns = !held.is_empty();
        line.extras = vec![format!("after {took}"), held];
    }

    fn log(&mut self, at: Timestamp, level: Level, message: &str) {
        let mark = match level {
            Level::Debug | Level::Info => Mark::None,
            Level::Warn | Level::Error => Mark::Log,
        };
        self.say(at, mark, message).faint = level == Level::Debug;
    }

    /// Adds what can be said of a run that has no end.
    fn close(&mut self, now: Timestamp) {
        let state = self.record.summary.state;
        let (unended, last) = match state {
            State::Running => ("under way", "at work"),
            State::Unfinished => ("cut off", "cut off"),
            State::Damaged => ("no end is on record", ""),
            _ => ("did not end", ""),
        };
        for line in self.lines.iter_mut().filter(|line| line.mark == Mark::Open) {
            line.extras.push(unended.to_owned());
        }
        self.open.clear();
        self.damage();
        if !last.is_empty() {
            let at = match (state, self.record.entries.last()) {
                (State::Running, _) => now,
                (_, Some(noted)) => noted.at,
                (_, None) => self.record.begun.at,
            };
            let details = match state {
                State::Unfinished => effect::in_doubt(self.record),
                _ => Vec::new(),
            };
            let line = self.say(at, Mark::None, last);
            line.warns = state == State::Unfinished;
            line.details = details;
        }
    }

    /// Adds what cannot be told.
    fn damage(&mut self) {
        if self.record.damage.is_empty() {
            return;
        }
        let at = self.record.entries.last();
        let at = at.map_or(self.record.begun.at, |noted| noted.at);
        let details = self.record.damage.iter().map(|one| clean::line(one));
        let details = details.collect();
        let what =
            "this is not all that happened: the record is damaged, or a newer agent has written it";
        self.say(at, Mark::Bad, what).details = details;
    }

    /// Adds a line beneath the innermost step that is under way.
    fn say(&mut self, at: Timestamp, mark: Mark, text: &str) -> &mut Line {
        let innermost = self.open.last().and_then(|step| self.steps.get(step));
        let depth = innermost
            .and_then(|at| self.lines.get(*at))
            .map_or(0, |line| line.depth + 1);
        self.lines.push(Line {
            depth,
            ..Line::new(at, mark, text)
        });
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }
}
