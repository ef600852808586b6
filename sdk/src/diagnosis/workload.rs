//! Deployments, StatefulSets and DaemonSets: whether all pods are those of the newest template, and ready.

use super::{Cause, Outlook, Patience};
use crate::{Object, ObjectType, kinds};

/// Judges a workload by its own status. Its pods say why ([`super::look::at_workload`]).
pub fn workload(of: ObjectType, workload: &Object) -> Outlook {
    let subject = format!("{} `{}`", kind(of), workload.name());
    for (condition, status, reason) in [
        // The quota or the admission that refuses its pods is told here too.
        ("ReplicaFailure", "True", "FailedCreate"),
        ("Progressing", "False", "ProgressDeadlineExceeded"),
    ] {
        if let Some(one) = workload.condition(condition)
            && one.status == status
            && one.reason == reason
        {
            return Cause::new(&subject, reason, one.message, Patience::MINUTE).into();
        }
    }
    let count = |field: &str| {
        workload
            .integer(&format!("/status/{field}"))
            .unwrap_or_default()
    };
    let (wanted, ready, updated) = if of == kinds::DAEMON_SET {
        (
            count("desiredNumberScheduled"),
            count("numberReady"),
            count("updatedNumberScheduled"),
        )
    } else {
        let ready = if of == kinds::DEPLOYMENT {
            "availableReplicas"
        } else {
            "readyReplicas"
        };
        let wanted = workload.integer("/spec/replicas").unwrap_or(1);
        (wanted, count(ready), count("updatedReplicas"))
    };
    let seen = count("observedGeneration") >= workload.generation();
    if seen && ready >= wanted && updated >= wanted {
        return Outlook::Clear;
    }
    Outlook::Busy(format!(
        "{subject} has {} of {wanted} pods ready",
        ready.min(updated)
    ))
}

fn kind(of: ObjectType) -> &'static str {
    match of.plural() {
        "deployments" => "Deployment",
        "statefulsets" => "StatefulSet",
        "daemonsets" => "DaemonSet",
        plural => plural,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(spec: Value, status: Value) -> Object {
        Object(
            json!({"metadata": {"name": "plex", "generation": 2}, "spec": spec, "status": status}),
        )
    }

    #[test]
    fn workload_is_rolled_out_when_the_newest_pods_are_ready() {
        let status = json!({"observedGeneration": 2, "availableReplicas": 1, "updatedReplicas": 1});
        assert_eq!(
            workload(
                kinds::DEPLOYMENT,
                &of(json!({"replicas": 1}), status.clone())
            ),
            Outlook::Clear
        );
        let mut old = status;
        old["updatedReplicas"] = json!(0);
        let busy = Outlook::Busy("Deployment `plex` has 0 of 1 pods ready".to_owned());
        assert_eq!(workload(kinds::DEPLOYMENT, &of(json!({}), old)), busy);
        let daemon = json!({"observedGeneration": 2, "desiredNumberScheduled": 3, "numberReady": 2, "updatedNumberScheduled": 3});
        let busy = Outlook::Busy("DaemonSet `plex` has 2 of 3 pods ready".to_owned());
        assert_eq!(workload(kinds::DAEMON_SET, &of(json!({}), daemon)), busy);
    }

    #[test]
    fn workload_whose_pods_are_refused_says_why() {
        let quota = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small"});
        let outlook = workload(
            kinds::DEPLOYMENT,
            &of(json!({}), json!({"conditions": [quota]})),
        );
        assert_eq!(
            outlook.note().as_deref(),
            Some("Deployment `plex`: `FailedCreate`: exceeded quota: small")
        );
    }
}
