//! The home cluster on the real control plane: every definition, object and Kustomization of it is accepted and applied.
#![expect(
    clippy::print_stdout,
    reason = "a test of a harness: it shows how long loading takes"
)]

use std::time::{Duration, Instant};

use agent_sandbox_controller::{Controllers, Options};
use agent_testbed::Testbed;
use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn home_cluster_is_applied_by_the_real_kustomize_controller() -> Result<()> {
    let testbed = Testbed::start().await?;
    let begin = Instant::now();
    testbed.load_home().await?;
    println!(
        "home cluster: applied after {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let client = testbed.client();
    let kind = resource("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
    let all = all.list(&ListParams::default()).await?;
    assert_eq!(all.items.len(), 102);
    let kind = resource("helm.toolkit.fluxcd.io", "v2", "HelmRelease");
    let releases: Api<DynamicObject> = Api::namespaced_with(client.clone(), "media", &kind);
    let plex = releases.get("plex").await?;
    let labels = plex.metadata.labels.unwrap_or_default();
    assert_eq!(
        labels
            .get("kustomize.toolkit.fluxcd.io/name")
            .map(String::as_str),
        Some("plex")
    );
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    for claim in claims.list(&ListParams::default()).await? {
        let phase = claim.status.and_then(|status| status.phase);
        assert_eq!(phase.as_deref(), Some("Bound"), "{:?}", claim.metadata.name);
    }
    let pods: Api<Pod> = Api::namespaced(client, "media");
    assert!(!pods.list(&ListParams::default()).await?.items.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_the_home_cluster_is_there_sooner() -> Result<()> {
    let testbed = Testbed::start().await?;
    let begin = Instant::now();
    testbed.load_apps(&["plex"]).await?;
    println!(
        "one app: applied after {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    let sources: Api<DynamicObject> = Api::namespaced_with(
        testbed.client(),
        "media",
        &resource("volsync.backube", "v1alpha1", "ReplicationSource"),
    );
    let names: Vec<_> = sources
        .list(&ListParams::default())
        .await?
        .into_iter()
        .filter_map(|source| source.metadata.name)
        .collect();
    assert_eq!(names, ["plex"]);
    assert!(testbed.load_apps(&["plexx"]).await.is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volsync_is_played_on_the_real_control_plane() -> Result<()> {
    let testbed = Testbed::start().await?;
    testbed.load_apps(&["plex"]).await?;
    let options = Options::testbed(testbed.logs().sink());
    let _controllers = Controllers::start(testbed.client(), options);
    let sources: Api<DynamicObject> = Api::namespaced_with(
        testbed.client(),
        "media",
        &resource("volsync.backube", "v1alpha1", "ReplicationSource"),
    );
    let begin = Instant::now();
    let trigger = json!({"spec": {"trigger": {"manual": "once"}}});
    sources
        .patch("plex", &PatchParams::default(), &Patch::Merge(trigger))
        .await?;
    loop {
        let status = sources.get("plex").await?.data["status"].clone();
        if status["lastManualSync"] == "once" {
            assert_eq!(
                status["latestMoverStatus"]["result"], "Successful",
                "{status}"
            );
            break;
        }
        ensure!(
            begin.elapsed() < Duration::from_secs(60),
            "no snapshot was made: {status}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "snapshot: made after {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    let plural = format!("{}s", kind.to_lowercase());
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural)
}
