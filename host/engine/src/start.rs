//! How a run begins: look up, decide, lock, record, open the gate.

use std::sync::Arc;

use agent_capability::{Gate, outbox};
use agent_core::agent::Run;
use agent_core::call::{Call, Consent, Mode, OnFailure};
use agent_core::descriptor::Risk;
use agent_core::event::{Event, Outcome};
use agent_core::failure::Failure;
use agent_core::id::RunId;
use agent_core::origin::Cluster;
use agent_core::plan::Plan;
use agent_core::record::RunHeader;
use agent_core::secret::Secrets;
use futures::StreamExt as _;
use futures::channel::mpsc;
use jiff::Timestamp;
use serde_json::Map;

use crate::lock::Locks;
use crate::prepare::{Prepared, prepare};
use crate::runtime::{Runtime, random};
use crate::supervise::{Supervision, supervise};
use crate::{open, plan, secret};

/// Starts a run.
pub(crate) async fn run(runtime: Arc<Runtime>, mut call: Call) -> Result<Run, Failure> {
    let given = std::mem::take(&mut call.arguments);
    let found = runtime.lookup(&call.operation, None)?;
    let secrets = std::mem::take(&mut call.secrets);
    let prepared = prepare(found, &runtime.limits, &call.operation, given, &secrets)?;
    start(runtime, call, prepared, None).await
}

/// Starts a run that does what a plan says.
pub(crate) async fn apply(
    runtime: Arc<Runtime>,
    plan: Plan,
    consent: Consent,
    on_failure: OnFailure,
    secrets: Secrets,
) -> Result<Run, Failure> {
    secret::are_the_same(
        &runtime,
        &plan.secrets,
        &secrets,
        &"agent apply FILE".into(),
    )?;
    let found = runtime.lookup(&plan.operation, Some(&plan.digest))?;
    let arguments = plan.arguments.clone();
    let prepared = prepare(found, &runtime.limits, &plan.operation, arguments, &secrets)?;
    let call = Call {
        operation: plan.operation.clone(),
        arguments: Map::new(),
        secrets: Secrets::default(),
        mode: Mode::Perform,
        consent,
        on_failure,
    };
    start(runtime, call, prepared, Some(plan)).await
}

async fn start(
    runtime: Arc<Runtime>,
    mut call: Call,
    prepared: Prepared,
    plan: Option<Plan>,
) -> Result<Run, Failure> {
    call.arguments = prepared.arguments.clone();
    let begun = begun(&runtime, &call, &prepared, plan).await?;
    let changes = call.mode == Mode::Perform && prepared.grants.risk() != Risk::Read;
    let mut locks = match changes {
        true => lock(&runtime, &prepared, &begun)?,
        false => Locks::none(),
    };
    let (journal, unrecorded) = open::record(&runtime, &begun, changes)?;
    let (events, seen) = outbox();
    let grants = prepared.grants.clone();
    let gate = open::gate(&runtime, &begun, grants, journal, None, events)?;
    gate.learn(&prepared.secrets);
    if let Some(plan) = &begun.plan {
        gate.is_up_to_date(plan).await?;
    }
    let started = started(&begun);
    match changes && !begun.locks.is_empty() {
        true => lock_in_cluster(&runtime, &gate, &mut locks, &begun, started).await?,
        false => gate.emit(started),
    }
    if let Some(why) = unrecorded {
        warn_unrecorded(&gate, why);
    }
    let (control, said) = mpsc::unbounded();
    let run = begun.run.clone();
    let supervision = Supervision {
        gate,
        control: said,
        on_failure: call.on_failure,
        consent: call.consent,
        locks,
        plan_draft: (call.mode == Mode::Plan).then_some(begun),
    };
    // A task of its own: whoever started the run may go away, and it still puts back what it holds.
    tokio::spawn(async move { supervise(&runtime, prepared, supervision).await });
    Ok(Run::new(run, seen.boxed(), control))
}

fn lock(runtime: &Runtime, prepared: &Prepared, begun: &RunHeader) -> Result<Locks, Failure> {
    runtime.keep(prepared)?;
    Locks::take(runtime, begun, prepared.grants.has_any_cluster_right())
}

fn started(begun: &RunHeader) -> Event {
    Event::Started {
        run: begun.run.clone(),
        operation: begun.call.operation.clone(),
        plugin: begun.plugin.clone(),
        arguments: begun.call.arguments.clone(),
        planning: begun.call.mode == Mode::Plan,
    }
}

/// Takes the locks in the cluster, or ends the run.
async fn lock_in_cluster(
    runtime: &Runtime,
    gate: &Gate,
    locks: &mut Locks,
    begun: &RunHeader,
    started: Event,
) -> Result<(), Failure> {
    // On record before anything of it is in the cluster: a Lease that is left behind must lead to its run.
    gate.start(started).await?;
    match locks.take_in_cluster(runtime, begun).await {
        Ok(alone) => {
            alone.iter().for_each(|why| gate.warn(why));
            Ok(())
        }
        Err(failure) => {
            locks.let_go_in_cluster().await;
            gate.finish(Outcome::Failed {
                failure: failure.clone(),
                put_back: Vec::new(),
                held: 0,
            })
            .await;
            Err(failure)
        }
    }
}

fn warn_unrecorded(gate: &Gate, why: Failure) {
    let remedy = why.hint.as_ref().map(|hint| format!("to mend it: {hint}"));
    let why = why.while_doing("this run is not remembered");
    gate.warn(&remedy.into_iter().fold(why, Failure::because));
}

/// Returns the first entry of its record.
///
/// # Errors
/// Names of locks that nobody could read, secrets that nobody could mask, a plan for another cluster.
async fn begun(
    runtime: &Runtime,
    call: &Call,
    prepared: &Prepared,
    plan: Option<Plan>,
) -> Result<RunHeader, Failure> {
    let mut seed = [0; 32];
    random(&mut seed)?;
    let mut id = [0; 8];
    random(&mut id)?;
    // A cluster that is not to be found is what the first request fails with.
    let (server, context) = match prepared.grants.risk() {
        Risk::Read => (None, None),
        _ => (
            runtime.client.server().await.ok(),
            runtime.client.context().await.ok().flatten(),
        ),
    };
    let begun = RunHeader {
        run: RunId::from_random(id),
        call: call.clone(),
        plugin: prepared.plugin(),
        digest: prepared.found.digest.clone(),
        signer: None,
        who: runtime.who.clone(),
        // By its name, also when it is the current one: another one may be by the time somebody takes the run up.
        cluster: Cluster {
            server,
            context: context.or_else(|| runtime.cluster.context.clone()),
            ..runtime.cluster.clone()
        },
        seed: hex::encode(seed),
        locks: prepared.locks()?,
        secrets: secret::hashes(runtime, &prepared.secrets)?,
        at: Timestamp::now(),
        plan: plan.map(Box::new),
    };
    if let Some(plan) = &begun.plan {
        plan::is_the_planned_cluster(plan, &begun)?;
    }
    Ok(begun)
}
