//! What the cluster remembers: every object, the counter of revisions, and a ring of recent changes per kind.
//!
//! Verbs read and write inside one lock, so a verb is a transaction. Objects are shared, never changed in place. The store
//! knows no HTTP, no schema and no policy; it never waits.

mod change;
mod shelf;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

pub(crate) use change::{Change, Happened};
use shelf::Shelf;

use crate::object;

/// Where the objects of one resource live, whatever version they are asked for in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Bucket {
    pub(crate) group: String,
    pub(crate) plural: String,
}

impl Bucket {
    pub(crate) fn new(group: &str, plural: &str) -> Self {
        Self {
            group: group.to_owned(),
            plural: plural.to_owned(),
        }
    }
}

/// The ring no longer reaches back to the revision that was asked for.
#[derive(Debug)]
pub(crate) struct TooOld {
    pub(crate) oldest: u64,
}

/// All objects.
pub(crate) struct Store {
    inner: Mutex<Inner>,
    deleted: watch::Sender<u64>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::new(Inner {
                revision: 1,
                shelves: BTreeMap::new(),
            }),
            deleted: watch::Sender::new(0),
        }
    }

    /// Opens a transaction; changes take effect at once and are never rolled back.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whenever an object is gone or about to go, for the janitor.
    pub(crate) fn deletions(&self) -> watch::Receiver<u64> {
        self.deleted.subscribe()
    }

    pub(crate) fn announce_deletion(&self) {
        self.deleted.send_modify(|count| *count += 1);
    }
}

/// The store, while it is locked.
pub(crate) struct Inner {
    revision: u64,
    shelves: BTreeMap<Bucket, Shelf>,
}

impl Inner {
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn get(&self, bucket: &Bucket, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.shelves.get(bucket)?.get(namespace, name)
    }

    /// In the order of namespace and name, beginning after `after`.
    pub(crate) fn list(
        &self,
        bucket: &Bucket,
        namespace: Option<&str>,
        after: Option<(&str, &str)>,
    ) -> Vec<Arc<Value>> {
        self.shelves
            .get(bucket)
            .map(|shelf| shelf.list(namespace, after))
            .unwrap_or_default()
    }

    pub(crate) fn buckets(&self) -> Vec<Bucket> {
        self.shelves.keys().cloned().collect()
    }

    /// Stores `object` under its own name with a fresh revision, as an addition or a modification.
    pub(crate) fn put(&mut self, bucket: &Bucket, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        object::stamp(&mut object, self.revision);
        let object = Arc::new(object);
        let revision = self.revision;
        self.shelf(bucket).put(revision, Arc::clone(&object));
        object
    }

    /// Removes an object; what is returned, and told to watchers, carries the revision of the removal.
    pub(crate) fn remove(
        &mut self,
        bucket: &Bucket,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Value>> {
        let last = self.get(bucket, namespace, name)?;
        self.revision += 1;
        let mut object = Value::clone(&last);
        object::stamp(&mut object, self.revision);
        let object = Arc::new(object);
        let revision = self.revision;
        self.shelf(bucket)
            .remove(revision, namespace, name, Arc::clone(&object));
        Some(object)
    }

    /// What happened after `revision`, oldest first.
    pub(crate) fn changes(&self, bucket: &Bucket, revision: u64) -> Result<Vec<Change>, TooOld> {
        self.shelves
            .get(bucket)
            .map_or_else(|| Ok(Vec::new()), |shelf| shelf.changes(revision))
    }

    /// Wakes when the shelf changes. The number counts forced expiries.
    pub(crate) fn subscribe(&mut self, bucket: &Bucket) -> watch::Receiver<u64> {
        self.shelf(bucket).subscribe()
    }

    /// Forgets the past of every shelf: watches end with 410 and no earlier revision can be watched.
    pub(crate) fn expire(&mut self) {
        self.revision += 1;
        for shelf in self.shelves.values_mut() {
            shelf.expire(self.revision);
        }
    }

    fn shelf(&mut self, bucket: &Bucket) -> &mut Shelf {
        if !self.shelves.contains_key(bucket) {
            self.shelves.insert(bucket.clone(), Shelf::new());
        }
        self.shelves
            .entry(bucket.clone())
            .or_insert_with(Shelf::new)
    }
}
