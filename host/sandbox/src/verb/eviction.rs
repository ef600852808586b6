//! `pods/eviction`: a deletion that asks the disruption budgets first.

use serde_json::{Value, json};

use super::delete::delete_one;
use crate::object;
use crate::policy::delete::Options;
use crate::request::Request;
use crate::respond::Answer;
use crate::route::Target;
use crate::select::label_selector_matches;
use crate::status::ApiError;
use crate::store::{Bucket, Inner};
use crate::world::World;

pub(crate) fn evict(world: &World, target: &Target, request: &Request) -> Result<Answer, ApiError> {
    let eviction = request.object()?;
    if !eviction["kind"].is_null() && eviction["kind"] != "Eviction" {
        return Err(ApiError::bad_request(format!(
            "{} cannot be handled as an Eviction",
            eviction["kind"]
        )));
    }
    let options = Options::of_eviction(&eviction["deleteOptions"], request)?;
    let mut store = world.store.lock();
    let Some(pod) = store.get(&target.resource.bucket(), target.space(), target.name()) else {
        return Err(ApiError::not_found(&target.resource, target.name()));
    };
    options.check(&target.resource, &pod)?;
    if needs_budget(&pod) {
        let budgets = budgets(&store, target.space(), &pod);
        spend(&mut store, &budgets, &pod, options.dry_run)?;
    }
    delete_one(world, &mut store, target, &pod, &options);
    Ok(Answer::Json {
        code: 201,
        value: json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 }),
    })
}

/// A pod that does not run disrupts nothing.
fn needs_budget(pod: &Value) -> bool {
    let idle = matches!(
        pod["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed" | "Pending")
    );
    !idle && !object::is_terminating(pod)
}

fn bucket() -> Bucket {
    Bucket::new("policy", "poddisruptionbudgets")
}

fn budgets(store: &Inner, space: &str, pod: &Value) -> Vec<Value> {
    let all = store.list(&bucket(), Some(space), None);
    let labels = &pod["metadata"]["labels"];
    all.iter()
        .filter(|budget| label_selector_matches(&budget["spec"]["selector"], labels))
        .map(|budget| Value::clone(budget))
        .collect()
}

fn spend(store: &mut Inner, budgets: &[Value], pod: &Value, dry_run: bool) -> Result<(), ApiError> {
    let budget = match budgets {
        [] => return Ok(()),
        [budget] => budget,
        _ => {
            return Err(ApiError::new(
                500,
                "InternalError",
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
    };
    let status = &budget["status"];
    let number = |key: &str| status[key].as_i64().unwrap_or(0);
    if !is_ready(pod) && may_go_unhealthy(budget) {
        return Ok(());
    }
    let generation = budget["metadata"]["generation"].as_i64().unwrap_or(0);
    if number("observedGeneration") < generation {
        let name = object::name(budget);
        let message =
            format!("The disruption budget {name} is still being processed by the server.");
        return Err(refusal(&message, Some(10)));
    }
    let allowed = number("disruptionsAllowed");
    if allowed <= 0 {
        let message = format!(
            "The disruption budget {} needs {} healthy pods and has {} currently",
            object::name(budget),
            number("desiredHealthy"),
            number("currentHealthy")
        );
        return Err(refusal(&message, None));
    }
    if !dry_run {
        let mut spent = budget.clone();
        spent["status"]["disruptionsAllowed"] = json!(allowed - 1);
        object::child_mut(&mut spent["status"], "disruptedPods")
            .insert(object::name(pod).to_owned(), json!(object::now()));
        store.put(&bucket(), spent);
    }
    Ok(())
}

fn is_ready(pod: &Value) -> bool {
    let conditions = object::list(&pod["status"]["conditions"]);
    let ready = conditions.iter().find(|one| one["type"] == "Ready");
    ready.is_some_and(|ready| ready["status"] == "True")
}

/// A pod that is not healthy anyway takes nothing from a budget that is met without it.
fn may_go_unhealthy(budget: &Value) -> bool {
    let number = |key: &str| budget["status"][key].as_i64().unwrap_or(0);
    let is_met =
        number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0;
    budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow" || is_met
}

fn refusal(message: &str, retry_after: Option<u32>) -> ApiError {
    let mut err = ApiError::new(
        429,
        "TooManyRequests",
        "Cannot evict pod as it would violate the pod's disruption budget.",
    );
    err.details = Some(json!({ "causes": [{ "reason": "DisruptionBudget", "message": message }] }));
    if let (Some(seconds), Some(details)) = (retry_after, &mut err.details) {
        details["retryAfterSeconds"] = json!(seconds);
    }
    err.retry_after = retry_after;
    err
}
