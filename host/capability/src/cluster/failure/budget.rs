//! What is said when a disruption budget keeps a pod where it is. The API server answers 429 then, as it does when it is overloaded; its causes tell which
//! of the two it is: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/registry/core/pod/storage/eviction.go>.

use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use kube::core::Status;
use kube::core::response::StatusCause;
use serde_json::{Map, Value};

use super::{RequestContext, words};

/// The code of an eviction that a budget does not allow.
pub(crate) const BUDGET: &str = "cluster.disruption-budget";

const REASON: &str = "DisruptionBudget";
/// What the server says where it cannot judge, with the code of an error of its own.
const SEVERAL: &str = "This pod has more than one PodDisruptionBudget";

/// How soon to ask again where the server does not say: as often as `kubectl drain` does.
const AGAIN_MS: u32 = 5_000;

/// Returns the causes that name a budget.
fn causes(status: &Status) -> impl Iterator<Item = &StatusCause> {
    let details = status.details.iter().filter(|_| status.code == 429);
    let causes = details.flat_map(|details| &details.causes);
    causes.filter(|cause| cause.reason == REASON)
}

fn is_of_several(status: &Status) -> bool {
    status.code == 500 && status.message.starts_with(SEVERAL)
}

/// Returns whether a budget refuses, or several do.
pub(crate) fn refuses(status: &Status) -> bool {
    causes(status).next().is_some() || is_of_several(status)
}

/// Returns the failure of an eviction that a budget refuses.
pub(super) fn of(status: &Status, context: &RequestContext) -> Option<Failure> {
    let object = context.object();
    let namespace = context.namespace.as_deref().unwrap_or_default();
    let hint = || hint!("kubectl -n {} get poddisruptionbudgets", namespace);
    if is_of_several(status) {
        let message =
            format!("{object} has more than one disruption budget, so it is never evicted");
        let failure = Failure::new(Kind::Conflict, BUDGET, message).because(words(status));
        return Some(failure.hinted(hint()));
    }
    let budgets: Vec<Value> = causes(status).map(budget).collect();
    if budgets.is_empty() {
        return None;
    }
    let message = format!("a disruption budget does not let {object} be evicted now");
    let mut failure = Failure::new(Kind::Conflict, BUDGET, message);
    failure.retry_after_ms = Some(AGAIN_MS);
    let failure = causes(status).fold(failure, |failure, cause| {
        failure.because(cause.message.as_str())
    });
    let details = Map::from_iter([("budgets".to_owned(), Value::from(budgets))]);
    Some(failure.detailed(details).hinted(hint()))
}

/// Returns what a cause says of a budget. Its name stands in the text only.
fn budget(cause: &StatusCause) -> Value {
    let mut budget = Map::from_iter([("message".to_owned(), Value::from(cause.message.as_str()))]);
    let name = cause.message.strip_prefix("The disruption budget ");
    if let Some((name, _)) = name.and_then(|rest| rest.split_once(' ')) {
        budget.insert("name".to_owned(), Value::from(name));
    }
    Value::Object(budget)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::failure;
    use crate::cluster::reply::Fault;

    fn fault(status: Value) -> Fault {
        Fault::Status {
            status: Box::new(serde_json::from_value(status).expect("a status")),
            retry_after: None,
        }
    }

    fn failure(fault: &Fault) -> Failure {
        let context = RequestContext {
            verb: "evict",
            of: "pods.v1".parse().expect("a type"),
            namespace: Some("media".to_owned()),
            name: Some("plex-0".to_owned()),
        };
        failure::of(fault, &context, "https://k")
    }

    /// The texts are those of kube-apiserver 1.36.
    #[test]
    fn refusal_by_a_budget_is_told_from_an_overload() {
        let says = "The disruption budget plex needs 1 healthy pods and has 1 currently";
        let refused = fault(json!({
            "code": 429, "reason": "TooManyRequests", "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            "details": {"causes": [{"reason": "DisruptionBudget", "message": says}]},
        }));
        assert!(!refused.is_passing() && !refused.is_uncertain());
        let told = failure(&refused);
        assert_eq!((told.kind, told.code.as_str()), (Kind::Conflict, BUDGET));
        assert_eq!(told.retry_after_ms, Some(AGAIN_MS));
        let details = told.details.expect("the budgets");
        assert_eq!(
            details["budgets"],
            json!([{"name": "plex", "message": says}])
        );
        let overloaded = fault(json!({
            "code": 429, "reason": "TooManyRequests", "message": "the server has received too many requests",
            "details": {"retryAfterSeconds": 1},
        }));
        assert!(overloaded.is_passing());
        assert_eq!(failure(&overloaded).code, "cluster.overloaded");
    }

    #[test]
    fn pod_with_several_budgets_is_not_asked_for_again() {
        let text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        let several = fault(json!({"code": 500, "reason": "InternalError", "message": text}));
        assert!(!several.is_passing() && !several.is_uncertain());
        let told = failure(&several);
        assert_eq!((told.code.as_str(), told.retry_after_ms), (BUDGET, None));
    }
}
