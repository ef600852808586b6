//! When each object was last tried, so that one that fails is retried in time and not in a hot loop.

use crate::object::Object;
use crate::queue::Key;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The last attempts.
#[derive(Default)]
pub(crate) struct Attempts {
    last: Mutex<BTreeMap<Key, (Instant, String)>>,
}

impl Attempts {
    /// Notes an attempt at an object with its inputs: generation and source revision.
    pub(super) fn note(&self, key: &Key, object: &Object, revision: &str) {
        let inputs = inputs(object, revision);
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone(), (Instant::now(), inputs));
    }

    /// How long to wait before the same inputs are tried again; none when it is time.
    pub(super) fn wait(
        &self,
        key: &Key,
        object: &Object,
        revision: &str,
        period: Duration,
    ) -> Option<Duration> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, seen) = last.get(key)?;
        if *seen != inputs(object, revision) {
            return None;
        }
        let left = period.checked_sub(at.elapsed())?;
        (!left.is_zero()).then_some(left)
    }
}

fn inputs(object: &Object, revision: &str) -> String {
    format!("{} {} {revision}", object.uid(), object.generation())
}
