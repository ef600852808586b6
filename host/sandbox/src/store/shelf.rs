//! The objects of one resource and the ring of their recent changes.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::watch;

use super::{Change, Happened, TooOld};
use crate::object;

/// More than a list of 5,000 objects that all change twice.
const RING: usize = 16_384;

pub(super) struct Shelf {
    objects: BTreeMap<(String, String), Arc<Value>>,
    ring: VecDeque<Change>,
    /// Changes up to this revision can no longer be told.
    forgotten: u64,
    wake: watch::Sender<u64>,
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            ring: VecDeque::new(),
            forgotten: 0,
            wake: watch::Sender::new(0),
        }
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.objects
            .get(&(namespace.to_owned(), name.to_owned()))
            .cloned()
    }

    pub(super) fn list(
        &self,
        namespace: Option<&str>,
        after: Option<(&str, &str)>,
    ) -> Vec<Arc<Value>> {
        let start = match (after, namespace) {
            (Some((space, name)), _) => Bound::Excluded((space.to_owned(), name.to_owned())),
            (None, Some(space)) => Bound::Included((space.to_owned(), String::new())),
            (None, None) => Bound::Unbounded,
        };
        self.objects
            .range((start, Bound::Unbounded))
            .take_while(|((space, _), _)| namespace.is_none_or(|wanted| wanted == space))
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    pub(super) fn put(&mut self, revision: u64, object: Arc<Value>) {
        let key = (
            object::namespace(&object).to_owned(),
            object::name(&object).to_owned(),
        );
        let before = self.objects.insert(key, Arc::clone(&object));
        let happened = if before.is_some() {
            Happened::Modified
        } else {
            Happened::Added
        };
        self.record(Change {
            revision,
            happened,
            object,
            before,
        });
    }

    pub(super) fn remove(
        &mut self,
        revision: u64,
        namespace: &str,
        name: &str,
        object: Arc<Value>,
    ) {
        let before = self
            .objects
            .remove(&(namespace.to_owned(), name.to_owned()));
        self.record(Change {
            revision,
            happened: Happened::Deleted,
            object,
            before,
        });
    }

    pub(super) fn changes(&self, revision: u64) -> Result<Vec<Change>, TooOld> {
        if revision < self.forgotten {
            return Err(TooOld {
                oldest: self.forgotten,
            });
        }
        let first = self
            .ring
            .partition_point(|change| change.revision <= revision);
        Ok(self.ring.range(first..).cloned().collect())
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    pub(super) fn expire(&mut self, revision: u64) {
        self.ring.clear();
        self.forgotten = revision;
        self.wake.send_modify(|expiries| *expiries += 1);
    }

    fn record(&mut self, change: Change) {
        if self.ring.len() == RING
            && let Some(oldest) = self.ring.pop_front()
        {
            self.forgotten = oldest.revision;
        }
        self.ring.push_back(change);
        self.wake.send_modify(|_| ());
    }
}
