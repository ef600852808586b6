//! Why nobody takes a request: the controller is not there, does not get on, or has much to do.

use agent_sdk::diagnosis::{Cause, Outlook, Patience, look};
use agent_sdk::prelude::*;

use crate::readiness::FIELDS;

/// Looks at the controller of an object, and at what else it has to do in that namespace. Where its Deployment has another name, or may not be read,
/// nothing is said of it.
pub(crate) fn outlook(target: &ObjectRef) -> Outlook {
    let name = name(target.of);
    let query = Query::all(kinds::DEPLOYMENT).named(name);
    let found = cluster::list(&query, &look::WORKLOAD).unwrap_or_else(|error| {
        debug!("`{name}` cannot be read: {error}");
        Vec::new()
    });
    if let Some(deployment) = found.first() {
        if deployment.integer("/spec/replicas") == Some(0) {
            let subject = format!("Deployment `{name}`");
            return Cause::new(subject, "", "it is scaled to 0", Patience::MINUTE).into();
        }
        let outlook = look::at_workload(kinds::DEPLOYMENT, deployment);
        if outlook != Outlook::Clear {
            return outlook;
        }
    }
    match queued(target) {
        0 => Outlook::Clear,
        1 => Outlook::Busy("one more object of its namespace is at work or waits".to_owned()),
        others => Outlook::Busy(format!(
            "{others} more objects of its namespace are at work or wait"
        )),
    }
}

fn name(of: ObjectType) -> &'static str {
    match of {
        of if of == kinds::KUSTOMIZATION => "kustomize-controller",
        of if of == kinds::HELM_RELEASE => "helm-controller",
        _ => "source-controller",
    }
}

/// Counts the other objects of the type and namespace with which the controller is not done.
fn queued(target: &ObjectRef) -> usize {
    let query = Query::all(target.of).namespace(target.namespace.as_deref());
    let all = cluster::list(&query, &FIELDS).unwrap_or_default();
    let open = all.iter().filter(|one| !target.is(one) && is_open(one));
    open.count()
}

fn is_open(object: &Object) -> bool {
    let asked = object.annotation(crate::request::REQUESTED_AT);
    let handled = object.text("/status/lastHandledReconcileAt");
    let reconciling = object.condition("Reconciling");
    let at_work = reconciling.is_some_and(|one| one.is_true() && one.reason == "Progressing");
    !object.flag("/spec/suspend") && (at_work || (asked.is_some() && asked != handled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspended_objects_are_in_no_queue_and_those_that_were_asked_are() {
        let object = |suspend: bool, handled: &str| {
            Object(json!({
                "metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "t1"}},
                "spec": {"suspend": suspend}, "status": {"lastHandledReconcileAt": handled},
            }))
        };
        assert!(is_open(&object(false, "t0")));
        assert!(!is_open(&object(true, "t0")));
        assert!(!is_open(&object(false, "t1")));
    }
}
