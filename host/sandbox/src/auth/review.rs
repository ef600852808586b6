//! The questions about access: created, answered, never stored.

use serde_json::{Value, json};

use super::{Ask, User, allowed, rbac};
use crate::object;
use crate::status::ApiError;
use crate::store::Store;

/// Answers a review of the given kind.
pub(crate) fn answer(
    kind: &str,
    mut review: Value,
    user: &User,
    store: &Store,
) -> Result<Value, ApiError> {
    object::set_metadata(&mut review, "creationTimestamp", Value::Null);
    review["status"] = match kind {
        "SelfSubjectReview" => {
            json!({ "userInfo": { "username": user.name, "groups": user.groups } })
        }
        "SelfSubjectRulesReview" => rules(&review, user, store),
        "SelfSubjectAccessReview" => access(&review, user, store),
        _ => access(&review, &subject(&review), store),
    };
    Ok(review)
}

fn subject(review: &Value) -> User {
    let groups = object::strings(&review["spec"]["groups"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    User {
        name: review["spec"]["user"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        groups,
    }
}

fn access(review: &Value, user: &User, store: &Store) -> Value {
    let allowed = allowed(store, user, &ask(&review["spec"]));
    if allowed {
        json!({ "allowed": true })
    } else {
        json!({ "allowed": false })
    }
}

fn ask(spec: &Value) -> Ask {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(attributes) = spec.get("nonResourceAttributes") {
        return Ask {
            verb: text(&attributes["verb"]),
            path: Some(text(&attributes["path"])),
            ..Ask::default()
        };
    }
    let attributes = &spec["resourceAttributes"];
    Ask {
        verb: text(&attributes["verb"]),
        group: text(&attributes["group"]),
        resource: text(&attributes["resource"]),
        sub: text(&attributes["subresource"]),
        namespace: text(&attributes["namespace"]),
        name: text(&attributes["name"]),
        path: None,
    }
}

fn rules(review: &Value, user: &User, store: &Store) -> Value {
    let namespace = review["spec"]["namespace"].as_str().unwrap_or_default();
    let mut rules = rbac::rules(&store.lock(), user, namespace);
    let questions = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"];
    rules.push(json!({ "verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": questions }));
    let (paths, resources): (Vec<Value>, Vec<Value>) = rules
        .into_iter()
        .partition(|rule| rule.get("nonResourceURLs").is_some());
    json!({ "resourceRules": resources, "nonResourceRules": paths, "incomplete": false })
}
