//! What an object runs: pods of its own, and those of its Jobs. An object that is removed is gone at once; what it runs takes its time.

use std::collections::BTreeSet;
use std::time::Duration;

use agent_core::failure::{Failure, Kind};
use agent_core::object::{ObjectRef, ObjectType};
use agent_gate::{Pass, WritePass};
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::client::{ClusterClient, Query, Reading};

mod lingering;

/// The code of a failure that means: what was to be removed, or what it runs, is still there.
pub(crate) const STILL_THERE: &str = "cluster.still-there";

/// How long it may take to go: longer than the grace period of a pod.
const GOING: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(100);

/// An object, and the owners of the pods that it runs.
pub(super) struct Running<'a> {
    target: &'a ObjectRef,
    uid: &'a str,
    owners: BTreeSet<String>,
    /// Whether something older is still held, which must not be put back beside what it runs.
    in_the_way: bool,
    /// Why not everything that it runs could be looked for.
    unseen: Option<Failure>,
}

impl<'a> Running<'a> {
    /// Looks which Jobs an object has.
    ///
    /// # Errors
    /// [`STILL_THERE`] when the cluster does not say which there are: then nothing is to be removed, for nobody would wait for them.
    pub(super) async fn of(
        client: &ClusterClient,
        pass: &Pass,
        target: &'a ObjectRef,
        uid: &'a str,
    ) -> Result<Running<'a>, Failure> {
        let mut running = Running {
            target,
            uid,
            owners: BTreeSet::from([uid.to_owned()]),
            in_the_way: pass.is_in_the_way(),
            unseen: None,
        };
        running.jobs(client, pass).await?;
        Ok(running)
    }

    /// Waits until it is gone, and every pod that it runs.
    ///
    /// # Errors
    /// [`STILL_THERE`] when it stays, or when nobody can say whether it does.
    pub(super) async fn until_gone(
        mut self,
        client: &ClusterClient,
        pass: &Pass,
        intent: &WritePass,
    ) -> Result<(), Failure> {
        let since = Instant::now();
        loop {
            self.unseen = None;
            // One that was made in the moment of the deletion has pods, too.
            let jobs = self.jobs(client, pass).await?;
            let pods = self.pods(client, pass, &jobs).await?;
            let object = self.look(client, intent).await?;
            if pods.is_empty() && object.is_none() {
                return self
                    .unseen
                    .take()
                    .map_or(Ok(()), |why| Err(self.unsaid(why)));
            }
            if since.elapsed() >= GOING {
                return Err(match pods.first() {
                    Some(pod) => lingering::pods(client, pass, self.target, &pods, pod).await,
                    None => lingering::object(self.target, &object.unwrap_or_default()),
                });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Returns the object, if it is still there.
    async fn look(
        &self,
        client: &ClusterClient,
        intent: &WritePass,
    ) -> Result<Option<Value>, Failure> {
        match client.look(intent, self.target).await {
            Ok(object) => {
                let uid = object.pointer("/metadata/uid");
                let same = uid.is_some_and(|uid| uid == self.uid);
                Ok(same.then_some(object))
            }
            Err(gone) if gone.failure.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(self.unsaid(error.failure)),
        }
    }

    /// Notes which Jobs are its own, and returns all that there are; none when nobody may look.
    async fn jobs(
        &mut self,
        client: &ClusterClient,
        pass: &Pass,
    ) -> Result<Option<BTreeSet<String>>, Failure> {
        let Some(jobs) = self.list(client, pass, "jobs.v1.batch").await? else {
            return Ok(None);
        };
        let own = jobs.iter().filter(|job| self.owns(job));
        let own: Vec<String> = own.filter_map(|job| text(job, "/metadata/uid")).collect();
        self.owners.extend(own);
        let all = jobs.iter().filter_map(|job| text(job, "/metadata/uid"));
        Ok(Some(all.collect()))
    }

    /// Returns its pods. A pod outlives its Job, as when its node does not answer, and nobody can say any more whose that Job was: where this
    /// object may have had Jobs, such a pod may be its own.
    async fn pods(
        &mut self,
        client: &ClusterClient,
        pass: &Pass,
        jobs: &Option<BTreeSet<String>>,
    ) -> Result<Vec<String>, Failure> {
        let pods = self
            .list(client, pass, "pods.v1")
            .await?
            .unwrap_or_default();
        let runs = self.in_the_way && runs_pods(&self.target.of);
        let orphaned = |pod: &Value| {
            let known = |uid: &str| jobs.as_ref().is_none_or(|jobs| jobs.contains(uid));
            runs && owners(pod).any(|owner| owner.is_job && !known(owner.uid))
        };
        let pods = pods.iter().filter(|pod| self.owns(pod) || orphaned(pod));
        Ok(pods.filter_map(|pod| text(pod, "/metadata/name")).collect())
    }

    fn owns(&self, object: &Value) -> bool {
        owners(object).any(|owner| self.owners.contains(owner.uid))
    }

    /// Returns the metadata of every object of a type that has an owner; none when nobody may look.
    async fn list(
        &mut self,
        client: &ClusterClient,
        pass: &Pass,
        of: &str,
    ) -> Result<Option<Vec<Value>>, Failure> {
        let runs = runs_pods(&self.target.of);
        let of = of.parse::<ObjectType>();
        let (Ok(of), true) = (of, runs || self.target.namespace.is_some()) else {
            return Ok(None);
        };
        let query = Query {
            of,
            namespace: self.target.namespace.clone(),
            labels: String::new(),
            fields: String::new(),
            names: Vec::new(),
        };
        let keep = |owned: &mut Vec<Value>, object: Value| {
            if owners(&object).next().is_some() {
                owned.push(object);
            }
            Ok(())
        };
        let listed = client.list(pass, &query, Reading::Metadata, Vec::new, keep);
        match listed.await {
            Ok(owned) => Ok(Some(owned)),
            Err(failure) if failure.kind == Kind::Denied => {
                // Not seen does not mean gone. Where nothing waits for it, or nothing can run, that the object is gone is enough.
                if self.in_the_way && runs {
                    self.unseen = Some(failure);
                }
                Ok(None)
            }
            Err(failure) => Err(self.unsaid(failure)),
        }
    }

    /// Returns what it means that nobody could look, with all the tries that there are for putting back.
    pub(super) fn unsaid(&self, why: Failure) -> Failure {
        let message = format!("nobody can say whether {} is still at work", self.target);
        Failure {
            code: STILL_THERE.to_owned(),
            ..why.while_doing(message)
        }
    }
}

/// Returns whether objects of a type may have pods: workloads, and whatever an operator made a type for.
fn runs_pods(of: &ObjectType) -> bool {
    match of.group.as_str() {
        "" => matches!(of.plural.as_str(), "pods" | "replicationcontrollers"),
        "apps" | "batch" => true,
        _ => !of.is_built_in(),
    }
}

struct Owner<'a> {
    uid: &'a str,
    is_job: bool,
}

fn owners(object: &Value) -> impl Iterator<Item = Owner<'_>> {
    let owners = object.pointer("/metadata/ownerReferences");
    let owners = owners.and_then(Value::as_array).into_iter().flatten();
    owners.filter_map(|owner| {
        let uid = owner.get("uid")?.as_str()?;
        let is_job = owner.get("kind").is_some_and(|kind| kind == "Job");
        Some(Owner { uid, is_job })
    })
}

fn text(object: &Value, pointer: &str) -> Option<String> {
    object.pointer(pointer)?.as_str().map(str::to_owned)
}
