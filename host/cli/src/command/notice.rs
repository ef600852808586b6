//! One line about a run that is not finished, for whoever starts something else.

use agent_core::Agent;
use agent_core::hint;
use agent_core::record::{Filter, State, Summary};

use super::runs::held;
use crate::ink::Tone;
use crate::operation;
use crate::render::time::ago;
use crate::render::words::changes;
use crate::terminal::Terminal;

/// Tells of the newest run of which something is left to do. A journal that cannot be read is no reason to keep the person from anything else.
pub(super) async fn show(agent: &dyn Agent, terminal: &mut Terminal) {
    let open = agent.runs(Filter::Unfinished).await.unwrap_or_default();
    let Some((newest, others)) = open.split_first() else {
        return;
    };
    let said = line(newest, agent, terminal).await;
    let to = &mut terminal.stderr;
    let said = to.ink.paint(Tone::Warn, said);
    let run = &newest.run;
    let mut remedy = match newest.state {
        State::Unfinished => hint!("agent resume {}, or agent undo {}", run, run),
        State::Damaged => hint!("agent runs show {}", run),
        _ => hint!("agent undo {}", run),
    };
    if !others.is_empty() {
        let more = others.len();
        let others = hint!("agent runs --unfinished lists {} more", more);
        remedy = remedy.and("; ", &others);
    }
    to.paste(format_args!("{said}: {remedy}"));
}

async fn line(run: &Summary, agent: &dyn Agent, terminal: &Terminal) -> String {
    let plugins = agent.plugins_of_runs(None).await.unwrap_or_default();
    let call = operation::line(run, &plugins);
    let (ended, at) = match run.state {
        State::Unfinished => ("was cut off", last_sign(run, agent).await),
        State::Failed => ("failed", run.ended),
        State::Damaged => ("has a damaged record", None),
        _ => ("ended", run.ended),
    };
    let when = at.map_or_else(String::new, |at| {
        format!(" {}", ago(terminal.clock.look().since(at)))
    });
    let holds = match held(run, agent).await {
        0 => String::new(),
        held => format!(" and still holds {}", changes(held)),
    };
    format!("run {} ({call}) {ended}{when}{holds}", run.run)
}

/// Returns when a run that was cut off wrote for the last time.
async fn last_sign(run: &Summary, agent: &dyn Agent) -> Option<jiff::Timestamp> {
    let record = agent.record(run.run.as_str()).await.ok()?;
    Some(record.entries.last().map_or(run.begun, |noted| noted.at))
}
