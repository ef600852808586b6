//! A lock that `restic unlock` does not remove yet.
//!
//! VolSync unlocks before each try of the mover, but restic only removes what is stale: of a mover that was killed, 30 minutes after its last refresh. Until
//! then each try fails, and a person who was told to unlock would be none the wiser.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::super::End;
use super::super::failure::{lock_is_young, lock_lives};
use super::{State, Task};
use crate::mover::{Failure, Seen};
use crate::restic::cause;
use crate::restic::lock::Lock;
use crate::text;

impl Task {
    /// Says whether an unlock waits until its lock is stale, by what was just seen of the mover.
    pub(super) fn waits_for_lock(&mut self, seen: &Seen) -> bool {
        if !seen.fails() {
            return self.lock.is_some();
        }
        let Failure { log, ended } = self.trail.failure();
        let ago = ended.map(|ended| run::now().duration_since(ended));
        self.meets_lock(&log, ago.unwrap_or_default(), seen.pods.active)
    }

    /// Says whether an unlock waits until the lock is stale that a mover met so long ago. It has the mover begin anew then, but for one that is at its next try:
    /// that removes the lock itself. It fails where somebody holds the lock who lives, or where that takes longer than it may.
    pub(super) fn meets_lock(&mut self, log: &str, ago: SignedDuration, tries: bool) -> bool {
        let met = self.wanted.unlock && cause::locked(log);
        let Some(lock) = Lock::of(log).filter(|_| met) else {
            self.lock = None;
            return false;
        };
        if let Some(sign) = self.life(&lock) {
            self.lock = None;
            self.finish(End::Failed(lock_lives(&self.source, &lock, &sign)));
            return true;
        }
        let left = lock.left(ago);
        if left.is_zero() {
            return tries || self.unlock_again();
        }
        if left.unsigned_abs() > self.deadline.left() {
            self.lock = None;
            let error = lock_is_young(&self.source, &lock, left, run::now());
            self.finish(End::Failed(error));
            return true;
        }
        let length = text::length(left.as_secs());
        if self.lock.is_none() {
            warn!("{lock}: it can be removed in {length}");
        }
        self.note = format!(
            "waits until the lock that `{}` left can be removed, in {length}",
            lock.host
        );
        self.lock = Some(lock);
        self.pass_over();
        true
    }

    /// Lets what the status says of a failure by now be of the past.
    fn pass_over(&mut self) {
        if let State::Tagged { before, .. } = &mut self.state {
            *before = self.source.before();
        }
    }

    /// Has the mover begin anew, once: its own next try may be 10 minutes away.
    fn unlock_again(&mut self) -> bool {
        if self.restarted {
            self.lock = None;
            return false;
        }
        self.restarted = true;
        self.deadline = Deadline::after(self.wanted.timeout);
        self.pass_over();
        if let Err(error) = self.trail.restart(&self.source.namespace) {
            self.lock = None;
            self.finish(End::Failed(error));
        }
        true
    }

    /// Returns the sign that the holder of a lock lives, if there is one.
    fn life(&self, lock: &Lock) -> Option<String> {
        let refreshed = self
            .lock
            .as_ref()
            .filter(|before| lock.is_refresh_of(before));
        match refreshed {
            Some(before) => Some(format!("it was refreshed since {}", before.since)),
            None => self.pod_of(lock),
        }
    }

    /// Says that the holder of the lock at which the mover failed is a pod that runs; none when it is not known to be.
    pub(super) fn holder(&self) -> Option<String> {
        let log = self.trail.failure().log;
        let lock = Lock::of(&log).filter(|_| cause::locked(&log))?;
        self.pod_of(&lock)
    }

    fn pod_of(&self, lock: &Lock) -> Option<String> {
        let target = ObjectRef::new(kinds::POD, &self.source.namespace, &lock.host);
        let pod = cluster::find(&target, &["/status/phase"]).ok()??;
        let runs = pod.text("/status/phase") == Some("Running");
        runs.then(|| format!("pod `{}` runs", lock.host))
    }
}
