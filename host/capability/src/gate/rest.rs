//! What a plan rests on: what it has seen of objects, and whether they are still so.
//!
//! What counts is what people and GitOps set: the generation, which grows with the spec, and the fields that were read. What a controller
//! reports in the status does not, nor does the version of the object, which grows with it. Of a list it counts which objects it found.
//!
//! Fields that the operation which read them was granted to signal or to ignore do not count. Where the generation grows with them, the rest of the object
//! counts in its place.

use std::collections::BTreeMap;

use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::plan::{Listing, Plan, Rest};
use agent_core::secret::MASK;
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};

use super::restless::{RESTLESS_TYPES, at, counted, is_in_generation, listed, parts, read, uid};
use super::{Gate, Pass, Patience};
use crate::cluster::client::{Query, Reading, Wanted};

/// How many objects are looked at at the same time.
const AT_ONCE: usize = 16;

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
                names: query.names.clone(),
                found,
            });
        }
    }

    fn rest(&self, target: &ObjectRef, object: Option<&Value>, pointers: &[String]) -> Rest {
        let ignored = self.actor.grants.restless(target);
        let mut fields = Map::new();
        let read = object
            .into_iter()
            .flat_map(|object| read(object, pointers, &ignored));
        for pointer in read.filter_map(|pointer| self.around_secrets(pointer)) {
            let value = object.map_or(Value::Null, |object| at(object, &pointer, &ignored));
            fields.insert(pointer, self.kept(target, &value));
        }
        let by_parts = is_in_generation(&ignored);
        let parted = object.filter(|_| by_parts);
        let parts = parted.into_iter().flat_map(|object| {
            let hash = |part: String| {
                let hash = self.run.keyed_hash(&at(object, &part, &ignored));
                (part, hash)
            };
            parts(object).map(hash)
        });
        Rest {
            target: target.clone(),
            uid: object.and_then(uid),
            generation: object.filter(|_| !by_parts).and_then(generation),
            fields,
            parts: parts.collect(),
            ignored,
        }
    }

    /// Returns the pointer to what is around a value of a Secret in a pointer, such as one that is a key: the plan rests on all of that then.
    fn around_secrets(&self, mut pointer: String) -> Option<String> {
        while self.run.secrets.holds(&pointer) {
            pointer.truncate(pointer.rfind('/').unwrap_or_default());
        }
        (!pointer.is_empty() && pointer != "/metadata").then_some(pointer)
    }

    /// Takes what is a secret out of what a plan rests on. What repeats a value of a Secret may have been read before the Secret was.
    pub(super) fn seal(&self, rests: &mut [Rest]) {
        let secrets = &self.run.secrets;
        for rest in rests.iter_mut().filter(|rest| !rest.target.of.is_secret()) {
            // What is around it is not known any more.
            rest.fields.retain(|pointer, _| !secrets.holds(pointer));
            for value in rest.fields.values_mut() {
                *value = self.kept(&rest.target, value);
            }
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
            labels: unmasked(&before.labels),
            fields: unmasked(&before.fields),
            names: match before.names.iter().any(|name| name.contains(MASK)) {
                true => Vec::new(),
                false => before.names.clone(),
            },
        };
        let is_whole = query.labels == before.labels
            && query.fields == before.fields
            && query.names == before.names;
        let keep = |now: &mut BTreeMap<String, String>, object: Value| {
            now.extend(listed(&query.of, &object));
            Ok(())
        };
        let client = &self.run.client;
        let now = client.list(&pass, &query, Reading::Metadata, BTreeMap::new, keep);
        let now = now.await?;
        let plural = &before.of.plural;
        let new = now
            .iter()
            .filter(|(uid, _)| is_whole && !before.found.contains_key(*uid));
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
            let now = &at(object, pointer, &rest.ignored);
            let hashed = before.as_str().is_some_and(is_hash);
            if hashed && *before != self.run.keyed_hash(now) {
                return Some(format!("the secret `{pointer}` has changed"));
            }
            if !hashed && now != before {
                return Some(format!("`{pointer}` was {before}, and is {now}"));
            }
        }
        for (part, before) in &rest.parts {
            if *before != self.run.keyed_hash(&at(object, part, &rest.ignored)) {
                return Some(format!("`{part}` has changed"));
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

/// Returns a selector as it can be asked by again: nothing in place of one that is masked, for there is no `*` in any other. More is found then,
/// so only what is gone can be told; and to what is new, the run can do nothing that is not in the plan.
fn unmasked(selector: &str) -> String {
    if selector.contains(MASK) {
        return String::new();
    }
    selector.to_owned()
}

/// Returns whether a text is a keyed hash. Where somebody has set such a text as a value, it is taken for one, and the plan is refused.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn generation(object: &Value) -> Option<i64> {
    object.pointer("/metadata/generation")?.as_i64()
}
