//! How a run that was cut off is finished, or a run is taken back: from its record.

use std::sync::Arc;

use agent_capability::{Before, Gate, Outbox, outbox};
use agent_core::agent::Run;
use agent_core::call::{Consent, Goal, OnFailure, Resumption};
use agent_core::event::{Event, Outcome, UndoReport};
use agent_core::failure::{Failure, Kind, OVERWRITTEN};
use agent_core::grant::Grants;
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::journal::RunJournal;
use agent_core::record::{Record, RecordedEffect, RunHeader, Settled};
use agent_core::secret::Secrets;
use agent_journal::OpenRun;
use futures::StreamExt as _;
use futures::channel::mpsc;

use crate::lock::{self, Locks};
use crate::prepare::{Prepared, prepare};
use crate::runtime::Runtime;
use crate::supervise::{self, Supervision};
use crate::{open, secret};

mod abandoned;

/// Takes a run up again.
pub(crate) async fn resume(
    runtime: Arc<Runtime>,
    name: &str,
    how: Resumption,
) -> Result<Run, Failure> {
    let Resumption {
        to,
        consent,
        give_up,
        leave_data,
        secrets,
    } = how;
    let id = runtime.journal()?.which(name, to)?;
    let (journal, record) = match runtime.journal()?.reopen(&id) {
        Err(failure) if failure.code == "journal.run-damaged" && give_up && to == Goal::Undo => {
            return abandoned::abandon(&runtime, &id, consent, &failure).await;
        }
        opened => opened?,
    };
    let (events, seen) = outbox();
    let (control, said) = mpsc::unbounded();
    // A run that somebody has begun to take back is taken back.
    let to = if record.is_taken_back() {
        Goal::Undo
    } else {
        to
    };
    if !is_something_left(&record, to) {
        drop(journal);
        lock::sweep(&runtime, &record.begun).await;
        let nothing = Outcome::Undone {
            put_back: match to {
                Goal::Undo => overwritten(&record),
                Goal::Finish => Vec::new(),
            },
            irreversible: match to {
                Goal::Undo => irreversible(&record),
                Goal::Finish => Vec::new(),
            },
        };
        events.send(resumed(&record.begun, to));
        events.send(Event::Finished { outcome: nothing });
        return Ok(Run::new(id, seen.boxed(), control));
    }
    let out_of_reach = match is_same_cluster(&runtime, &record.begun).await {
        Err(failure) if give_up => Some(failure),
        same => same.map(|()| None)?,
    };
    let begun = begun_again(&runtime, &record, consent);
    // Only a plugin that goes on is needed. What it held is put back without it, also when it is gone, or has lost its rights.
    let goes_on = to == Goal::Finish && record.end().is_none();
    let prepared = goes_on
        .then(|| prepared(&runtime, &begun, &secrets))
        .transpose()?;
    let entitled = prepared
        .as_ref()
        .is_none_or(|it| it.grants.has_any_cluster_right());
    let locks = Locks::take(&runtime, &begun, entitled)?;
    let grants = match &prepared {
        Some(prepared) => prepared.grants.clone(),
        None => Grants::to_put_back(),
    };
    let gate = opened(&runtime, &begun, grants, journal, &record, to, events)?;
    if let Some(prepared) = &prepared {
        gate.learn(&prepared.secrets);
    }
    let supervision = Supervision {
        gate,
        control: said,
        on_failure: begun.call.on_failure,
        consent,
        locks,
        plan_draft: None,
    };
    let task = Task {
        begun,
        record,
        to,
        give_up,
        leave_data,
        out_of_reach,
        prepared,
    };
    tokio::spawn(async move { carry_on(&runtime, supervision, task).await });
    Ok(Run::new(id, seen.boxed(), control))
}

/// What is done about a run.
struct Task {
    begun: RunHeader,
    record: Record,
    to: Goal,
    give_up: bool,
    leave_data: bool,
    /// Why nothing can be put back, where that is known already and the run is given up all the same.
    out_of_reach: Option<Failure>,
    /// The plugin, if it goes on.
    prepared: Option<Prepared>,
}

/// Returns how a run begins that is taken up by us. What was kept after a failure is not kept once more: somebody has come to put it in order.
fn begun_again(runtime: &Runtime, record: &Record, consent: Consent) -> RunHeader {
    let mut begun = RunHeader {
        who: runtime.who.clone(),
        ..record.begun.clone()
    };
    begun.call.consent = consent;
    if record.end().is_some() {
        begun.call.on_failure = OnFailure::Undo;
    }
    begun
}

fn is_something_left(record: &Record, to: Goal) -> bool {
    match to {
        Goal::Finish => record.summary.is_open(),
        Goal::Undo => {
            record.summary.is_open()
                || record
                    .recorded_effects()
                    .iter()
                    .any(RecordedEffect::is_revertible)
        }
    }
}

/// Refuses to do to one cluster what is to be done to another.
async fn is_same_cluster(runtime: &Runtime, begun: &RunHeader) -> Result<(), Failure> {
    let Some(before) = &begun.cluster.server else {
        return Ok(());
    };
    let now = runtime.client.server().await?;
    if now == *before {
        return Ok(());
    }
    let message = format!(
        "run `{}` works on the cluster at {before}, and this is the one at {now}",
        begun.run
    );
    Err(
        Failure::new(Kind::Conflict, "journal.other-cluster", message)
            .hinted(hint!(
                "give --kubeconfig FILE or --context NAME of that cluster; if it is gone for good: agent undo {} --give-up",
                begun.run
            )),
    )
}

fn prepared(runtime: &Runtime, begun: &RunHeader, secrets: &Secrets) -> Result<Prepared, Failure> {
    let again = hint!("agent resume {}", begun.run);
    secret::are_the_same(runtime, &begun.secrets, secrets, &again)?;
    let operation = &begun.call.operation;
    let found = runtime.lookup(operation, Some(&begun.digest))?;
    prepare(
        found,
        &runtime.limits,
        operation,
        begun.call.arguments.clone(),
        secrets,
    )
}

fn opened(
    runtime: &Arc<Runtime>,
    begun: &RunHeader,
    grants: Grants,
    journal: OpenRun,
    record: &Record,
    to: Goal,
    events: Outbox,
) -> Result<Gate, Failure> {
    let entries = record.entries.iter().map(|noted| noted.entry.clone());
    let before = Before {
        entries: entries.collect(),
        worked: record.worked(),
        to,
    };
    let journal = Some(Box::new(journal) as Box<dyn RunJournal>);
    open::gate(runtime, begun, grants, journal, Some(before), events)
}

fn resumed(begun: &RunHeader, to: Goal) -> Event {
    Event::Resumed {
        run: begun.run.clone(),
        operation: begun.call.operation.clone(),
        plugin: begun.plugin.clone(),
        arguments: begun.call.arguments.clone(),
        to,
    }
}

async fn carry_on(runtime: &Arc<Runtime>, mut supervision: Supervision, task: Task) {
    let Task {
        begun,
        record,
        to,
        give_up,
        leave_data,
        out_of_reach,
        prepared,
    } = task;
    // Not on record before they agreed: a run that somebody has begun to take back is taken back.
    supervision.gate.show(resumed(&begun, to));
    if let Err(declined) = supervision.agreed(&record, to, leave_data).await {
        return supervision.leave(declined);
    }
    let begins = match out_of_reach {
        Some(failure) => Err(failure),
        None => begin_again(runtime, &mut supervision, &begun, to).await,
    };
    match begins {
        Ok(()) => {}
        Err(failure) if give_up => return given_up(runtime, supervision, failure).await,
        Err(failure) => return supervision.leave(failure),
    }
    match (to, record.end(), prepared) {
        (Goal::Finish, None, Some(prepared)) => match supervision.gate.verify_holds().await {
            Ok(()) => supervise::supervise(runtime, prepared, supervision).await,
            Err(lost) => supervision.leave(lost),
        },
        // The plugin is at its end. What is left is to put back what it held.
        (Goal::Finish, Some(end), _) => supervise::conclude(supervision, end.clone()).await,
        _ => {
            let left = match leave_data {
                true => supervision.gate.leave_overwritten(),
                false => Vec::new(),
            };
            take_back(supervision, &record, give_up, left).await
        }
    }
}

/// Ends a run whose cluster cannot be reached, or is gone: what it changed there is named, and nobody waits for it any more.
async fn given_up(runtime: &Runtime, supervision: Supervision, why: Failure) {
    let gate = supervision.gate.clone();
    if let Err(failure) = gate.note_resumed(&runtime.who, Goal::Undo).await {
        return supervision.leave(failure);
    }
    let put_back = gate.give_up(Some(&why));
    supervision
        .finish(Outcome::Undone {
            put_back,
            irreversible: Vec::new(),
        })
        .await;
}

/// Records that the run is taken up, and then takes its locks in the cluster.
async fn begin_again(
    runtime: &Runtime,
    supervision: &mut Supervision,
    begun: &RunHeader,
    to: Goal,
) -> Result<(), Failure> {
    let gate = supervision.gate.clone();
    gate.note_resumed(&runtime.who, to).await?;
    gate.note(resumed(begun, to));
    let alone = supervision.locks.take_in_cluster(runtime, begun).await?;
    alone.iter().for_each(|why| gate.warn(why));
    Ok(())
}

async fn take_back(
    mut supervision: Supervision,
    record: &Record,
    give_up: bool,
    left_overwritten: Vec<String>,
) {
    let mut put_back = supervision.release_all().await;
    if left_overwritten.is_empty() {
        put_back.extend(overwritten(record));
    }
    if give_up {
        drop(supervision.gate.give_up(None));
    }
    let mut irreversible = irreversible(record);
    let left = left_overwritten.into_iter();
    irreversible.extend(
        left.map(|target| format!("{target} may be half overwritten, and is left as it is: what is older was put back on it")),
    );
    supervision
        .finish(Outcome::Undone {
            put_back,
            irreversible,
        })
        .await;
}

/// Returns what a run did to objects that nobody can put back.
fn irreversible(record: &Record) -> Vec<String> {
    let recorded_effects = record.recorded_effects();
    let done = recorded_effects
        .iter()
        .filter(|recorded| recorded.settled != Settled::Rejected);
    let sentence = |recorded: &RecordedEffect| {
        let effect = recorded.effect();
        if recorded.undo.is_some() {
            return None;
        }
        let done = match effect.verb.as_str() {
            "delete" => "removed".to_owned(),
            "signal" => "told to act".to_owned(),
            _ => effect.verb.done(),
        };
        Some(format!("{} was {done}", effect.target))
    };
    done.filter_map(sentence).collect()
}

/// Returns what a run has overwritten for good. The rest of it can be taken back, and that cannot: others have built upon it since.
fn overwritten(record: &Record) -> Vec<UndoReport> {
    let report = |recorded: RecordedEffect| {
        let compensation = recorded.undo.as_ref()?.compensation()?;
        if !recorded.is_settled_overwriting() || !recorded.stands() {
            return None;
        }
        let target = recorded.effect().target.to_string();
        let message = "it was overwritten, and used since: taking the run back does not bring back what was there before";
        let failure = Failure::new(Kind::Unsupported, OVERWRITTEN, message);
        let failure = match &compensation.call {
            Some(_) => failure.hinted(Remedy::of_stranger(&compensation.by_hand)),
            None => failure.because("that was not kept"),
        };
        Some(UndoReport {
            number: Some(recorded.effect().number),
            target,
            summary: String::new(),
            left: Vec::new(),
            failure: Some(failure),
        })
    };
    record
        .recorded_effects()
        .into_iter()
        .filter_map(report)
        .collect()
}
