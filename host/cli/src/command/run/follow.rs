//! One run, from its call to its exit code: events are drawn, questions answered, Ctrl-C obeyed.

use std::io::BufRead;
use std::pin::Pin;
use std::time::Duration;

use agent_core::{
    Agent, Call, Consent, Effect, Event, Failure, Kind, Operation, Outcome, Run, exit,
};
use futures::StreamExt;
use futures::channel::oneshot;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

use super::{question, stop};
use crate::ink::Tone;
use crate::options::Options;
use crate::render::Renderer;
use crate::terminal::Terminal;
use crate::usage::Early;

/// The exit code after a second Ctrl-C, by the custom of shells.
const STOPPED_AT_ONCE: u8 = 130;
const FRAME: Duration = Duration::from_millis(100);
/// How long an operation may take to end after Ctrl-C has answered its question with no.
const LAST_WORD: Duration = Duration::from_secs(1);

pub(super) async fn execute(
    call: Call,
    operation: &Operation,
    options: &Options,
    agent: &dyn Agent,
    mut terminal: Terminal,
) -> u8 {
    let consent = call.consent;
    let mut start = agent.run(call);
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
        Err(failure) => return stop(&Early::from(failure), options.output, &mut terminal),
    };
    let renderer = Renderer::new(options, operation, &mut terminal);
    let mut follower = Follower {
        run,
        renderer,
        terminal,
        consent,
        stopping: false,
        asking: None,
        declined: false,
        last_word: None,
        held: Vec::new(),
        changed: false,
    };
    if stopping {
        follower.interrupt();
    }
    follower.follow(options).await
}

type Answer = oneshot::Receiver<(bool, Box<dyn BufRead + Send>)>;

struct Follower {
    run: Run,
    renderer: Renderer,
    terminal: Terminal,
    consent: Consent,
    stopping: bool,
    asking: Option<(u64, Answer)>,
    /// The person has said no.
    declined: bool,
    /// Runs out when the operation goes on although the person has said no by Ctrl-C.
    last_word: Option<Pin<Box<Sleep>>>,
    held: Vec<Effect>,
    /// Something was changed for good.
    changed: bool,
}

impl Follower {
    async fn follow(mut self, options: &Options) -> u8 {
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
                        return stop(&Early::from(broken_off()), options.output, &mut self.terminal);
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
        self.remember(event);
        match event {
            Event::Finished { outcome } if self.is_declined(outcome) => {
                self.renderer.declined(event, &mut self.terminal);
            }
            _ => self.renderer.event(event, &mut self.terminal),
        }
        match event {
            Event::Asked {
                question,
                text,
                facts,
            } => {
                self.ask(*question, text, facts);
                None
            }
            Event::Finished { outcome } => Some(outcome.exit_code()),
            _ => None,
        }
    }

    /// Keeps the list of what is held at this moment.
    fn remember(&mut self, event: &Event) {
        match event {
            Event::Changed { effect } if effect.temporary => self.held.push(effect.clone()),
            Event::Changed { .. } => self.changed = true,
            Event::PutBack(one) if one.failure.is_none() => {
                let newest = self
                    .held
                    .iter()
                    .rposition(|effect| effect.target.to_string() == one.target);
                if let Some(newest) = newest {
                    self.held.remove(newest);
                }
            }
            _ => {}
        }
    }

    /// Returns whether the run is over because the person said no, and nothing is other than before.
    fn is_declined(&self, outcome: &Outcome) -> bool {
        self.declined
            && outcome.exit_code() == exit::DECLINED
            && self.held.is_empty()
            && !self.changed
    }

    fn ask(&mut self, number: u64, text: &str, facts: &[(String, String)]) {
        if self.stopping {
            self.run.answer(number, false);
            return;
        }
        if self.consent != Consent::Ask {
            self.run.answer(number, self.consent == Consent::Given);
            return;
        }
        self.renderer.clear();
        question::show(text, facts, &mut self.terminal);
        match self.terminal.stdin.take() {
            Some(stdin) => self.asking = Some((number, question::read(stdin))),
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
        let what = ink.paint(
            Tone::Warn,
            "stopping: putting back what is held (again to stop at once)",
        );
        // The terminal has echoed ^C where the cursor was.
        let gap = if self.terminal.facts.stderr_tty {
            "\n"
        } else {
            ""
        };
        self.terminal.stderr.line(format_args!("{gap}{what}"));
    }

    fn stop_at_once(mut self) -> u8 {
        self.renderer.clear();
        let to = &mut self.terminal.stderr;
        let heading = match self.held.len() {
            0 => "stopped at once; nothing was held",
            _ => "stopped at once; still held, and to be put back by hand:",
        };
        let heading = to.ink.paint(Tone::Bad, heading);
        to.line(heading);
        for effect in self.held.iter().rev() {
            to.line(crate::render::change::before(effect));
        }
        STOPPED_AT_ONCE
    }
}

/// Waits for the answer to the open question; forever when there is none.
async fn answered(
    asking: &mut Option<(u64, Answer)>,
) -> (u64, bool, Option<Box<dyn BufRead + Send>>) {
    match asking {
        None => std::future::pending().await,
        Some((number, answer)) => match answer.await {
            Ok((yes, stdin)) => (*number, yes, Some(stdin)),
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

fn frames(live: bool) -> Interval {
    let mut frames = interval(if live {
        FRAME
    } else {
        Duration::from_secs(3600)
    });
    frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
    frames
}

fn broken_off() -> Failure {
    Failure::new(
        Kind::Internal,
        "agent.run-broken-off",
        "the run ended without saying how",
    )
    .hinted("look at the objects that it worked on; this is a bug of the agent")
}
