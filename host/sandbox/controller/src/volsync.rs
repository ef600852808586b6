//! VolSync: ReplicationSources and ReplicationDestinations by restic, as the operator of version 0.16 moves them.
//!
//! One state machine serves both: initial, synchronising, cleaning up. Which state an object is in is read from its status, so
//! nothing is lost when the controller restarts. Failures are never terminal: the mover's Job is deleted at its back-off limit
//! and made anew.

mod job;
mod log;
mod machine;
mod mover;
mod volume;

use crate::dispatch::Next;
use crate::object::{Object, condition, with_condition};
use crate::queue::Key;
use crate::world::{Result, World};
use jiff::Timestamp;
use machine::State;
use mover::Progress;
use serde_json::{Value, json};
use std::time::Duration;

/// The name of the operator as a field manager: that of its binary.
const MANAGER: &str = "manager";
const RETRY: Duration = Duration::from_millis(500);

/// Takes a replication object one step on.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(cached) = world.cached(key) else {
        return Ok(None);
    };
    if machine::is_idle(&cached, Timestamp::now(), world.options.schedules) {
        return Ok(next_look(world, &cached));
    }
    if machine::state(&cached) == State::Synchronizing && mover::is_running(world, &cached) {
        let syncing = machine::syncing(&cached);
        world
            .settle_status(&cached, MANAGER, json!({"conditions": syncing}))
            .await?;
        return Ok(Some(RETRY));
    }
    let Some(object) = world.get(key.kind, &key.namespace, &key.name).await? else {
        return Ok(None);
    };
    if object.is_going() || !object["spec"]["restic"].is_object() {
        return Ok(None);
    }
    match machine::state(&object) {
        State::Initial => start(world, &object).await,
        State::Synchronizing => synchronize(world, &object).await,
        State::CleaningUp => clean_up(world, &object).await,
    }
}

async fn start(world: &World, object: &Object) -> Result<Next> {
    world
        .patch_status(object, MANAGER, machine::started(object, Timestamp::now()))
        .await?;
    Ok(None)
}

async fn synchronize(world: &World, object: &Object) -> Result<Next> {
    let progress = match mover::synchronize(world, object).await {
        // What the server forbids or finds invalid goes into the condition, word for word, at each try.
        Err(err) => match err.refusal() {
            Some((403 | 422, message)) => Progress::Error(message.to_owned()),
            _ => return Err(err),
        },
        progress => progress?,
    };
    match progress {
        Progress::Waiting => {
            let syncing = machine::syncing(object);
            world
                .settle_status(object, MANAGER, json!({"conditions": syncing}))
                .await?;
            Ok(Some(RETRY))
        }
        Progress::Failing(status) => {
            world.settle_status(object, MANAGER, status).await?;
            Ok(Some(RETRY))
        }
        Progress::Error(message) => {
            world
                .settle_status(
                    object,
                    MANAGER,
                    json!({"conditions": error(object, &message)}),
                )
                .await?;
            Ok(Some(RETRY))
        }
        Progress::Complete(results) => {
            let mut status = machine::completed(object, Timestamp::now());
            crate::object::merge(&mut status, &results);
            world.patch_status(object, MANAGER, status).await?;
            Ok(None)
        }
    }
}

fn error(object: &Object, message: &str) -> Vec<Value> {
    with_condition(
        object.list("/status/conditions"),
        condition("Synchronizing", "False", "Error", message),
    )
}

async fn clean_up(world: &World, object: &Object) -> Result<Next> {
    mover::clean_up(world, object).await?;
    let now = Timestamp::now();
    if machine::should_sync(object, now, world.options.schedules) {
        return start(world, object).await;
    }
    world
        .settle_status(object, MANAGER, machine::idle(object))
        .await?;
    Ok(next_look(world, object))
}

fn next_look(world: &World, object: &Object) -> Next {
    machine::time_to_next(object, Timestamp::now()).filter(|_| world.options.schedules)
}
