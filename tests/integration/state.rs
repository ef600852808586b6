//! What a cluster looks like, for a comparison: every object that matters, without what a mere passing of time changes.
//!
//! Left out are status, times, revisions and field managers; the identity (uid) of an object stays in, so that one that was
//! deleted and made anew is a difference.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::home;
use super::kind::{
    AUTOSCALER, CLAIM, CONFIG_MAP, CRON_JOB, DEPLOYMENT, GIT_REPOSITORY, HELM_RELEASE, JOB,
    KUSTOMIZATION, Kind, OCI_REPOSITORY, POD, REPLICATION_DESTINATION, REPLICATION_SOURCE,
    SCALED_OBJECT, SECRET, SERVICE, STATEFUL_SET,
};
use super::world::World;

/// What an agent holds. They must be as before at the moment at which it ends.
const HELD: &[Kind] = &[
    KUSTOMIZATION,
    HELM_RELEASE,
    SCALED_OBJECT,
    DEPLOYMENT,
    STATEFUL_SET,
    CRON_JOB,
    REPLICATION_SOURCE,
    GIT_REPOSITORY,
    OCI_REPOSITORY,
];

/// What controllers bring back a moment later.
const FOLLOWING: &[Kind] = &[
    REPLICATION_DESTINATION,
    AUTOSCALER,
    JOB,
    CLAIM,
    SECRET,
    CONFIG_MAP,
    SERVICE,
    POD,
];

/// A cluster, or the part of it that belongs to an app.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State(BTreeMap<String, Value>);

impl State {
    /// What is there now. `app` is a namespace and a name; none means everything.
    pub(crate) async fn of(world: &World, app: Option<(&str, &str)>) -> Self {
        let mut all = Self::held(world, app).await;
        all.0.extend(gather(world, app, FOLLOWING).await);
        all
    }

    /// The kinds that an agent holds.
    pub(crate) async fn held(world: &World, app: Option<(&str, &str)>) -> Self {
        Self(gather(world, app, HELD).await)
    }

    /// The same part of a whole state.
    pub(crate) fn held_part(&self) -> Self {
        let held = |key: &String| HELD.iter().any(|kind| key.starts_with(&prefix(*kind)));
        let mut part = self.0.clone();
        part.retain(|key, _| held(key));
        Self(part)
    }

    /// Without some fields, given as JSON pointers.
    pub(crate) fn without(&self, fields: &[&str]) -> Self {
        let mut part = self.clone();
        for object in part.0.values_mut() {
            for field in fields {
                remove(object, field);
            }
        }
        part
    }

    /// In words; empty when they are the same.
    pub(crate) fn differences(&self, after: &Self) -> Vec<String> {
        let mut keys: Vec<_> = self.0.keys().chain(after.0.keys()).collect();
        keys.sort();
        keys.dedup();
        let differs = |key: &&String| self.0.get(*key) != after.0.get(*key);
        let show = |key: &String| {
            let (old, new) = (self.0.get(key), after.0.get(key));
            match (old, new) {
                (Some(_), None) => format!("{key} is gone"),
                (None, Some(new)) => format!("{key} is new: {new}"),
                _ => format!("{key} changed:\n  was {old:?}\n  is  {new:?}"),
            }
        };
        keys.into_iter().filter(differs).map(show).collect()
    }
}

/// Removes a field, and what holds nothing then.
fn remove(object: &mut Value, field: &str) {
    let Some((parent, name)) = field.rsplit_once('/') else {
        return;
    };
    let name = name.replace("~1", "/").replace("~0", "~");
    let fields = object.pointer_mut(parent).and_then(Value::as_object_mut);
    let Some(fields) = fields else {
        return;
    };
    fields.remove(&name);
    if fields.is_empty() && !parent.is_empty() {
        remove(object, parent);
    }
}

fn prefix(kind: Kind) -> String {
    format!("{} ", kind.plural)
}

async fn gather(
    world: &World,
    app: Option<(&str, &str)>,
    kinds: &[Kind],
) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for kind in kinds {
        let objects = world.list(*kind).await;
        let ours = objects.iter().filter(|object| concerns(object, app));
        for object in ours.filter(|object| !is_cache(*kind, object)) {
            let (key, value) = entry(*kind, object);
            *all.entry(key).or_insert(json!(null)) = value;
        }
    }
    all
}

fn concerns(object: &Value, app: Option<(&str, &str)>) -> bool {
    let Some((namespace, name)) = app else {
        return true;
    };
    let of = &object["metadata"];
    of["namespace"] == namespace && (home::belongs(object, name) || lists(object, name))
}

/// Whether it is a Job or a pod that lists the app's repository, which is named like none of it.
fn lists(object: &Value, app: &str) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let secret = format!("\"{app}-volsync");
    name.starts_with("volsync-agent-list-") && object["spec"].to_string().contains(&secret)
}

/// VolSync keeps the cache of a source's mover for the next time, and takes its time to remove the copy of the volume that was backed up.
fn is_cache(kind: Kind, object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let cache = name.starts_with("volsync-src-") && name.ends_with("-cache");
    let copy = name.starts_with("volsync-") && name.ends_with("-src");
    kind == CLAIM && (cache || copy)
}

/// A pod has another name each time, so it counts as one of its app.
fn entry(kind: Kind, object: &Value) -> (String, Value) {
    let of = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let namespace = text(&of["namespace"]);
    if kind == POD {
        let owner = text(&of["labels"]["app.kubernetes.io/controller"]);
        let owner = if owner.is_empty() {
            text(&of["name"])
        } else {
            owner
        };
        return (
            format!("{}{namespace}/{owner}", prefix(kind)),
            json!({"phase": object["status"]["phase"], "deleted": of["deletionTimestamp"].is_string()}),
        );
    }
    let key = format!("{}{namespace}/{}", prefix(kind), text(&of["name"]));
    (key, normalised(kind, object))
}

fn normalised(kind: Kind, object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
        // A list of some kinds has them, a list of others has not.
        object.remove("kind");
        object.remove("apiVersion");
    }
    if let Some(of) = object["metadata"].as_object_mut() {
        for field in [
            "resourceVersion",
            "generation",
            "managedFields",
            "creationTimestamp",
        ] {
            of.remove(field);
        }
        if kind == AUTOSCALER {
            of.remove("uid");
            of.remove("ownerReferences");
        }
    }
    object
}
