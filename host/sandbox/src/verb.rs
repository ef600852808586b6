//! The verbs: one file each, every one a transaction on the store.
//!
//! A verb gets a request whose sender may make it, and returns an answer or a refusal. It never waits: what takes time, like a
//! watch, is returned as a stream.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod eviction;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod patch;
pub(crate) mod scale;
pub(crate) mod update;
pub(crate) mod watch;
pub(crate) mod write;

use std::sync::Arc;

use crate::request::Request;
use crate::respond::accept::Accept;
use crate::respond::{Answer, Reply};
use crate::route::Target;
use crate::status::ApiError;
use crate::world::World;

/// Does what `request` asks of `target`.
pub(crate) fn dispatch(
    world: &Arc<World>,
    target: &Target,
    request: &Request,
    accept: &Accept,
) -> Result<Reply, ApiError> {
    if let Some(sub) = target.sub.as_deref()
        && sub != "status"
    {
        return subresource(world, target, request, sub);
    }
    let verb = target.verb(&request.method, &request.query);
    if !target.resource.verbs.contains(&verb)
        || target.is_status() && !has_status_verb(target, verb)
    {
        return Err(if target.is_status() {
            ApiError::no_such_path()
        } else {
            ApiError::method_not_allowed()
        });
    }
    match verb {
        "get" => get::get(world, target).map(Reply::from),
        "list" => list::list(world, target, request).map(Reply::from),
        "watch" => watch::watch(world, target, request, accept).map(Reply::from),
        "create" => create::create(world, target, request),
        "update" => update::update(world, target, request),
        "patch" => patch::patch(world, target, request),
        "delete" => delete::delete(world, target, request).map(Reply::from),
        _ => delete::delete_collection(world, target, request).map(Reply::from),
    }
}

fn has_status_verb(target: &Target, verb: &str) -> bool {
    target.resource.has_status && ["get", "update", "patch"].contains(&verb)
}

fn subresource(
    world: &Arc<World>,
    target: &Target,
    request: &Request,
    sub: &str,
) -> Result<Reply, ApiError> {
    let method = request.method.as_str();
    match (target.resource.plural.as_str(), sub, method) {
        (_, "scale", _) if target.resource.scale.is_some() => scale::scale(world, target, request),
        ("pods", "log", "GET") => log::read(world, target, request).map(Reply::from),
        ("pods", "log", "PUT" | "POST") => log::write(world, target, request).map(Reply::from),
        ("pods", "eviction", "POST") => eviction::evict(world, target, request).map(Reply::from),
        ("pods", "exec" | "attach" | "portforward", _) => Err(not_here(sub)),
        ("namespaces", "finalize", "PUT") => update::finalize_namespace(world, target, request),
        _ => Err(ApiError::no_such_path()),
    }
}

fn not_here(sub: &str) -> ApiError {
    ApiError::new(
        501,
        "NotImplemented",
        format!("pods/{sub} is not served: the sandbox runs no containers"),
    )
}

/// The object that `target` names.
pub(crate) fn current(world: &World, target: &Target) -> Result<Arc<serde_json::Value>, ApiError> {
    let found = world
        .store
        .lock()
        .get(&target.resource.bucket(), target.space(), target.name());
    found.ok_or_else(|| ApiError::not_found(&target.resource, target.name()))
}

pub(crate) fn success(target: &Target, uid: &str) -> Answer {
    let mut details =
        serde_json::json!({ "name": target.name(), "kind": target.resource.plural, "uid": uid });
    if !target.resource.group.is_empty() {
        details["group"] = serde_json::json!(target.resource.group);
    }
    Answer::json(serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    }))
}
