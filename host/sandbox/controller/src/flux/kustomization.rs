//! Kustomizations: dependencies, apply, and what is told about it.

use super::{FINALIZER, handshake, revision, source_of, with};
use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::{Object, without_conditions};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::time::Duration;

const MANAGER: &str = "kustomize-controller";

/// Reconciles a Kustomization when its spec, its source or a request says so, or when it failed and it is time.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(cached) = world.cached(key) else {
        return Ok(None);
    };
    if !is_due(world, key, &cached) {
        return Ok(wait(world, key, &cached));
    }
    let Some(item) = world.get(key.kind, &key.namespace, &key.name).await? else {
        return Ok(None);
    };
    if item.is_going() {
        return finalize(world, key, &item).await.map(|()| None);
    }
    if item.flag("/spec/suspend") || !is_due(world, key, &item) {
        return Ok(None);
    }
    world
        .attempts
        .note(key, &item, &source_revision(world, &item));
    let item = progress(world, item).await?;
    let Some(item) = item else { return Ok(None) };
    match apply(world, &item).await? {
        Ok(revision) => succeed(world, &item, &revision).await.map(|()| None),
        Err((reason, message)) => fail(world, &item, reason, &message).await.map(Some),
    }
}

fn source_revision(world: &World, item: &Object) -> String {
    let source = source_of(item)
        .and_then(|(kind, space, name)| world.cached(&Key::new(kind, &space, &name)));
    source
        .and_then(|source| revision(&source).map(str::to_owned))
        .unwrap_or_default()
}

fn is_due(world: &World, key: &Key, item: &Object) -> bool {
    if item.is_going() {
        return item.has_finalizer(FINALIZER);
    }
    if item.flag("/spec/suspend") {
        return false;
    }
    let revision = source_revision(world, item);
    let fresh = item.int("/status/observedGeneration") == Some(item.generation())
        && item.is_true("Ready")
        && item.text("/status/lastAppliedRevision") == revision;
    handshake::is_pending(item) || (!fresh && wait(world, key, item).is_none())
}

/// How long until one that has just failed is tried again.
fn wait(world: &World, key: &Key, item: &Object) -> Option<Duration> {
    if item.flag("/spec/suspend") || item.is_true("Ready") {
        return None;
    }
    world.attempts.wait(
        key,
        item,
        &source_revision(world, item),
        world.options.flux_retry,
    )
}

async fn progress(world: &World, item: Object) -> Result<Option<Object>> {
    let message = "Reconciliation in progress";
    let reconciling = "Fetching manifests and building the Kustomization";
    let conditions = with(
        &item,
        item.list("/status/conditions"),
        "Reconciling",
        "True",
        "Progressing",
        reconciling,
    );
    let conditions = with(
        &item,
        &conditions,
        "Ready",
        "Unknown",
        "Progressing",
        message,
    );
    world
        .patch_status(&item, MANAGER, json!({"conditions": conditions}))
        .await
}

type Applied = std::result::Result<String, (&'static str, String)>;

async fn apply(world: &World, item: &Object) -> Result<Applied> {
    let revision = source_revision(world, item);
    if revision.is_empty() {
        return Ok(Err((
            "ArtifactFailed",
            "Source artifact not found, retrying in 30s".to_owned(),
        )));
    }
    if let Some(message) = unready_dependency(world, item).await? {
        return Ok(Err(("DependencyNotReady", message)));
    }
    if let Some((reason, message)) =
        world
            .faults
            .broken("Kustomization", item.namespace(), item.name())
    {
        return Ok(Err((known_reason(&reason), message)));
    }
    for entry in item.list("/status/inventory/entries") {
        if let Some(key) = inventory_key(entry) {
            super::applied::restore(world, &key).await?;
        }
    }
    Ok(Ok(revision))
}

fn known_reason(reason: &str) -> &'static str {
    const REASONS: [&str; 6] = [
        "ArtifactFailed",
        "BuildFailed",
        "HealthCheckFailed",
        "PruneFailed",
        "DependencyNotReady",
        "HealthCheckCanceled",
    ];
    REASONS
        .into_iter()
        .find(|known| *known == reason)
        .unwrap_or("ReconciliationFailed")
}

/// The object that an inventory entry names, when the controllers watch its kind.
fn inventory_key(entry: &Value) -> Option<Key> {
    let mut parts = entry["id"].as_str()?.rsplitn(3, '_');
    let (kind, _group, place) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = place.split_once('_')?;
    Some(Key::new(Kind::named(kind)?, namespace, name))
}

async fn unready_dependency(world: &World, item: &Object) -> Result<Option<String>> {
    for dependency in item.list("/spec/dependsOn") {
        let name = dependency["name"].as_str().unwrap_or_default();
        let space = dependency["namespace"].as_str().unwrap_or(item.namespace());
        let found = world.get(Kind::Kustomization, space, name).await?;
        let ready = found.as_ref().is_some_and(|found| {
            let current = source_of(found) != source_of(item)
                || found.text("/status/lastAppliedRevision") == source_revision(world, found);
            found.int("/status/observedGeneration") == Some(found.generation())
                && found.is_true("Ready")
                && current
        });
        if !ready {
            return Ok(Some(match found {
                Some(_) => format!("dependency '{space}/{name}' is not ready"),
                None => format!("dependency '{space}/{name}' not found"),
            }));
        }
    }
    Ok(None)
}

async fn succeed(world: &World, item: &Object, revision: &str) -> Result<()> {
    let message = format!("Applied revision: {revision}");
    let conditions =
        without_conditions(item.list("/status/conditions"), &["Reconciling", "Stalled"]);
    let conditions = with(
        item,
        &conditions,
        "Ready",
        "True",
        "ReconciliationSucceeded",
        &message,
    );
    let mut status = json!({
        "observedGeneration": item.generation(), "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
        "conditions": conditions,
    });
    handshake::acknowledge(item, &mut status);
    world.patch_status(item, MANAGER, status).await?;
    event::normal(
        world,
        item,
        MANAGER,
        "ReconciliationSucceeded",
        &format!("Reconciliation finished, {message}"),
    );
    Ok(())
}

/// A failure keeps `observedGeneration` and leaves `Reconciling` standing: nobody may take it for the end.
async fn fail(world: &World, item: &Object, reason: &str, message: &str) -> Result<Duration> {
    let retrying = "Detected drift, retrying";
    let conditions = with(
        item,
        item.list("/status/conditions"),
        "Reconciling",
        "True",
        "ProgressingWithRetry",
        retrying,
    );
    let conditions = with(item, &conditions, "Ready", "False", reason, message);
    let mut status = json!({"conditions": conditions});
    let revision = source_revision(world, item);
    if !revision.is_empty() && reason != "DependencyNotReady" {
        status["lastAttemptedRevision"] = json!(revision);
    }
    handshake::acknowledge(item, &mut status);
    world.patch_status(item, MANAGER, status).await?;
    event::warning(world, item, MANAGER, reason, message);
    Ok(world.options.flux_retry)
}

/// A Kustomization that goes takes what it applied with it, unless it is suspended or does not prune.
async fn finalize(world: &World, key: &Key, item: &Object) -> Result<()> {
    if item.flag("/spec/prune") && !item.flag("/spec/suspend") {
        for entry in item.list("/status/inventory/entries") {
            if let Some(owned) = inventory_key(entry) {
                world.delete(&owned, None).await?;
            }
        }
    }
    world
        .patch(key, MANAGER, &item.without_finalizer(FINALIZER))
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_entry_names_an_object() {
        let key = inventory_key(
            &json!({"id": "media_plex_helm.toolkit.fluxcd.io_HelmRelease", "v": "v2"}),
        )
        .unwrap();
        assert_eq!(key, Key::new(Kind::HelmRelease, "media", "plex"));
        let claim = inventory_key(&json!({"id": "media_plex__PersistentVolumeClaim"})).unwrap();
        assert_eq!(
            claim,
            Key::new(Kind::PersistentVolumeClaim, "media", "plex")
        );
        assert_eq!(
            inventory_key(&json!({"id": "media_x_external-secrets.io_ExternalSecret"})),
            None
        );
    }
}
