//! Objects as they change.

use std::time::Duration;

use crate::bindings::ops::cluster::cluster as wit;
use crate::run::milliseconds;
use crate::{Object, Result};

/// What a watcher saw. The number is the index of the query.
#[derive(Clone, Debug, PartialEq)]
pub enum Sighting {
    /// The object was there at the start, is new, or has changed.
    Present(usize, Object),
    /// The object is gone; its last state is given.
    Gone(usize, Object),
    /// All objects that the query found at the start have been given.
    Synced(usize),
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
    /// `cancelled`; `timeout` when the run's own deadline comes first.
    pub fn next(&self, at_most: Duration) -> Result<Vec<Sighting>> {
        self.0
            .next(milliseconds(at_most))?
            .into_iter()
            .map(sighting)
            .collect()
    }
}

fn sighting(event: wit::Event) -> Result<Sighting> {
    let query = usize::try_from(event.query).unwrap_or(usize::MAX);
    Ok(match event.sight {
        wit::Sight::Present => Sighting::Present(query, Object::parse(&event.object)?),
        wit::Sight::Gone => Sighting::Gone(query, Object::parse(&event.object)?),
        wit::Sight::Synced => Sighting::Synced(query),
    })
}
