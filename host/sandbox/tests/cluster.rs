//! The home cluster as a whole.

use std::time::{Duration, Instant};

use agent_sandbox::{Cluster, ClusterOptions};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use serde_json::json;

fn kind(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

async fn count(cluster: &Cluster, kind: &ApiResource) -> usize {
    let all: Api<DynamicObject> = Api::all_with(cluster.client(), kind);
    all.list(&ListParams::default())
        .await
        .expect("a list")
        .items
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_home_is_whole_and_its_controllers_answer() {
    let cluster = Cluster::start(ClusterOptions::sandbox())
        .await
        .expect("the cluster starts");
    let kustomization = kind("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    assert_eq!(count(&cluster, &kustomization).await, 102);
    assert_eq!(
        count(
            &cluster,
            &kind("helm.toolkit.fluxcd.io", "v2", "HelmRelease")
        )
        .await,
        89
    );
    assert_eq!(
        count(
            &cluster,
            &kind("volsync.backube", "v1alpha1", "ReplicationSource")
        )
        .await,
        23
    );
    assert_eq!(
        count(&cluster, &kind("keda.sh", "v1alpha1", "ScaledObject")).await,
        12
    );

    let media: Api<DynamicObject> = Api::namespaced_with(cluster.client(), "media", &kustomization);
    let request =
        json!({ "metadata": { "annotations": { "reconcile.fluxcd.io/requestedAt": "t-1" } } });
    media
        .patch("plex", &PatchParams::default(), &Patch::Merge(request))
        .await
        .expect("annotated");
    let start = Instant::now();
    loop {
        let plex = media.get("plex").await.expect("plex");
        if plex.data["status"]["lastHandledReconcileAt"] == "t-1" {
            break;
        }
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{}",
            plex.data["status"]
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
