//! `agent runs follow RUN`: the events of a run as they come, whichever process is at it.

use agent_core::hint;
use agent_core::record::{Record, State, Summary};
use agent_core::{Agent, Event, Failure, Kind, Outcome, RunId, exit};
use futures::StreamExt as _;

use crate::clean;
use crate::command::follow::{STOPPED_AT_ONCE, frames};
use crate::command::stop::stop;
use crate::ink::Tone;
use crate::operation;
use crate::options::Options;
use crate::render::Renderer;
use crate::report;
use crate::terminal::Terminal;

pub(super) async fn execute(
    run: &str,
    options: &Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> u8 {
    let found = async {
        let record = agent.record(run).await?;
        // By its id: what `last` means may change.
        let events = agent.follow(record.begun.run.as_str()).await?;
        Ok::<_, Failure>((record, events))
    };
    let (record, mut events) = match found.await {
        Ok(found) => found,
        Err(failure) => return stop(&failure.into(), options.output, terminal),
    };
    let run = record.begun.run.clone();
    let mut renderer = renderer(&record, options, agent, terminal).await;
    let mut frames = frames(renderer.is_live());
    let mut ended = None;
    loop {
        let live = renderer.is_live();
        tokio::select! {
            biased;
            _ = terminal.interrupts.next() => {
                renderer.clear();
                return leave(&run, terminal);
            }
            event = events.next() => match event {
                Some(event) => {
                    if is_given_up(&event, &run, agent).await {
                        renderer.gives_up();
                    }
                    draw(&event, &mut renderer, options, terminal);
                    ended = after(ended, &event);
                }
                None => {
                    renderer.clear();
                    return match ended {
                        Some(code) => code,
                        None => without_a_word(&run, agent, terminal).await,
                    };
                }
            },
            _ = frames.tick(), if live => renderer.tick(terminal.stderr.ink),
        }
    }
}

async fn renderer(
    record: &Record,
    options: &Options,
    agent: &dyn Agent,
    terminal: &mut Terminal,
) -> Renderer {
    let of = (&record.summary.operation, &record.begun.digest);
    let plugins = agent.plugins_of_runs(Some(of)).await.unwrap_or_default();
    let operation = operation::known(&record.summary.operation, &plugins);
    Renderer::of_another(options, &operation, terminal)
}

/// What could not be put back is either held still, or somebody has given it up.
async fn is_given_up(event: &Event, run: &RunId, agent: &dyn Agent) -> bool {
    let Event::Finished {
        outcome: Outcome::Undone { .. },
    } = event
    else {
        return false;
    };
    let record = agent.record(run.as_str()).await;
    record.is_ok_and(|record| !record.summary.is_open())
}

/// A question is for whoever started the run.
fn draw(event: &Event, renderer: &mut Renderer, options: &Options, terminal: &mut Terminal) {
    renderer.event(event, terminal);
    if let (Event::Asked { text, .. }, Renderer::Human(_), false) =
        (event, &*renderer, options.quiet)
    {
        renderer.clear();
        terminal.stderr.theirs("? ", None, &clean::line(text));
    }
}

/// Returns the exit code so far: a run that is over can be taken up again.
fn after(ended: Option<u8>, event: &Event) -> Option<u8> {
    match event {
        Event::Finished { outcome } => Some(outcome.exit_code()),
        Event::Resumed { .. } => None,
        _ => ended,
    }
}

fn leave(run: &RunId, terminal: &mut Terminal) -> u8 {
    let gap = terminal.gap();
    let line = format!("no longer watching; run {run} goes on");
    let line = terminal.stderr.ink.paint(Tone::Warn, line);
    terminal.stderr.raw(gap);
    terminal.stderr.line(line);
    STOPPED_AT_ONCE
}

/// A run whose events end without saying how was cut off, unless its summary knows better.
async fn without_a_word(run: &RunId, agent: &dyn Agent, terminal: &mut Terminal) -> u8 {
    let summary = agent
        .record(run.as_str())
        .await
        .map(|record| record.summary);
    match summary {
        Err(failure) => report::report(&failure, terminal),
        Ok(Summary {
            state: State::Done | State::Failed | State::Undone,
            exit: Some(code),
            ..
        }) => code,
        Ok(_) => cut_off(run, terminal),
    }
}

fn cut_off(run: &RunId, terminal: &mut Terminal) -> u8 {
    let failure = Failure::new(
        Kind::Cancelled,
        "run.cut-off",
        format!("run {run} was cut off"),
    )
    .hinted(hint!("agent resume {}, or agent undo {}", run, run));
    report::report(&failure, terminal);
    exit::FAILED
}
