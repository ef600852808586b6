//! `agent plugin grant ID[@DIGEST] RIGHT…`

use agent_core::agent::Grantee;
use agent_core::hint;
use agent_core::{Failure, Right};
use serde_json::json;

use crate::command::Door;
use crate::ink::Tone;
use crate::report;

pub(super) async fn execute(
    plugin: &str,
    rights: &[String],
    door: &mut Door<'_>,
) -> Result<(), Failure> {
    let (id, artifact) = super::id(plugin)?;
    let rights = rights
        .iter()
        .map(|right| super::right(right))
        .collect::<Result<Vec<Right>, _>>()?;
    let granted = door
        .agent
        .grant(&id, artifact.as_ref(), rights.clone())
        .await?;
    let Grantee {
        artifact,
        rights: all,
        inspected,
        bundled,
    } = granted;
    if door.documents(&[json!({"plugin": id, "digest": artifact, "granted": all})]) {
        return Ok(());
    }
    if bundled {
        let line = format!(
            "plugin {id} comes with the agent, has all that it asks for, and needs no grant"
        );
        door.terminal.stdout.line(line);
        return Ok(());
    }
    let terminal = &mut door.terminal;
    let ink = terminal.stdout.ink;
    terminal.stdout.line(format_args!(
        "plugin {} ({artifact}) may now",
        ink.paint(Tone::Strong, id.as_str())
    ));
    for right in &all {
        let mark = if rights.contains(right) {
            ink.paint(Tone::Good, "+")
        } else {
            " ".to_owned()
        };
        let opens = super::inspect::opens(right, ink);
        terminal
            .stdout
            .line(format_args!("  {mark} {right}{opens}"));
    }
    if !inspected {
        let text = format!("nobody has looked at what `{id}` asks for, and why");
        report::warning(&text, &mut terminal.stderr);
        report::hint(&hint!("agent plugin inspect {}", id), &mut terminal.stderr);
    }
    super::warn_of(&rights, terminal);
    Ok(())
}
