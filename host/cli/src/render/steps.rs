//! The steps of a run: a spinner each while they last on a screen, a line at start and end elsewhere. A screen on which no step is shown gets
//! one for the whole run after a moment: an API server that does not answer must not look like nothing at all.

use std::collections::BTreeMap;
use std::time::Duration;

use agent_core::CallId;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use super::time::felt;
use crate::clean;
use crate::ink::{Ink, Tone};
use crate::terminal::Sink;

/// How long a screen may show nothing.
const QUIET: Duration = Duration::from_millis(500);

/// The steps that are under way.
pub(super) struct Steps {
    live: Option<MultiProgress>,
    open: BTreeMap<CallId, Step>,
    details: bool,
    gap: Gap,
    timed: bool,
}

/// The time in which no step is under way.
struct Gap {
    title: String,
    since: Instant,
    bar: Option<ProgressBar>,
}

struct Step {
    title: String,
    depth: usize,
    /// None when nothing can be told of how long it takes.
    started: Option<Instant>,
    note: String,
    progress: Option<(u64, u64)>,
    bar: Option<ProgressBar>,
}

/// How a step ended.
pub(super) enum End<'a> {
    Done(&'a str),
    Skipped(&'a str),
    /// Why; where that is empty, the last note says how far it was.
    Failed(&'a str),
}

impl Steps {
    /// Draws on `live` when there is one, and `title` while there is no step. With `details`, notes and inner steps are kept on the screen.
    pub(super) fn new(live: Option<ProgressDrawTarget>, title: &str, details: bool) -> Steps {
        Steps {
            live: live.map(MultiProgress::with_draw_target),
            open: BTreeMap::new(),
            details,
            gap: Gap {
                title: clean::line(title),
                since: Instant::now(),
                bar: None,
            },
            timed: true,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    pub(super) fn start(&mut self, id: &CallId, title: &str, depth: u32, to: &mut Sink) {
        let depth = usize::try_from(depth).unwrap_or(usize::MAX).min(8);
        let title = clean::line(title);
        self.end_gap();
        let bar = self
            .live
            .as_ref()
            .map(|live| live.add(spinner(depth, to.ink)));
        if bar.is_none() {
            to.line(format_args!("{}· {title}", indent(depth)));
        }
        let step = Step {
            title,
            depth,
            started: self.timed.then(Instant::now),
            note: String::new(),
            progress: None,
            bar,
        };
        step.show();
        self.open(id, step);
    }

    /// Shows on a screen that changes are being put back; returns whether there is a screen. The run's own place is free for it: no step stands
    /// there.
    pub(super) fn take_back(&mut self, title: &str, total: u64, ink: Ink) -> bool {
        self.end_gap();
        let Some(live) = &self.live else { return false };
        let step = Step {
            title: title.to_owned(),
            depth: 0,
            started: None,
            note: String::new(),
            progress: (total > 0).then_some((0, total)),
            bar: Some(live.add(spinner(0, ink))),
        };
        step.show();
        self.open(&CallId::root(), step);
        true
    }

    /// Shows on a screen that one more change was put back.
    pub(super) fn put_back(&mut self, target: &str) {
        if let Some(step) = self.open.get_mut(&CallId::root()) {
            let (done, total) = step.progress.unwrap_or_default();
            step.progress = Some((done + 1, total));
            step.note = clean::line(target);
            step.show();
        }
    }

    /// Steps that begin from now on are not timed.
    pub(super) fn untime(&mut self) {
        self.timed = false;
    }

    /// Takes away all steps: whoever worked on them is gone.
    pub(super) fn forget(&mut self) {
        for step in std::mem::take(&mut self.open).into_values() {
            if let Some(bar) = &step.bar {
                self.remove(bar);
            }
        }
    }

    fn open(&mut self, id: &CallId, step: Step) {
        let before = self.open.insert(id.clone(), step);
        if let Some(bar) = before.and_then(|step| step.bar) {
            self.remove(&bar);
        }
    }

    pub(super) fn note(&mut self, id: &CallId, text: &str, to: &mut Sink) {
        let Some(step) = self.open.get_mut(id) else {
            return;
        };
        step.note = clean::line(text);
        step.show();
        if self.details {
            let line = format!("{}  {}", indent(step.depth), step.note);
            let line = to.ink.paint(Tone::Faint, line);
            self.above(|| to.line(line));
        }
    }

    pub(super) fn progress(&mut self, id: &CallId, done: u64, total: u64) {
        if let Some(step) = self.open.get_mut(id) {
            step.progress = Some((done, total));
            step.show();
        }
    }

    /// Ends a step. On a screen an inner step that went well leaves no line.
    pub(super) fn end(&mut self, id: &CallId, end: &End<'_>, to: &mut Sink) {
        let Some(step) = self.open.remove(id) else {
            return;
        };
        if let Some(bar) = &step.bar {
            self.remove(bar);
        }
        self.gap.since = Instant::now();
        let passing = self.live.is_some() && step.depth > 0 && !self.details;
        if !(passing && matches!(end, End::Done(_))) {
            let line = step.last_line(end, to.ink);
            self.above(|| to.line(line));
        }
    }

    /// Runs `write` while the spinners are off the screen.
    pub(super) fn above(&self, write: impl FnOnce()) {
        match &self.live {
            Some(live) => live.suspend(write),
            None => write(),
        }
    }

    pub(super) fn tick(&mut self, ink: Ink) {
        if self.open.is_empty() {
            self.show_gap(ink);
        }
        let bars = self.open.values().filter_map(|step| step.bar.as_ref());
        for bar in bars.chain(&self.gap.bar) {
            bar.tick();
        }
    }

    pub(super) fn clear(&mut self) {
        self.end_gap();
        if let Some(live) = &self.live {
            // The screen may be gone; there is nobody to tell then.
            drop(live.clear());
        }
    }

    fn show_gap(&mut self, ink: Ink) {
        let since = self.gap.since.elapsed();
        if let (Some(live), None, true) = (&self.live, &self.gap.bar, since >= QUIET) {
            let bar = live.add(spinner(0, ink)).with_elapsed(since);
            bar.set_message(self.gap.title.clone());
            self.gap.bar = Some(bar);
        }
    }

    fn end_gap(&mut self) {
        if let Some(bar) = self.gap.bar.take() {
            self.remove(&bar);
        }
        self.gap.since = Instant::now();
    }

    fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        if let Some(live) = &self.live {
            live.remove(bar);
        }
    }
}

impl Step {
    /// Brings the spinner's text up to date.
    fn show(&self) {
        let Some(bar) = &self.bar else { return };
        let mut line = self.title.clone();
        match self.progress {
            Some((done, 0)) => line.push_str(&format!("  {done}")),
            Some((done, total)) => line.push_str(&format!("  {done} of {total}")),
            None => {}
        }
        if !self.note.is_empty() {
            line.push_str("  ");
            line.push_str(&self.note);
        }
        bar.set_message(line);
    }

    fn last_line(&self, end: &End<'_>, ink: Ink) -> String {
        let (mark, text) = match end {
            End::Done(summary) => (ink.paint(Tone::Good, "✓"), clean::line(summary)),
            End::Skipped(reason) => (
                ink.paint(Tone::Faint, "-"),
                format!("skipped: {}", clean::line(reason)),
            ),
            End::Failed("") => (ink.paint(Tone::Bad, "✗"), self.note.clone()),
            End::Failed(reason) => (ink.paint(Tone::Bad, "✗"), clean::line(reason)),
        };
        let took = self
            .started
            .map_or_else(String::new, |started| felt(started.elapsed()));
        let extras: Vec<String> = [text, took]
            .into_iter()
            .filter(|extra| !extra.is_empty())
            .map(|extra| format!("  {}", ink.paint(Tone::Faint, extra)))
            .collect();
        format!(
            "{}{mark} {}{}",
            indent(self.depth),
            self.title,
            extras.concat()
        )
    }
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

fn spinner(depth: usize, ink: Ink) -> ProgressBar {
    let template = if ink.is_on() {
        "{prefix}{spinner:.cyan} {wide_msg} {elapsed:.dim}"
    } else {
        "{prefix}{spinner} {wide_msg} {elapsed}"
    };
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ");
    ProgressBar::no_length()
        .with_style(style)
        .with_prefix(indent(depth))
}
