//! `update`: a whole object in place of another.

use super::write::{Ownership, Write};
use crate::object;
use crate::request::Request;
use crate::respond::{Answer, Reply};
use crate::route::Target;
use crate::status::ApiError;
use crate::world::World;

pub(crate) fn update(world: &World, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let mut write = Write::new(world, target, request)?;
    let value = write.decode(request.object()?)?;
    let mut store = world.store.lock();
    let Some(old) = store.get(&target.resource.bucket(), target.space(), target.name()) else {
        return Err(ApiError::not_found(&target.resource, target.name()));
    };
    if target.resource.is_custom && object::metadata(&value, "resourceVersion").is_empty() {
        return Err(ApiError::revision_required(&target.resource, target.name()));
    }
    let stored = write.update(&mut store, &old, value, Ownership::Update)?;
    Ok(Reply {
        answer: Answer::ok(stored),
        warnings: write.warnings,
    })
}

/// `PUT …/finalize`: the only way to change `spec.finalizers` of a namespace.
pub(crate) fn finalize_namespace(
    world: &World,
    target: &Target,
    request: &Request,
) -> Result<Reply, ApiError> {
    let wanted = request.object()?["spec"]["finalizers"].clone();
    let mut store = world.store.lock();
    let Some(old) = store.get(&target.resource.bucket(), "", target.name()) else {
        return Err(ApiError::not_found(&target.resource, target.name()));
    };
    let mut value = serde_json::Value::clone(&old);
    value["spec"]["finalizers"] = wanted;
    let stored = store.put(&target.resource.bucket(), value);
    world.store.announce_deletion();
    Ok(Answer::ok(stored).into())
}
