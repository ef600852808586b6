//! The data on the volumes: for every claim a marker of what is on it, and who wrote to it when it should not have.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Claim = (String, String);

#[derive(Default)]
struct State {
    contents: BTreeMap<Claim, String>,
    violations: Vec<String>,
}

/// The data of every claim, by namespace and name. A content is a text: what a backup of it calls the tree of its snapshot, so
/// that a claim restored from a snapshot holds `snapshot.tree`. The empty text is an empty directory. Clones share the data.
#[derive(Clone, Default)]
pub struct Volumes {
    state: Arc<Mutex<State>>,
}

impl Volumes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is on a claim. One that nobody has written to holds a content of its own.
    #[must_use]
    pub fn content(&self, namespace: &str, claim: &str) -> String {
        let key = (namespace.to_owned(), claim.to_owned());
        let found = self.state().contents.get(&key).cloned();
        found.unwrap_or_else(|| {
            hex::encode(Sha256::digest(format!("live data of {namespace}/{claim}")))
        })
    }

    /// Writes to a claim, as the app does.
    pub fn write(&self, namespace: &str, claim: &str, content: &str) {
        self.state()
            .contents
            .insert((namespace.to_owned(), claim.to_owned()), content.to_owned());
    }

    /// Notes that a mover wrote to a claim that other pods had mounted.
    pub(crate) fn violate(&self, text: String) {
        self.state().violations.push(text);
    }

    /// Every restore into a claim that a pod of the app had mounted, in words. Empty is well.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }
}
