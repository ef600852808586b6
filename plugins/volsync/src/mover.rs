//! The mover Job of a ReplicationSource or ReplicationDestination, and what its newest pod prints.
//!
//! VolSync shortens long Job names with a hash, so a mover is found by its owner, never by its name. Whether a synchronisation succeeded
//! stands in the status of its owner and nowhere here; whether a mover gets on, and that it has used up its tries, is seen here only.

use agent_sdk::prelude::*;

/// A mover that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mover {
    /// The uid of its Job.
    pub(crate) uid: String,
    /// How often it failed in its present Job.
    pub(crate) failed: i64,
    /// How often it may.
    limit: i64,
    job: String,
    namespace: String,
}

/// How often a Job's pods may fail where it does not say.
const LIMIT: i64 = 6;

/// Finds the mover of an owner.
///
/// # Errors
///
/// Those of the list.
pub(crate) fn of(namespace: &str, owner: &str) -> Result<Option<Mover>> {
    let jobs = cluster::list(
        &Query::all(kinds::JOB).namespace(namespace),
        &[
            "/metadata/ownerReferences",
            "/spec/backoffLimit",
            "/status/failed",
        ],
    )?;
    Ok(among(&jobs, owner))
}

fn among(jobs: &[Object], owner: &str) -> Option<Mover> {
    let job = jobs.iter().find(|job| owned_by(job, owner))?;
    Some(Mover {
        uid: job.uid().to_owned(),
        failed: job.integer("/status/failed").unwrap_or_default(),
        limit: job.integer("/spec/backoffLimit").unwrap_or(LIMIT),
        job: job.name().to_owned(),
        namespace: job.namespace().unwrap_or_default().to_owned(),
    })
}

/// Says whether a pod of VolSync's is the mover of somebody else than that owner. One whose Job is gone has ended: what is seen of it is old.
///
/// # Errors
///
/// Those of the list.
pub(crate) fn is_of_other(pod: &Object, owner: &str) -> Result<bool> {
    let query = Query::all(kinds::JOB).namespace(pod.namespace());
    let jobs = cluster::list(&query, &["/metadata/ownerReferences"])?;
    Ok(of_other(&jobs, pod, owner))
}

fn of_other(jobs: &[Object], pod: &Object, owner: &str) -> bool {
    let job = jobs.iter().find(|job| owned_by(pod, job.uid()));
    job.is_some_and(|job| !owned_by(job, owner))
}

fn owned_by(object: &Object, owner: &str) -> bool {
    let owners = object.items("/metadata/ownerReferences");
    owners.iter().any(|reference| reference["uid"] == owner)
}

impl Mover {
    /// Returns the log of its newest pod that has one.
    ///
    /// # Errors
    ///
    /// Those of the list.
    pub(crate) fn log(&self) -> Result<Option<String>> {
        let query = Query::all(kinds::POD)
            .namespace(self.namespace.as_str())
            .labels(&format!("job-name={}", self.job));
        let mut pods = cluster::list(&query, &["/metadata/creationTimestamp"])?;
        pods.sort_by_key(|pod| {
            std::cmp::Reverse(pod.text("/metadata/creationTimestamp").map(str::to_owned))
        });
        let logs = pods
            .iter()
            .map(|pod| cluster::logs(&self.namespace, pod.name(), None, None));
        Ok(logs.flatten().find(|log| !log.is_empty()))
    }
}

/// What was seen of the mover of one synchronisation, look by look.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    /// The last log that was seen.
    pub(crate) log: String,
    /// The length of the longest one. A mover that fails at the same place again and again never gets beyond it.
    furthest: usize,
    job: Option<String>,
    failed: i64,
    /// A Job from before the synchronisation.
    ignored: Option<String>,
}

/// What one look has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// There is a mover.
    pub(crate) there: bool,
    /// It got further than any before it.
    pub(crate) moved: bool,
    /// It has failed once more; how often by now.
    pub(crate) failed: Option<i64>,
    /// It has used up its tries. VolSync begins anew, with the same end, and its status says so only where the log differs from the last one.
    pub(crate) exhausted: bool,
}

impl Trail {
    /// Begins after a Job, which is another synchronisation's.
    pub(crate) fn after(job: Option<String>) -> Trail {
        Trail {
            ignored: job,
            ..Trail::default()
        }
    }

    #[cfg(test)]
    pub(crate) fn with(log: &str) -> Trail {
        Trail {
            log: log.to_owned(),
            ..Trail::default()
        }
    }

    /// Looks. For people and deadlines only, so what goes wrong is as if there was nothing to see.
    pub(crate) fn look(&mut self, namespace: &str, owner: &str) -> Seen {
        let Ok(Some(mover)) = of(namespace, owner) else {
            return Seen::default();
        };
        let log = mover.log().ok().flatten().unwrap_or_default();
        self.see(&mover, log)
    }

    fn see(&mut self, mover: &Mover, log: String) -> Seen {
        if self.ignored.as_ref() == Some(&mover.uid) {
            return Seen::default();
        }
        let other = self.job.as_ref().is_some_and(|job| *job != mover.uid);
        let begun_anew = other && self.failed > 0;
        let before = if other { 0 } else { self.failed };
        let moved = log.len() > self.furthest;
        self.furthest = self.furthest.max(log.len());
        self.job = Some(mover.uid.clone());
        self.failed = mover.failed;
        if !log.is_empty() {
            self.log = log;
        }
        Seen {
            there: true,
            moved,
            failed: (mover.failed > before).then_some(mover.failed),
            exhausted: begun_anew || (mover.failed > 0 && mover.failed >= mover.limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, uid: &str, owner: &str, failed: i64) -> Object {
        Object(json!({
            "metadata": {"name": name, "namespace": "media", "uid": uid, "ownerReferences": [{"uid": owner}]},
            "spec": {"backoffLimit": 8}, "status": {"failed": failed},
        }))
    }

    fn mover(uid: &str, failed: i64) -> Mover {
        among(&[job("volsync-src-plex", uid, "u-1", failed)], "u-1").expect("a mover")
    }

    #[test]
    fn hashed_mover_job_name_is_found_by_its_owner() {
        let jobs = [
            job("volsync-src-plex", "j-1", "another", 0),
            job("volsync-src-1f8a9c02", "j-2", "u-1", 3),
        ];
        let found = among(&jobs, "u-1").expect("a mover");
        assert_eq!(
            (found.uid.as_str(), found.failed, found.limit),
            ("j-2", 3, 8)
        );
        assert_eq!(among(&jobs, "u-2"), None);
    }

    #[test]
    fn pod_of_our_mover_is_told_from_that_of_another_and_from_one_that_has_ended() {
        let jobs = [job("a", "j-1", "ours", 0), job("b", "j-2", "theirs", 0)];
        let pod = |job: &str| Object(json!({"metadata": {"ownerReferences": [{"uid": job}]}}));
        assert!(!of_other(&jobs, &pod("j-1"), "ours"));
        assert!(of_other(&jobs, &pod("j-2"), "ours"));
        assert!(!of_other(&jobs, &pod("j-0"), "ours"));
    }

    #[test]
    fn mover_that_fails_at_the_same_place_again_does_not_move_the_deadline() {
        let mut trail = Trail::default();
        assert!(trail.see(&mover("j", 0), "Starting\n".to_owned()).moved);
        assert!(
            trail
                .see(&mover("j", 1), "Starting\nFatal\n".to_owned())
                .moved
        );
        assert!(!trail.see(&mover("j", 1), "Starting\n".to_owned()).moved);
        let again = trail.see(&mover("j", 2), "Starting\nFatal\n".to_owned());
        assert_eq!((again.moved, again.failed), (false, Some(2)));
        let on = trail.see(&mover("j", 2), "Starting\n[0:10] 3.00%\n".to_owned());
        assert!(on.moved);
    }

    #[test]
    fn mover_that_fails_with_the_same_log_as_before_is_noticed() {
        let mut trail = Trail::default();
        assert!(!trail.see(&mover("j", 7), String::new()).exhausted);
        assert!(trail.see(&mover("j", 8), String::new()).exhausted);
        let mut trail = Trail::default();
        trail.see(&mover("j", 7), String::new());
        assert!(trail.see(&mover("made anew", 0), String::new()).exhausted);
    }

    #[test]
    fn job_from_before_the_synchronisation_does_not_count() {
        let mut trail = Trail::after(Some("old".to_owned()));
        assert_eq!(trail.see(&mover("old", 8), String::new()), Seen::default());
        assert!(!trail.see(&mover("new", 0), String::new()).exhausted);
    }
}
