//! What a plan rests on: what it has seen of objects, and whether they are still so.
//!
//! What counts is what people and GitOps set: the generation, which grows with the spec, and the fields that were read. What a controller
//! reports in the status does not, nor does the version of the object, which grows with it. Of a list it counts which objects it found.

use std::collections::BTreeMap;

use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::plan::{Listing, Plan, Rest};
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};

use super::{Gate, Pass, Patience};
use crate::cluster::client::{Query, Wanted};

/// How many objects are looked at at the same time.
const AT_ONCE: usize = 16;

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
const RESTLESS_TYPES: [&str; 3] = ["events", "leases", "endpoints"];

impl Gate {
    /// Writes down what a plan has seen of an object, or that there is none. Without pointers the whole object was read.
    pub(crate) fn saw(&self, target: &ObjectRef, object: Option<&Value>, pointers: &[String]) {
        if self.run.planning() && !self.run.imagined.is_made(target) {
            self.run.sketch.rest(self.rest(target, object, pointers));
        }
    }

    /// Writes down what a plan has seen of an object among others.
    pub(crate) fn saw_listed(&self, of: &ObjectType, object: &Value, pointers: &[String]) {
        if self.run.planning()
            && let Some(target) = counted(of, object)
        {
            self.saw(&target, Some(object), pointers);
        }
    }

    /// Writes down which objects a plan has found by a query.
    pub(crate) fn saw_list(&self, query: &Query, found: BTreeMap<String, String>) {
        if self.run.planning() && !RESTLESS_TYPES.contains(&query.of.plural.as_str()) {
            self.run.sketch.list(Listing {
                of: query.of.clone(),
                namespace: query.namespace.clone(),
                labels: query.labels.clone(),
                fields: query.fields.clone(),
                found,
            });
        }
    }

    fn rest(&self, target: &ObjectRef, object: Option<&Value>, pointers: &[String]) -> Rest {
        let mut fields = Map::new();
        for pointer in object.into_iter().flat_map(|object| read(object, pointers)) {
            let value = object.map_or(Value::Null, |object| at(object, &pointer));
            fields.insert(pointer, self.kept(target, &value));
        }
        Rest {
            target: target.clone(),
            uid: object.and_then(uid),
            generation: object.and_then(generation),
            fields,
        }
    }

    /// Returns a value as a plan may hold it: of a Secret, or with the value of one in it, only its keyed hash.
    fn kept(&self, target: &ObjectRef, value: &Value) -> Value {
        if target.of.is_secret() || self.run.secrets.is_in(value) {
            Value::from(self.run.keyed_hash(value))
        } else {
            value.clone()
        }
    }

    /// Checks that what a plan rests on is still so.
    ///
    /// # Errors
    /// `conflict` (`plan.outdated`) with each object and field that has changed, and each object that is new or gone in a list; whatever
    /// looking fails with.
    pub async fn is_up_to_date(&self, plan: &Plan) -> Result<(), Failure> {
        let looks = stream::iter(plan.rests_on.clone()).map(|rest| {
            let gate = self.clone();
            async move { gate.change_of(&rest).await }
        });
        let looked: Vec<_> = looks.buffered(AT_ONCE).collect().await;
        let mut changes = Vec::new();
        for change in looked {
            changes.extend(change?);
        }
        for listing in &plan.listed {
            self.changes_of(listing, &mut changes).await?;
        }
        if changes.is_empty() {
            return Ok(());
        }
        let message = "what the plan rests on has changed since it was made";
        let failure = Failure::new(Kind::Conflict, "plan.outdated", message)
            .hinted("make a new plan: agent run OPERATION … --plan --out FILE");
        Err(changes.into_iter().fold(failure, Failure::because))
    }

    /// Adds what is new in a list or gone from it, where that was not said already.
    async fn changes_of(&self, before: &Listing, changes: &mut Vec<String>) -> Result<(), Failure> {
        let pass = Pass::new(self.clone(), CallId::root(), Patience::Running);
        let query = Query {
            of: before.of.clone(),
            namespace: before.namespace.clone(),
            labels: before.labels.clone(),
            fields: before.fields.clone(),
        };
        let mut now = BTreeMap::new();
        let found = |object: Value| {
            now.extend(listed(&query.of, &object));
            Ok(())
        };
        self.run.client.list(&pass, &query, true, found).await?;
        let plural = &before.of.plural;
        let new = now
            .iter()
            .filter(|(uid, _)| !before.found.contains_key(*uid));
        let new = new.map(|(_, name)| (name, "it is there now"));
        let gone = before
            .found
            .iter()
            .filter(|(uid, _)| !now.contains_key(*uid));
        let gone =
            gone.map(|(_, name)| (name, "it is not among those that were looked at any more"));
        for (name, what) in new.chain(gone) {
            let object = format!("{plural} {name}: ");
            if !changes.iter().any(|change| change.starts_with(&object)) {
                changes.push(object + what);
            }
        }
        Ok(())
    }

    async fn change_of(&self, rest: &Rest) -> Result<Option<String>, Failure> {
        let pass = Pass::new(self.clone(), CallId::root(), Patience::Running);
        let client = &self.run.client;
        let object = match client.get(&pass, &rest.target, Wanted::Whole).await {
            Ok(object) => Some(object),
            Err(failure) if failure.kind == Kind::NotFound => None,
            Err(failure) => return Err(failure),
        };
        Ok(self
            .difference(rest, object.as_ref())
            .map(|what| format!("{}: {what}", rest.target)))
    }

    fn difference(&self, rest: &Rest, object: Option<&Value>) -> Option<String> {
        match (&rest.uid, object) {
            (None, None) => return None,
            (None, Some(_)) => return Some("it is there now".to_owned()),
            (Some(_), None) => return Some("it is gone".to_owned()),
            (Some(before), Some(object)) if uid(object).as_ref() != Some(before) => {
                return Some("it is another object of that name now".to_owned());
            }
            _ => {}
        }
        let object = object?;
        for (pointer, before) in &rest.fields {
            let now = &at(object, pointer);
            let hashed = before.as_str().is_some_and(is_hash);
            if hashed && *before != self.run.keyed_hash(now) {
                return Some(format!("the secret `{pointer}` has changed"));
            }
            if !hashed && now != before {
                return Some(format!("`{pointer}` was {before}, and is {now}"));
            }
        }
        match (rest.generation, generation(object)) {
            (Some(before), Some(now)) if before != now => Some(format!(
                "its spec has changed: `/metadata/generation` was {before}, and is {now}"
            )),
            _ => None,
        }
    }
}

/// Returns which object of a list counts, if it does: one that a controller made and replaces at will does not.
fn counted(of: &ObjectType, object: &Value) -> Option<ObjectRef> {
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
fn at(object: &Value, pointer: &str) -> Value {
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
fn read(object: &Value, pointers: &[String]) -> Vec<String> {
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

/// Returns whether a text is a keyed hash. Where somebody has set such a text as a value, it is taken for one, and the plan is refused.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn uid(object: &Value) -> Option<String> {
    object.pointer("/metadata/uid")?.as_str().map(str::to_owned)
}

fn generation(object: &Value) -> Option<i64> {
    object.pointer("/metadata/generation")?.as_i64()
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
