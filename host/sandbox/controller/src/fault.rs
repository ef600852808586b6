//! Faults that tests set: what the controllers then do wrong, or do not do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The faults that are set now.
#[derive(Default)]
pub(crate) struct Faults {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    silent: BTreeSet<String>,
    stuck: BTreeSet<(String, String)>,
    failing_movers: BTreeMap<(String, String), u32>,
    slow: BTreeMap<(String, String), Slow>,
    unready: BTreeSet<(String, String)>,
    broken: BTreeMap<(String, String, String), (String, String)>,
    held_pods: BTreeMap<(String, String), (String, String)>,
    refused_jobs: BTreeMap<String, String>,
    sidecars: BTreeSet<(String, String)>,
}

/// How slow the container of a Job is.
#[derive(Clone, Copy)]
pub(crate) struct Slow {
    /// How long it takes.
    pub(crate) time: Duration,
    /// Whether it prints how far it is.
    pub(crate) prints: bool,
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn silence(&self, controller: &str) {
        self.state().silent.insert(controller.to_owned());
    }

    pub(crate) fn answer(&self, controller: &str) {
        self.state().silent.remove(controller);
    }

    pub(crate) fn is_silent(&self, controller: &str) -> bool {
        self.state().silent.contains(controller)
    }

    pub(crate) fn stick(&self, namespace: &str, pod: &str) {
        self.state()
            .stuck
            .insert((namespace.to_owned(), pod.to_owned()));
    }

    pub(crate) fn unstick(&self, namespace: &str, pod: &str) {
        self.state()
            .stuck
            .remove(&(namespace.to_owned(), pod.to_owned()));
    }

    pub(crate) fn is_stuck(&self, namespace: &str, pod: &str) -> bool {
        self.state()
            .stuck
            .contains(&(namespace.to_owned(), pod.to_owned()))
    }

    pub(crate) fn fail_mover(&self, namespace: &str, job: &str, times: u32) {
        self.state()
            .failing_movers
            .insert((namespace.to_owned(), job.to_owned()), times);
    }

    /// Whether this run of the mover fails; counts it down.
    pub(crate) fn takes_failure(&self, namespace: &str, owner: &str) -> bool {
        let mut state = self.state();
        let Some(left) = state
            .failing_movers
            .get_mut(&(namespace.to_owned(), owner.to_owned()))
        else {
            return false;
        };
        let fails = *left > 0;
        *left = left.saturating_sub(1);
        fails
    }

    pub(crate) fn slow_down(&self, namespace: &str, owner: &str, slow: Option<Slow>) {
        let key = (namespace.to_owned(), owner.to_owned());
        match slow {
            Some(slow) => self.state().slow.insert(key, slow),
            None => self.state().slow.remove(&key),
        };
    }

    pub(crate) fn slow(&self, namespace: &str, owner: &str) -> Option<Slow> {
        let key = (namespace.to_owned(), owner.to_owned());
        self.state().slow.get(&key).copied()
    }

    pub(crate) fn hold_pods(&self, namespace: &str, owner: &str, why: Option<(&str, &str)>) {
        let key = (namespace.to_owned(), owner.to_owned());
        match why {
            Some((reason, message)) => {
                let why = (reason.to_owned(), message.to_owned());
                self.state().held_pods.insert(key, why)
            }
            None => self.state().held_pods.remove(&key),
        };
    }

    /// Reason and message for which the container of this Job does not start.
    pub(crate) fn held_pods(&self, namespace: &str, owner: &str) -> Option<(String, String)> {
        let key = (namespace.to_owned(), owner.to_owned());
        self.state().held_pods.get(&key).cloned()
    }

    pub(crate) fn keep_unready(&self, namespace: &str, app: &str) {
        self.state()
            .unready
            .insert((namespace.to_owned(), app.to_owned()));
    }

    pub(crate) fn let_ready(&self, namespace: &str, app: &str) {
        self.state()
            .unready
            .remove(&(namespace.to_owned(), app.to_owned()));
    }

    pub(crate) fn is_unready(&self, namespace: &str, app: &str) -> bool {
        self.state()
            .unready
            .contains(&(namespace.to_owned(), app.to_owned()))
    }

    pub(crate) fn refuse_jobs(&self, namespace: &str, why: Option<&str>) {
        set(
            &mut self.state().refused_jobs,
            namespace.to_owned(),
            why.map(str::to_owned),
        );
    }

    /// Why VolSync gets no Job in this namespace.
    pub(crate) fn refused_jobs(&self, namespace: &str) -> Option<String> {
        self.state().refused_jobs.get(namespace).cloned()
    }

    pub(crate) fn inject_sidecar(&self, namespace: &str, owner: &str, there: bool) {
        let key = (namespace.to_owned(), owner.to_owned());
        let mut state = self.state();
        if there {
            state.sidecars.insert(key);
        } else {
            state.sidecars.remove(&key);
        }
    }

    pub(crate) fn has_sidecar(&self, namespace: &str, owner: &str) -> bool {
        let key = (namespace.to_owned(), owner.to_owned());
        self.state().sidecars.contains(&key)
    }

    pub(crate) fn break_object(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
        reason: &str,
        message: &str,
    ) {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.state()
            .broken
            .insert(key, (reason.to_owned(), message.to_owned()));
    }

    pub(crate) fn mend_object(&self, kind: &str, namespace: &str, name: &str) {
        self.state()
            .broken
            .remove(&(kind.to_owned(), namespace.to_owned(), name.to_owned()));
    }

    /// Reason and message with which this object fails.
    pub(crate) fn broken(
        &self,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Option<(String, String)> {
        self.state()
            .broken
            .get(&(kind.to_owned(), namespace.to_owned(), name.to_owned()))
            .cloned()
    }
}

fn set<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(all.insert(key, value)),
        None => drop(all.remove(&key)),
    }
}
