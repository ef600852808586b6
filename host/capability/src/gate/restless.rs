//! What of objects changes without anybody's wish, so that no plan rests on it.

use agent_core::object::{ObjectRef, ObjectType};
use serde_json::{Map, Value};

/// What of an object changes without anybody's wish.
const RESTLESS: [&str; 6] = [
    "/status",
    "/metadata/resourceVersion",
    "/metadata/managedFields",
    "/metadata/generation",
    "/metadata/uid",
    "/metadata/creationTimestamp",
];

/// The annotations, of which some are written without anybody's wish.
const ANNOTATIONS: &str = "/metadata/annotations";

/// How the annotations begin that controllers and the requests to them write, and kubectl, which repeats the spec.
const RESTLESS_ANNOTATIONS: [&str; 8] = [
    "agent.ops/",
    "autoscaling.alpha.kubernetes.io/",
    "batch.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "endpoints.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "reconcile.fluxcd.io/",
];

/// Objects that come and go by themselves, and that no controller owns.
pub(super) const RESTLESS_TYPES: [&str; 3] = ["events", "leases", "endpoints"];

/// Returns which object of a list counts, if it does: one that a controller made and replaces at will does not.
pub(super) fn counted(of: &ObjectType, object: &Value) -> Option<ObjectRef> {
    let owners = object.pointer("/metadata/ownerReferences");
    let mut owners = owners.and_then(Value::as_array).into_iter().flatten();
    let owned = owners.any(|owner| owner["controller"] == true);
    if owned || RESTLESS_TYPES.contains(&of.plural.as_str()) {
        return None;
    }
    let text = |pointer: &str| object.pointer(pointer)?.as_str().map(str::to_owned);
    Some(ObjectRef {
        of: of.clone(),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name")?,
    })
}

/// Returns the uid and the name of an object of a list, if it counts.
pub(crate) fn listed(of: &ObjectType, object: &Value) -> Option<(String, String)> {
    let target = counted(of, object)?;
    let name = match &target.namespace {
        Some(namespace) => format!("{namespace}/{}", target.name),
        None => target.name,
    };
    Some((uid(object)?, name))
}

/// Returns what a pointer leads to; of annotations, those that somebody has set.
pub(super) fn at(object: &Value, pointer: &str) -> Value {
    let mut value = object.pointer(pointer).cloned().unwrap_or_default();
    if let (ANNOTATIONS, Value::Object(annotations)) = (pointer, &mut value) {
        annotations.retain(|name, _| !is_restless(name));
        if annotations.is_empty() {
            return Value::Null;
        }
    }
    value
}

fn is_restless(annotation: &str) -> bool {
    let begins = |restless: &str| annotation.starts_with(restless);
    RESTLESS_ANNOTATIONS.iter().any(|restless| begins(restless))
}

/// Returns pointers to what was read of an object and does not change by itself.
pub(super) fn read(object: &Value, pointers: &[String]) -> Vec<String> {
    let mut read: Vec<String> = pointers.to_vec();
    if pointers.is_empty() {
        let names = object.as_object().into_iter().flat_map(Map::keys);
        read.extend(
            names
                .filter(|name| *name != "metadata")
                .map(|name| format!("/{name}")),
        );
        read.push("/metadata/labels".to_owned());
        read.push(ANNOTATIONS.to_owned());
    }
    let rests = |pointer: &String| {
        let within = |restless: &str| {
            let rest = pointer.strip_prefix(restless);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let annotation = pointer.strip_prefix(ANNOTATIONS);
        let annotation = annotation.and_then(|name| name.strip_prefix('/'));
        let annotation = annotation.map(|name| name.replace("~1", "/").replace("~0", "~"));
        let restless = annotation.is_some_and(|name| is_restless(&name));
        !RESTLESS.into_iter().any(within) && pointer != "/metadata" && !restless
    };
    read.retain(rests);
    read
}

pub(super) fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn status_and_version_are_nothing_that_a_plan_rests_on() {
        let asked = [
            "/spec/suspend",
            "/status/conditions",
            "/metadata/resourceVersion",
            "/metadata/labels",
        ];
        let asked = asked.map(str::to_owned);
        assert_eq!(
            read(&json!({}), &asked),
            ["/spec/suspend", "/metadata/labels"]
        );
    }

    #[test]
    fn object_that_was_read_whole_counts_but_for_its_status() {
        let object =
            json!({"apiVersion": "v1", "metadata": {"name": "s"}, "data": {}, "status": {}});
        assert_eq!(
            read(&object, &[]),
            [
                "/apiVersion",
                "/data",
                "/metadata/labels",
                "/metadata/annotations"
            ]
        );
    }

    #[test]
    fn annotations_count_but_for_those_that_controllers_and_requests_to_them_write() {
        let object = json!({"metadata": {"annotations": {
            "reconcile.fluxcd.io/requestedAt": "t", "kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "n",
        }}});
        assert_eq!(at(&object, ANNOTATIONS), json!({"note": "n"}));
        let asked = [
            "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
            "/metadata/annotations/note",
        ];
        assert_eq!(
            read(&object, &asked.map(str::to_owned)),
            ["/metadata/annotations/note"]
        );
    }

    #[test]
    fn list_counts_what_nobody_replaces_at_will() {
        let object = |owner: Value| json!({"metadata": {"name": "a", "namespace": "media", "uid": "u", "ownerReferences": [owner]}});
        let pods = "pods.v1".parse().expect("a type");
        assert_eq!(listed(&pods, &object(json!({"controller": true}))), None);
        let counted = listed(&pods, &object(json!({"kind": "Node"})));
        assert_eq!(counted, Some(("u".to_owned(), "media/a".to_owned())));
        assert_eq!(
            listed(&"events.v1".parse().expect("a type"), &object(json!({}))),
            None
        );
    }
}
