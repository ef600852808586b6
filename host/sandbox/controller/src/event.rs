//! Events: what `kubectl get events` and `kubectl describe` tell about what a controller did.

use crate::kind::Kind;
use crate::object::{Object, now};
use crate::world::World;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Events on their way.
pub(crate) struct Outbox {
    sender: UnboundedSender<(String, Value)>,
    receiver: Mutex<Option<UnboundedReceiver<(String, Value)>>>,
}

impl Default for Outbox {
    fn default() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
        }
    }
}

impl Outbox {
    fn send(&self, event: (String, Value)) {
        if self.sender.send(event).is_err() {
            tracing::debug!("nobody writes events any more");
        }
    }
}

/// Writes the events for ever. One that cannot be written is dropped, as the real recorders do.
pub(crate) async fn deliver(world: Arc<World>) {
    let taken = world
        .events
        .receiver
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(mut events) = taken else { return };
    while let Some((manager, event)) = events.recv().await {
        if let Err(err) = world.create(Kind::Event, &manager, event).await {
            tracing::debug!(%err, "recording an event");
        }
    }
}

static COUNT: AtomicU64 = AtomicU64::new(1);

/// Records an event about an object, without waiting for it.
fn record(world: &World, about: &Object, source: &str, kind: &str, reason: &str, message: &str) {
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let stamp = jiff::Timestamp::now().as_nanosecond() as u64;
    let space = if about.namespace().is_empty() {
        "default"
    } else {
        about.namespace()
    };
    let time = now();
    let event = json!({
        "metadata": {"name": format!("{}.{:x}", about.name(), stamp.wrapping_add(count)), "namespace": space},
        "involvedObject": {
            "apiVersion": about["apiVersion"], "kind": about["kind"], "name": about.name(), "uid": about.uid(),
            "namespace": about["metadata"]["namespace"], "resourceVersion": about["metadata"]["resourceVersion"],
        },
        "type": kind, "reason": reason, "message": message, "source": {"component": source}, "count": 1,
        "firstTimestamp": time, "lastTimestamp": time, "reportingComponent": source, "reportingInstance": "",
    });
    world.events.send((source.to_owned(), event));
}

/// A normal event.
pub(crate) fn normal(world: &World, about: &Object, source: &str, reason: &str, message: &str) {
    record(world, about, source, "Normal", reason, message);
}

/// A warning.
pub(crate) fn warning(world: &World, about: &Object, source: &str, reason: &str, message: &str) {
    record(world, about, source, "Warning", reason, message);
}
