//! What a server says of single fields, for scripts.

use agent_core::failure::Details;
use kube::core::Status;
use kube::core::response::StatusCause;
use serde_json::{Value, json};

/// How many fields are told.
const MOST: usize = 32;

/// Returns who owns which field that could not be applied.
pub(super) fn owners(status: &Status) -> Details {
    let owner = |cause: &StatusCause| json!({ "field": cause.field, "manager": manager(&cause.message), "message": cause.message });
    listed("owners", status, owner)
}

/// Returns which fields were refused, and why.
pub(super) fn fields(status: &Status) -> Details {
    let field = |cause: &StatusCause| json!({ "field": cause.field, "reason": cause.reason, "message": cause.message });
    listed("fields", status, field)
}

fn listed(name: &str, status: &Status, told: impl Fn(&StatusCause) -> Value) -> Details {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let told: Vec<Value> = causes.take(MOST).map(told).collect();
    match told.is_empty() {
        true => Details::new(),
        false => Details::from_iter([(name.to_owned(), told.into())]),
    }
}

/// Returns the manager in `conflict with "kubectl" using apps/v1` (k8s.io/apimachinery, pkg/util/managedfields/internal/conflict.go).
fn manager(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("conflict with \"")?;
    Some(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_of_fields_are_told_one_by_one() {
        let status = json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: .spec.replicas",
            "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"}]},
        });
        let status: Status = serde_json::from_value(status).expect("a status");
        let owners = json!([{
            "field": ".spec.replicas", "manager": "kubectl", "message": "conflict with \"kubectl\" using apps/v1",
        }]);
        assert_eq!(owners, super::owners(&status)["owners"]);
        assert!(fields(&Status::default()).is_empty());
    }
}
