//! One run, from its start to its exit code: events are drawn, questions answered, Ctrl-C obeyed. It is the same for a new run, for one that is
//! taken up again, and for a plan that is applied.

use std::future::Future;
use std::io::BufRead;
use std::pin::Pin;
use std::time::Duration;

use agent_core::journal::Aim;
use agent_core::{Consent, Event, Failure, Kind, Operation, Outcome, Run, exit};
use futures::StreamExt;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

use crate::command::stop::stop;
use crate::ink::Tone;
use crate::options::Options;
use crate::render::Renderer;
use crate::report;
use crate::terminal::Terminal;

use held::Held;
pub(super) use out::Out;

mod held;
mod out;
mod question;

/// The exit code after a second Ctrl-C, by the custom of shells.
pub(super) const STOPPED_AT_ONCE: u8 = 130;
const FRAME: Duration = Duration::from_millis(100);
/// How long an operation may take to end after Ctrl-C has answered its question with no.
const LAST_WORD: Duration = Duration::from_secs(1);

/// What is known of a run before it starts.
pub(super) struct Known<'a> {
    pub(super) operation: &'a Operation,
    pub(super) options: &'a Options,
    pub(super) consent: Consent,
    /// What a run that is taken up again is to come to; none for a new one.
    pub(super) to: Option<Aim>,
    /// Where its plan goes.
    pub(super) out: Option<Out>,
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
    let renderer = Renderer::new(known.options, known.operation, terminal);
    let mut follower = Follower {
        run,
        renderer,
        terminal,
        known,
        stopping: false,
        asking: None,
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
    asking: Option<(u64, question::Typed)>,
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
            let moving = self.renderer.is_live() && self.asking.is_none();
            tokio::select! {
                // A flood of events must not keep a person from being heard.
                biased;
                _ = self.terminal.interrupts.next() => {
                    if self.stopping {
                        return self.stop_at_once();
                    }
                    self.interrupt();
                }
                answer = answered(&mut self.asking) => self.answer(answer),
                () = over(&mut self.last_word) => {
                    self.last_word = None;
                    self.cancel();
                }
                event = self.run.events.next() => {
                    let Some(event) = event else {
                        let failure = self.broken_off();
                        return stop(&failure.into(), self.known.options.output, self.terminal);
                    };
                    if let Some(code) = self.event(&event) {
                        return code;
                    }
                }
                _ = frames.tick(), if moving => self.renderer.tick(self.terminal.stderr.ink),
            }
        }
    }

    fn event(&mut self, event: &Event) -> Option<u8> {
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
                ..
            } => {
                self.ask(*question, text, facts);
                None
            }
            Event::Finished { outcome } => Some(self.end(outcome)),
            _ => None,
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

    fn ask(&mut self, number: u64, text: &str, facts: &[(String, String)]) {
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
        question::show(text, facts, self.terminal);
        match self.terminal.stdin.take() {
            Some(stdin) => self.asking = Some((number, question::typed(stdin))),
            None => self.run.answer(number, false),
        }
    }

    fn answer(&mut self, (number, yes, stdin): (u64, bool, Option<Box<dyn BufRead + Send>>)) {
        self.asking = None;
        self.terminal.stdin = stdin;
        self.declined = !yes;
        self.run.answer(number, yes);
    }

    fn interrupt(&mut self) {
        self.stopping = true;
        match self.asking.take() {
            Some((number, _)) => self.decline(number),
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
            Some(Aim::Undo) => "stopping (again to stop at once)",
            _ => "stopping: putting back what is held (again to stop at once)",
        };
        let what = ink.paint(Tone::Warn, what);
        let gap = self.terminal.gap();
        self.terminal.stderr.line(format_args!("{gap}{what}"));
    }

    fn broken_off(&self) -> Failure {
        Failure::new(
            Kind::Internal,
            "agent.run-broken-off",
            "the run ended without saying how",
        )
        .hinted(format!(
            "this is a bug of the agent; what was done is told by agent runs show {}",
            self.run.id
        ))
    }

    fn stop_at_once(mut self) -> u8 {
        self.renderer.clear();
        let gap = self.terminal.gap();
        self.terminal.stderr.raw(gap);
        self.held
            .report(&self.run.id, &self.known, &mut self.terminal.stderr);
        STOPPED_AT_ONCE
    }
}

/// Waits for the answer to the open question; forever when there is none.
async fn answered(
    asking: &mut Option<(u64, question::Typed)>,
) -> (u64, bool, Option<Box<dyn BufRead + Send>>) {
    match asking {
        None => std::future::pending().await,
        Some((number, answer)) => match answer.await {
            Ok((line, stdin)) => (*number, question::agrees(&line), Some(stdin)),
            Err(_) => (*number, false, None),
        },
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
