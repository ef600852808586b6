//! `patch`: a change of an object, in one of four languages.

use std::sync::Arc;

use serde_json::Value;

use super::write::{Ownership, Write};
use crate::object;
use crate::patch::{apply, json, strategic};
use crate::request::Request;
use crate::respond::{Answer, Reply};
use crate::route::Target;
use crate::status::{ApiError, Cause};
use crate::world::World;

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

pub(crate) fn patch(world: &World, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    match request.content_type() {
        APPLY => applied(world, target, request),
        JSON | MERGE => patched(world, target, request),
        STRATEGIC if !target.resource.is_custom => patched(world, target, request),
        _ if target.resource.is_custom => {
            Err(ApiError::unsupported_media_type(&[JSON, MERGE, APPLY]))
        }
        _ => Err(ApiError::unsupported_media_type(&[
            JSON, MERGE, STRATEGIC, APPLY,
        ])),
    }
}

fn patched(world: &World, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    let mut write = Write::new(world, target, request)?;
    let mut store = world.store.lock();
    let Some(old) = store.get(&target.resource.bucket(), target.space(), target.name()) else {
        return Err(ApiError::not_found(&target.resource, target.name()));
    };
    let old = crate::respond::versioned(&old, &target.resource);
    let value = change(target, request, &old)?;
    let value = write
        .decode(value.clone())
        .map_err(|err| undecodable(&value, err))?;
    let stored = write.update(&mut store, &old, value, Ownership::Update)?;
    Ok(Reply {
        answer: Answer::ok(stored),
        warnings: write.warnings,
    })
}

/// A patch that makes no object of the kind is an invalid patch, not an invalid object.
fn undecodable(patched: &Value, err: ApiError) -> ApiError {
    if err.code != 400 {
        return err;
    }
    let why = err
        .message
        .split_once(": ")
        .map_or(err.message.as_str(), |(_, why)| why);
    let cause = Cause::invalid("patch", &Value::from(patched.to_string()), why);
    ApiError::invalid_patch(&cause)
}

fn change(target: &Target, request: &Request, old: &Arc<Value>) -> Result<Value, ApiError> {
    let patch = parse(request)?;
    let mut value = Value::clone(old);
    match request.content_type() {
        JSON => json::patch(&mut value, &patch)?,
        MERGE => json_patch::merge(&mut value, &patch),
        _ => strategic::patch(target.resource.schema(), &mut value, &patch)?,
    }
    Ok(value)
}

fn parse(request: &Request) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_slice(&request.body)
        .map_err(|err| ApiError::bad_request(format!("error decoding patch: {err}")))?;
    let is_list = request.content_type() == JSON;
    if is_list != value.is_array() {
        let wanted = if is_list {
            "a list of operations"
        } else {
            "an object"
        };
        return Err(ApiError::bad_request(format!(
            "error decoding patch: json: the patch is not {wanted}"
        )));
    }
    Ok(value)
}

fn applied(world: &World, target: &Target, request: &Request) -> Result<Reply, ApiError> {
    if request.query.get("fieldManager").is_none() {
        return Err(apply::manager_required());
    }
    let mut write = Write::new(world, target, request)?;
    let mut config = write.decode(request.yaml()?)?;
    apply::check(target, &config)?;
    object::set_metadata(&mut config, "name", Value::from(target.name()));
    if target.resource.namespaced {
        object::set_metadata(&mut config, "namespace", Value::from(target.space()));
    }
    let force = request.query.is_true("force");
    let mut store = world.store.lock();
    let Some(old) = store.get(&target.resource.bucket(), target.space(), target.name()) else {
        if target.is_status() {
            return Err(ApiError::not_found(&target.resource, target.name()));
        }
        let outcome = apply::apply(target, &write.manager, None, &config, force)?;
        let stored = write.create(
            &mut store,
            outcome.object,
            Ownership::Computed(outcome.managed),
        )?;
        return Ok(Reply {
            answer: Answer::Object {
                code: 201,
                object: stored,
            },
            warnings: write.warnings,
        });
    };
    let old = crate::respond::versioned(&old, &target.resource);
    let outcome = apply::apply(target, &write.manager, Some(&old), &config, force)?;
    let stored = write.update(
        &mut store,
        &old,
        outcome.object,
        Ownership::Computed(outcome.managed),
    )?;
    Ok(Reply {
        answer: Answer::ok(stored),
        warnings: write.warnings,
    })
}
