//! A run as a person follows it.

use agent_core::descriptor::{Column, Risk};
use agent_core::event::Level;
use agent_core::{Effect, Event, Operation, OperationName, Outcome, TakeBack, exit};
use serde_json::Value;
use tokio::time::Instant;

use super::steps::{End, Steps, duration};
use super::{change, plan, value, yaml};
use crate::clean;
use crate::ink::{Ink, Tone};
use crate::options::{Options, Output};
use crate::report;
use crate::terminal::Terminal;

/// Draws one run.
pub(crate) struct Human {
    steps: Steps,
    columns: Vec<Column>,
    risk: Risk,
    output: Output,
    quiet: bool,
    verbose: bool,
    started: Instant,
    operation: Option<OperationName>,
    planning: bool,
    plan: Vec<Effect>,
}

impl Human {
    pub(crate) fn new(options: &Options, operation: &Operation, terminal: &mut Terminal) -> Human {
        let live = terminal.live.take().filter(|_| !options.quiet);
        Human {
            steps: Steps::new(live, &operation.summary, options.verbose > 0),
            columns: operation.columns.clone(),
            risk: operation.risk,
            output: options.output,
            quiet: options.quiet,
            verbose: options.verbose > 0,
            started: Instant::now(),
            operation: None,
            planning: options.plan,
            plan: Vec::new(),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.steps.is_live()
    }

    pub(crate) fn tick(&mut self, ink: Ink) {
        self.steps.tick(ink);
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }

    /// A no needs no explanation.
    pub(crate) fn declined(&mut self, terminal: &mut Terminal) {
        self.steps.clear();
        terminal.stderr.line("declined; nothing was changed");
    }

    pub(crate) fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match event {
            Event::Planned { effect } => self.plan.push(effect.clone()),
            Event::Finished { outcome } => self.finish(outcome, terminal),
            Event::Logged { level, message } => self.log(*level, message, terminal),
            Event::Started { .. }
            | Event::Changed { .. }
            | Event::TakingBack { .. }
            | Event::PutBack(_)
            | Event::LogsDropped { .. }
                if !self.quiet =>
            {
                self.happening(event, terminal);
            }
            _ if !self.quiet => self.step(event, terminal),
            _ => {}
        }
    }

    fn step(&mut self, event: &Event, terminal: &mut Terminal) {
        let to = &mut terminal.stderr;
        match event {
            Event::StepStarted { step, title, depth } => self.steps.start(*step, title, *depth, to),
            Event::StepNoted { step, text } => self.steps.note(*step, text, to),
            Event::StepProgressed { step, done, total } => {
                self.steps.progress(*step, *done, *total)
            }
            Event::StepDone { step, summary } => self.steps.end(*step, &End::Done(summary), to),
            Event::StepSkipped { step, reason } => self.steps.end(*step, &End::Skipped(reason), to),
            Event::StepFailed { step } => self.steps.end(*step, &End::Failed, to),
            _ => {}
        }
    }

    fn happening(&mut self, event: &Event, terminal: &mut Terminal) {
        let to = &mut terminal.stderr;
        let ink = to.ink;
        let line = match event {
            Event::Started {
                run,
                operation,
                planning,
                ..
            } => {
                self.operation = Some(operation.clone());
                self.planning = *planning;
                let doing = if *planning { "plan of " } else { "" };
                let run = ink.paint(Tone::Faint, format!("run {run}"));
                let name = ink.paint(Tone::Strong, operation.as_str());
                Some(format!("{doing}{name}  {run}"))
                    .filter(|_| self.risk != Risk::Read || self.verbose)
            }
            Event::Changed { effect } if self.verbose => {
                let what = format!("{} {}", change::done(effect.verb), change::target(effect));
                let fields = change::fields(effect, false).join(", ");
                let separator = if fields.is_empty() { "" } else { ": " };
                Some(ink.paint(Tone::Faint, format!("  {what}{separator}{fields}")))
            }
            Event::TakingBack { held, .. } => taking_back(*held),
            Event::LogsDropped { lines } => Some(ink.paint(
                Tone::Faint,
                format!("  {lines} more log lines were dropped"),
            )),
            _ => None,
        };
        self.steps.above(|| {
            if let Some(line) = line {
                to.line(line);
            } else if let (Event::PutBack(one), true) = (event, self.verbose) {
                report::put_back_line(one, to);
            }
        });
    }

    fn log(&mut self, level: Level, message: &str, terminal: &mut Terminal) {
        let least = match (self.quiet, self.verbose) {
            (true, _) => Level::Error,
            (false, true) => Level::Debug,
            (false, false) => Level::Info,
        };
        if level < least {
            return;
        }
        let to = &mut terminal.stderr;
        let text = clean::text(message);
        let line = match level {
            Level::Debug => to.ink.paint(Tone::Faint, format!("  {text}")),
            Level::Info => format!("  {text}"),
            Level::Warn => format!("{} {text}", to.ink.paint(Tone::Warn, "!")),
            Level::Error => format!("{} {text}", to.ink.paint(Tone::Bad, "!")),
        };
        self.steps.above(|| to.line(line));
    }

    fn finish(&mut self, outcome: &Outcome, terminal: &mut Terminal) {
        self.steps.clear();
        match outcome {
            Outcome::Failed { failure, put_back } => {
                report::error(failure, &mut terminal.stderr);
                report::put_back(put_back, &mut terminal.stderr);
            }
            Outcome::Done {
                value,
                failed,
                not_put_back,
            } => {
                self.result(value, *failed, terminal);
                self.shortcomings(value, *failed, not_put_back, terminal);
            }
        }
        let took = duration(self.started.elapsed());
        let worth_saying =
            self.risk != Risk::Read && !self.quiet && !self.planning && !took.is_empty();
        if worth_saying && outcome.exit_code() == exit::DONE {
            let line = terminal
                .stderr
                .ink
                .paint(Tone::Faint, format!("done in {took}"));
            terminal.stderr.line(line);
        }
    }

    fn result(&self, result: &Value, failed: u64, terminal: &mut Terminal) {
        let planned = self.planning && !(self.plan.is_empty() && self.risk == Risk::Read);
        match (self.output, planned, &self.operation) {
            (Output::Yaml, true, _) => yaml::document(&self.plan, &mut terminal.stdout),
            (Output::Yaml, false, _) => yaml::document(result, &mut terminal.stdout),
            (_, true, operation) => {
                // Who failed to be planned is in the rows of the result.
                if failed > 0 {
                    value::write(result, &self.columns, terminal);
                    terminal.stdout.line("");
                }
                plan::write(&self.plan, operation.as_ref(), self.verbose, terminal);
                if !self.quiet {
                    plan::sum(&self.plan, self.verbose, &mut terminal.stderr);
                }
            }
            (_, false, _) => value::write(result, &self.columns, terminal),
        }
    }

    fn shortcomings(
        &self,
        result: &Value,
        failed: u64,
        not_put_back: &[TakeBack],
        terminal: &mut Terminal,
    ) {
        let to = &mut terminal.stderr;
        if failed > 0 {
            let line = match value::rows(result) {
                Some(rows) => format!("{failed} of {} failed", rows.len()),
                None => format!("{failed} failed"),
            };
            let line = to.ink.paint(Tone::Bad, line);
            to.line(line);
        }
        if !not_put_back.is_empty() {
            report::warning(
                "the operation is done, but not everything it held is as before",
                to,
            );
            report::not_put_back(&not_put_back.iter().collect::<Vec<_>>(), to);
        }
    }
}

fn taking_back(held: u64) -> Option<String> {
    match held {
        0 => None,
        1 => Some("putting back 1 change".to_owned()),
        many => Some(format!("putting back {many} changes")),
    }
}
