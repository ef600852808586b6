//! How a run that was cut off is finished, or a run is taken back: from its record.

use std::sync::Arc;

use agent_capability::{Before, Gate};
use agent_core::agent::Run;
use agent_core::call::Consent;
use agent_core::effect::Verb;
use agent_core::event::{Event, Outcome};
use agent_core::failure::{Failure, Kind};
use agent_core::journal::{Aim, RunJournal};
use agent_core::record::{Begun, Deed, Record, Settled};
use agent_journal::OpenRun;
use futures::StreamExt as _;
use futures::channel::mpsc;

use crate::agent::Inner;
use crate::begin;
use crate::lock::Locks;
use crate::prepare::{Prepared, prepare};
use crate::supervise::{self, Supervision};

/// Takes a run up again.
pub(crate) async fn take_up(
    inner: Arc<Inner>,
    name: &str,
    to: Aim,
    consent: Consent,
) -> Result<Run, Failure> {
    let id = inner.journal()?.resolve(name)?;
    let (journal, record) = inner.journal()?.reopen(&id)?;
    let (events, seen) = mpsc::unbounded();
    let (control, said) = mpsc::unbounded();
    // A run that somebody has begun to take back is taken back.
    let to = if record.is_taken_back() {
        Aim::Undo
    } else {
        to
    };
    if !is_something_left(&record, to) {
        drop(journal);
        let nothing = Outcome::Undone {
            put_back: Vec::new(),
            irreversible: match to {
                Aim::Undo => irreversible(&record),
                Aim::Finish => Vec::new(),
            },
        };
        drop(events.unbounded_send(resumed(&record.begun, to)));
        drop(events.unbounded_send(Event::Finished { outcome: nothing }));
        return Ok(Run::new(id, seen.boxed(), control));
    }
    is_same_cluster(&inner, &record.begun).await?;
    let begun = Begun {
        who: inner.who.clone(),
        call: agent_core::Call {
            consent,
            ..record.begun.call.clone()
        },
        ..record.begun.clone()
    };
    let prepared = prepared(&inner, &begun)?;
    let mut locks = Locks::take(&inner, &begun)?;
    if let Err(failure) = locks.take_in_cluster(&inner, &begun).await {
        locks.let_go_in_cluster().await;
        return Err(failure);
    }
    let gate = opened(&inner, &begun, &prepared, journal, &record, to, events)?;
    let supervision = Supervision {
        prepared,
        gate,
        control: said,
        on_failure: begun.call.on_failure,
        consent,
        locks,
        drawing: None,
    };
    tokio::spawn(async move { carry_on(&inner, supervision, record, to).await });
    Ok(Run::new(id, seen.boxed(), control))
}

fn is_something_left(record: &Record, to: Aim) -> bool {
    match to {
        Aim::Finish => record.summary.is_open(),
        Aim::Undo => {
            record.summary.is_open()
                || record
                    .deeds()
                    .iter()
                    .any(|deed| deed.stands() && deed.undo.is_some())
        }
    }
}

/// Refuses to do to one cluster what is to be done to another.
async fn is_same_cluster(inner: &Inner, begun: &Begun) -> Result<(), Failure> {
    let Some(before) = &begun.cluster.server else {
        return Ok(());
    };
    let now = inner.client.server().await?;
    if now == *before {
        return Ok(());
    }
    let message = format!(
        "run `{}` works on the cluster at {before}, and this is the one at {now}",
        begun.run
    );
    Err(
        Failure::new(Kind::Conflict, "journal.other-cluster", message)
            .hinted("give --kubeconfig FILE or --context NAME of that cluster"),
    )
}

fn prepared(inner: &Inner, begun: &Begun) -> Result<Prepared, Failure> {
    let operation = &begun.call.operation;
    let found = inner.found(operation, Some(&begun.digest))?;
    prepare(
        found,
        &inner.limits,
        operation,
        begun.call.arguments.clone(),
    )
}

fn opened(
    inner: &Arc<Inner>,
    begun: &Begun,
    prepared: &Prepared,
    journal: OpenRun,
    record: &Record,
    to: Aim,
    events: mpsc::UnboundedSender<Event>,
) -> Result<Gate, Failure> {
    let entries = record.entries.iter().map(|noted| noted.entry.clone());
    let before = Before {
        entries: entries.collect(),
        to,
    };
    let journal = Some(Box::new(journal) as Box<dyn RunJournal>);
    let gate = begin::open(inner, begun, prepared, journal, Some(before), events)?;
    gate.emit(resumed(begun, to));
    Ok(gate)
}

fn resumed(begun: &Begun, to: Aim) -> Event {
    Event::Resumed {
        run: begun.run.clone(),
        operation: begun.call.operation.clone(),
        plugin: begun.plugin.clone(),
        arguments: begun.call.arguments.clone(),
        to,
    }
}

async fn carry_on(inner: &Inner, mut supervision: Supervision, record: Record, to: Aim) {
    if let Err(declined) = supervision.agreed(&record, to).await {
        return supervision.leave(declined);
    }
    // Not before they agreed: a run that somebody has begun to take back is taken back.
    supervision.gate.note_resumed(&inner.who, to);
    match (to, record.end()) {
        (Aim::Undo, _) => take_back(supervision, &record).await,
        // The plugin is at its end. What is left is to put back what it held.
        (Aim::Finish, Some(end)) => supervise::conclude(supervision, end.clone()).await,
        (Aim::Finish, None) => supervise::supervise(inner, supervision).await,
    }
}

async fn take_back(supervision: Supervision, record: &Record) {
    let put_back = supervision.gate.release_all().await;
    let irreversible = irreversible(record);
    supervision
        .finish(Outcome::Undone {
            put_back,
            irreversible,
        })
        .await;
}

/// Returns what a run did to objects that nobody can put back.
fn irreversible(record: &Record) -> Vec<String> {
    let deeds = record.deeds();
    let done = deeds.iter().filter(|deed| deed.settled != Settled::Refused);
    let sentence = |deed: &Deed| {
        let effect = deed.effect();
        match effect.verb {
            Verb::Delete => Some(format!("{} was removed", effect.target)),
            Verb::Signal => Some(format!("{} was told to act", effect.target)),
            Verb::Create | Verb::Patch | Verb::Apply => None,
        }
    };
    done.filter_map(sentence).collect()
}
