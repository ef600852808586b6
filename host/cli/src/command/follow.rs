//! One run, from its start to its exit code: events are drawn, questions answered, Ctrl-C obeyed. It is the same for a new run, for one that is
//! taken up again, and for a plan that is applied.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use agent_core::call::Goal;
use agent_core::hint;
use agent_core::record::Record;
use agent_core::{Agent, Consent, Event, Failure, Kind, Mode, Operation, Outcome, Run, exit};
use futures::StreamExt;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep, timeout};

use crate::command::stop::stop;
use crate::ink::Tone;
use crate::options::{Options, Output};
use crate::render::Renderer;
use crate::report;
use crate::terminal::Terminal;

use held::Held;
pub(super) use out::Out;
use question::{Answered, Asking, Question};

mod held;
mod out;
mod question;

/// The exit code after a second Ctrl-C, by the custom of shells.
pub(super) const STOPPED_AT_ONCE: u8 = 130;
const FRAME: Duration = Duration::from_millis(100);
/// How long an operation may take to end after Ctrl-C has answered its question with no.
const LAST_WORD: Duration = Duration::from_secs(1);
/// How long the record may take to be read at the end of a run. Less than the process has from the second Ctrl-C on.
const AT_ONCE: Duration = Duration::from_millis(200);
/// How many events are kept while a question is open. The run waits with more.
const WAITING: usize = 10_000;

/// What is known of a run before it starts.
pub(super) struct Known<'a> {
    pub(super) operation: &'a Operation,
    pub(super) options: &'a Options,
    pub(super) consent: Consent,
    /// What a run that is taken up again is to come to; none for a new one.
    pub(super) to: Option<Goal>,
    /// Whether what cannot be put back is left as it is.
    pub(super) gives_up: bool,
    /// Where its plan goes.
    pub(super) out: Option<Out>,
    /// Who has its record.
    pub(super) agent: &'a dyn Agent,
}

/// Starts a run and follows it to its end. Returns its exit code.
pub(super) async fn execute(
    start: impl Future<Output = Result<Run, Failure>>,
    known: Known<'_>,
    terminal: &mut Terminal,
) -> u8 {
    let mut start = std::pin::pin!(start);
    let mut stopping = false;
    let started = loop {
        tokio::select! {
            biased;
            _ = terminal.interrupts.next() => {
                if stopping {
                    return STOPPED_AT_ONCE;
                }
                stopping = true;
            }
            started = &mut start => break started,
        }
    };
    let run = match started {
        Ok(run) => run,
        Err(failure) => return stop(&failure.into(), known.options.output, terminal),
    };
    let mut renderer = Renderer::new(known.options, known.operation, terminal);
    if known.gives_up {
        renderer.gives_up();
    }
    let mut follower = Follower {
        run,
        renderer,
        terminal,
        known,
        stopping: false,
        asking: None,
        waiting: VecDeque::new(),
        declined: false,
        last_word: None,
        held: Held::default(),
    };
    if stopping {
        follower.interrupt();
    }
    follower.follow().await
}

struct Follower<'a> {
    run: Run,
    renderer: Renderer,
    terminal: &'a mut Terminal,
    known: Known<'a>,
    stopping: bool,
    asking: Option<Asking>,
    /// What happened while a question was open: whatever is drawn behind a prompt moves it out of sight, and may look like another one.
    waiting: VecDeque<Event>,
    /// The person has said no.
    declined: bool,
    /// Runs out when the operation goes on although the person has said no by Ctrl-C.
    last_word: Option<Pin<Box<Sleep>>>,
    held: Held,
}

impl Follower<'_> {
    async fn follow(mut self) -> u8 {
        let mut frames = frames(self.renderer.is_live());
        loop {
            while self.asking.is_none()
                && let Some(event) = self.waiting.pop_front()
            {
                if let Some(code) = self.event(&event).await {
                    return code;
                }
            }
            let moving = self.renderer.is_live() && self.asking.is_none();
            tokio::select! {
                // A flood of events must not keep a person from being heard.
                biased;
                _ = self.terminal.interrupts.next() => {
                    if self.stopping {
                        return self.stop_at_once().await;
                    }
                    self.interrupt();
                }
                line = typed(&mut self.asking) => self.hear(line),
                () = over(&mut self.last_word) => {
                    self.last_word = None;
                    self.cancel();
                }
                event = self.run.events.next(), if self.waiting.len() < WAITING => {
                    let Some(event) = event else {
                        let failure = self.broken_off();
                        return stop(&failure.into(), self.known.options.output, self.terminal);
                    };
                    if let (Event::Finished { .. }, Some(_)) = (&event, &self.asking) {
                        self.asking = None;
                        self.terminal.stderr.line("");
                    }
                    self.waiting.push_back(event);
                }
                _ = frames.tick(), if moving => self.renderer.tick(self.terminal.stderr.ink),
            }
        }
    }

    async fn event(&mut self, event: &Event) -> Option<u8> {
        self.held.hear(event);
        if let Some(out) = &mut self.known.out {
            out.hear(event);
        }
        match event {
            Event::Finished { outcome } if self.is_declined(outcome) => {
                self.renderer.declined(event, self.terminal);
            }
            _ => self.renderer.event(event, self.terminal),
        }
        match event {
            Event::Asked {
                question,
                text,
                facts,
                phrase,
                by,
                opens,
            } => {
                let asked = Question {
                    text,
                    facts,
                    phrase: phrase.as_deref(),
                    by: by.as_ref(),
                    opens,
                };
                self.ask(*question, &asked);
                None
            }
            Event::Finished { outcome } => {
                self.tell_what_stands(outcome).await;
                self.tell_what_nobody_got(outcome);
                Some(self.end(outcome))
            }
            _ => None,
        }
    }

    /// A run that failed may have changed things that were to stay.
    async fn tell_what_stands(&mut self, outcome: &Outcome) {
        let options = self.known.options;
        let failed = matches!(outcome, Outcome::Failed { .. });
        if !failed || options.mode() == Mode::Plan || options.output == Output::Json {
            return;
        }
        let record = self.record().await;
        let to = &mut self.terminal.stderr;
        self.held
            .left(&self.run.id, &self.known, record.as_ref(), to);
    }

    /// The result is lost when it could not be written, and the run has come to its end all the same.
    fn tell_what_nobody_got(&mut self, outcome: &Outcome) {
        if self.terminal.stdout.unwritten.is_none() {
            return;
        }
        let run = &self.run.id;
        let how = match outcome {
            Outcome::Done { failed: 0, .. } => "is done",
            Outcome::Done { .. } => "is done, and a part of it failed",
            Outcome::Failed { .. } => "failed",
            Outcome::Undone { .. } => "was taken back",
        };
        let to = &mut self.terminal.stderr;
        to.line(format_args!(
            "run {run} {how}, and its result could not be written"
        ));
        if !self.known.options.sandbox && self.known.options.mode() != Mode::Plan {
            report::hint(&hint!("agent runs show {}", run), to);
        }
    }

    /// A plan is kept when it came to its end, and only then.
    fn end(&mut self, outcome: &Outcome) -> u8 {
        let code = outcome.exit_code();
        let Some(out) = self.known.out.take() else {
            return code;
        };
        if !matches!(outcome, Outcome::Done { .. }) {
            return code;
        }
        match out.keep(self.known.options, self.terminal) {
            Ok(()) => code,
            Err(failure) => report::report(&failure, self.terminal),
        }
    }

    /// Returns whether the run is over because the person said no, and nothing is other than before.
    fn is_declined(&self, outcome: &Outcome) -> bool {
        self.declined && outcome.exit_code() == exit::DECLINED && self.held.is_nothing()
    }

    fn ask(&mut self, number: u64, question: &Question<'_>) {
        if self.stopping {
            self.run.answer(number, false);
            return;
        }
        let consent = self.known.consent;
        if consent != Consent::Ask {
            self.run.answer(number, consent == Consent::Given);
            return;
        }
        self.renderer.clear();
        self.asking = Asking::begin(number, question, self.terminal);
        if self.asking.is_none() {
            self.run.answer(number, false);
        }
    }

    fn hear(&mut self, line: Option<question::Line>) {
        let Some(asking) = self.asking.take() else {
            return;
        };
        let number = asking.number;
        match asking.hear(line, self.terminal) {
            Answered::Again(asking) => self.asking = Some(asking),
            Answered::Yes => {
                self.declined = false;
                self.run.answer(number, true);
            }
            Answered::No => {
                self.declined = true;
                self.run.answer(number, false);
            }
        }
    }

    fn interrupt(&mut self) {
        self.stopping = true;
        match self.asking.take() {
            Some(asking) => self.decline(asking.number),
            None => self.cancel(),
        }
    }

    /// Ctrl-C at a question is a no. An operation that does not end by that is stopped.
    fn decline(&mut self, number: u64) {
        self.declined = true;
        self.last_word = Some(Box::pin(sleep(LAST_WORD)));
        // The terminal has echoed ^C behind the question.
        self.terminal.stderr.line("");
        self.run.answer(number, false);
    }

    fn cancel(&mut self) {
        self.run.cancel();
        self.renderer.clear();
        let ink = self.terminal.stderr.ink;
        // Whoever stops a run wants it taken back, also where a failure would keep what is held.
        let what = match self.known.to {
            Some(Goal::Undo) => "stopping (again to stop at once)",
            _ => "stopping: putting back what is held (again to stop at once)",
        };
        let what = ink.paint(Tone::Warn, what);
        let gap = self.terminal.gap();
        self.terminal.stderr.raw(gap);
        self.terminal.stderr.line(what);
    }

    fn broken_off(&self) -> Failure {
        Failure::new(
            Kind::Internal,
            "agent.run-broken-off",
            "the run ended without saying how",
        )
        .hinted(hint!(
            "this is a bug of the agent; what was done is told by agent runs show {}",
            self.run.id
        ))
    }

    async fn stop_at_once(mut self) -> u8 {
        self.renderer.clear();
        let gap = self.terminal.gap();
        self.terminal.stderr.raw(gap);
        let record = self.record().await;
        let to = &mut self.terminal.stderr;
        self.held
            .report(&self.run.id, &self.known, record.as_ref(), to);
        STOPPED_AT_ONCE
    }

    /// Returns the record of the run; none where there is none, or none that says all, or none in time.
    async fn record(&self) -> Option<Record> {
        if self.known.options.sandbox {
            return None;
        }
        let record = self.known.agent.record(self.run.id.as_str());
        let record = timeout(AT_ONCE, record).await.ok()?.ok()?;
        Some(record).filter(|record| record.damage.is_empty())
    }
}

/// Waits for a line in answer to the open question; forever when there is none.
async fn typed(asking: &mut Option<Asking>) -> Option<question::Line> {
    match asking {
        None => std::future::pending().await,
        Some(asking) => asking.line().await,
    }
}

/// Waits for the end of a time; forever when there is none.
async fn over(time: &mut Option<Pin<Box<Sleep>>>) {
    match time {
        None => std::future::pending().await,
        Some(time) => time.await,
    }
}

pub(super) fn frames(live: bool) -> Interval {
    let mut frames = interval(if live {
        FRAME
    } else {
        Duration::from_secs(3600)
    });
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    frames
}
