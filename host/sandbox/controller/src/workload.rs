//! Workloads: what the controller-manager, the scheduler and the kubelets do, as far as a home cluster shows it.

pub(crate) mod claim;
pub(crate) mod cron_job;
pub(crate) mod daemon_set;
pub(crate) mod deployment;
pub(crate) mod disruption;
pub(crate) mod job;
pub(crate) mod pod;
pub(crate) mod replica_set;
pub(crate) mod stateful_set;
mod template;

use serde_json::{Value, json};

/// The name under which the controllers of this room write.
pub(crate) const MANAGER: &str = "kube-controller-manager";

/// A count in a status: the API leaves out zeros.
fn count(number: usize) -> Value {
    if number == 0 {
        Value::Null
    } else {
        json!(number)
    }
}
