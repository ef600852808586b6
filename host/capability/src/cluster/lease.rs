//! Locks that other machines see: a Lease for each, held by a run and renewed while it is at work
//! (<https://kubernetes.io/docs/concepts/architecture/leases/>).
//!
//! A Lease whose holder has not renewed it is not taken over, as leader election would: its run was cut off and has left the app as it was at
//! that moment. It is finished or taken back on its own machine, which lets the Lease go.

use std::time::Duration;

use agent_core::failure::{Failure, Kind};
use agent_core::id::RunId;
use agent_core::object::ObjectRef;
use agent_core::record::Who;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use super::client::ClusterClient;
use crate::gate::Patience;

/// Where Leases of the cluster's own parts are, too.
const NAMESPACE: &str = "kube-system";
/// How long a Lease counts as held without being renewed.
const LENGTH: SignedDuration = SignedDuration::from_secs(30);
const RENEWAL: Duration = Duration::from_secs(10);
/// How often it is tried when others are at the same Lease.
const ATTEMPTS: u32 = 5;

/// The annotations that say what a Lease locks, and who holds it.
const LOCK: &str = "agent.ops/lock";
const HOLDER: &str = "agent.ops/holder";

/// A lock that is held until it is let go. Dropped without that, it stays: the run can still be taken up.
pub struct Lease {
    client: ClusterClient,
    target: ObjectRef,
    run: RunId,
    renewal: JoinHandle<()>,
}

impl Lease {
    /// Takes a lock for a run, which may have it already. `is_over` says whether the journal of this machine knows a run and knows that it is
    /// over: its Lease was left behind.
    ///
    /// # Errors
    /// `conflict` (`lock.held`) when another run has it; `denied` (`cluster.forbidden`) when this user may not use Leases; `unavailable` when the
    /// cluster does not answer.
    pub async fn take(
        client: &ClusterClient,
        name: &str,
        run: &RunId,
        who: &Who,
        is_over: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Result<Lease, Failure> {
        let target = target(name)?;
        for _ in 0..ATTEMPTS {
            match attempt(client, &target, name, run, who, is_over).await {
                Ok(()) => {
                    let renewal = tokio::spawn(renew(client.clone(), target.clone(), run.clone()));
                    let (client, run) = (client.clone(), run.clone());
                    return Ok(Lease {
                        client,
                        target,
                        run,
                        renewal,
                    });
                }
                // Somebody was faster, or it was ourselves and the answer was lost: the next look tells.
                Err(failure) if failure.code == "lock.held" => return Err(failure),
                Err(failure) if failure.kind == Kind::Conflict => {}
                Err(failure) => {
                    return Err(failure.while_doing(format!("taking the lock `{name}`")));
                }
            }
        }
        Err(contended(&target).while_doing(format!("taking the lock `{name}`")))
    }

    /// Lets it go, with the patience of somebody who puts things back: one that stays keeps every other machine from the app.
    ///
    /// # Errors
    /// Why it stays.
    pub async fn let_go(self) -> Result<(), Failure> {
        self.renewal.abort();
        // A renewal that is on its way would change the Lease under the deletion.
        drop(self.renewal.await);
        remove(&self.client, &self.target, &self.run, Patience::LettingGo)
            .await
            .map_err(|failure| failure.while_doing(format!("removing {}", self.target)))
    }

    /// Removes the Lease of a lock, if that run has left it behind.
    ///
    /// # Errors
    /// Why it stays.
    pub async fn sweep(client: &ClusterClient, name: &str, run: &RunId) -> Result<(), Failure> {
        remove(client, &target(name)?, run, Patience::Running).await
    }
}

async fn remove(
    client: &ClusterClient,
    target: &ObjectRef,
    run: &RunId,
    patience: Patience,
) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        match client.lease(target, patience).await? {
            Some(lease) if holder(&lease) == Some(run.as_str()) => {
                match client.remove_lease(target, &lease, patience).await {
                    Err(failure) if failure.kind == Kind::Conflict => {}
                    Err(failure) if failure.kind == Kind::NotFound => return Ok(()),
                    removed => return removed,
                }
            }
            _ => return Ok(()),
        }
    }
    Err(contended(target))
}

fn contended(target: &ObjectRef) -> Failure {
    let message = format!("others keep changing {target}");
    Failure::new(Kind::Conflict, "lock.contended", message).hinted("try again")
}

async fn attempt(
    client: &ClusterClient,
    target: &ObjectRef,
    name: &str,
    run: &RunId,
    who: &Who,
    is_over: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<(), Failure> {
    let now = Timestamp::now();
    match client.lease(target, Patience::Running).await? {
        None => {
            client
                .make_lease(target, &document(target, name, run, who, now))
                .await
        }
        Some(lease) => match holder(&lease) {
            Some(other) if other != run.as_str() && !is_over(other) => {
                Err(held(name, other, &lease, target, now))
            }
            _ => {
                let mut document = document(target, name, run, who, now);
                document["metadata"]["resourceVersion"] =
                    lease["metadata"]["resourceVersion"].clone();
                client.replace_lease(target, &document).await
            }
        },
    }
}

async fn renew(client: ClusterClient, target: ObjectRef, run: RunId) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        // One that was missed is made up for by the next.
        let Ok(Some(mut lease)) = client.lease(&target, Patience::Running).await else {
            continue;
        };
        if holder(&lease) != Some(run.as_str()) {
            return;
        }
        lease["spec"]["renewTime"] = Value::from(time(Timestamp::now()));
        drop(client.replace_lease(&target, &lease).await);
    }
}

fn document(target: &ObjectRef, name: &str, run: &RunId, who: &Who, now: Timestamp) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "name": target.name,
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/managed-by": "agent"},
            "annotations": {LOCK: name, HOLDER: format!("{}@{}", who.user, who.host)},
        },
        "spec": {
            "holderIdentity": run.as_str(),
            "leaseDurationSeconds": LENGTH.as_secs(),
            "acquireTime": time(now),
            "renewTime": time(now),
        },
    })
}

fn target(name: &str) -> Result<ObjectRef, Failure> {
    let hash = hex::encode(Sha256::digest(name.as_bytes()));
    let of = "leases.v1.coordination.k8s.io"
        .parse()
        .map_err(|error| Failure::of(Kind::Internal, "agent.bug", &error))?;
    Ok(ObjectRef {
        of,
        namespace: Some(NAMESPACE.to_owned()),
        // A name has room for no more than what tells locks apart.
        name: format!("agent-{}", &hash[..20]),
    })
}

/// Times of a Lease have microseconds (`MicroTime`).
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

fn holder(lease: &Value) -> Option<&str> {
    let holder = lease
        .pointer("/spec/holderIdentity")
        .and_then(Value::as_str);
    holder.filter(|holder| !holder.is_empty())
}

fn held(name: &str, run: &str, lease: &Value, target: &ObjectRef, now: Timestamp) -> Failure {
    let annotations = lease.pointer("/metadata/annotations");
    let by = annotations
        .and_then(|annotations| annotations.get(HOLDER))
        .and_then(Value::as_str)
        .unwrap_or("somebody");
    let renewed = lease.pointer("/spec/renewTime").and_then(Value::as_str);
    let renewed = renewed.and_then(|text| text.parse::<Timestamp>().ok());
    let fresh = renewed.is_some_and(|at| now.duration_since(at) < LENGTH);
    let (message, hint) = if fresh {
        let message = format!("`{name}` is locked by run `{run}` of {by}, which is at work");
        (message, "wait for that run, or stop it there".to_owned())
    } else {
        let message = format!("`{name}` is locked by run `{run}` of {by}, which was cut off");
        let hint = format!(
            "on that machine: agent resume {run}, or agent undo {run}; if the machine is gone, put the app in order and then kubectl -n {NAMESPACE} delete lease {}",
            target.name
        );
        (message, hint)
    };
    Failure::new(Kind::Conflict, "lock.held", message).hinted(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(renewed: &str) -> Failure {
        let lease = json!({
            "metadata": {"annotations": {HOLDER: "eva@nas"}},
            "spec": {"holderIdentity": "abcdefgh", "renewTime": renewed},
        });
        let name = "volsync:media/plex";
        let now = "2026-11-22T06:01:00Z".parse().expect("a time");
        held(
            name,
            "abcdefgh",
            &lease,
            &target(name).expect("a target"),
            now,
        )
    }

    #[test]
    fn lease_that_is_renewed_says_who_is_at_work() {
        let failure = refusal("2026-11-22T06:00:50.000000Z");
        assert_eq!(
            failure.message,
            "`volsync:media/plex` is locked by run `abcdefgh` of eva@nas, which is at work"
        );
    }

    #[test]
    fn lease_that_ran_out_is_not_taken_over_but_says_how_to_end_its_run() {
        let failure = refusal("2026-11-22T06:00:00.000000Z");
        assert!(
            failure.message.ends_with("which was cut off"),
            "{failure:?}"
        );
        let hint = failure.hint.expect("a hint");
        assert!(hint.contains("agent resume abcdefgh"), "{hint}");
        assert!(hint.contains("delete lease agent-"), "{hint}");
    }
}
