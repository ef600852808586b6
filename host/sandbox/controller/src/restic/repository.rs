//! Repositories by address: their snapshots, their locks, whether they answer.

use super::{Policy, Snapshot};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A lock in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Nobody else may read or write: `forget`, `prune`, `check`.
    pub exclusive: bool,
    /// Its owner is gone for half an hour: `restic unlock` removes it.
    pub stale: bool,
    /// The host that holds it: a pod.
    pub host: String,
}

/// How old a lock must be that restic takes for stale.
const STALE: SignedDuration = SignedDuration::from_mins(30);

/// One repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repository {
    pub(crate) password: Option<String>,
    pub(crate) snapshots: Vec<Snapshot>,
    pub(crate) locks: Vec<Lock>,
    /// When hosts that are gone have refreshed their locks last. Those of others are fresh.
    left: BTreeMap<String, Timestamp>,
    pub(crate) unreachable: bool,
}

impl Repository {
    /// What restic 0.18.1 says when this lock is in its way.
    pub(crate) fn complaint(&self, lock: &Lock) -> String {
        let (now, seconds) = (Timestamp::now(), SignedDuration::from_secs);
        let since = match self.left.get(&lock.host) {
            Some(since) => *since,
            None if lock.stale => now - seconds(7_265),
            None => now - seconds(9),
        };
        let age = now.duration_since(since);
        let (minutes, part) = (age.as_mins(), age.as_secs() % 60);
        let id = hex::encode(Sha256::digest(&lock.host));
        format!(
            "unable to create lock in backend: repository is already locked {}by PID 24 on {} by  (UID 0, GID 0)\n\
             lock was created at {} ({}h{}m{part}.2s ago)\nstorage ID {}\nthe `unlock` command can be used to remove stale locks",
            if lock.exclusive { "exclusively " } else { "" },
            lock.host,
            since.strftime("%Y-%m-%d %H:%M:%S"),
            minutes / 60,
            minutes % 60,
            &id[..8],
        )
    }

    fn is_stale(&self, lock: &Lock) -> bool {
        let age = |since: &Timestamp| Timestamp::now().duration_since(*since);
        lock.stale
            || self
                .left
                .get(&lock.host)
                .is_some_and(|since| age(since) > STALE)
    }
}

/// What somebody with a password sees of a repository.
pub(crate) enum Access {
    /// No answer from where it should be.
    Unreachable,
    /// There is none.
    Missing,
    /// There is one, and this is not its password.
    WrongPassword,
    /// It is open.
    Open(Repository),
}

impl Access {
    /// What restic 0.18.1 says when it cannot open the repository at that address.
    pub(crate) fn complaint(&self, url: &str) -> String {
        let missing = |why: &str| {
            format!("Fatal: {why}\nIs there a repository at the following location?\n{url}")
        };
        match self {
            Access::Open(_) => String::new(),
            Access::WrongPassword => "Fatal: wrong password or no key found".to_owned(),
            Access::Missing => missing(&format!(
                "repository does not exist: unable to open config file: stat {url}/config: no such file or directory"
            )),
            Access::Unreachable => {
                missing("unable to open config file: Stat: dial tcp: connect: connection refused")
            }
        }
    }
}

/// Every repository, by address. Clones share them.
#[derive(Clone, Default)]
pub struct Repositories {
    state: Arc<Mutex<BTreeMap<String, Repository>>>,
}

impl Repositories {
    fn state(&self) -> MutexGuard<'_, BTreeMap<String, Repository>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, url: &str, change: impl FnOnce(&mut Repository) -> T) -> T {
        change(self.state().entry(url.to_owned()).or_default())
    }

    /// Puts a repository where none was, or replaces one: its address, its password, its snapshots in any order.
    pub fn insert(&self, url: &str, password: &str, mut snapshots: Vec<Snapshot>) {
        snapshots.sort_by_key(|snapshot| snapshot.time);
        let repository = Repository {
            password: Some(password.to_owned()),
            snapshots,
            ..Repository::default()
        };
        self.state().insert(url.to_owned(), repository);
    }

    /// The addresses of all repositories.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.state().keys().cloned().collect()
    }

    /// The snapshots of a repository, oldest first. None where there is no repository.
    #[must_use]
    pub fn snapshots(&self, url: &str) -> Vec<Snapshot> {
        self.state()
            .get(url)
            .map(|repository| repository.snapshots.clone())
            .unwrap_or_default()
    }

    /// Adds a snapshot of a content.
    pub fn add(&self, url: &str, tree: &str, time: Timestamp) -> Snapshot {
        self.change(url, |repository| {
            let mut snapshot = Snapshot::of(url, tree, time);
            snapshot.parent = repository.snapshots.last().map(|last| last.id.clone());
            repository.snapshots.push(snapshot.clone());
            repository.snapshots.sort_by_key(|snapshot| snapshot.time);
            snapshot
        })
    }

    /// Adds a snapshot as it is.
    pub fn push(&self, url: &str, snapshot: Snapshot) {
        self.change(url, |repository| {
            repository.snapshots.push(snapshot);
            repository.snapshots.sort_by_key(|snapshot| snapshot.time);
        });
    }

    /// Removes all snapshots; the repository stays.
    pub fn empty(&self, url: &str) {
        self.change(url, |repository| repository.snapshots.clear());
    }

    /// Removes the repository itself, as a wrong address would find it.
    pub fn remove(&self, url: &str) {
        self.state().remove(url);
    }

    /// Locks a repository.
    pub fn lock(&self, url: &str, lock: Lock) {
        self.change(url, |repository| repository.locks.push(lock));
    }

    /// Sets a lock whose host has refreshed it last at that time, and is gone.
    pub fn leave_lock(&self, url: &str, lock: Lock, since: Timestamp) {
        self.change(url, |repository| {
            repository.left.insert(lock.host.clone(), since);
            repository.locks.push(lock);
        });
    }

    /// The locks of a repository.
    #[must_use]
    pub fn locks(&self, url: &str) -> Vec<Lock> {
        self.state()
            .get(url)
            .map(|repository| repository.locks.clone())
            .unwrap_or_default()
    }

    /// Removes stale locks, or all of them. Says how many.
    pub fn unlock(&self, url: &str, all: bool) -> usize {
        self.change(url, |repository| {
            let locks = std::mem::take(&mut repository.locks);
            let before = locks.len();
            let stays = |lock: &Lock| !(all || repository.is_stale(lock));
            repository.locks = locks.into_iter().filter(stays).collect();
            before - repository.locks.len()
        })
    }

    /// Whether the place of a repository answers.
    pub fn set_reachable(&self, url: &str, reachable: bool) {
        self.change(url, |repository| repository.unreachable = !reachable);
    }

    /// Opens a repository as restic does.
    pub(crate) fn open(&self, url: &str, password: &str) -> Access {
        match self.state().get(url) {
            None => Access::Missing,
            Some(repository) if repository.unreachable => Access::Unreachable,
            Some(repository)
                if repository
                    .password
                    .as_ref()
                    .is_some_and(|right| right != password) =>
            {
                Access::WrongPassword
            }
            Some(repository) => Access::Open(repository.clone()),
        }
    }

    /// Makes an empty repository.
    pub(crate) fn init(&self, url: &str, password: &str) {
        self.insert(url, password, Vec::new());
    }

    /// Removes what the policy does not keep. Returns what stays, each with why, and what is gone.
    pub(crate) fn forget(&self, url: &str, policy: &Policy) -> Forgotten {
        self.change(url, |repository| {
            let all = std::mem::take(&mut repository.snapshots);
            let reasons = policy.reasons(&all);
            let (kept, gone): (Vec<_>, Vec<_>) = all
                .into_iter()
                .zip(reasons)
                .partition(|(_, reasons)| !reasons.is_empty());
            let snapshots = kept.iter().map(|(snapshot, _)| snapshot.clone());
            repository.snapshots = snapshots.collect();
            let gone = gone.into_iter().map(|(snapshot, _)| snapshot).collect();
            Forgotten { kept, gone }
        })
    }
}

/// What came of `restic forget`.
pub(crate) struct Forgotten {
    pub(crate) kept: Vec<(Snapshot, Vec<String>)>,
    pub(crate) gone: Vec<Snapshot>,
}
