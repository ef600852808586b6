//! What is seen of the mover of one synchronisation, look by look: whether it gets on, and whether it only fails.

use agent_sdk::cluster::Propagation;
use agent_sdk::prelude::*;

use super::{Mover, Pods, TAIL, of};
use crate::restic::log::{self, Restored};

/// What was seen of the mover of one synchronisation, look by look.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The end of the last log that was seen.
    pub(crate) log: String,
    /// What the mover has said of what it restores, near the beginning of its log.
    restored: Option<Restored>,
    /// How many lines the longest one had. A mover that fails at the same place again and again never gets beyond it.
    furthest: usize,
    job: Option<Job>,
    failed: i64,
    /// The last try that failed.
    failure: Option<Failure>,
    /// The uid of a Job from before the synchronisation.
    ignored: Option<String>,
}

/// A try that failed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Failure {
    /// The end of its log.
    pub(crate) log: String,
    /// When it ended; none where that is not known.
    pub(crate) ended: Option<Timestamp>,
}

/// A Job, by uid and name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Job {
    uid: String,
    name: String,
}

/// What one look has shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// There is a mover.
    pub(crate) there: bool,
    /// It got further than any before it.
    pub(crate) moved: bool,
    /// It has failed once more; how often by now.
    pub(crate) failed: Option<i64>,
    /// How often it has failed in its present Job.
    pub(crate) failures: i64,
    /// It has used up its tries. VolSync begins anew, with the same end, and its status says so only where the log differs from the last one.
    pub(crate) exhausted: bool,
    /// Its pods.
    pub(crate) pods: Pods,
}

impl Seen {
    /// Says whether it has failed and waits for its next try, or has used up all of them. One that runs may get over what the last one failed at.
    pub(crate) fn fails(&self) -> bool {
        self.exhausted || self.failures > 0 && !self.pods.active
    }
}

impl Trail {
    /// Begins after a Job, which is another synchronisation's.
    fn after(job: Option<String>) -> Trail {
        Trail {
            ignored: job,
            ..Trail::default()
        }
    }

    /// Returns what the mover has said of what it restores.
    pub(crate) fn restored(&self) -> Restored {
        self.restored.clone().unwrap_or(Restored::Silent)
    }

    /// Begins anew, and goes on to ignore what the other one did.
    pub(crate) fn begin_after(other: &Trail) -> Trail {
        Trail::after(other.ignored.clone())
    }

    #[cfg(test)]
    pub(crate) fn with(log: &str) -> Trail {
        Trail {
            log: log.to_owned(),
            restored: Some(log::restored(log)),
            ..Trail::default()
        }
    }

    /// Removes the Job that was seen last, when there is one: VolSync makes it anew at once, where its own next try may be ten minutes away, and the arguments of
    /// a mover that is to unlock are the same each time. The trail begins after it.
    ///
    /// # Errors
    ///
    /// Those of the deletion.
    pub(crate) fn restart(&mut self, namespace: &str) -> Result<()> {
        let Some(Job { uid, name }) = self.job.take() else {
            return Ok(());
        };
        let target = ObjectRef::new(kinds::JOB, namespace, &name);
        let change = Change::delete_with(&target, Some(&uid), Propagation::Background);
        *self = Trail::after(Some(uid));
        match cluster::commit_one(change, &[]) {
            // VolSync was faster.
            Err(error) if error.kind() == Kind::Conflict => Ok(()),
            done => done.map(drop),
        }
    }

    /// Looks. For people and deadlines only, so what goes wrong is as if there was nothing to see.
    pub(crate) fn look(&mut self, namespace: &str, owner: &str) -> Seen {
        let Ok(Some(mover)) = of(namespace, owner) else {
            return Seen::default();
        };
        if self.ignores(&mover) {
            return Seen::default();
        }
        let seen = self.see(&mover, mover.look());
        if seen.failed.is_some()
            && let Some(failure) = mover.failure()
        {
            self.failure = Some(failure);
        }
        seen
    }

    /// Returns the last try that failed. The one after it may be running already, of which nothing can be said yet; where none was seen, it is the last one.
    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone().unwrap_or_else(|| Failure {
            log: self.log.clone(),
            ended: None,
        })
    }

    fn ignores(&self, mover: &Mover) -> bool {
        self.ignored.as_ref() == Some(&mover.uid)
    }

    fn see(&mut self, mover: &Mover, pods: Pods) -> Seen {
        let other = self.job.as_ref().is_some_and(|job| job.uid != mover.uid);
        let begun_anew = other && self.failed > 0;
        let before = if other { 0 } else { self.failed };
        let lines = pods.log().lines().count();
        // Of a long log only the end is seen.
        let cut = lines >= TAIL as usize && pods.log() != self.log;
        let moved = lines > self.furthest || cut;
        self.furthest = self.furthest.max(lines);
        self.job = Some(Job {
            uid: mover.uid.clone(),
            name: mover.job.name().to_owned(),
        });
        self.failed = mover.failed;
        if let Some(log) = &pods.log {
            log.clone_into(&mut self.log);
            match log::restored(log) {
                Restored::Silent => {}
                said => self.restored = Some(said),
            }
        }
        Seen {
            there: true,
            moved,
            failed: (mover.failed > before).then_some(mover.failed),
            failures: mover.failed,
            exhausted: begun_anew || (mover.failed > 0 && mover.failed >= mover.limit),
            pods,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::mover;
    use super::*;

    fn printed(log: &str) -> Pods {
        Pods {
            log: Some(log.to_owned()),
            ..Pods::default()
        }
    }

    #[test]
    fn mover_that_fails_at_the_same_place_again_does_not_move_the_deadline() {
        let mut trail = Trail::default();
        assert!(trail.see(&mover("j", 0), printed("Starting\n")).moved);
        let failed = "Starting\nlocked (9s ago)\n";
        assert!(trail.see(&mover("j", 1), printed(failed)).moved);
        assert!(!trail.see(&mover("j", 1), printed("Starting\n")).moved);
        let again = trail.see(&mover("j", 2), printed("Starting\nlocked (1m39s ago)\n"));
        assert_eq!((again.moved, again.failed), (false, Some(2)));
        let on = "Starting\n[0:10] 3.00%\n[0:20] 6.00%\n";
        assert!(trail.see(&mover("j", 2), printed(on)).moved);
    }

    #[test]
    fn mover_that_fails_with_the_same_log_as_before_is_noticed() {
        let mut trail = Trail::default();
        assert!(!trail.see(&mover("j", 7), Pods::default()).exhausted);
        assert!(trail.see(&mover("j", 8), Pods::default()).exhausted);
        let mut trail = Trail::default();
        trail.see(&mover("j", 7), Pods::default());
        let anew = trail.see(&mover("made anew", 0), Pods::default());
        assert!(anew.exhausted);
    }

    #[test]
    fn mover_that_tries_again_does_not_count_as_one_that_fails() {
        let mut trail = Trail::default();
        let running = Pods {
            active: true,
            ..Pods::default()
        };
        assert!(!trail.see(&mover("j", 1), running).fails());
        assert!(trail.see(&mover("j", 1), Pods::default()).fails());
        // One that was begun anew after it had failed only fails, and it is the one before that says why.
        trail.failure = Some(Failure {
            log: "locked".to_owned(),
            ended: None,
        });
        assert!(trail.see(&mover("k", 0), printed("Starting\n")).fails());
        assert_eq!(trail.failure().log, "locked");
        assert!(
            !Trail::default()
                .see(&mover("k", 0), Pods::default())
                .fails()
        );
    }

    #[test]
    fn job_from_before_the_synchronisation_does_not_count() {
        let trail = Trail::after(Some("old".to_owned()));
        assert!(trail.ignores(&mover("old", 8)));
        assert!(!trail.ignores(&mover("new", 0)));
    }
}
