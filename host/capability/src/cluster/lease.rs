//! Locks that other machines see: a Lease for each, held by a run and renewed while it is at work
//! (<https://kubernetes.io/docs/concepts/architecture/leases/>).
//!
//! A Lease whose holder has not renewed it is not taken over, as leader election would: its run was cut off and has left the app as it was at
//! that moment. It is finished or taken back on its own machine, which lets the Lease go.
//!
//! A run whose Lease somebody else has, or removed while it was not renewed, as while its machine slept, is not alone any more: it is stopped.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::id::RunId;
use agent_core::object::ObjectRef;
use agent_core::origin::Who;
use agent_gate::RetryPolicy;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;

use super::client::ClusterClient;

mod claim;

use claim::Claim;

/// The code of a run whose lock somebody else has by now, or may have had.
pub(crate) const LOCK_LOST: &str = "run.lock-lost";

/// Where Leases of the cluster's own parts are, too.
const NAMESPACE: &str = "kube-system";
/// How long a Lease counts as held without being renewed.
const LENGTH: SignedDuration = SignedDuration::from_secs(30);
/// How often it is tried when others are at the same Lease.
const ATTEMPTS: u32 = 5;

/// The annotations that say what a Lease locks, and who holds it.
const LOCK: &str = "agent.ops/lock";
const HOLDER: &str = "agent.ops/holder";

/// A lock that is held until it is let go. Dropped without that, it stays: the run can still be taken up.
pub struct Lease {
    claim: Claim,
    /// None once it is lost.
    renewal: Option<JoinHandle<Failure>>,
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
        let claim = Claim {
            client: client.clone(),
            target: target(name)?,
            name: name.to_owned(),
            run: run.clone(),
            who: who.clone(),
        };
        for _ in 0..ATTEMPTS {
            match claim.attempt(is_over).await {
                Ok(renewed) => {
                    let renewal = tokio::spawn(claim.clone().kept(renewed));
                    let renewal = Some(renewal);
                    return Ok(Lease { claim, renewal });
                }
                // Somebody was faster, or it was ourselves and the answer was lost: the next look tells.
                Err(failure) if failure.code == "lock.held" => return Err(failure),
                Err(failure) if failure.kind == Kind::Conflict => {}
                Err(failure) => {
                    return Err(failure.while_doing(format!("taking the lock `{name}`")));
                }
            }
        }
        Err(contended(&claim.target).while_doing(format!("taking the lock `{name}`")))
    }

    /// Waits until the lock is lost, for ever if it never is, and returns why (`conflict`, `run.lock-lost`). It may be dropped and called again.
    pub async fn lost(&mut self) -> Failure {
        if let Some(renewal) = &mut self.renewal {
            let lost = renewal.await;
            self.renewal = None;
            if let Ok(lost) = lost {
                return lost;
            }
        }
        std::future::pending().await
    }

    /// Lets it go, with the retry policy of somebody who puts things back: one that stays keeps every other machine from the app.
    ///
    /// # Errors
    /// Why it stays.
    pub async fn let_go(self) -> Result<(), Failure> {
        let Claim {
            client,
            target,
            run,
            ..
        } = self.claim;
        if let Some(renewal) = self.renewal {
            renewal.abort();
            // A renewal that is on its way would change the Lease under the deletion.
            drop(renewal.await);
        }
        remove(&client, &target, &run, RetryPolicy::Unlock)
            .await
            .map_err(|failure| failure.while_doing(format!("removing {target}")))
    }

    /// Removes the Lease of a lock, if that run has left it behind.
    ///
    /// # Errors
    /// Why it stays.
    pub async fn sweep(client: &ClusterClient, name: &str, run: &RunId) -> Result<(), Failure> {
        remove(client, &target(name)?, run, RetryPolicy::Call).await
    }
}

async fn remove(
    client: &ClusterClient,
    target: &ObjectRef,
    run: &RunId,
    retry_policy: RetryPolicy,
) -> Result<(), Failure> {
    for _ in 0..ATTEMPTS {
        match client.lease(target, retry_policy).await? {
            Some(lease) if holder(&lease) == Some(run.as_str()) => {
                match client.remove_lease(target, &lease, retry_policy).await {
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

fn holder(lease: &Value) -> Option<&str> {
    let holder = lease
        .pointer("/spec/holderIdentity")
        .and_then(Value::as_str);
    holder.filter(|holder| !holder.is_empty())
}

/// Returns who holds a Lease, for people.
fn holder_of(lease: &Value) -> &str {
    let annotations = lease.pointer("/metadata/annotations");
    annotations
        .and_then(|annotations| annotations.get(HOLDER))
        .and_then(Value::as_str)
        .unwrap_or("somebody")
}

fn held(name: &str, run: &str, lease: &Value, target: &ObjectRef, now: Timestamp) -> Failure {
    let by = holder_of(lease);
    let renewed = lease.pointer("/spec/renewTime").and_then(Value::as_str);
    let renewed = renewed.and_then(|text| text.parse::<Timestamp>().ok());
    let fresh = renewed.is_some_and(|at| now.duration_since(at) < LENGTH);
    let (message, hint) = if fresh {
        let message = format!("`{name}` is locked by run `{run}` of {by}, which is at work");
        (message, "wait for that run, or stop it there".into())
    } else {
        let message = format!("`{name}` is locked by run `{run}` of {by}, which was cut off");
        let hint = hint!(
            "on that machine: agent resume {}, or agent undo {}; if the machine is gone, put the app in order and then kubectl -n {} delete lease {}",
            run,
            run,
            NAMESPACE,
            target.name
        );
        (message, hint)
    };
    Failure::new(Kind::Conflict, "lock.held", message).hinted(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
