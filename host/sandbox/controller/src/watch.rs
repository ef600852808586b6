//! One watch per kind: it fills the cache and tells dispatch what changed.

use crate::dispatch;
use crate::kind::Kind;
use crate::object::Object;
use crate::world::World;
use futures::StreamExt;
use kube::Api;
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Follows every object of a kind for ever, and says once when it knows them. A kind that the server does not know is asked for
/// again with growing pauses; nobody waits for it.
pub(crate) async fn follow(world: Arc<World>, kind: Kind, known: oneshot::Sender<()>) {
    let mut known = Some(known);
    let api: Api<DynamicObject> = Api::all_with(world.client(), &kind.resource());
    let mut events =
        std::pin::pin!(watcher::watcher(api, watcher::Config::default()).default_backoff());
    let mut listed = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listed.clear(),
            Ok(Event::InitApply(object)) => {
                let object = to_object(kind, &object);
                listed.insert((object.namespace().to_owned(), object.name().to_owned()));
                seen(&world, kind, object);
            }
            Ok(Event::InitDone) => {
                drop_unlisted(&world, kind, &listed);
                known.take();
            }
            Ok(Event::Apply(object)) => seen(&world, kind, to_object(kind, &object)),
            Ok(Event::Delete(object)) => gone(&world, kind, &to_object(kind, &object)),
            Err(err) => {
                tracing::debug!(kind = kind.name(), %err, "watching");
                known.take();
            }
        }
    }
}

fn to_object(kind: Kind, object: &DynamicObject) -> Object {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    value["kind"] = json!(kind.name());
    value["apiVersion"] = json!(kind.api_version());
    Object(value)
}

/// Remembers first: whoever is woken reads what is remembered, at once and on another thread.
fn seen(world: &World, kind: Kind, object: Object) {
    let object = Arc::new(object);
    let before = world.remember(kind, object.clone());
    dispatch::wake(world, kind, &object, before.as_deref());
}

fn gone(world: &World, kind: Kind, object: &Object) {
    world.forget(kind, object.namespace(), object.name());
    dispatch::wake(world, kind, object, None);
}

fn drop_unlisted(world: &World, kind: Kind, listed: &BTreeSet<(String, String)>) {
    for object in world.cached_all(kind, "") {
        if !listed.contains(&(object.namespace().to_owned(), object.name().to_owned())) {
            gone(world, kind, &object);
        }
    }
}
