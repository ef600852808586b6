//! What of objects changes without anybody's wish, so that no plan rests on it. Here is what Kubernetes itself and the agent write; what else there is, plugins
//! request to `ignore` or to `signal`.

use agent_core::name::Field;
use agent_core::object::{ObjectRef, ObjectType};
use serde_json::{Map, Value};

use crate::cluster::escape;

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

/// How the annotations begin that controllers of Kubernetes and the agent write, and kubectl, which repeats the spec.
const RESTLESS_ANNOTATIONS: [&str; 7] = [
    "agent.ops/",
    "autoscaling.alpha.kubernetes.io/",
    "batch.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
    "deployment.kubernetes.io/",
    "endpoints.kubernetes.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
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

/// Returns what a pointer leads to, without the fields that do not count; of annotations, those that somebody has set.
pub(super) fn at(object: &Value, pointer: &str, ignored: &[Field]) -> Value {
    let mut value = object.pointer(pointer).cloned().unwrap_or_default();
    if let (ANNOTATIONS, Value::Object(annotations)) = (pointer, &mut value) {
        annotations.retain(|name, _| !is_restless(name));
        if annotations.is_empty() {
            return Value::Null;
        }
    }
    leave_out(&mut value, pointer, ignored);
    value
}

/// Takes the fields that do not count out of a value. An object that is empty without them is none: with the first of them it was made.
fn leave_out(value: &mut Value, pointer: &str, ignored: &[Field]) {
    let below = format!("{pointer}/");
    let Value::Object(fields) = value else { return };
    if fields.is_empty() || !ignored.iter().any(|field| field.starts_with(&below)) {
        return;
    }
    fields.retain(|name, value| {
        let pointer = below.clone() + &escape(name);
        if does_not_count(&pointer, ignored) {
            return false;
        }
        let was_null = value.is_null();
        leave_out(value, &pointer, ignored);
        was_null || !value.is_null()
    });
    if fields.is_empty() {
        *value = Value::Null;
    }
}

fn does_not_count(pointer: &str, ignored: &[Field]) -> bool {
    ignored.iter().any(|field| field.covers(pointer))
}

/// Returns whether the generation of an object grows with fields that do not count.
pub(super) fn is_in_generation(ignored: &[Field]) -> bool {
    const OUTSIDE: [&str; 2] = ["/metadata", "/status"];
    let outside = |field: &Field| {
        let mut parts = OUTSIDE
            .into_iter()
            .filter_map(|part| field.strip_prefix(part));
        parts.any(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !ignored.iter().all(outside)
}

/// Returns pointers to the parts of an object by which its generation grows.
pub(super) fn parts(object: &Value) -> impl Iterator<Item = String> + '_ {
    const OTHERS: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];
    let names = object.as_object().into_iter().flat_map(Map::keys);
    let names = names.filter(|name| !OTHERS.contains(&name.as_str()));
    names.map(|name| format!("/{}", escape(name)))
}

fn is_restless(annotation: &str) -> bool {
    let begins = |restless: &str| annotation.starts_with(restless);
    RESTLESS_ANNOTATIONS.iter().any(|restless| begins(restless))
}

/// Returns pointers to what was read of an object and does not change by itself.
pub(super) fn read(object: &Value, pointers: &[String], ignored: &[Field]) -> Vec<String> {
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
        let counts = !restless && !does_not_count(pointer, ignored);
        !RESTLESS.into_iter().any(within) && pointer != "/metadata" && counts
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
            read(&json!({}), &asked, &[]),
            ["/spec/suspend", "/metadata/labels"]
        );
    }

    #[test]
    fn object_that_was_read_whole_counts_but_for_its_status() {
        let object =
            json!({"apiVersion": "v1", "metadata": {"name": "s"}, "data": {}, "status": {}});
        assert_eq!(
            read(&object, &[], &[]),
            [
                "/apiVersion",
                "/data",
                "/metadata/labels",
                "/metadata/annotations"
            ]
        );
    }

    fn fields(all: &[&str]) -> Vec<Field> {
        all.iter().map(|it| it.parse().expect("a field")).collect()
    }

    #[test]
    fn annotations_count_but_for_those_that_controllers_and_requests_to_them_write() {
        let object = json!({"metadata": {"annotations": {
            "example.org/now": "t", "kubectl.kubernetes.io/last-applied-configuration": "{}", "note": "n",
        }}});
        let ignored = fields(&["/metadata/annotations/example.org~1*"]);
        assert_eq!(at(&object, ANNOTATIONS, &ignored), json!({"note": "n"}));
        let asked = [
            "/metadata/annotations/example.org~1now",
            "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
            "/metadata/annotations/note",
        ];
        assert_eq!(
            read(&object, &asked.map(str::to_owned), &ignored),
            ["/metadata/annotations/note"]
        );
    }

    #[test]
    fn what_the_plugin_ignores_is_in_nothing_that_is_around_it() {
        let ignored = fields(&["/spec/trigger/manual", "/spec/seen*"]);
        let is = |spec: Value| at(&json!({"spec": spec}), "/spec", &ignored);
        let without = json!({"paused": true});
        for same in [
            json!({"paused": true}),
            json!({"paused": true, "trigger": {"manual": "t"}}),
            json!({"paused": true, "seenAt": "t", "seen": {"a": 1}}),
        ] {
            assert_eq!(is(same.clone()), without, "{same}");
        }
        for other in [
            json!({"paused": true, "trigger": {"manual": "t", "schedule": "s"}}),
            json!({"paused": true, "trigger": "t"}),
            json!({"paused": true, "trigger": null}),
            json!({"paused": true, "trigger": {}}),
            json!({"paused": false}),
        ] {
            assert_ne!(is(other.clone()), without, "{other}");
        }
        assert_eq!(is(json!({"trigger": {"manual": "t"}})), Value::Null);
        let asked = ["/spec/trigger/manual", "/spec/trigger", "/spec/paused"];
        assert_eq!(
            read(&json!({}), &asked.map(str::to_owned), &ignored),
            ["/spec/trigger", "/spec/paused"]
        );
    }

    #[test]
    fn generation_counts_unless_it_grows_with_what_does_not() {
        for (ignored, grows) in [
            (&[][..], false),
            (&["/metadata/annotations/a"][..], false),
            (&["/status/a", "/metadata/labels/b"][..], false),
            (&["/metadata/annotations/a", "/spec/a"][..], true),
            (&["/data/a"][..], true),
            (&["/*"][..], true),
        ] {
            assert_eq!(is_in_generation(&fields(ignored)), grows, "{ignored:?}");
        }
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
