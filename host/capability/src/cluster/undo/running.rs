//! What an object runs: pods of its own, and those of its Jobs. An object that is removed is gone at once; what it runs takes its time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use agent_core::failure::{Failure, Kind};
use agent_core::object::{ObjectRef, ObjectType};
use serde_json::Value;

use crate::cluster::client::{ClusterClient, Query, Reading};
use crate::gate::{Intent, Pass};

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
}

impl<'a> Running<'a> {
    /// Looks which Jobs an object has. Without the right to look there are none: the object itself is still waited for.
    ///
    /// # Errors
    /// [`STILL_THERE`] when nobody can say which there are: then nothing is to be removed, for nobody would wait for them.
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
        };
        let jobs = running.owned(client, pass, "jobs.v1.batch", "/metadata/uid");
        let jobs = jobs.await?;
        running.owners.extend(jobs);
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
        intent: &Intent,
    ) -> Result<(), Failure> {
        let since = Instant::now();
        loop {
            // One that was made in the moment of the deletion has pods, too.
            let jobs = self.owned(client, pass, "jobs.v1.batch", "/metadata/uid");
            let jobs = jobs.await?;
            self.owners.extend(jobs);
            let pods = self.owned(client, pass, "pods.v1", "/metadata/name");
            let pods = pods.await?;
            if pods.is_empty() && !self.is_there(client, intent).await? {
                return Ok(());
            }
            if since.elapsed() >= GOING {
                return Err(self.stays(&pods));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn is_there(&self, client: &ClusterClient, intent: &Intent) -> Result<bool, Failure> {
        match client.look(intent, self.target).await {
            Ok(object) => Ok(object
                .pointer("/metadata/uid")
                .is_some_and(|uid| uid == self.uid)),
            Err(gone) if gone.failure.kind == Kind::NotFound => Ok(false),
            Err(unanswered) => Err(self.unseen(unanswered.failure)),
        }
    }

    /// Returns a field of every object of a type that is owned by it or by one of its Jobs.
    async fn owned(
        &self,
        client: &ClusterClient,
        pass: &Pass,
        of: &str,
        field: &str,
    ) -> Result<Vec<String>, Failure> {
        let (Ok(of), Some(namespace)) = (of.parse::<ObjectType>(), &self.target.namespace) else {
            return Ok(Vec::new());
        };
        let query = Query {
            of,
            namespace: Some(namespace.clone()),
            labels: String::new(),
            fields: String::new(),
        };
        let mut owned = Vec::new();
        let listed = client.list(pass, &query, Reading::Metadata, |object| {
            if owners(&object).any(|owner| self.owners.contains(owner)) {
                let value = object.pointer(field).and_then(Value::as_str);
                owned.extend(value.map(str::to_owned));
            }
            Ok(())
        });
        match listed.await {
            Ok(()) => Ok(owned),
            // Whoever may not look cannot wait for them. That it was not seen for another reason does not mean that nothing is there.
            Err(failure) if failure.kind == Kind::Denied => Ok(Vec::new()),
            Err(failure) => Err(self.unseen(failure)),
        }
    }

    /// Returns what it means that nobody could look, with all the patience there is for putting back.
    pub(super) fn unseen(&self, why: Failure) -> Failure {
        let message = format!("nobody can say whether {} is still at work", self.target);
        Failure {
            code: STILL_THERE.to_owned(),
            ..why.while_doing(message)
        }
    }

    fn stays(&self, pods: &[String]) -> Failure {
        let seconds = GOING.as_secs();
        let message = match pods {
            [] => format!("{} was still there after {seconds} s", self.target),
            pods => format!(
                "pods of {} were still there after {seconds} s: {}",
                self.target,
                pods.join(", ")
            ),
        };
        let namespace = self.target.namespace.as_deref().unwrap_or_default();
        Failure::new(Kind::Timeout, STILL_THERE, message).hinted(match pods.first() {
            Some(pod) => format!("kubectl -n {namespace} describe pod {pod}"),
            None => format!(
                "kubectl get {} {} -o yaml",
                self.target.of, self.target.name
            ),
        })
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    let owners = object.pointer("/metadata/ownerReferences");
    let owners = owners.and_then(Value::as_array).into_iter().flatten();
    owners.filter_map(|owner| owner.get("uid")?.as_str())
}
