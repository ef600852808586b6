//! Synchronisations on demand: `volsync.snapshot`, `volsync.unlock` and the safety snapshot of `volsync.restore` are all this.
//!
//! So many at a time, with one watcher for all. A failure ends one synchronisation and never the batch. The manual tag is held and put back
//! as soon as its synchronisation has ended, for a tag that stays switches the schedule off; where one was there before, see [`trigger`].

mod failure;
mod task;
pub(crate) mod trigger;

use agent_sdk::cluster::WatchEvent;
use agent_sdk::prelude::*;
use serde::Serialize;

use crate::restic::log;
use crate::source::{self, Source};
use task::Task;

/// What is asked of each source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Remove stale locks of the repository first.
    pub(crate) unlock: bool,
    /// How many at a time.
    pub(crate) parallel: usize,
    /// How long others may use it, and how long its mover may fail or stand still.
    pub(crate) timeout: SignedDuration,
    /// Leave the tag after a success to the caller, see [`one`].
    pub(crate) linger: bool,
    /// This run holds its schedule.
    pub(crate) quiet: bool,
}

/// How one synchronisation ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// The mover made that snapshot; none when it does not say which.
    Saved(Option<String>),
    /// The volume is empty, so VolSync made no snapshot, and calls that a success.
    Empty,
    /// It failed.
    Failed(Error),
    /// Nothing was run.
    Planned,
}

/// One row of the result.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    namespace: String,
    name: String,
    result: &'static str,
    snapshot: Option<String>,
    seconds: i64,
    message: String,
}

/// The shortest time between two looks at a mover.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);
/// How many movers are looked at at a time: a look costs some requests.
const LOOKS: usize = 4;

/// Runs all, and returns how each ended, in order.
///
/// # Errors
///
/// Of the watch as a whole. What is wrong with one source is in its place.
pub(crate) fn run(sources: &[Source], wanted: Wanted, step: &Step) -> Result<Vec<(End, i64)>> {
    let mut tasks: Vec<_> = sources
        .iter()
        .map(|source| Task::new(source.clone(), wanted))
        .collect();
    if run::planning() {
        tasks.iter_mut().for_each(Task::plan);
    } else if !tasks.is_empty() {
        work(&mut tasks, wanted, step)?;
    }
    Ok(tasks.into_iter().map(Task::end).collect())
}

/// Runs one, and hands over its tag after a success: as long as it lives, the schedule starts no backup.
///
/// # Errors
///
/// As for [`run`], and that of the synchronisation.
pub(crate) fn one(
    source: &Source,
    timeout: SignedDuration,
    quiet: bool,
    step: &Step,
) -> Result<(End, Option<trigger::Set>)> {
    let wanted = Wanted {
        unlock: false,
        parallel: 1,
        timeout,
        linger: true,
        quiet,
    };
    let mut task = Task::new(source.clone(), wanted);
    if run::planning() {
        task.plan();
    } else {
        work(std::slice::from_mut(&mut task), wanted, step)?;
    }
    let tag = task.tag_left();
    match task.end() {
        (End::Failed(error), _) => Err(error),
        (end, _) => Ok((end, tag)),
    }
}

fn work(tasks: &mut [Task], wanted: Wanted, step: &Step) -> Result<()> {
    let watcher = cluster::watch(&queries(tasks), &source::FIELDS)?;
    loop {
        fill(tasks, wanted.parallel);
        let ended = tasks.iter().filter(|task| task.ended()).count();
        if tasks.len() > 1 {
            step.progress(ended, tasks.len());
        }
        if ended == tasks.len() {
            return Ok(());
        }
        step.note(note(tasks));
        for event in watcher.next(LOOK)? {
            see(tasks, event);
        }
        for task in tasks.iter_mut() {
            task.expire(step);
        }
        look(tasks, step);
    }
}

/// Looks at some of those that have not been looked at for longest.
fn look(tasks: &mut [Task], step: &Step) {
    let due = tasks
        .iter_mut()
        .filter_map(|task| Some((task.due()?, task)));
    let mut due: Vec<_> = due.collect();
    due.sort_by_key(|(looked, _)| *looked);
    for (_, task) in due.into_iter().take(LOOKS) {
        task.look(step);
    }
}

/// One query for one source or one namespace; one for everything otherwise.
fn queries(tasks: &[Task]) -> Vec<Query> {
    let query = Query::all(kinds::REPLICATION_SOURCE);
    let first = &tasks[0].source;
    if tasks.len() == 1 {
        return vec![query.namespace(first.namespace.as_str()).named(&first.name)];
    }
    let one = tasks
        .iter()
        .all(|task| task.source.namespace == first.namespace);
    vec![query.namespace(one.then_some(first.namespace.as_str()))]
}

/// Starts waiting ones, up to the width of the window.
fn fill(tasks: &mut [Task], parallel: usize) {
    let mut running = tasks.iter().filter(|task| task.running()).count();
    for task in tasks.iter_mut().filter(|task| task.waiting()) {
        if running >= parallel.max(1) {
            return;
        }
        task.start();
        running += usize::from(task.running());
    }
}

fn see(tasks: &mut [Task], event: WatchEvent) {
    let (object, present) = match event {
        WatchEvent::Applied(_, object) => (object, true),
        WatchEvent::Removed(_, object) => (object, false),
        WatchEvent::Synced(_) | WatchEvent::Failed(..) => return,
    };
    let source = Source::new(object.0);
    let seen = |task: &&mut Task| {
        task.source.name == source.name && task.source.namespace == source.namespace
    };
    let Some(task) = tasks.iter_mut().find(seen) else {
        return;
    };
    if present {
        task.see(source);
    } else {
        task.gone();
    }
}

fn note(tasks: &[Task]) -> String {
    let mut notes = tasks.iter().filter_map(Task::note);
    match (tasks.len(), notes.next()) {
        (1, Some((_, note))) => note,
        (_, Some((name, note))) => format!("{name}: {note}"),
        (_, None) => String::new(),
    }
}

/// Makes the outcome: for several sources a row each, for one the row or its error.
///
/// # Errors
///
/// That of the only source.
pub(crate) fn outcome(sources: &[Source], ends: Vec<(End, i64)>, one: bool) -> Result<Outcome> {
    let rows: Vec<_> = sources
        .iter()
        .zip(&ends)
        .map(|(source, (end, seconds))| row(source, end, *seconds))
        .collect();
    match ends.into_iter().next() {
        Some((End::Failed(error), _)) if one => Err(error),
        _ => Outcome::rows(&rows, |row| row.result == "failed"),
    }
}

fn row(source: &Source, end: &End, seconds: i64) -> Row {
    let (result, snapshot, message) = match end {
        End::Saved(id) => ("done", id.clone(), String::new()),
        End::Empty => (
            "empty",
            None,
            "the volume is empty, so no snapshot was made".to_owned(),
        ),
        End::Failed(error) => ("failed", None, error.to_string()),
        End::Planned => ("planned", None, String::new()),
    };
    Row {
        namespace: source.namespace.clone(),
        name: source.name.clone(),
        result,
        snapshot,
        seconds,
        message,
    }
}

/// Reads the end of a mover that VolSync calls successful.
fn end_of(logs: &str) -> End {
    if log::skipped_empty(logs) {
        End::Empty
    } else {
        End::Saved(log::saved(logs))
    }
}
