//! The work queue: keys that are due now or later, each at most once, and never the same key in two hands.

use crate::kind::Kind;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// What there is to reconcile: an object by kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

#[derive(Default)]
struct State {
    due: BTreeSet<(Instant, Key)>,
    when: HashMap<Key, Instant>,
    held: HashSet<Key>,
}

impl State {
    fn add(&mut self, key: Key, at: Instant) {
        if let Some(earlier) = self.when.get(&key).copied() {
            if earlier <= at {
                return;
            }
            self.due.remove(&(earlier, key.clone()));
        }
        self.when.insert(key.clone(), at);
        self.due.insert((at, key));
    }

    fn take(&mut self, now: Instant) -> Option<Key> {
        let entry = self
            .due
            .iter()
            .take_while(|(at, _)| *at <= now)
            .find(|(_, key)| !self.held.contains(key))?
            .clone();
        self.due.remove(&entry);
        self.when.remove(&entry.1);
        self.held.insert(entry.1.clone());
        Some(entry.1)
    }
}

/// A queue of keys.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the key due after a while; a key that is due earlier already stays so.
    pub(crate) fn add(&self, key: Key, after: Duration) {
        self.state().add(key, Instant::now() + after);
        self.changed.notify_one();
    }

    /// The next key that is due. It is held until [`Queue::done`].
    pub(crate) async fn next(&self) -> Key {
        loop {
            let next = {
                let mut state = self.state();
                if let Some(key) = state.take(Instant::now()) {
                    return key;
                }
                state
                    .due
                    .iter()
                    .find(|(_, key)| !state.held.contains(key))
                    .map(|(at, _)| *at)
            };
            match next {
                Some(at) => {
                    tokio::select! { () = sleep_until(at) => {}, () = self.changed.notified() => {} }
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// Lets the key go.
    pub(crate) fn done(&self, key: &Key) {
        self.state().held.remove(key);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Kind::Pod, "media", name)
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_comes_once_and_when_it_is_due() {
        let queue = Queue::default();
        queue.add(key("late"), Duration::from_secs(5));
        queue.add(key("now"), Duration::ZERO);
        queue.add(key("now"), Duration::ZERO);
        assert_eq!(queue.next().await, key("now"));
        let start = Instant::now();
        assert_eq!(queue.next().await, key("late"));
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_key_waits_until_it_is_let_go() {
        let queue = Queue::default();
        queue.add(key("a"), Duration::ZERO);
        let held = queue.next().await;
        queue.add(key("a"), Duration::ZERO);
        assert!(
            tokio::time::timeout(Duration::from_secs(1), queue.next())
                .await
                .is_err()
        );
        queue.done(&held);
        assert_eq!(queue.next().await, key("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_time_replaces_a_later_one() {
        let queue = Queue::default();
        queue.add(key("a"), Duration::from_secs(60));
        queue.add(key("a"), Duration::from_secs(1));
        let start = Instant::now();
        queue.next().await;
        assert_eq!(start.elapsed().as_secs(), 1);
    }
}
