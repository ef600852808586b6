//! Objects as they change.

use std::time::Duration;

use crate::bindings::ops::cluster::cluster as wit;
use crate::run::milliseconds;
use crate::{Error, Object, Result};

/// One event of a watch. The number is the index of the query.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchEvent {
    /// The object is among those of the query: it was at the start, is new, or has changed.
    Applied(usize, Object),
    /// The object is no longer among them: it was deleted, or the selectors do not match any more. Its last state is given.
    Removed(usize, Object),
    /// All objects that the query found at the start have been given.
    Synced(usize),
    /// The query cannot be watched; nothing more comes of it.
    Failed(usize, Error),
}

/// Sees objects from now on. Dropping it ends the watch. An object may be given again unchanged; no last state is missed.
pub struct Watcher(wit::Watcher);

impl Watcher {
    pub(super) fn new(watcher: wit::Watcher) -> Watcher {
        Watcher(watcher)
    }

    /// Returns what was seen since the last call, waiting at most so long for the first; empty when there was nothing.
    ///
    /// # Errors
    /// Why one of its queries cannot be watched; `cancelled`; `timeout` when the run's own deadline comes first.
    pub fn next(&self, at_most: Duration) -> Result<Vec<WatchEvent>> {
        let events = self.next_of_each(at_most)?;
        match events.iter().find_map(WatchEvent::failure) {
            Some(error) => Err(error.clone()),
            None => Ok(events),
        }
    }

    /// Does the same, and tells of a query that cannot be watched while the others go on.
    ///
    /// # Errors
    /// As for [`Watcher::next`], but for that.
    pub fn next_of_each(&self, at_most: Duration) -> Result<Vec<WatchEvent>> {
        let events = self.0.next(milliseconds(at_most))?;
        events.into_iter().map(event).collect()
    }
}

impl WatchEvent {
    fn failure(&self) -> Option<&Error> {
        match self {
            WatchEvent::Failed(_, error) => Some(error),
            _ => None,
        }
    }
}

fn event(event: wit::WatchEvent) -> Result<WatchEvent> {
    let query = usize::try_from(event.query).unwrap_or(usize::MAX);
    Ok(match event.kind {
        wit::WatchEventKind::Applied => WatchEvent::Applied(query, Object::parse(&event.object)?),
        wit::WatchEventKind::Removed => WatchEvent::Removed(query, Object::parse(&event.object)?),
        wit::WatchEventKind::Synced => WatchEvent::Synced(query),
        wit::WatchEventKind::Failed => WatchEvent::Failed(query, Error::parse(&event.object)?),
    })
}
