//! Requests by annotation: `requestedAt`, and for releases `forceAt` and `resetAt`.

use crate::object::Object;
use serde_json::{Value, json};

const REQUESTED: &str = "reconcile.fluxcd.io/requestedAt";
const FORCE: &str = "reconcile.fluxcd.io/forceAt";
const RESET: &str = "reconcile.fluxcd.io/resetAt";

/// Whether somebody asked for a reconciliation that has not been looked at.
pub(super) fn is_pending(object: &Object) -> bool {
    object
        .annotation(REQUESTED)
        .is_some_and(|token| token != object.text("/status/lastHandledReconcileAt"))
}

/// Writes into a status that the request has been looked at.
pub(super) fn acknowledge(object: &Object, status: &mut Value) {
    if let Some(token) = object.annotation(REQUESTED) {
        status["lastHandledReconcileAt"] = json!(token);
    }
}

/// Whether a forced upgrade is asked for: the value must be that of `requestedAt`, not yet looked at, and new.
pub(super) fn forces(object: &Object) -> bool {
    honours(object, FORCE, "/status/lastHandledForceAt")
}

/// Whether the failure counters are to be reset; by the same rule.
pub(super) fn resets(object: &Object) -> bool {
    honours(object, RESET, "/status/lastHandledResetAt")
}

fn honours(object: &Object, name: &str, handled: &str) -> bool {
    let Some(token) = object.annotation(name) else {
        return false;
    };
    is_pending(object)
        && object.annotation(REQUESTED) == Some(token)
        && object.text(handled) != token
}

/// Writes into a status that force and reset have been looked at. A value that was not honoured is used up all the same.
pub(super) fn consume(object: &Object, status: &mut Value) {
    for (name, field) in [(FORCE, "lastHandledForceAt"), (RESET, "lastHandledResetAt")] {
        if let Some(token) = object.annotation(name) {
            status[field] = json!(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(requested: &str, force: &str, handled: &str, handled_force: &str) -> Object {
        Object(json!({
            "metadata": {"annotations": {REQUESTED: requested, FORCE: force}},
            "status": {"lastHandledReconcileAt": handled, "lastHandledForceAt": handled_force},
        }))
    }

    #[test]
    fn force_counts_only_when_equal_to_the_request_and_new() {
        assert!(forces(&release("t2", "t2", "t1", "t1")));
        assert!(!forces(&release("t2", "t3", "t1", "t1")), "another value");
        assert!(
            !forces(&release("t2", "t2", "t2", "t1")),
            "the request has been looked at"
        );
        assert!(
            !forces(&release("t2", "t2", "t1", "t2")),
            "the value has been used"
        );
    }

    #[test]
    fn a_force_that_was_not_honoured_is_used_up() {
        let mut status = json!({});
        consume(&release("t2", "x", "t1", ""), &mut status);
        assert_eq!(status["lastHandledForceAt"], "x");
    }
}
