//! What a plan rests on: what it has seen of objects, and whether they are still so.
//!
//! What counts is what people and GitOps set: the generation, which grows with the spec, and the fields that were read. What a controller
//! reports in the status does not, nor does the version of the object, which grows with it. Of a list it counts which objects it found.
//!
//! Fields that the operation which read them was granted to signal or to ignore do not count. Where the generation grows with them, the rest of the object
//! counts in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::failure::{Failure, Kind};
use agent_core::name::Field;
use agent_core::object::{ObjectRef, ObjectType};
use agent_core::secret::MASK;
use agent_gate::{Gate, Pass, RunMemory, Secrets, weight};
use futures::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod restless;

use super::Cluster;
use super::client::{ClusterClient, Query, Reading, Wanted};
use super::sealed::hash;
pub(crate) use restless::listed;
use restless::{RESTLESS_TYPES, at, counted, is_in_generation, parts, read, uid};

/// How many objects are looked at at the same time.
const AT_ONCE: usize = 16;

/// What a plan rests on, as a plan file has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestsOn {
    /// The objects that it looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Rest>,
    /// The lists that it looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Listing>,
}

/// What a plan has seen of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rest {
    /// The object.
    pub target: ObjectRef,
    /// Its uid; none when there was no such object.
    pub uid: Option<String>,
    /// Its generation, where it has one: it grows with each change of the spec.
    pub generation: Option<i64>,
    /// The fields that were read, as JSON Pointers with their values. Those of a Secret are keyed hashes.
    pub fields: Map<String, Value>,
    /// Keyed hashes of the parts of the object, such as its spec, where they count in place of the generation.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, String>,
    /// Fields that do not count in any of that: whoever read it was granted to signal or to ignore them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Field>,
}

/// Which objects a plan has found by a query. Those that a controller made and replaces at will do not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Listing {
    /// Their type.
    pub of: ObjectType,
    /// The namespace that was looked in; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The label selector; empty for all.
    pub labels: String,
    /// The field selector; empty for all.
    pub fields: String,
    /// The names, in order; empty for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What was found: uid and name, with the namespace in front where there is one.
    pub found: BTreeMap<String, String>,
}

/// Collects what a plan rests on.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    /// By the object, and by what of it did not count to who read it.
    rests: Mutex<BTreeMap<(ObjectRef, Vec<Field>), Rest>>,
    listed: Mutex<Vec<Listing>>,
    /// The queries of these, as text.
    queries: Mutex<BTreeSet<String>>,
    /// What pays for all that.
    memory: RunMemory,
}

impl Ground {
    pub(super) fn new(memory: RunMemory) -> Ground {
        Ground {
            memory,
            ..Ground::default()
        }
    }

    /// Returns all of it, without secrets. What repeats a value of a Secret may have been read before the Secret was.
    pub(super) fn finish(&self, gate: &Gate) -> Option<Value> {
        let mut rests_on = RestsOn {
            objects: std::mem::take(&mut *lock(&self.rests))
                .into_values()
                .collect(),
            lists: std::mem::take(&mut *lock(&self.listed)),
        };
        if rests_on == RestsOn::default() {
            return None;
        }
        seal(gate, &mut rests_on.objects);
        rests_on
            .lists
            .iter_mut()
            .for_each(|listing| mask(gate.secrets(), listing));
        serde_json::to_value(rests_on).ok()
    }

    /// Adds what a query found. What it found first counts.
    fn list(&self, listing: Listing) {
        let query = query(&listing);
        let found = listing.found.iter();
        let found = found.map(|(uid, name)| uid.len() + name.len());
        let bytes = 2 * query.len() + found.sum::<usize>();
        if lock(&self.queries).insert(query) {
            self.memory.add(bytes);
            lock(&self.listed).push(listing);
        }
    }

    /// Adds what was seen of an object, beside what was seen of it before.
    fn rest(&self, rest: Rest) {
        let fields = rest.fields.iter();
        let bytes = fields.map(|(pointer, value)| pointer.len() + weight(value));
        let parts = rest.parts.iter();
        let parts = parts.map(|(part, hash)| part.len() + hash.len());
        self.memory.add(bytes.sum::<usize>() + parts.sum::<usize>());
        let mut rests = lock(&self.rests);
        let key = (rest.target.clone(), rest.ignored.clone());
        match rests.get_mut(&key) {
            Some(known) => {
                for (pointer, value) in rest.fields {
                    known.fields.entry(pointer).or_insert(value);
                }
                for (part, hash) in rest.parts {
                    known.parts.entry(part).or_insert(hash);
                }
            }
            None => {
                rests.insert(key, rest);
            }
        }
    }
}

/// Masks a selector. Whoever applies the plan notices then only what is gone.
fn mask(secrets: &Secrets, listing: &mut Listing) {
    let masked = |text: &mut String| *text = secrets.text(std::mem::take(text));
    masked(&mut listing.labels);
    masked(&mut listing.fields);
    // In a field selector a value may be escaped.
    if secrets.holds(&listing.fields.replace('\\', "")) {
        MASK.clone_into(&mut listing.fields);
    }
    listing.names.iter_mut().for_each(masked);
}

impl Cluster {
    /// Writes down what a plan has seen of an object, or that there is none. Without pointers the whole object was read.
    pub(crate) fn saw(
        &self,
        gate: &Gate,
        target: &ObjectRef,
        object: Option<&Value>,
        pointers: &[String],
    ) {
        if gate.planning() && !self.overlay.is_made(target) {
            self.ground.rest(rest(gate, target, object, pointers));
        }
    }

    /// Writes down what a plan has seen of an object among others.
    pub(crate) fn saw_listed(
        &self,
        gate: &Gate,
        of: &ObjectType,
        object: &Value,
        pointers: &[String],
    ) {
        if gate.planning()
            && let Some(target) = counted(of, object)
        {
            self.saw(gate, &target, Some(object), pointers);
        }
    }

    /// Writes down which objects a plan has found by a query.
    pub(crate) fn saw_list(&self, gate: &Gate, query: &Query, found: BTreeMap<String, String>) {
        if gate.planning() && !RESTLESS_TYPES.contains(&query.of.plural.as_str()) {
            self.ground.list(Listing {
                of: query.of.clone(),
                namespace: query.namespace.clone(),
                labels: query.labels.clone(),
                fields: query.fields.clone(),
                names: query.names.clone(),
                found,
            });
        }
    }
}

fn rest(gate: &Gate, target: &ObjectRef, object: Option<&Value>, pointers: &[String]) -> Rest {
    let ignored = gate.grants().restless(target);
    let mut fields = Map::new();
    let read = object
        .into_iter()
        .flat_map(|object| read(object, pointers, &ignored));
    for pointer in read.filter_map(|pointer| around_secrets(gate, pointer)) {
        let value = object.map_or(Value::Null, |object| at(object, &pointer, &ignored));
        fields.insert(pointer, kept(gate, target, &value));
    }
    let by_parts = is_in_generation(&ignored);
    let parted = object.filter(|_| by_parts);
    let parts = parted.into_iter().flat_map(|object| {
        let hash = |part: String| {
            let hash = hash(gate, &at(object, &part, &ignored));
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
fn around_secrets(gate: &Gate, mut pointer: String) -> Option<String> {
    while gate.secrets().holds(&pointer) {
        pointer.truncate(pointer.rfind('/').unwrap_or_default());
    }
    (!pointer.is_empty() && pointer != "/metadata").then_some(pointer)
}

/// Takes what is a secret out of what a plan rests on. What repeats a value of a Secret may have been read before the Secret was.
fn seal(gate: &Gate, rests: &mut [Rest]) {
    let secrets = gate.secrets();
    for rest in rests.iter_mut().filter(|rest| !rest.target.of.is_secret()) {
        // What is around it is not known any more.
        rest.fields.retain(|pointer, _| !secrets.holds(pointer));
        for value in rest.fields.values_mut() {
            *value = kept(gate, &rest.target, value);
        }
    }
}

/// Returns a value as a plan may hold it: of a Secret, or with the value of one in it, only its keyed hash.
fn kept(gate: &Gate, target: &ObjectRef, value: &Value) -> Value {
    if target.of.is_secret() || gate.secrets().is_in(value) {
        Value::from(hash(gate, value))
    } else {
        value.clone()
    }
}

/// Returns what has changed of what a plan rests on: each object and field, and each object that is new or gone in a list.
///
/// # Errors
/// `invalid` (`agent.plan`) when it is no such thing; whatever looking fails with.
pub(super) async fn changes(
    client: &ClusterClient,
    pass: &Pass,
    rests_on: &Value,
) -> Result<Vec<String>, Failure> {
    let rests_on = RestsOn::deserialize(rests_on).map_err(|error| {
        Failure::of(Kind::Invalid, "agent.plan", &error)
            .while_doing("reading what the plan rests on in the cluster")
    })?;
    let looks = stream::iter(rests_on.objects)
        .map(|rest| async move { change_of(client, pass, &rest).await });
    let looked: Vec<_> = looks.buffered(AT_ONCE).collect().await;
    let mut changes = Vec::new();
    for change in looked {
        changes.extend(change?);
    }
    for listing in &rests_on.lists {
        changes_of(client, pass, listing, &mut changes).await?;
    }
    Ok(changes)
}

/// Adds what is new in a list or gone from it, where that was not said already.
async fn changes_of(
    client: &ClusterClient,
    pass: &Pass,
    before: &Listing,
    changes: &mut Vec<String>,
) -> Result<(), Failure> {
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
    let now = client.list(pass, &query, Reading::Metadata, BTreeMap::new, keep);
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
    let gone = gone.map(|(_, name)| (name, "it is not among those that were looked at any more"));
    for (name, what) in new.chain(gone) {
        let object = format!("{plural} {name}: ");
        if !changes.iter().any(|change| change.starts_with(&object)) {
            changes.push(object + what);
        }
    }
    Ok(())
}

async fn change_of(
    client: &ClusterClient,
    pass: &Pass,
    rest: &Rest,
) -> Result<Option<String>, Failure> {
    let object = match client.get(pass, &rest.target, Wanted::Whole).await {
        Ok(object) => Some(object),
        Err(failure) if failure.kind == Kind::NotFound => None,
        Err(failure) => return Err(failure),
    };
    Ok(difference(pass.gate(), rest, object.as_ref())
        .map(|what| format!("{}: {what}", rest.target)))
}

fn difference(gate: &Gate, rest: &Rest, object: Option<&Value>) -> Option<String> {
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
        if hashed && *before != hash(gate, now) {
            return Some(format!("the secret `{pointer}` has changed"));
        }
        if !hashed && now != before {
            return Some(format!("`{pointer}` was {before}, and is {now}"));
        }
    }
    for (part, before) in &rest.parts {
        if *before != hash(gate, &at(object, part, &rest.ignored)) {
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

/// Returns a text that is another one for each other query.
fn query(listing: &Listing) -> String {
    let Listing {
        of,
        namespace,
        labels,
        fields,
        names,
        found: _,
    } = listing;
    format!("{of}\n{namespace:?}\n{labels:?}\n{fields:?}\n{names:?}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
