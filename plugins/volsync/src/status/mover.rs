//! What the movers that run at this moment say: how often they have failed and why, and what keeps them from their work.
//!
//! VolSync's status speaks of a failed mover only after its eighth try, a quarter of an hour later, and of one that does not start never.

use agent_sdk::diagnosis::Outlook;
use agent_sdk::prelude::*;

use crate::mover;
use crate::obstacle;
use crate::restic::lock::Lock;
use crate::restic::{cause, log};
use crate::source::Source;
use crate::text;

/// Returns a note on each source whose mover is in trouble; none on the others. Who may not read Jobs and pods is told less.
pub(super) fn notes(sources: &[Source], namespace: Option<&str>) -> Vec<Option<String>> {
    if !sources.iter().any(Source::synchronizing) {
        return vec![None; sources.len()];
    }
    let jobs = mover::jobs(namespace).unwrap_or_else(|error| {
        debug!("the movers cannot be looked at: {error}");
        Vec::new()
    });
    let note = |source: &Source| {
        source
            .synchronizing()
            .then(|| note(source, &jobs))
            .flatten()
    };
    sources.iter().map(note).collect()
}

fn note(source: &Source, jobs: &[Object]) -> Option<String> {
    let Some(mover) = mover::among(jobs, &source.uid) else {
        return blocked(&obstacle::of_copy(source));
    };
    let pods = mover.look();
    let failed = (mover.failed > 0).then(|| {
        let times = text::count(mover.failed.unsigned_abs() as usize, "time");
        let failure = mover.failure().map(|failure| failure.log);
        let why = why(source, failure.as_deref().unwrap_or(pods.log()));
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        format!("its mover has failed {times}{why}")
    });
    blocked(&pods.outlook).or(failed)
}

fn blocked(outlook: &Outlook) -> Option<String> {
    outlook.cause().map(ToString::to_string)
}

/// Says why a mover with that log failed, whose lock it was, and what helps.
pub(super) fn why(source: &Source, log: &str) -> Option<String> {
    let why = cause::why(None, log).map(str::to_owned);
    let why = why.or_else(|| log::tail(log, 1).pop())?;
    let lock = Lock::of(log).filter(|_| cause::locked(log));
    let parts = [
        Some(why),
        lock.map(|lock| lock.to_string()),
        cause::remedy(log, source),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
}
