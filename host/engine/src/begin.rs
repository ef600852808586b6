//! How a run begins: look up, decide, lock, record, open the gate.

use std::sync::Arc;

use agent_capability::{Before, Gate, GateConfig, Outbox, outbox};
use agent_core::agent::Run;
use agent_core::call::{Call, Consent, Mode, OnFailure};
use agent_core::descriptor::Risk;
use agent_core::event::{Event, Outcome};
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::RunId;
use agent_core::journal::RunJournal;
use agent_core::plan::{self, Plan};
use agent_core::record::{Begun, Cluster};
use agent_core::secret::Secrets;
use futures::StreamExt as _;
use futures::channel::mpsc;
use jiff::Timestamp;
use serde_json::Map;

use crate::agent::Inner;
use crate::lock::Locks;
use crate::nested::Nested;
use crate::prepare::{Prepared, prepare};
use crate::secret;
use crate::supervise::{Supervision, supervise};

/// Starts a run.
pub(crate) async fn begin(inner: Arc<Inner>, mut call: Call) -> Result<Run, Failure> {
    let given = std::mem::take(&mut call.arguments);
    let found = inner.found(&call.operation, None)?;
    let secrets = std::mem::take(&mut call.secrets);
    let prepared = prepare(found, &inner.limits, &call.operation, given, &secrets)?;
    start(inner, call, prepared, None).await
}

/// Starts a run that does what a plan says.
pub(crate) async fn apply(
    inner: Arc<Inner>,
    plan: Plan,
    consent: Consent,
    on_failure: OnFailure,
    secrets: Secrets,
) -> Result<Run, Failure> {
    secret::are_the_same(&inner, &plan.secrets, &secrets, &"agent apply FILE".into())?;
    let found = inner.found(&plan.operation, Some(&plan.digest))?;
    let arguments = plan.arguments.clone();
    let prepared = prepare(found, &inner.limits, &plan.operation, arguments, &secrets)?;
    let call = Call {
        operation: plan.operation.clone(),
        arguments: Map::new(),
        secrets: Secrets::default(),
        mode: Mode::Perform,
        consent,
        on_failure,
    };
    start(inner, call, prepared, Some(plan)).await
}

async fn start(
    inner: Arc<Inner>,
    mut call: Call,
    prepared: Prepared,
    plan: Option<Plan>,
) -> Result<Run, Failure> {
    call.arguments = prepared.arguments.clone();
    let begun = Begun {
        plan: plan.map(Box::new),
        ..begun(&inner, &call, &prepared).await?
    };
    if let Some(plan) = &begun.plan {
        is_the_planned_cluster(plan, &begun)?;
    }
    let changes = call.mode == Mode::Perform && prepared.grants.risk() != Risk::Read;
    let mut locks = if changes {
        inner.keep(&prepared)?;
        Locks::take(&inner, &begun, prepared.grants.has_any_cluster_right())?
    } else {
        Locks::none()
    };
    let (journal, unrecorded) = record(&inner, &begun, changes)?;
    let (events, seen) = outbox();
    let (control, said) = mpsc::unbounded();
    let grants = prepared.grants.clone();
    let gate = open(&inner, &begun, grants, journal, None, events)?;
    gate.learn(&prepared.secrets);
    if let Some(plan) = &begun.plan {
        gate.is_up_to_date(plan).await?;
    }
    let started = Event::Started {
        run: begun.run.clone(),
        operation: prepared.operation.clone(),
        plugin: prepared.plugin(),
        arguments: prepared.arguments.clone(),
        planning: call.mode == Mode::Plan,
    };
    if begun.locks.is_empty() || !changes {
        gate.emit(started);
    } else {
        // On record before anything of it is in the cluster: a Lease that is left behind must lead to its run.
        gate.start(started).await?;
        match locks.take_in_cluster(&inner, &begun).await {
            Ok(alone) => alone.iter().for_each(|why| gate.warn(why)),
            Err(failure) => {
                locks.let_go_in_cluster().await;
                gate.finish(Outcome::Failed {
                    failure: failure.clone(),
                    put_back: Vec::new(),
                    held: 0,
                })
                .await;
                return Err(failure);
            }
        }
    }
    if let Some(why) = unrecorded {
        let remedy = why.hint.as_ref().map(|hint| format!("to mend it: {hint}"));
        let why = why.while_doing("this run is not remembered");
        gate.warn(&remedy.into_iter().fold(why, Failure::because));
    }
    let run = begun.run.clone();
    let drawing = (call.mode == Mode::Plan).then_some(begun);
    let supervision = Supervision {
        gate,
        control: said,
        on_failure: call.on_failure,
        consent: call.consent,
        locks,
        drawing,
    };
    // A task of its own: whoever started the run may go away, and it still puts back what it holds.
    tokio::spawn(async move { supervise(&inner, prepared, supervision).await });
    Ok(Run::new(run, seen.boxed(), control))
}

fn is_the_planned_cluster(plan: &Plan, begun: &Begun) -> Result<(), Failure> {
    let (Some(planned), Some(now)) = (&plan.cluster.server, &begun.cluster.server) else {
        return Ok(());
    };
    if planned == now {
        return Ok(());
    }
    let message =
        format!("the plan was made for the cluster at {planned}, and this is the one at {now}");
    Err(Failure::new(Kind::Conflict, "plan.other-cluster", message)
        .hinted("give --kubeconfig FILE or --context NAME of that cluster"))
}

/// Returns what a run that plans has come to, for a file.
pub(crate) fn drawn(gate: &Gate, begun: Begun) -> Plan {
    let drawing = gate.drawing();
    Plan {
        format: plan::FORMAT,
        operation: begun.call.operation,
        arguments: begun.call.arguments,
        secrets: begun.secrets,
        plugin: begun.plugin,
        digest: begun.digest,
        cluster: begun.cluster,
        who: begun.who,
        made: begun.at,
        effects: drawing.effects,
        rests_on: drawing.rests_on,
        listed: drawing.listed,
        stand_ins: drawing.stand_ins,
    }
}

/// The record of a run, where it has one, and why it has none although it is no plan.
type Recorded = (Option<Box<dyn RunJournal>>, Option<Failure>);

/// Opens the record of a run. A plan needs none, and what only looks can do without: then it is told why.
fn record(inner: &Inner, begun: &Begun, changes: bool) -> Result<Recorded, Failure> {
    if begun.call.mode == Mode::Plan {
        return Ok((None, None));
    }
    let opened = inner
        .journal()
        .and_then(|journal| journal.begin(begun.clone()));
    match opened {
        Ok(opened) => Ok((Some(Box::new(opened)), None)),
        Err(unrecorded) if !changes => Ok((None, Some(unrecorded))),
        Err(failure) => Err(failure),
    }
}

/// Opens the gate of a run that begins, or of which there is a record before.
pub(crate) fn open(
    inner: &Arc<Inner>,
    begun: &Begun,
    grants: Grants,
    journal: Option<Box<dyn RunJournal>>,
    before: Option<Before>,
    events: Outbox,
) -> Result<Gate, Failure> {
    // Only what is recorded of a run that changes something has secrets to be compared, and what a plan rests on.
    let rests = begun.call.mode == Mode::Plan || begun.plan.is_some();
    let key = match (&journal, grants.risk()) {
        (Some(_), risk) if risk != Risk::Read => inner.journal()?.key()?,
        _ if rests => plan_key(inner)?,
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
        client: inner.client.clone(),
        operations: Arc::new(Nested(inner.clone())),
    }))
}

/// Without a journal a plan can still be looked at: no run will find that what it rests on is as it was, where that is a secret.
pub(crate) fn plan_key(inner: &Inner) -> Result<[u8; 32], Failure> {
    if let Ok(key) = inner.journal().and_then(|journal| journal.key()) {
        return Ok(key);
    }
    let mut key = [0; 32];
    random(&mut key)?;
    Ok(key)
}

async fn begun(inner: &Inner, call: &Call, prepared: &Prepared) -> Result<Begun, Failure> {
    let mut seed = [0; 32];
    random(&mut seed)?;
    let mut id = [0; 8];
    random(&mut id)?;
    // A cluster that is not to be found is what the first request fails with.
    let (server, context) = match prepared.grants.risk() {
        Risk::Read => (None, None),
        _ => (
            inner.client.server().await.ok(),
            inner.client.context().await.ok().flatten(),
        ),
    };
    Ok(Begun {
        run: RunId::from_random(id),
        call: call.clone(),
        plugin: prepared.plugin(),
        digest: prepared.found.digest.clone(),
        signer: None,
        who: inner.who.clone(),
        // By its name, also when it is the current one: another one may be by the time somebody takes the run up.
        cluster: Cluster {
            server,
            context: context.or_else(|| inner.cluster.context.clone()),
            ..inner.cluster.clone()
        },
        seed: hex::encode(seed),
        locks: prepared.locks()?,
        secrets: secret::hashes(inner, &prepared.secrets)?,
        at: Timestamp::now(),
        plan: None,
    })
}

fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| {
        let message = format!("the system has no random numbers: {error}");
        Failure::new(Kind::Unavailable, "agent.no-randomness", message)
    })
}
