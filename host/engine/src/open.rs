//! Opens the record of a run, and the gate behind which it works: of one that begins, and of one that is taken up again.

use std::sync::Arc;

use agent_capability::{Before, Gate, GateConfig, Outbox};
use agent_core::call::Mode;
use agent_core::descriptor::Risk;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::journal::RunJournal;
use agent_core::record::RunHeader;

use crate::nested::Nested;
use crate::runtime::Runtime;

/// The record of a run, where it has one, and why it has none although it is no plan.
pub(crate) type Recorded = (Option<Box<dyn RunJournal>>, Option<Failure>);

/// Opens the record of a run. A plan needs none, and what only looks can do without: then it is told why.
pub(crate) fn record(
    runtime: &Runtime,
    begun: &RunHeader,
    changes: bool,
) -> Result<Recorded, Failure> {
    if begun.call.mode == Mode::Plan {
        return Ok((None, None));
    }
    let opened = runtime
        .journal()
        .and_then(|journal| journal.begin(begun.clone()));
    match opened {
        Ok(opened) => Ok((Some(Box::new(opened)), None)),
        Err(unrecorded) if !changes => Ok((None, Some(unrecorded))),
        Err(failure) => Err(failure),
    }
}

/// Opens the gate of a run that begins, or of which there is a record before.
pub(crate) fn gate(
    runtime: &Arc<Runtime>,
    begun: &RunHeader,
    grants: Grants,
    journal: Option<Box<dyn RunJournal>>,
    before: Option<Before>,
    events: Outbox,
) -> Result<Gate, Failure> {
    // Only what is recorded of a run that changes something has secrets to be compared, and what a plan rests on.
    let rests = begun.call.mode == Mode::Plan || begun.plan.is_some();
    let key = match (&journal, grants.risk()) {
        (Some(_), risk) if risk != Risk::Read => runtime.journal()?.key()?,
        _ if rests => runtime.plan_key()?,
        _ => [0; 32],
    };
    let mut seed = [0; 32];
    hex::decode_to_slice(&begun.seed, &mut seed).map_err(|error| {
        Failure::of(Kind::Internal, "journal.damaged", &error)
            .while_doing(format!("reading the seed of run `{}`", begun.run))
    })?;
    Ok(Gate::new(GateConfig {
        id: begun.run.clone(),
        plugin: begun.plugin.clone(),
        operation: begun.call.operation.clone(),
        grants,
        mode: begun.call.mode,
        consent: begun.call.consent,
        on_failure: begun.call.on_failure,
        begun: begun.at,
        seed,
        key,
        journal,
        before,
        plan: begun.plan.clone(),
        events,
        capabilities: runtime.capabilities(),
        operations: Arc::new(Nested(runtime.clone())),
    }))
}
