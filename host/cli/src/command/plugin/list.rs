//! `agent plugin list`

use agent_core::Failure;
use agent_core::agent::{Plugin, State};
use agent_core::descriptor::Column;
use serde_json::{Value, json};

use crate::command::Door;
use crate::render::table;

pub(super) async fn execute(door: &mut Door<'_>) -> Result<(), Failure> {
    let plugins = door.agent.plugins().await?;
    let documents = plugins.iter().map(to_json).collect::<Result<Vec<_>, _>>()?;
    if door.documents(&documents) {
        return Ok(());
    }
    let rows: Vec<Value> = plugins.iter().map(row).collect();
    table::write(&rows, &columns(), door.terminal);
    crate::command::list::warn_of_stand_ins(&plugins, door.terminal);
    crate::command::list::warn_of_refused(&plugins, door.terminal);
    Ok(())
}

fn row(plugin: &Plugin) -> Value {
    match &plugin.state {
        State::Usable(usable) => json!({
            "id": usable.manifest.id,
            "version": usable.manifest.version,
            "state": if usable.missing.is_empty() { "ready" } else { "needs grants" },
            "operations": usable.descriptor.operations.len(),
            "from": plugin.origin.to_string(),
        }),
        State::Refused { .. } => json!({
            "result": "failed", "state": "refused", "from": plugin.origin.to_string(),
        }),
    }
}

fn columns() -> Vec<Column> {
    [
        ("PLUGIN", "id"),
        ("VERSION", "version"),
        ("STATE", "state"),
        ("OPERATIONS", "operations"),
        ("FROM", "from"),
    ]
    .map(|(heading, key)| Column {
        heading: heading.to_owned(),
        key: key.to_owned(),
    })
    .to_vec()
}

pub(super) fn to_json(plugin: &Plugin) -> Result<Value, Failure> {
    serde_json::to_value(plugin)
        .map_err(|error| Failure::of(agent_core::Kind::Internal, "agent.json", &error))
}
