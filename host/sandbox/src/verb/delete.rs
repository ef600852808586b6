//! `delete` and `deletecollection`: at once, after a grace period, or when the finalizers are done.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::object;
use crate::policy::delete::{Deletion, Options, begin};
use crate::request::Request;
use crate::resource::crd;
use crate::respond::Answer;
use crate::route::Target;
use crate::select::Selector;
use crate::status::ApiError;
use crate::store::Inner;
use crate::world::World;

pub(crate) fn delete(
    world: &World,
    target: &Target,
    request: &Request,
) -> Result<Answer, ApiError> {
    let options = Options::parse(request)?;
    let mut store = world.store.lock();
    let Some(object) = store.get(&target.resource.bucket(), target.space(), target.name()) else {
        return Err(ApiError::not_found(&target.resource, target.name()));
    };
    options.check(&target.resource, &object)?;
    let (last, gone) = delete_one(world, &mut store, target, &object, &options);
    let last = if gone { stopped(target, last) } else { last };
    if gone && !returns_object(target) {
        Ok(super::success(target, object::uid(&last)))
    } else {
        Ok(Answer::ok(last))
    }
}

/// A pod that goes at once is shown as one that was given no time.
fn stopped(target: &Target, last: Arc<Value>) -> Arc<Value> {
    if !target.resource.is("", "pods") || object::is_terminating(&last) {
        return last;
    }
    let mut value = Value::clone(&last);
    object::set_metadata(&mut value, "deletionTimestamp", json!(object::now()));
    object::set_metadata(&mut value, "deletionGracePeriodSeconds", json!(0));
    Arc::new(value)
}

/// Kinds whose deletion answers with the deleted object.
fn returns_object(target: &Target) -> bool {
    let kinds = [
        "pods",
        "services",
        "persistentvolumeclaims",
        "persistentvolumes",
        "serviceaccounts",
        "resourcequotas",
    ];
    target.resource.group.is_empty() && kinds.contains(&target.resource.plural.as_str())
}

/// Deletes `object` as far as it can be deleted now; says whether it is gone.
pub(crate) fn delete_one(
    world: &World,
    store: &mut Inner,
    target: &Target,
    object: &Arc<Value>,
    options: &Options,
) -> (Arc<Value>, bool) {
    let bucket = target.resource.bucket();
    let (space, name) = (object::namespace(object), object::name(object));
    let deletion = begin(&target.resource, object, options);
    if options.dry_run {
        return match deletion {
            Deletion::Now => (Arc::clone(object), true),
            Deletion::Later(value) => (Arc::new(value), false),
            Deletion::AlreadyUnderWay => (Arc::clone(object), false),
        };
    }
    let outcome = match deletion {
        Deletion::Now => {
            if target.resource.is("", "pods") {
                world.logs.forget(space, name);
            }
            if target.resource.is(crd::GROUP, crd::PLURAL) {
                undefine(world, store, object);
            }
            (
                store
                    .remove(&bucket, space, name)
                    .unwrap_or_else(|| Arc::clone(object)),
                true,
            )
        }
        Deletion::Later(value) => (store.put(&bucket, value), false),
        Deletion::AlreadyUnderWay => (Arc::clone(object), false),
    };
    world.store.announce_deletion();
    outcome
}

/// The objects of a kind go with its definition.
fn undefine(world: &World, store: &mut Inner, crd: &Value) {
    if let Some(resource) = world
        .registry
        .all()
        .into_iter()
        .find(|resource| crd::defines(crd, resource))
    {
        for object in store.list(&resource.bucket(), None, None) {
            store.remove(
                &resource.bucket(),
                object::namespace(&object),
                object::name(&object),
            );
        }
    }
    world.registry.undefine(crd);
}

pub(crate) fn delete_collection(
    world: &World,
    target: &Target,
    request: &Request,
) -> Result<Answer, ApiError> {
    if target.resource.namespaced && target.namespace.is_none() {
        return Err(ApiError::method_not_allowed());
    }
    let options = Options::parse(request)?;
    let selector = Selector::parse(&request.query, &target.resource, None)?;
    let mut store = world.store.lock();
    let mut items = store.list(&target.resource.bucket(), target.namespace.as_deref(), None);
    items.retain(|item| selector.matches(item));
    for item in &items {
        delete_one(world, &mut store, target, item, &options);
    }
    Ok(Answer::List {
        items,
        metadata: json!({ "resourceVersion": store.revision().to_string() }),
    })
}
