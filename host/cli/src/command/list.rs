//! `agent list`: all operations, by domain.

use agent_core::Failure;
use agent_core::agent::{Plugin, State, Usable};
use agent_core::descriptor::{Operation, Risk};
use serde_json::Value;

use crate::catalog::{refusal, usable};
use crate::clean;
use crate::command::Door;
use crate::ink::{Ink, Tone};
use crate::options::Output;
use crate::render::{json, width, yaml};
use crate::report;
use crate::terminal::Terminal;

pub(super) async fn execute(door: &mut Door<'_>) -> Result<(), Failure> {
    let plugins = door.agent.plugins().await?;
    show(usable(&plugins), door.options.output, door.terminal);
    warn_of_stand_ins(&plugins, door.terminal);
    warn_of_refused(&plugins, door.terminal);
    Ok(())
}

/// Writes the operations of some plugins.
pub(super) fn show<'a>(
    plugins: impl Iterator<Item = &'a Usable>,
    output: Output,
    terminal: &mut Terminal,
) {
    let plugins: Vec<&Usable> = plugins.collect();
    let documents: Vec<Value> = plugins.iter().copied().flat_map(documents).collect();
    match output {
        Output::Json => json::lines(&documents, &mut terminal.stdout),
        Output::Yaml => yaml::list(&documents, &mut terminal.stdout),
        Output::Table if documents.is_empty() => {
            terminal.stderr.line("no operations: no plugin can be used");
        }
        Output::Table => plugins.iter().for_each(|found| domain(found, terminal)),
    }
}

/// Writes the operations of one plugin.
pub(super) fn domain(found: &Usable, terminal: &mut Terminal) {
    let room = terminal.result_width();
    let ink = terminal.stdout.ink;
    let id = ink.paint(Tone::Strong, found.manifest.id.as_str());
    let about = clean::line(&found.manifest.description);
    terminal.stdout.line(format_args!(
        "{id}  {}",
        width::fold(&about, room, found.manifest.id.as_str().len() + 2)
    ));
    let listed = || {
        let operations = found.descriptor.operations.iter();
        operations.filter(|operation| operation.deprecated.is_none())
    };
    let widest = listed()
        .map(|operation| full_name(found, operation).len())
        .max()
        .unwrap_or(0);
    listed().for_each(|operation| line(found, operation, widest, terminal));
    terminal.stdout.line("");
}

fn line(found: &Usable, operation: &Operation, widest: usize, terminal: &mut Terminal) {
    let room = terminal.result_width();
    let ink = terminal.stdout.ink;
    let name = full_name(found, operation);
    let summary = clean::line(&operation.summary);
    let risk = risk_word(operation.risk, ink);
    if room.is_some_and(|room| room < widest + 2 + 10 + 24) {
        terminal.stdout.line(format!("  {name}  {risk}").trim_end());
        terminal
            .stdout
            .line(format_args!("      {}", width::fold(&summary, room, 6)));
    } else {
        let summary = width::fold(&summary, room, widest + 13);
        terminal
            .stdout
            .line(format_args!("  {name:widest$}  {risk}  {summary}"));
    }
}

/// Warns of plugins that cannot be used, so that nobody wonders where their operations are.
pub(super) fn warn_of_refused(plugins: &[Plugin], terminal: &mut Terminal) {
    for text in plugins.iter().filter_map(refusal) {
        report::warning(&clean::text(&text), &mut terminal.stderr);
    }
}

/// Says which plugins stand in for others of their id: their operations are not those that the name stands for elsewhere.
pub(super) fn warn_of_stand_ins(plugins: &[Plugin], terminal: &mut Terminal) {
    for plugin in plugins {
        let (State::Usable(usable), Some(other)) = (&plugin.state, &plugin.in_place_of) else {
            continue;
        };
        let text = format!(
            "`{}` stands in for the plugin `{}` from `{other}`",
            plugin.origin, usable.manifest.id
        );
        report::warning(&clean::text(&text), &mut terminal.stderr);
    }
}

fn documents(found: &Usable) -> impl Iterator<Item = Value> {
    found.descriptor.operations.iter().map(|operation| {
        serde_json::json!({
            "operation": full_name(found, operation),
            "summary": operation.summary,
            "risk": operation.risk,
            "plugin": found.manifest.id,
            "version": found.manifest.version,
        })
    })
}

fn full_name(found: &Usable, operation: &Operation) -> String {
    format!("{}.{}", found.manifest.id, clean::line(&operation.name))
}

/// Returns a risk as one word of seven columns.
fn risk_word(risk: Risk, ink: Ink) -> String {
    let tone = match risk {
        Risk::Read => Tone::Faint,
        Risk::Change => Tone::Good,
        Risk::Disrupt => Tone::Warn,
        Risk::Destroy => Tone::Bad,
    };
    ink.paint(tone, format!("{:<7}", risk.as_str()))
}
