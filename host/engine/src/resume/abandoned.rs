//! A run is given up whose record cannot be read as a whole: nobody could put back all that it changed.

use agent_capability::outbox;
use agent_core::agent::Run;
use agent_core::call::{Consent, Goal};
use agent_core::event::{Event, Outcome};
use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::id::RunId;
use futures::StreamExt as _;
use futures::channel::mpsc;

use crate::lock;
use crate::runtime::Runtime;

/// Ends it as it is. `damage` is why it cannot be taken back.
pub(super) async fn abandon(
    runtime: &Runtime,
    run: &RunId,
    consent: Consent,
    damage: &Failure,
) -> Result<Run, Failure> {
    if consent != Consent::Given {
        let refused = Failure::new(Kind::Declined, "run.declined", damage.message.clone());
        return Err(refused.hinted(hint!("agent undo {} --give-up --yes", run)));
    }
    let summary = runtime.journal()?.give_up(run, damage)?;
    if let Ok(record) = runtime.journal()?.record(run) {
        lock::sweep(runtime, &record.begun).await;
    }
    let (events, seen) = outbox();
    let (control, _) = mpsc::unbounded();
    let resumed = Event::Resumed {
        run: run.clone(),
        operation: summary.operation,
        plugin: summary.plugin,
        arguments: summary.arguments,
        to: Goal::Undo,
    };
    let outcome = Outcome::Undone {
        put_back: Vec::new(),
        irreversible: vec![format!(
            "{}; what it changed stays as it is",
            damage.message
        )],
    };
    events.send(resumed);
    events.send(Event::Finished { outcome });
    Ok(Run::new(run.clone(), seen.boxed(), control))
}
