//! Sources: they fetch what has been pushed, when they are asked to.

use super::{FINALIZER, handshake, with};
use crate::dispatch::Next;
use crate::kind::Kind;
use crate::object::{Object, now};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

const MANAGER: &str = "source-controller";

/// Fetches a source when its spec changed, or somebody asks, or it has nothing yet.
pub(crate) async fn reconcile(world: &World, key: &Key) -> Result<Next> {
    let Some(source) = world.cached(key) else {
        return Ok(None);
    };
    if source.is_going() {
        if !source.has_finalizer(FINALIZER) {
            return Ok(None);
        }
        let patch = source.without_finalizer(FINALIZER);
        return world.patch(key, MANAGER, &patch).await.map(|_| None);
    }
    if source.flag("/spec/suspend") {
        return Ok(None);
    }
    let wanted = wanted_revision(world, key, &source);
    if let Some((reason, message)) =
        world
            .faults
            .broken(source.kind(), source.namespace(), source.name())
    {
        return fail(world, key, &source, &wanted, &reason, &message).await;
    }
    let settled = source.int("/status/observedGeneration") == Some(source.generation())
        && source.is_true("Ready");
    if settled && !handshake::is_pending(&source) {
        return Ok(None);
    }
    fetch(world, &source, &wanted).await?;
    Ok(None)
}

/// The revision upstream: what a test pushed, what it has, or one made up from the spec for a new source.
fn wanted_revision(world: &World, key: &Key, source: &Object) -> String {
    let pushed = (
        source.kind().to_owned(),
        key.namespace.clone(),
        key.name.clone(),
    );
    if let Some(revision) = world.memory().pushed.get(&pushed) {
        return revision.clone();
    }
    let same_spec = source.int("/status/observedGeneration") == Some(source.generation());
    if same_spec && let Some(revision) = super::revision(source) {
        return revision.to_owned();
    }
    let digest = hex::encode(Sha256::digest(source["spec"].to_string().as_bytes()));
    match key.kind {
        Kind::GitRepository => format!("refs/heads/main@sha1:{}", &digest[..40]),
        Kind::OciRepository => format!("{}@sha256:{digest}", source.text("/spec/ref/tag")),
        Kind::HelmChart => source.text("/spec/version").to_owned(),
        _ => format!("sha256:{digest}"),
    }
}

async fn fetch(world: &World, source: &Object, revision: &str) -> Result<()> {
    let message = format!("stored artifact for revision '{revision}'");
    let conditions = crate::object::without_conditions(
        source.list("/status/conditions"),
        &["Reconciling", "Stalled", "FetchFailed"],
    );
    let conditions = with(source, &conditions, "Ready", "True", "Succeeded", &message);
    let conditions = with(
        source,
        &conditions,
        "ArtifactInStorage",
        "True",
        "Succeeded",
        &message,
    );
    let mut status = json!({"observedGeneration": source.generation(), "conditions": conditions});
    if super::revision(source) != Some(revision) {
        status["artifact"] = artifact(source, revision);
    }
    handshake::acknowledge(source, &mut status);
    world.patch_status(source, MANAGER, status).await.map(drop)
}

fn artifact(source: &Object, revision: &str) -> Value {
    let digest = hex::encode(Sha256::digest(revision.as_bytes()));
    let kind = source.kind().to_lowercase();
    let path = format!(
        "{kind}/{}/{}/{}.tar.gz",
        source.namespace(),
        source.name(),
        &digest[..40]
    );
    json!({
        "revision": revision, "digest": format!("sha256:{digest}"), "lastUpdateTime": now(), "path": path, "size": 412_806,
        "url": format!("http://source-controller.flux-system.svc.cluster.local./{path}"),
    })
}

async fn fail(
    world: &World,
    key: &Key,
    source: &Object,
    wanted: &str,
    reason: &str,
    message: &str,
) -> Result<Next> {
    let period = world.options.flux_retry;
    if !handshake::is_pending(source)
        && let Some(wait) = world.attempts.wait(key, source, wanted, period)
    {
        return Ok(Some(wait));
    }
    world.attempts.note(key, source, wanted);
    let conditions = with(
        source,
        source.list("/status/conditions"),
        "FetchFailed",
        "True",
        reason,
        message,
    );
    let conditions = with(
        source,
        &conditions,
        "Reconciling",
        "True",
        "ProgressingWithRetry",
        "building artifact",
    );
    let mut status =
        json!({"conditions": with(source, &conditions, "Ready", "False", reason, message)});
    handshake::acknowledge(source, &mut status);
    world.patch_status(source, MANAGER, status).await?;
    Ok(Some(period.max(Duration::from_millis(50))))
}
