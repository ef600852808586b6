//! `agent runs`: a line for each.

use agent_core::descriptor::Column;
use agent_core::record::{Filter, State, Summary};
use agent_core::{Failure, Plugin};
use serde_json::{Value, json};

use crate::command::Door;
use crate::operation;
use crate::render::time::{Present, age, between, short};
use crate::render::{document, table};
use crate::report;

/// The columns that a narrow screen does without, first those that go first. `agent runs show` has them all.
const SPARED: [&str; 3] = ["who", "took", "begun"];

pub(super) async fn execute(filter: Filter, door: &mut Door<'_>) -> Result<(), Failure> {
    let mut runs = door.agent.runs(filter).await?;
    for run in &mut runs {
        run.held = super::held(run, door.agent).await;
    }
    let documents = runs.iter().map(document).collect::<Result<Vec<_>, _>>()?;
    if door.documents(&documents) {
        return Ok(());
    }
    if runs.is_empty() {
        door.terminal.stderr.line(nothing(filter));
        return Ok(());
    }
    let plugins = door.agent.plugins_of_runs(None).await.unwrap_or_default();
    let present = door.terminal.clock.look();
    let rows: Vec<Value> = runs
        .iter()
        .map(|run| row(run, &plugins, &present))
        .collect();
    show(&rows, door);
    for run in runs.iter().filter(|run| run.edited) {
        let text = format!(
            "what the journal said of run {} in one line was edited; this is what its record says",
            run.run
        );
        report::warning(&text, &mut door.terminal.stderr);
    }
    Ok(())
}

fn nothing(filter: Filter) -> &'static str {
    match filter {
        Filter::All => "no run is remembered",
        Filter::Failed => "no run that is remembered failed or was cut off",
        Filter::Unfinished => "no run is unfinished: nothing is left to do",
    }
}

fn show(rows: &[Value], door: &mut Door<'_>) {
    let mut columns = columns();
    for spared in SPARED {
        if table::fits(rows, &columns, door.terminal) {
            break;
        }
        columns.retain(|column| column.key != spared);
    }
    if table::fits(rows, &columns, door.terminal) {
        table::write(rows, &columns, door.terminal);
    } else {
        table::write_blocks(rows, &self::columns(), door.terminal);
    }
}

fn row(run: &Summary, plugins: &[Plugin], present: &Present) -> Value {
    let ended = match run.state {
        State::Running => Some(present.now),
        _ => run.ended,
    };
    json!({
        "run": run.run.as_str(),
        "operation": operation::line(run, plugins),
        "state": super::ended(run),
        "begun": present.local(run.begun),
        "age": age(present.since(run.begun)),
        "took": ended.map(|ended| short(between(run.begun, ended))),
        "who": who(run),
        "held": Some(run.held).filter(|held| *held > 0),
        "failed": run.is_open() || super::ended(run) == State::Failed.as_str(),
    })
}

fn who(run: &Summary) -> String {
    let who = &run.who;
    match (who.user.as_str(), who.host.as_str()) {
        ("", host) => host.to_owned(),
        (user, "") => user.to_owned(),
        (user, host) => format!("{user}@{host}"),
    }
}

fn columns() -> Vec<Column> {
    [
        ("RUN", "run"),
        ("OPERATION", "operation"),
        ("STATE", "state"),
        ("BEGUN", "begun"),
        ("AGE", "age"),
        ("TOOK", "took"),
        ("WHO", "who"),
        ("HELD", "held"),
    ]
    .map(|(heading, key)| Column {
        heading: heading.to_owned(),
        key: key.to_owned(),
    })
    .to_vec()
}
