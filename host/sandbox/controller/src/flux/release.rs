//! HelmReleases: when a release is upgraded, how failures are counted, and what is told about it.

use super::{FINALIZER, handshake, revision, source_of, upgrade, with};
use crate::dispatch::Next;
use crate::event;
use crate::kind::Kind;
use crate::object::{Object, merge, without_conditions};
use crate::queue::Key;
use crate::world::{Result, World};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const MANAGER: &str = "helm-controller";

/// Reconciles a release when its spec, its chart or a request says so, or when it failed and may be tried again.
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
        .note(key, &item, &chart_revision(world, &item));
    run(world, &item).await
}

fn chart_revision(world: &World, item: &Object) -> String {
    let source = source_of(item)
        .and_then(|(kind, space, name)| world.cached(&Key::new(kind, &space, &name)));
    source
        .and_then(|source| revision(&source).map(str::to_owned))
        .unwrap_or_default()
}

/// The version in a chart's revision: `4.5.0@sha256:…` or `4.5.0`.
fn chart_version(revision: &str) -> &str {
    revision
        .split('@')
        .next()
        .unwrap_or_default()
        .trim_start_matches('v')
}

fn is_due(world: &World, key: &Key, item: &Object) -> bool {
    if item.is_going() {
        return item.has_finalizer(FINALIZER);
    }
    if item.flag("/spec/suspend") {
        return false;
    }
    let version = chart_revision(world, item);
    let fresh = item.int("/status/observedGeneration") == Some(item.generation())
        && (item.is_true("Ready") || item.is_true("Stalled"))
        && item.text("/status/lastAttemptedRevision") == chart_version(&version);
    handshake::is_pending(item) || (!fresh && wait(world, key, item).is_none())
}

fn wait(world: &World, key: &Key, item: &Object) -> Option<Duration> {
    if item.flag("/spec/suspend") || item.is_true("Ready") {
        return None;
    }
    world.attempts.wait(
        key,
        item,
        &chart_revision(world, item),
        world.options.flux_retry,
    )
}

/// What a reconciliation starts from.
struct Plan {
    chart: String,
    version: String,
    digest: String,
    /// Failures that count: none when spec, chart, values or a reset began anew.
    failures: i64,
    forced: bool,
    changed: bool,
}

impl Plan {
    fn of(item: &Object, revision: &str) -> Self {
        let version = chart_version(revision).to_owned();
        let digest = upgrade::digest(item);
        let known = item.text("/status/lastAttemptedConfigDigest") == digest;
        let installed = item.text("/status/history/0/status") == "deployed";
        let same_chart = item.text("/status/lastAttemptedRevision") == version;
        let same_generation =
            item.int("/status/lastAttemptedGeneration") == Some(item.generation());
        let anew = !same_generation || !same_chart || !known || handshake::resets(item);
        Self {
            chart: chart_name(item),
            failures: if anew {
                0
            } else {
                item.int("/status/failures").unwrap_or(0)
            },
            forced: handshake::forces(item),
            changed: !(known && installed && same_chart),
            version,
            digest,
        }
    }

    fn acts(&self) -> bool {
        self.forced || self.changed
    }
}

fn chart_name(item: &Object) -> String {
    let from_history = item.text("/status/history/0/chartName");
    match item.text("/spec/chart/spec/chart") {
        "" if from_history.is_empty() => item.text("/spec/chartRef/name").to_owned(),
        "" => from_history.to_owned(),
        name => name.to_owned(),
    }
}

async fn run(world: &World, item: &Object) -> Result<Next> {
    let revision = chart_revision(world, item);
    if revision.is_empty() {
        let message = "Source not ready: no artifact";
        return refuse(world, item, "SourceNotReady", message)
            .await
            .map(Some);
    }
    if let Some(message) = unready_dependency(world, item).await? {
        return refuse(world, item, "DependencyNotReady", &message)
            .await
            .map(Some);
    }
    if let Some(message) = missing_values(world, item).await? {
        return refuse_early(world, item, "ValuesError", &message)
            .await
            .map(Some);
    }
    let plan = Plan::of(item, &revision);
    let retries = item.int("/spec/upgrade/remediation/retries").unwrap_or(0);
    if plan.acts() && !plan.forced && retries >= 0 && plan.failures > retries {
        return stall(world, item).await.map(|()| None);
    }
    if !plan.acts() {
        if item["spec"]["driftDetection"]["mode"] == "enabled" {
            upgrade::apply(world, item).await?;
        }
        return succeed(world, item, &plan, None).await.map(|()| None);
    }
    let Some(item) = announce(world, item, &plan).await? else {
        return Ok(None);
    };
    match upgrade::run(world, &item).await? {
        Ok(()) => {
            let Some(now) = world
                .get(Kind::HelmRelease, item.namespace(), item.name())
                .await?
            else {
                return Ok(None);
            };
            let made = upgrade::history(&now, &plan.chart, &plan.version, &plan.digest);
            succeed(world, &now, &plan, Some(made)).await.map(|()| None)
        }
        Err(message) => {
            let Some(now) = world
                .get(Kind::HelmRelease, item.namespace(), item.name())
                .await?
            else {
                return Ok(None);
            };
            fail(world, &now, &plan, &message).await.map(Some)
        }
    }
}

async fn unready_dependency(world: &World, item: &Object) -> Result<Option<String>> {
    for dependency in item.list("/spec/dependsOn") {
        let name = dependency["name"].as_str().unwrap_or_default();
        let space = dependency["namespace"].as_str().unwrap_or(item.namespace());
        let found = world.get(Kind::HelmRelease, space, name).await?;
        if !found.is_some_and(|found| {
            found.int("/status/observedGeneration") == Some(found.generation())
                && found.is_true("Ready")
        }) {
            return Ok(Some(format!("dependency '{space}/{name}' is not ready")));
        }
    }
    Ok(None)
}

/// The words of helm-controller 1.6 for values that are to come from a Secret that does not exist.
async fn missing_values(world: &World, item: &Object) -> Result<Option<String>> {
    for from in item.list("/spec/valuesFrom") {
        let name = from["name"].as_str().unwrap_or_default();
        if from["kind"] != "Secret" || from["optional"] == true {
            continue;
        }
        if world
            .get(Kind::Secret, item.namespace(), name)
            .await?
            .is_none()
        {
            let key = from["valuesKey"].as_str().unwrap_or("values.yaml");
            return Ok(Some(format!(
                "could not resolve Secret chart values reference '{}/{name}' with key '{key}': secrets \"{name}\" not found",
                item.namespace()
            )));
        }
    }
    Ok(None)
}

fn acknowledged(item: &Object, mut status: Value) -> Value {
    handshake::acknowledge(item, &mut status);
    handshake::consume(item, &mut status);
    status
}

async fn refuse(world: &World, item: &Object, reason: &str, message: &str) -> Result<Duration> {
    let retrying = ("ProgressingWithRetry", "retrying");
    refuse_with(world, item, (reason, message), retrying).await
}

/// What fails before Helm is at work leaves `Reconciling` as it was at the beginning.
async fn refuse_early(
    world: &World,
    item: &Object,
    reason: &str,
    message: &str,
) -> Result<Duration> {
    let begun = ("Progressing", "Fulfilling prerequisites");
    refuse_with(world, item, (reason, message), begun).await
}

async fn refuse_with(
    world: &World,
    item: &Object,
    (reason, message): (&str, &str),
    (progress, note): (&str, &str),
) -> Result<Duration> {
    let conditions = with(
        item,
        item.list("/status/conditions"),
        "Reconciling",
        "True",
        progress,
        note,
    );
    let conditions = with(item, &conditions, "Ready", "False", reason, message);
    world
        .patch_status(
            item,
            MANAGER,
            acknowledged(item, json!({"conditions": conditions})),
        )
        .await?;
    Ok(world.options.flux_retry)
}

async fn stall(world: &World, item: &Object) -> Result<()> {
    let message = "Failed to upgrade: retries exhausted";
    let conditions = without_conditions(item.list("/status/conditions"), &["Reconciling"]);
    let conditions = with(
        item,
        &conditions,
        "Stalled",
        "True",
        "RetriesExceeded",
        message,
    );
    let mut status = json!({"conditions": conditions, "observedGeneration": item.generation()});
    if item
        .condition("Ready")
        .is_none_or(|ready| ready["status"] != "False")
    {
        status["conditions"] = json!(with(
            item,
            &conditions,
            "Ready",
            "False",
            "RetriesExceeded",
            message
        ));
    }
    world
        .settle_status(item, MANAGER, acknowledged(item, status))
        .await
        .map(drop)
}

async fn announce(world: &World, item: &Object, plan: &Plan) -> Result<Option<Object>> {
    let action = if item.list("/status/history").is_empty() {
        "install"
    } else {
        "upgrade"
    };
    let message = format!(
        "Running '{action}' action with timeout of {}",
        upgrade::timeout_text(item)
    );
    let conditions = without_conditions(item.list("/status/conditions"), &["Stalled"]);
    let conditions = with(
        item,
        &conditions,
        "Reconciling",
        "True",
        "Progressing",
        &message,
    );
    let conditions = with(
        item,
        &conditions,
        "Ready",
        "Unknown",
        "Progressing",
        &message,
    );
    let status = json!({
        "conditions": conditions, "lastAttemptedRevision": plan.version, "lastAttemptedConfigDigest": plan.digest,
        "lastAttemptedGeneration": item.generation(), "lastAttemptedReleaseAction": action,
    });
    world.patch_status(item, MANAGER, status).await
}

async fn succeed(world: &World, item: &Object, plan: &Plan, made: Option<Value>) -> Result<()> {
    let history = made
        .clone()
        .unwrap_or_else(|| item["status"]["history"].clone());
    let latest = &history[0];
    let first = history.as_array().is_some_and(|all| all.len() == 1) && latest["version"] == 1;
    let (reason, verb) = if first {
        ("InstallSucceeded", "install")
    } else {
        ("UpgradeSucceeded", "upgrade")
    };
    let message = format!(
        "Helm {verb} succeeded for release {}/{}.v{} with chart {}@{}",
        item.namespace(),
        item.name(),
        latest["version"],
        plan.chart,
        plan.version,
    );
    let conditions = without_conditions(
        item.list("/status/conditions"),
        &["Reconciling", "Stalled", "Remediated"],
    );
    let conditions = with(item, &conditions, "Ready", "True", reason, &message);
    let conditions = with(item, &conditions, "Released", "True", reason, &message);
    let mut status = json!({
        "conditions": conditions, "observedGeneration": item.generation(), "history": history,
        "lastAttemptedGeneration": item.generation(), "lastAttemptedRevision": plan.version,
        "lastAttemptedConfigDigest": plan.digest, "storageNamespace": item.namespace(),
        "failures": Value::Null, "installFailures": Value::Null, "upgradeFailures": Value::Null,
    });
    if let Some((Kind::HelmChart, space, name)) = source_of(item) {
        status["helmChart"] = json!(format!("{space}/{name}"));
    }
    world
        .patch_status(item, MANAGER, acknowledged(item, status))
        .await?;
    if made.is_some() {
        event::normal(world, item, MANAGER, reason, &message);
    }
    Ok(())
}

async fn fail(world: &World, item: &Object, plan: &Plan, why: &str) -> Result<Duration> {
    let message = format!(
        "Helm upgrade failed for release {}/{} with chart {}@{}: {why}",
        item.namespace(),
        item.name(),
        plan.chart,
        plan.version,
    );
    let conditions = with(
        item,
        item.list("/status/conditions"),
        "Released",
        "False",
        "UpgradeFailed",
        &message,
    );
    let conditions = with(
        item,
        &conditions,
        "Ready",
        "False",
        "UpgradeFailed",
        &message,
    );
    let conditions = with(
        item,
        &conditions,
        "Reconciling",
        "True",
        "ProgressingWithRetry",
        "retrying",
    );
    let mut history = item["status"]["history"].clone();
    merge(&mut history[0], &json!({"status": "failed"}));
    let failures = plan.failures + 1;
    let status = json!({
        "conditions": conditions, "failures": failures, "upgradeFailures": failures, "history": history,
    });
    world
        .patch_status(item, MANAGER, acknowledged(item, status))
        .await?;
    event::warning(world, item, MANAGER, "UpgradeFailed", &message);
    Ok(world.options.flux_retry)
}

/// A release that goes takes what it installed with it, unless it is suspended.
async fn finalize(world: &World, key: &Key, item: &Object) -> Result<()> {
    if !item.flag("/spec/suspend") {
        upgrade::uninstall(world, item).await?;
    }
    world
        .patch(key, MANAGER, &item.without_finalizer(FINALIZER))
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(status: Value) -> Object {
        Object(json!({
            "kind": "HelmRelease", "metadata": {"name": "plex", "namespace": "media", "generation": 4},
            "spec": {"chartRef": {"kind": "OCIRepository", "name": "plex"}, "values": {"a": 1}}, "status": status,
        }))
    }

    fn settled() -> Value {
        let digest = upgrade::digest(&release(json!({})));
        json!({
            "lastAttemptedConfigDigest": digest, "lastAttemptedRevision": "4.5.0", "lastAttemptedGeneration": 4,
            "history": [{"status": "deployed"}], "failures": 3,
        })
    }

    #[test]
    fn a_release_in_sync_does_not_act() {
        let plan = Plan::of(&release(settled()), "4.5.0@sha256:abc");
        assert!(!plan.acts());
        assert_eq!(plan.failures, 3);
    }

    #[test]
    fn another_chart_values_or_a_failed_release_act() {
        assert!(Plan::of(&release(settled()), "4.6.0@sha256:abc").acts());
        let mut other = settled();
        other["lastAttemptedConfigDigest"] = json!("sha256:other");
        assert!(Plan::of(&release(other), "4.5.0").acts());
        let mut failed = settled();
        failed["history"][0]["status"] = json!("failed");
        assert!(Plan::of(&release(failed), "4.5.0").acts());
    }

    #[test]
    fn a_new_generation_forgets_failures_and_does_not_act() {
        let mut resumed = settled();
        resumed["lastAttemptedGeneration"] = json!(2);
        let plan = Plan::of(&release(resumed), "4.5.0");
        assert_eq!((plan.failures, plan.acts()), (0, false));
    }
}
