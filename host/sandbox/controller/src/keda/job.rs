//! ScaledJobs: whether they are paused. No Jobs are made of them, for nothing in the home cluster waits in a queue.

use crate::dispatch::Next;
use crate::event;
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};

use super::pause::is_true;
use super::{FINALIZER, MANAGER};

/// Brings the conditions of a ScaledJob to what its annotation says: it knows `paused` and no other.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(item) = world.cached(key) else {
        return Ok(None);
    };
    if item.is_going() {
        if !item.has_finalizer(FINALIZER) {
            return Ok(None);
        }
        let patch = item.without_finalizer(FINALIZER);
        return world.patch(key, MANAGER, &patch).await.map(|_| None);
    }
    let (paused, was_paused) = (is_true(&item, "paused"), item.is_true("Paused"));
    let status = json!({"conditions": conditions(paused)});
    if world.settle_status(&item, MANAGER, status).await? && paused != was_paused {
        let (reason, message) = if paused {
            ("ScaledJobPaused", "ScaledJob is paused")
        } else {
            ("ScaledJobUnpaused", "ScaledJob is unpaused")
        };
        event::normal(world, &item, "keda-operator", reason, message);
    }
    Ok(None)
}

fn conditions(paused: bool) -> Vec<Value> {
    let one = |kind: &str, status: bool, reason: &str, message: &str| {
        let status = if status { "True" } else { "False" };
        json!({"type": kind, "status": status, "reason": reason, "message": message})
    };
    let (ready, reason, message) = if paused {
        (
            "ScaledJob is paused, skipping reconcile loop",
            "ScaledJobPaused",
            "ScaledJob is paused",
        )
    } else {
        (
            "ScaledJob is defined correctly and is ready to scaling",
            "ScaledJobUnpaused",
            "ScaledJob is unpaused",
        )
    };
    vec![
        one("Ready", true, "ScaledJobReady", ready),
        one(
            "Active",
            false,
            "ScalerNotActive",
            "Scaling is not performed because triggers are not active",
        ),
        one("Paused", paused, reason, message),
    ]
}
