//! What a plan rests on: what it has seen of objects, and whether they are still so.
//!
//! What counts is what people and GitOps set: the generation, which grows with the spec, and the fields that were read. What a controller
//! reports in the status does not, nor does the version of the object, which grows with it.

use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::plan::Rest;
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};

use super::{Gate, Pass, Patience};
use crate::cluster::client::Wanted;

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

impl Gate {
    /// Writes down what a plan has seen of an object, or that there is none. Without pointers the whole object was read.
    pub(crate) fn saw(&self, target: &ObjectRef, object: Option<&Value>, pointers: &[String]) {
        if self.run.planning() && self.run.imagined(target).is_none() {
            self.run.sketch.rest(self.rest(target, object, pointers));
        }
    }

    /// Writes down what a plan has seen of an object among others. One that a controller made and replaces at will does not count.
    pub(crate) fn saw_listed(&self, of: &ObjectType, object: &Value, pointers: &[String]) {
        let owners = object.pointer("/metadata/ownerReferences");
        let owned = owners.and_then(Value::as_array).is_some_and(|owners| {
            let mut owners = owners.iter();
            owners.any(|owner| owner["controller"] == true)
        });
        let text = |pointer: &str| object.pointer(pointer)?.as_str().map(str::to_owned);
        if let (Some(name), false) = (text("/metadata/name"), owned) {
            let (of, namespace) = (of.clone(), text("/metadata/namespace"));
            let target = ObjectRef {
                of,
                namespace,
                name,
            };
            self.saw(&target, Some(object), pointers);
        }
    }

    fn rest(&self, target: &ObjectRef, object: Option<&Value>, pointers: &[String]) -> Rest {
        let mut fields = Map::new();
        for pointer in object.into_iter().flat_map(|object| read(object, pointers)) {
            let value = object.and_then(|object| object.pointer(&pointer));
            let value = self.kept(target, value.unwrap_or(&Value::Null));
            fields.insert(pointer, value);
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
    /// `conflict` (`plan.outdated`) with each object and field that has changed; whatever looking fails with.
    pub async fn is_up_to_date(&self, rests: &[Rest]) -> Result<(), Failure> {
        let looks = stream::iter(rests.to_vec()).map(|rest| {
            let gate = self.clone();
            async move { gate.change_of(&rest).await }
        });
        let looked: Vec<_> = looks.buffered(AT_ONCE).collect().await;
        let mut changes = Vec::new();
        for change in looked {
            changes.extend(change?);
        }
        if changes.is_empty() {
            return Ok(());
        }
        let message = "what the plan rests on has changed since it was made";
        let failure = Failure::new(Kind::Conflict, "plan.outdated", message)
            .hinted("make a new plan: agent run OPERATION … --plan --out FILE");
        Err(changes.into_iter().fold(failure, Failure::because))
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
            let now = object.pointer(pointer).unwrap_or(&Value::Null);
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
    }
    let rests = |pointer: &String| {
        let within = |restless: &str| {
            let rest = pointer.strip_prefix(restless);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !RESTLESS.into_iter().any(within) && pointer != "/metadata"
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
            ["/apiVersion", "/data", "/metadata/labels"]
        );
    }
}
