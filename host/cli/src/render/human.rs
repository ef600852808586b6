//! A run as a person follows it.

use agent_core::call::Goal;
use agent_core::descriptor::{Column, Risk};
use agent_core::event::Level;
use agent_core::plan::Placeholder;
use agent_core::{Effect, Event, Operation, OperationName, RunId};
use tokio::time::Instant;

use super::change;
use super::steps::{End, Steps};
use crate::clean;
use crate::ink::{Ink, Tone};
use crate::options::{Options, Output};
use crate::render::words::changes;
use crate::report;
use crate::terminal::Terminal;

mod ending;

/// Draws one run.
pub(crate) struct Human {
    steps: Steps,
    columns: Vec<Column>,
    risk: Risk,
    output: Output,
    quiet: bool,
    verbose: bool,
    /// Whether the world of the run ends with this process, so that nobody can take the run up.
    passing: bool,
    /// When the run began; none when that was long before the first event is drawn.
    started: Option<Instant>,
    run: Option<RunId>,
    /// What a run that is taken up again is to come to.
    to: Option<Goal>,
    /// What cannot be put back is left as it is.
    gives_up: bool,
    operation: Option<OperationName>,
    planning: bool,
    plan: Vec<Effect>,
    /// What the plan leaves open.
    open: Vec<Placeholder>,
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
            passing: options.sandbox,
            started: Some(Instant::now()),
            run: None,
            to: None,
            gives_up: false,
            operation: None,
            planning: options.plan,
            plan: Vec::new(),
            open: Vec::new(),
        }
    }

    /// Draws what happened at another time, so that nothing can be told of how long it took.
    pub(crate) fn untimed(mut self) -> Human {
        self.started = None;
        self.steps.untime();
        self
    }

    /// Takes what could not be put back for what is left as it is.
    pub(crate) fn gives_up(&mut self) {
        self.gives_up = true;
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
            Event::Drawn { plan } => {
                // What was to be put back may have been kept since.
                self.plan.clone_from(&plan.effects);
                self.open.clone_from(&plan.stand_ins);
            }
            Event::Finished { outcome } => self.finish(outcome, terminal),
            Event::Started { run, .. } | Event::Resumed { run, .. } => {
                self.run = Some(run.clone());
                self.head(event, terminal);
            }
            Event::Logged { level, message } => self.log(*level, message, terminal),
            Event::Changed { .. }
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
            Event::StepStarted { step, title, depth } => self.steps.start(step, title, *depth, to),
            Event::StepNoted { step, text } => self.steps.note(step, text, to),
            Event::StepProgressed { step, done, total } => self.steps.progress(step, *done, *total),
            Event::StepDone { step, summary } => self.steps.end(step, &End::Done(summary), to),
            Event::StepSkipped { step, reason } => self.steps.end(step, &End::Skipped(reason), to),
            Event::StepFailed { step, reason } => self.steps.end(step, &End::Failed(reason), to),
            _ => {}
        }
    }

    fn head(&mut self, event: &Event, terminal: &mut Terminal) {
        let (run, operation, doing) = match event {
            Event::Started {
                run,
                operation,
                planning,
                ..
            } => {
                self.planning = *planning;
                (run, operation, if *planning { "plan of " } else { "" })
            }
            Event::Resumed {
                run, operation, to, ..
            } => {
                self.steps.forget();
                self.to = Some(*to);
                match to {
                    Goal::Finish => (run, operation, "resume of "),
                    Goal::Undo => (run, operation, "undo of "),
                }
            }
            _ => return,
        };
        self.operation = Some(operation.clone());
        let ink = terminal.stderr.ink;
        if let Event::Resumed { to: Goal::Undo, .. } = event {
            self.steps.take_back("putting back", 0, ink);
        }
        if !self.quiet && (self.risk != Risk::Read || self.verbose) {
            let run = ink.paint(Tone::Faint, format!("run {run}"));
            let name = ink.paint(Tone::Strong, operation.as_str());
            let line = format!("{doing}{name}  {run}");
            self.steps.above(|| terminal.stderr.line(line));
        }
    }

    fn happening(&mut self, event: &Event, terminal: &mut Terminal) {
        let to = &mut terminal.stderr;
        let ink = to.ink;
        let line = match event {
            Event::Changed { effect } if self.verbose => {
                let what = format!("{} {}", effect.verb.done(), change::target(effect));
                let fields = change::fields(effect, false).join(", ");
                let separator = if fields.is_empty() { "" } else { ": " };
                Some(ink.paint(Tone::Faint, format!("  {what}{separator}{fields}")))
            }
            Event::TakingBack { held: 0, .. } => None,
            Event::TakingBack { held, .. } => {
                let title = format!("putting back {}", changes(*held));
                let shown = self.steps.take_back(&title, *held, ink);
                Some(title).filter(|_| !shown)
            }
            Event::LogsDropped { lines } => Some(ink.paint(
                Tone::Faint,
                format!("  {lines} more log lines were dropped"),
            )),
            _ => None,
        };
        if let Event::PutBack(one) = event {
            self.steps.put_back(&one.target);
        }
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
        let (sign, tone) = match level {
            Level::Debug => (String::new(), Some(Tone::Faint)),
            Level::Info => (String::new(), None),
            Level::Warn => (to.ink.paint(Tone::Warn, "! "), None),
            Level::Error => (to.ink.paint(Tone::Bad, "! "), None),
        };
        self.steps.above(|| to.theirs(&sign, tone, &text));
    }
}
