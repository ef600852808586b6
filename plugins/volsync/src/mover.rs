//! The mover Job of a ReplicationSource or ReplicationDestination, and what its newest pod prints.
//!
//! VolSync shortens long Job names with a hash, so a mover is found by its owner, never by its name. Whether a synchronisation succeeded
//! stands in the status of its owner and nowhere here; whether a mover gets on, and that it has used up its tries, is seen here only.

mod trail;

use agent_sdk::diagnosis::look::{self, JOB};
use agent_sdk::diagnosis::{self, Cause, Outlook, Patience, PodState};
use agent_sdk::prelude::*;

pub(crate) use trail::{Failure, Seen, Trail};

/// The container of VolSync's restic mover, and of our list's Job. Whatever is added to a pod beside it does not count. The movers of other kinds
/// have one container as VolSync makes them, which is then the default one.
pub(crate) const CONTAINER: &str = "restic";

/// How many lines of a log are read. Whatever counts stands at its end, but for the snapshot that is restored: see [`Trail::restored`].
pub(crate) const TAIL: u32 = 200;

/// A mover that was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mover {
    /// The uid of its Job.
    pub(crate) uid: String,
    /// How often it failed in its present Job.
    pub(crate) failed: i64,
    /// How often it may.
    limit: i64,
    job: Object,
}

/// How often a Job's pods may fail where it does not say.
const LIMIT: i64 = 6;

/// Finds the mover of an owner.
///
/// # Errors
///
/// Those of the list.
pub(crate) fn of(namespace: &str, owner: &str) -> Result<Option<Mover>> {
    Ok(among(&jobs(Some(namespace))?, owner))
}

/// Lists the Jobs of a namespace, or of all.
///
/// # Errors
///
/// Those of the list.
pub(crate) fn jobs(namespace: Option<&str>) -> Result<Vec<Object>> {
    let fields = [
        &JOB[..],
        &["/metadata/ownerReferences", "/spec/backoffLimit"],
    ]
    .concat();
    cluster::list(&Query::all(kinds::JOB).namespace(namespace), &fields)
}

/// Finds the mover of an owner among Jobs.
pub(crate) fn among(jobs: &[Object], owner: &str) -> Option<Mover> {
    let job = jobs.iter().find(|job| owned_by(job, owner))?;
    Some(Mover {
        uid: job.uid().to_owned(),
        failed: job.integer("/status/failed").unwrap_or_default(),
        limit: job.integer("/spec/backoffLimit").unwrap_or(LIMIT),
        job: job.clone(),
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
    /// Looks at its pods. What cannot be read is as if it was not there.
    pub(crate) fn look(&self) -> Pods {
        let seen = look::at_job(&self.job, Some(CONTAINER));
        let state = seen.pod.as_ref().map(|(_, state)| state);
        let log = seen.pod.as_ref().map(|(pod, _)| log_of(pod));
        Pods {
            active: matches!(state, Some(PodState::Waiting(_) | PodState::Running(_))),
            killed: matches!(state, Some(PodState::Ended(end)) if end.reason == "OOMKilled"),
            ended: seen.pod.as_ref().and_then(|(pod, _)| ended(pod)),
            log: log
                .filter(|log| !log.is_empty())
                .or_else(|| self.last_log()),
            outlook: seen.outlook.or_else(|| match &seen.pod {
                Some((pod, PodState::Ended(_))) => outlived(pod),
                _ => Outlook::Clear,
            }),
        }
    }

    /// Returns the log of its newest pod that has one.
    fn last_log(&self) -> Option<String> {
        self.pods().iter().map(log_of).find(|log| !log.is_empty())
    }

    /// Returns the newest try that has failed: the next one may be running already.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let mut pods = self.pods().into_iter();
        let failed = pods.find(|pod| pod.text("/status/phase") == Some("Failed"))?;
        let (log, ended) = (log_of(&failed), ended(&failed));
        (!log.is_empty()).then_some(Failure { log, ended })
    }

    /// Lists its pods, newest first.
    fn pods(&self) -> Vec<Object> {
        let query = Query::all(kinds::POD)
            .namespace(self.job.namespace())
            .labels(&format!("job-name={}", self.job.name()));
        let mut pods = cluster::list(&query, &look::POD).unwrap_or_default();
        pods.sort_by_key(|pod| {
            std::cmp::Reverse(pod.text("/metadata/creationTimestamp").map(str::to_owned))
        });
        pods
    }
}

/// Returns the log of the container of a pod that counts; empty when it has none.
fn log_of(pod: &Object) -> String {
    let container = diagnosis::container(pod, Some(CONTAINER));
    let namespace = pod.namespace().unwrap_or_default();
    cluster::logs(namespace, pod.name(), container, Some(TAIL)).unwrap_or_default()
}

/// Judges a pod whose mover has ended: another container that runs on keeps its Job from its end, and VolSync waits for that.
fn outlived(pod: &Object) -> Outlook {
    let runs = |one: &&Value| one["state"]["running"].is_object();
    let mut all = pod.items("/status/containerStatuses").iter().filter(runs);
    Outlook::from(all.next().map(|other| {
        let message = format!(
            "its mover has ended, but container {} runs on, so VolSync does not see that",
            other["name"]
        );
        let subject = format!("pod `{}`", pod.name());
        Cause::new(subject, "", &message.replace('"', "`"), Patience::MINUTE)
    }))
}

/// Returns when the container that counts has ended.
fn ended(pod: &Object) -> Option<Timestamp> {
    let container = diagnosis::container(pod, Some(CONTAINER))?;
    let all = pod.items("/status/containerStatuses").iter();
    let mut named = all.filter(|one| one["name"] == container);
    let end = &named.next()?["state"]["terminated"]["finishedAt"];
    end.as_str()?.parse().ok()
}

/// What is seen of a mover's pods.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pods {
    /// One runs, or is about to. Between two tries there is none.
    pub(crate) active: bool,
    /// The newest one ran out of memory.
    pub(crate) killed: bool,
    /// When the newest one ended.
    pub(crate) ended: Option<Timestamp>,
    /// The newest log.
    log: Option<String>,
    /// What stands in the way of the newest one.
    pub(crate) outlook: Outlook,
}

impl Pods {
    /// Returns the newest log; empty when there is none.
    pub(crate) fn log(&self) -> &str {
        self.log.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn job(name: &str, uid: &str, owner: &str, failed: i64) -> Object {
        Object(json!({
            "metadata": {"name": name, "namespace": "media", "uid": uid, "ownerReferences": [{"uid": owner}]},
            "spec": {"backoffLimit": 8}, "status": {"failed": failed},
        }))
    }

    pub(crate) fn mover(uid: &str, failed: i64) -> Mover {
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
    fn end_is_that_of_the_movers_container_whatever_runs_beside_it() {
        let status = |name: &str, state: Value| json!({"name": name, "state": state});
        let end = json!({"terminated": {"exitCode": 0, "finishedAt": "2026-11-26T08:00:00Z"}});
        let pod = Object(json!({
            "metadata": {"name": "volsync-src-plex-x"}, "spec": {"containers": [{"name": "istio-proxy"}, {"name": "restic"}]},
            "status": {"containerStatuses": [status("istio-proxy", json!({"running": {}})), status("restic", end)]},
        }));
        assert_eq!(ended(&pod), "2026-11-26T08:00:00Z".parse().ok());
        let told = outlived(&pod).note();
        assert!(
            told.is_some_and(|told| told.contains("container `istio-proxy` runs on")),
            "{pod:?}"
        );
    }
}
