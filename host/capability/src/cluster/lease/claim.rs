//! The claim of one run to one lock: it is made, renewed, and lost.

use std::time::Duration;

use agent_core::failure::{Failure, Kind};
use agent_core::id::RunId;
use agent_core::object::ObjectRef;
use agent_core::origin::Who;
use agent_gate::RetryPolicy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{HOLDER, LENGTH, LOCK, NAMESPACE, held, holder, holder_of};
use crate::cluster::client::ClusterClient;

/// How old a Lease is when it is renewed.
const RENEWAL: SignedDuration = SignedDuration::from_secs(10);
/// How often is looked how old it is. A machine that wakes up looks at its Lease so soon after it.
const LOOK: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) client: ClusterClient,
    pub(super) target: ObjectRef,
    pub(super) name: String,
    pub(super) run: RunId,
    pub(super) who: Who,
}

/// When a Lease was last written, by two clocks: one stands still while the machine sleeps, and the other one is set by people.
#[derive(Clone, Copy)]
pub(super) struct Renewed {
    at: Timestamp,
    steady: Instant,
}

impl Renewed {
    fn now() -> Renewed {
        Renewed {
            at: Timestamp::now(),
            steady: Instant::now(),
        }
    }

    fn age(self) -> SignedDuration {
        let steady = SignedDuration::try_from(self.steady.elapsed());
        let steady = steady.unwrap_or(SignedDuration::MAX);
        Timestamp::now().duration_since(self.at).max(steady)
    }
}

/// What came of a renewal.
enum Renewal {
    Done(Renewed),
    /// The next one makes up for it.
    Missed,
    Lost(Failure),
}

impl Claim {
    /// Takes the Lease, if nobody has it or only a run that is over.
    pub(super) async fn attempt(
        &self,
        is_over: &(dyn Fn(&str) -> bool + Send + Sync),
    ) -> Result<Renewed, Failure> {
        let now = Renewed::now();
        let mut document = self.document(now.at);
        match self.client.lease(&self.target, RetryPolicy::Call).await? {
            None => self.client.make_lease(&self.target, &document).await?,
            Some(lease) => match holder(&lease) {
                Some(other) if other != self.run.as_str() && !is_over(other) => {
                    return Err(held(&self.name, other, &lease, &self.target, now.at));
                }
                _ => {
                    document["metadata"]["resourceVersion"] =
                        lease["metadata"]["resourceVersion"].clone();
                    self.client.replace_lease(&self.target, &document).await?;
                }
            },
        }
        Ok(now)
    }

    /// Renews the Lease until it is lost, and returns why it is.
    pub(super) async fn kept(self, mut renewed: Renewed) -> Failure {
        loop {
            tokio::time::sleep(LOOK).await;
            if renewed.age() < RENEWAL {
                continue;
            }
            match self.renew(renewed).await {
                Renewal::Done(now) => renewed = now,
                Renewal::Missed => {}
                Renewal::Lost(failure) => return failure,
            }
        }
    }

    async fn renew(&self, before: Renewed) -> Renewal {
        let now = Renewed::now();
        let Ok(lease) = self.client.lease(&self.target, RetryPolicy::Call).await else {
            return Renewal::Missed;
        };
        let written = match lease {
            Some(mut lease) if holder(&lease) == Some(self.run.as_str()) => {
                lease["spec"]["renewTime"] = Value::from(time(now.at));
                let replaced = self.client.replace_lease(&self.target, &lease).await;
                replaced.map(|()| now)
            }
            Some(lease) if holder(&lease).is_some() => return Renewal::Lost(self.taken(&lease)),
            // Somebody removed it, and nobody was there meanwhile.
            _ if before.age() < LENGTH => self.attempt(&|_| false).await,
            _ => return Renewal::Lost(self.removed()),
        };
        written.map_or(Renewal::Missed, Renewal::Done)
    }

    fn taken(&self, lease: &Value) -> Failure {
        let (run, by) = (holder(lease).unwrap_or_default(), holder_of(lease));
        let message = format!("run `{run}` of {by} has the lock `{}` now", self.name);
        self.lost(message)
    }

    fn removed(&self) -> Failure {
        let message = format!(
            "the lock `{}` was removed while this machine could not hold it, and others may have been there",
            self.name
        );
        self.lost(message)
    }

    fn lost(&self, message: String) -> Failure {
        Failure::new(Kind::Conflict, super::LOCK_LOST, message)
            .hinted("see what was changed there meanwhile, and run it again")
    }

    fn document(&self, now: Timestamp) -> Value {
        json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.target.name,
                "namespace": NAMESPACE,
                "labels": {"app.kubernetes.io/managed-by": "agent"},
                "annotations": {LOCK: self.name, HOLDER: format!("{}@{}", self.who.user, self.who.host)},
            },
            "spec": {
                "holderIdentity": self.run.as_str(),
                "leaseDurationSeconds": LENGTH.as_secs(),
                "acquireTime": time(now),
                "renewTime": time(now),
            },
        })
    }
}

/// Times of a Lease have microseconds (`MicroTime`).
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
