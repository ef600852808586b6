//! `agent runs show RUN`: who ran what where, and what happened, in order.

use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::journal::Entry;
use agent_core::record::{Record, RunHeader, State, Summary};
use agent_core::{Failure, Outcome};
use serde_json::json;

use crate::clean;
use crate::command::Door;
use crate::ink::Tone;
use crate::operation;
use crate::options::Output;
use crate::render::time::{Present, ago, between, short};
use crate::render::words::changes;
use crate::render::{document, json, timeline, width, yaml};
use crate::report;
use crate::terminal::Terminal;

pub(super) async fn execute(run: &str, door: &mut Door<'_>) -> Result<(), Failure> {
    let mut record = door.agent.record(run).await?;
    record.summary.held = super::held(&record.summary, door.agent).await;
    match door.options.output {
        Output::Json => lines(&record, door.terminal),
        Output::Yaml => {
            yaml::document(&document(&record)?, &mut door.terminal.stdout);
            Ok(())
        }
        Output::Table => {
            people(&record, door).await;
            Ok(())
        }
    }
}

/// Writes how the run began and stands, and then each entry of its record.
fn lines(record: &Record, terminal: &mut Terminal) -> Result<(), Failure> {
    let mut head =
        json!({"begun": document(&record.begun)?, "summary": document(&record.summary)?});
    if !record.damage.is_empty() {
        head["damage"] = json!(record.damage);
    }
    json::lines(&[head], &mut terminal.stdout);
    json::lines(&record.entries, &mut terminal.stdout);
    Ok(())
}

async fn people(record: &Record, door: &mut Door<'_>) {
    let of = (&record.summary.operation, &record.begun.digest);
    let plugins = door
        .agent
        .plugins_of_runs(Some(of))
        .await
        .unwrap_or_default();
    let line = operation::line(&record.summary, &plugins);
    let verbose = door.options.verbose > 0;
    let terminal = &mut *door.terminal;
    let present = terminal.clock.look();
    header(&line, record, &present, terminal);
    terminal.stdout.line("");
    timeline::write(record, verbose, present.now, terminal);
    if let (true, Some(Outcome::Done { value, .. })) = (verbose, outcome(record)) {
        terminal.stdout.line("");
        terminal.stdout.theirs("", None, &yaml::text(value));
    }
    if let (Some(remedy), false) = (remedy(&record.summary), door.options.quiet) {
        report::hint(&remedy, &mut terminal.stderr);
    }
}

/// Returns what a run came to; none when it has not come to its end.
fn outcome(record: &Record) -> Option<&Outcome> {
    let entries = record.entries.iter().rev();
    entries.into_iter().find_map(|noted| match &noted.entry {
        Entry::Finished { outcome, .. } => Some(outcome),
        _ => None,
    })
}

fn header(line: &str, record: &Record, present: &Present, terminal: &mut Terminal) {
    let ink = terminal.stdout.ink;
    let title = ink.paint(Tone::Strong, line);
    let run = ink.paint(Tone::Faint, format!("run {}", record.begun.run));
    terminal.stdout.line(format_args!("{title}  {run}"));
    let room = terminal.result_width();
    let mut facts = vec![
        ("state", state(&record.summary)),
        ("begun", begun(&record.summary, present)),
    ];
    if let Some(Outcome::Failed { failure, .. }) = outcome(record) {
        facts.push(("failure", failure.message.clone()));
    }
    if record.summary.edited {
        let edited =
            "what it said of this run in one line was edited; this is what the record says";
        facts.push(("journal", edited.to_owned()));
    }
    facts.extend(origin(&record.begun));
    for (label, value) in facts {
        if !value.is_empty() {
            let value = width::fold(&clean::line(&value), room, 11);
            let value = match (label, tone(&record.summary)) {
                ("state", Some(tone)) => ink.paint(tone, value),
                _ => value,
            };
            let label = ink.paint(Tone::Faint, format!("{label:9}"));
            terminal.stdout.line(format_args!("{label}  {value}"));
        }
    }
}

fn tone(summary: &Summary) -> Option<Tone> {
    match summary.state {
        State::Failed if super::ended(summary) != State::Failed.as_str() => None,
        State::Done | State::Undone => Some(Tone::Good),
        State::Failed | State::Damaged => Some(Tone::Bad),
        State::Unfinished => Some(Tone::Warn),
        State::Running => None,
    }
}

fn state(summary: &Summary) -> String {
    let mut state = super::ended(summary).to_owned();
    if let Some(exit) = summary.exit {
        state.push_str(&format!(", exit code {exit}"));
    }
    match (summary.held, summary.state) {
        (0, _) => {}
        (held, State::Running) => state.push_str(&format!(", holds {}", changes(held))),
        (held, _) => state.push_str(&format!(", still holds {}", changes(held))),
    }
    state
}

fn begun(summary: &Summary, present: &Present) -> String {
    let ago = ago(present.since(summary.begun));
    let took = summary.ended.map_or_else(String::new, |ended| {
        format!(", took {}", short(between(summary.begun, ended)))
    });
    format!("{}, {ago}{took}", present.exact(summary.begun))
}

fn origin(begun: &RunHeader) -> Vec<(&'static str, String)> {
    let (who, cluster) = (&begun.who, &begun.cluster);
    let known = |label: &str, value: &str| match (value, label) {
        ("", _) => None,
        (value, "") => Some(value.to_owned()),
        (value, label) => Some(format!("{label} {value}")),
    };
    let joined =
        |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        (
            "who",
            joined(vec![
                known("", &who.user),
                known("on", &who.host),
                known("by the", &who.door),
                known("process", &who.process.to_string()),
            ]),
        ),
        (
            "cluster",
            joined(vec![
                known("", &optional(&cluster.server)),
                known("context", &optional(&cluster.context)),
                known("kubeconfig", &optional(&cluster.kubeconfig)),
            ]),
        ),
        (
            "plugin",
            joined(vec![
                known("", &begun.plugin),
                known("signed by", &optional(&begun.signer)),
            ]),
        ),
        ("digest", begun.digest.to_string()),
        ("arguments", operation::all_arguments(&begun.call.arguments)),
        ("locks", begun.locks.join(" ")),
    ]
}

/// Returns what there is to do about a run.
fn remedy(summary: &Summary) -> Option<Remedy> {
    let run = &summary.run;
    match summary.state {
        State::Running => Some(hint!("agent runs follow {}", run)),
        State::Unfinished => Some(hint!("agent resume {}, or agent undo {}", run, run)),
        State::Damaged => Some(hint!(
            "put in order by hand what it changed, then: agent undo {} --give-up --yes",
            run
        )),
        _ if summary.held > 0 => Some(hint!("agent undo {}", run)),
        _ => None,
    }
}
