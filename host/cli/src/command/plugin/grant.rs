//! `agent plugin grant ID RIGHT…`

use agent_core::{Failure, Right};
use serde_json::json;

use crate::command::Door;
use crate::ink::Tone;

pub(super) async fn execute(
    plugin: &str,
    rights: &[String],
    door: &mut Door<'_>,
) -> Result<(), Failure> {
    let id = super::id(plugin)?;
    let rights = rights
        .iter()
        .map(|right| super::right(right))
        .collect::<Result<Vec<Right>, _>>()?;
    let all = door.agent.grant(&id, rights.clone()).await?;
    if door.documents(&[json!({"plugin": id, "granted": all})]) {
        return Ok(());
    }
    let terminal = &mut door.terminal;
    let ink = terminal.stdout.ink;
    terminal.stdout.line(format_args!(
        "plugin {} may now",
        ink.paint(Tone::Strong, id.as_str())
    ));
    for right in &all {
        let mark = if rights.contains(right) {
            ink.paint(Tone::Good, "+")
        } else {
            " ".to_owned()
        };
        terminal.stdout.line(format_args!("  {mark} {right}"));
    }
    super::warn_of(&rights, terminal);
    Ok(())
}
