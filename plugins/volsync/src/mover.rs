//! The mover Job of a ReplicationSource or ReplicationDestination, and what its newest pod prints.
//!
//! VolSync shortens long Job names with a hash, so a mover is found by its owner, never by its name. Nothing here is decided by a mover's
//! Job or pod: whether a synchronisation succeeded stands in the status of its owner.

use agent_sdk::prelude::*;

/// A mover that was found.
pub(crate) struct Mover {
    /// How often it failed in its present Job.
    pub(crate) failed: i64,
    job: String,
    namespace: String,
}

/// Finds the mover of an owner.
///
/// # Errors
///
/// Those of the list.
pub(crate) fn of(namespace: &str, owner: &str) -> Result<Option<Mover>> {
    let jobs = cluster::list(
        &Query::all(kinds::JOB).namespace(namespace),
        &["/metadata/ownerReferences", "/status/failed"],
    )?;
    let mover = jobs.into_iter().find(|job| owned_by(job, owner));
    Ok(mover.map(|job| Mover {
        failed: job.integer("/status/failed").unwrap_or_default(),
        job: job.name().to_owned(),
        namespace: namespace.to_owned(),
    }))
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

/// Returns the log of the newest pod of an owner's mover, empty when there is none. For people only, so what goes wrong is left out.
pub(crate) fn log(namespace: &str, owner: &str) -> String {
    let log = of(namespace, owner).and_then(|mover| mover.map_or(Ok(None), |mover| mover.log()));
    log.ok().flatten().unwrap_or_default()
}
