//! The cleaning that goes on behind the verbs: dependents of what is gone, finalizers of the server's own, namespaces that end,
//! and what every new namespace has.
//!
//! It works on the store, not through HTTP, and is woken by deletions; it never polls.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::policy;
use crate::policy::delete::Options;
use crate::resource::Resource;
use crate::route::Target;
use crate::store::{Bucket, Inner};
use crate::verb::delete::delete_one;
use crate::world::World;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
const CLAIM_IN_USE: &str = "kubernetes.io/pvc-protection";
const VOLUME_IN_USE: &str = "kubernetes.io/pv-protection";

/// Cleans until the server stops.
pub(crate) async fn run(world: Arc<World>) {
    let mut deletions = world.store.deletions();
    loop {
        deletions.borrow_and_update();
        while sweep(&world) {}
        if deletions.changed().await.is_err() {
            return;
        }
    }
}

/// One pass over everything; says whether it changed anything.
fn sweep(world: &World) -> bool {
    let mut store = world.store.lock();
    let all: Vec<(Bucket, Arc<Value>)> = store
        .buckets()
        .into_iter()
        .flat_map(|bucket| {
            let objects = store.list(&bucket, None, None);
            objects
                .into_iter()
                .map(move |object| (bucket.clone(), object))
        })
        .collect();
    // An owner that waits for its dependents counts as gone: they are to go before it.
    let staying = all.iter().filter(|(_, object)| !is_foreground(object));
    let owners: HashSet<&str> = staying.map(|(_, object)| object::uid(object)).collect();
    let mut changed = false;
    for (bucket, object) in &all {
        changed |= match fate(object, &owners, &all) {
            Fate::Stays => false,
            Fate::Collected => delete(world, &mut store, bucket, object, false),
            Fate::LosesFinalizer(finalizer) => {
                release(world, &mut store, bucket, object, finalizer)
            }
            Fate::Orphans => orphan(&mut store, object, &all),
            Fate::EndsNamespace => end_namespace(world, &mut store, object, &all),
        };
    }
    changed
}

enum Fate {
    Stays,
    Collected,
    LosesFinalizer(&'static str),
    Orphans,
    EndsNamespace,
}

fn fate(object: &Arc<Value>, staying: &HashSet<&str>, all: &[(Bucket, Arc<Value>)]) -> Fate {
    let terminating = object::is_terminating(object);
    let finalizers = object::finalizers(object);
    if terminating && finalizers.contains(&ORPHAN) {
        return Fate::Orphans;
    }
    if terminating && finalizers.contains(&FOREGROUND) && !dependents(object, all).any(blocks) {
        return Fate::LosesFinalizer(FOREGROUND);
    }
    if terminating && finalizers.contains(&CLAIM_IN_USE) && !is_mounted(object, all) {
        return Fate::LosesFinalizer(CLAIM_IN_USE);
    }
    if terminating && finalizers.contains(&VOLUME_IN_USE) && object["status"]["phase"] != "Bound" {
        return Fate::LosesFinalizer(VOLUME_IN_USE);
    }
    if terminating && object["kind"] == "Namespace" && object["apiVersion"] == "v1" {
        return Fate::EndsNamespace;
    }
    let owners = object::list(&object["metadata"]["ownerReferences"]);
    let lives = |owner: &Value| {
        owner["uid"]
            .as_str()
            .is_some_and(|uid| staying.contains(uid))
    };
    if !terminating && !owners.is_empty() && !owners.iter().any(lives) {
        return Fate::Collected;
    }
    Fate::Stays
}

/// Whether a pod that is not over mounts the claim.
fn is_mounted(claim: &Value, all: &[(Bucket, Arc<Value>)]) -> bool {
    let (space, name) = (object::namespace(claim), object::name(claim));
    all.iter().any(|(bucket, pod)| {
        bucket.group.is_empty()
            && bucket.plural == "pods"
            && object::namespace(pod) == space
            && !policy::is_over(pod)
            && object::list(&pod["spec"]["volumes"])
                .iter()
                .any(|volume| volume["persistentVolumeClaim"]["claimName"] == name)
    })
}

fn is_foreground(object: &Value) -> bool {
    object::is_terminating(object) && object::finalizers(object).contains(&FOREGROUND)
}

fn dependents<'a>(
    owner: &'a Value,
    all: &'a [(Bucket, Arc<Value>)],
) -> impl Iterator<Item = (&'a Arc<Value>, &'a Value)> {
    all.iter().filter_map(move |(_, object)| {
        let references = object::list(&object["metadata"]["ownerReferences"]);
        references
            .iter()
            .find(|reference| reference["uid"] == object::uid(owner))
            .map(|reference| (object, reference))
    })
}

fn blocks((_, reference): (&Arc<Value>, &Value)) -> bool {
    reference["blockOwnerDeletion"] == true
}

fn target(world: &World, bucket: &Bucket, object: &Value) -> Option<Target> {
    let resource: Arc<Resource> = world.registry.by_bucket(bucket)?;
    let namespace = resource
        .namespaced
        .then(|| object::namespace(object).to_owned());
    Some(Target {
        resource,
        namespace,
        name: Some(object::name(object).to_owned()),
        sub: None,
    })
}

fn delete(world: &World, store: &mut Inner, bucket: &Bucket, object: &Value, now: bool) -> bool {
    let Some(target) = target(world, bucket, object) else {
        return false;
    };
    let Some(present) = store.get(bucket, target.space(), target.name()) else {
        return false;
    };
    if object::is_terminating(&present) && !now {
        return false;
    }
    let (_, gone) = delete_one(world, store, &target, &present, &Options::background(now));
    gone || !object::is_terminating(&present)
}

/// Takes a finalizer of the server's own off an object; the object goes if it was the last.
fn release(
    world: &World,
    store: &mut Inner,
    bucket: &Bucket,
    object: &Value,
    finalizer: &str,
) -> bool {
    let Some(present) = store.get(bucket, object::namespace(object), object::name(object)) else {
        return false;
    };
    let mut value = Value::clone(&present);
    object::remove_finalizer(&mut value, finalizer);
    let resource = world.registry.by_bucket(bucket);
    let goes = resource.is_some_and(|resource| crate::policy::delete::may_go(&resource, &value));
    store.put(bucket, value);
    if goes {
        store.remove(bucket, object::namespace(object), object::name(object));
    }
    true
}

/// Dependents forget their owner, then the owner goes.
fn orphan(store: &mut Inner, owner: &Value, all: &[(Bucket, Arc<Value>)]) -> bool {
    for (bucket, object) in all {
        let references = object::list(&object["metadata"]["ownerReferences"]);
        if !references
            .iter()
            .any(|reference| reference["uid"] == object::uid(owner))
        {
            continue;
        }
        let Some(present) = store.get(bucket, object::namespace(object), object::name(object))
        else {
            continue;
        };
        let mut value = Value::clone(&present);
        let mut rest = references.to_vec();
        rest.retain(|reference| reference["uid"] != object::uid(owner));
        object::set_metadata(&mut value, "ownerReferences", json!(rest));
        if rest.is_empty() {
            object::remove_metadata(&mut value, "ownerReferences");
        }
        store.put(bucket, value);
    }
    let Some((bucket, _)) = all
        .iter()
        .find(|(_, object)| object::uid(object) == object::uid(owner))
    else {
        return false;
    };
    let Some(present) = store.get(bucket, object::namespace(owner), object::name(owner)) else {
        return false;
    };
    let mut value = Value::clone(&present);
    object::remove_finalizer(&mut value, ORPHAN);
    let goes = object::finalizers(&value).is_empty();
    store.put(bucket, value);
    if goes {
        store.remove(bucket, object::namespace(owner), object::name(owner));
    }
    true
}

/// Deletes what is in a namespace, then the namespace. Until then its status says what keeps it, as the namespace controller 1.36 does.
fn end_namespace(
    world: &World,
    store: &mut Inner,
    namespace: &Value,
    all: &[(Bucket, Arc<Value>)],
) -> bool {
    let name = object::name(namespace);
    let mut changed = false;
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: BTreeMap<String, usize> = BTreeMap::new();
    for (bucket, object) in all
        .iter()
        .filter(|(_, object)| object::namespace(object) == name)
    {
        // A kubelet stops the pods that run, where there is one; what has never run goes at once.
        let runs = bucket.plural == "pods" && object["status"]["phase"] == "Running";
        changed |= delete(world, store, bucket, object, !runs);
        let Some(present) = store.get(bucket, name, object::name(object)) else {
            continue;
        };
        *left
            .entry(format!("{}.{}", bucket.plural, bucket.group))
            .or_default() += 1;
        for finalizer in object::finalizers(&present) {
            *kept.entry(finalizer.to_owned()).or_default() += 1;
        }
    }
    let bucket = Bucket::new("", "namespaces");
    let Some(present) = store.get(&bucket, "", name) else {
        return changed;
    };
    if !left.is_empty() {
        let conditions = remaining(&left, &kept);
        if present["status"]["conditions"] != conditions {
            let mut value = Value::clone(&present);
            value["status"]["conditions"] = conditions;
            store.put(&bucket, value);
        }
        return changed;
    }
    if object::finalizers(namespace).is_empty() {
        store.remove(&bucket, "", name);
        return true;
    }
    changed
}

/// What a namespace says that is not empty yet.
fn remaining(left: &BTreeMap<String, usize>, kept: &BTreeMap<String, usize>) -> Value {
    let list = |all: &BTreeMap<String, usize>, has: &str| {
        let all = all
            .iter()
            .map(|(what, count)| format!("{what} {has} {count} resource instances"));
        all.collect::<Vec<_>>().join(", ")
    };
    let condition = |of: &str, reason: &str, message: String| json!({ "type": of, "status": "True", "reason": reason, "message": message });
    let content = format!("Some resources are remaining: {}", list(left, "has"));
    let mut conditions = vec![condition(
        "NamespaceContentRemaining",
        "SomeResourcesRemain",
        content,
    )];
    if !kept.is_empty() {
        let finalizers = list(kept, "in");
        let message =
            format!("Some content in the namespace has finalizers remaining: {finalizers}");
        conditions.push(condition(
            "NamespaceFinalizersRemaining",
            "SomeFinalizersRemain",
            message,
        ));
    }
    json!(conditions)
}
