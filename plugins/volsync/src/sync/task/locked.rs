//! A lock that `restic unlock` does not remove yet.
//!
//! VolSync unlocks before each try of the mover, but restic only removes what is stale: of a mover that was killed, 30 minutes after its last refresh. Until
//! then each try fails, and a person who was told to unlock would be none the wiser.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::super::End;
use super::super::failure::{lock_is_young, lock_lives};
use super::super::trigger;
use super::Task;
use crate::mover::{Seen, Trail};
use crate::restic::cause;
use crate::restic::lock::Lock;
use crate::text;

impl Task {
    /// Says whether an unlock waits until its lock is stale. It has the mover begin anew then; it fails where somebody holds the lock who lives, or where that takes
    /// longer than it may.
    pub(super) fn waits_for_lock(&mut self, seen: &Seen) -> bool {
        let fails_at_lock = seen.fails() && cause::locked(&self.trail.log);
        let found = Lock::of(&self.trail.log).filter(|_| self.wanted.unlock && fails_at_lock);
        let Some(lock) = found else {
            if seen.fails() {
                self.lock = None;
            }
            return self.lock.is_some();
        };
        if let Some(sign) = self.life(&lock) {
            self.lock = None;
            self.finish(End::Failed(lock_lives(&self.source, &lock, &sign)));
            return false;
        }
        let now = run::now();
        let told = seen
            .pods
            .ended
            .map_or(SignedDuration::ZERO, |ended| now.duration_since(ended));
        let left = lock.left(told);
        if left.is_zero() {
            return self.unlock_again();
        }
        if left.unsigned_abs() > self.deadline.left() {
            self.lock = None;
            self.finish(End::Failed(lock_is_young(&self.source, &lock, left, now)));
            return false;
        }
        if self.lock.is_none() {
            warn!(
                "{lock}: it can be removed in {}",
                text::length(left.as_secs())
            );
        }
        self.note = format!(
            "waits until the lock that `{}` left can be removed, in {}",
            lock.host,
            text::length(left.as_secs())
        );
        self.lock = Some(lock);
        true
    }

    /// Has the mover begin anew, once: its own next try may be 10 minutes away.
    fn unlock_again(&mut self) -> bool {
        if self.restarted {
            self.lock = None;
            return false;
        }
        match trigger::restart(&self.source) {
            Ok(()) => {
                self.restarted = true;
                self.deadline = Deadline::after(self.wanted.timeout);
                self.trail = Trail::after(self.trail.job().map(str::to_owned));
                true
            }
            Err(error) => {
                self.lock = None;
                self.finish(End::Failed(error));
                false
            }
        }
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
        let lock = Lock::of(&self.trail.log).filter(|_| cause::locked(&self.trail.log))?;
        self.pod_of(&lock)
    }

    fn pod_of(&self, lock: &Lock) -> Option<String> {
        let target = ObjectRef::new(kinds::POD, &self.source.namespace, &lock.host);
        let pod = cluster::find(&target, &["/status/phase"]).ok()??;
        let runs = pod.text("/status/phase") == Some("Running");
        runs.then(|| format!("pod `{}` runs", lock.host))
    }
}
