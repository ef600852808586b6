//! What the testbed promises to the scenarios, each promise against the real servers.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test of a harness: it shows the start time and runs kubectl"
)]

use std::fmt::Debug;
use std::process::Command;
use std::time::{Duration, Instant};

use agent_testbed::{ADMIN, Testbed, load};
use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Node, PersistentVolume, PersistentVolumeClaim, Pod};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, LogParams, Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn testbed_keeps_its_promises() -> Result<()> {
    let testbed = Testbed::start().await?;
    println!("start time: {:.2} s", testbed.start_time().as_secs_f64());
    assert!(testbed.start_time() < Duration::from_secs(15));
    let testbed = &testbed;
    nodes_are_ready(testbed).await?;
    deployment_gets_a_ready_pod(testbed).await?;
    job_completes(testbed).await?;
    pod_that_runs_restic_ends_when_told(testbed).await?;
    claim_is_bound_and_its_volume_goes_with_it(testbed).await?;
    kustomization_is_reconciled(testbed).await?;
    limited_user_is_refused(testbed).await?;
    kubectl_works(testbed)?;
    Ok(())
}

async fn nodes_are_ready(testbed: &Testbed) -> Result<()> {
    let nodes: Api<Node> = Api::all(testbed.client());
    assert_eq!(nodes.list(&ListParams::default()).await?.items.len(), 4);
    Ok(())
}

async fn deployment_gets_a_ready_pod(testbed: &Testbed) -> Result<()> {
    let client = testbed.client();
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "app"}}, "template": template("app", "example.org/app:1")},
    });
    load(&client, &[deployment]).await?;
    let api: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let ready = |deployment: &Deployment| {
        deployment
            .status
            .clone()?
            .ready_replicas
            .filter(|count| *count == 1)
            .map(drop)
    };
    eventually(&api, "app", ready).await?;
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let pod = pods
        .list(&ListParams::default().labels("app=app"))
        .await?
        .items
        .remove(0)
        .name_any();
    assert_eq!(pods.logs(&pod, &LogParams::default()).await?, "");
    testbed.logs().set("default", &pod, "one\n").await?;
    testbed.logs().set("default", &pod, "one\ntwo\n").await?;
    assert_eq!(pods.logs(&pod, &LogParams::default()).await?, "one\ntwo\n");
    let last = LogParams {
        tail_lines: Some(1),
        ..LogParams::default()
    };
    assert_eq!(pods.logs(&pod, &last).await?, "two\n");
    let scale = json!({"spec": {"replicas": 0}});
    api.patch_scale("app", &PatchParams::default(), &Patch::Merge(scale))
        .await?;
    gone(&pods, &pod).await
}

async fn job_completes(testbed: &Testbed) -> Result<()> {
    load(&testbed.client(), &[job("plain", "example.org/tool:1")]).await?;
    let api: Api<Job> = Api::namespaced(testbed.client(), "default");
    eventually(&api, "plain", |job| {
        job.status.clone()?.completion_time.map(drop)
    })
    .await
}

async fn pod_that_runs_restic_ends_when_told(testbed: &Testbed) -> Result<()> {
    let client = testbed.client();
    load(
        &client,
        &[
            job("good", "restic/restic:0.18.1"),
            job("bad", "quay.io/backube/volsync:0.16.0"),
        ],
    )
    .await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let jobs: Api<Job> = Api::namespaced(client, "default");
    for (name, code) in [("good", 0), ("bad", 12)] {
        let pod = running_pod(&pods, name).await?;
        testbed.logs().set("default", &pod, "[]\n").await?;
        let before = jobs.get(name).await?.status.unwrap_or_default();
        assert_eq!(
            (before.succeeded, before.failed),
            (None, None),
            "{name} ended by itself"
        );
        testbed.logs().exit("default", &pod, code).await?;
        let ended = |job: &Job| {
            let status = job.status.clone()?;
            let count = if code == 0 {
                status.succeeded
            } else {
                status.failed
            };
            count.filter(|count| *count == 1).map(drop)
        };
        eventually(&jobs, name, ended).await?;
        assert_eq!(pods.logs(&pod, &LogParams::default()).await?, "[]\n");
        let exit = pods.get(&pod).await?;
        let exit = serde_json::to_value(exit.status)?["containerStatuses"][0]["state"]["terminated"]["exitCode"].clone();
        assert_eq!(exit, json!(code));
    }
    Ok(())
}

async fn claim_is_bound_and_its_volume_goes_with_it(testbed: &Testbed) -> Result<()> {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "lazy"},
        "provisioner": "csi.example.org", "volumeBindingMode": "WaitForFirstConsumer",
    });
    let claim = |name: &str, class: &str, volume: Value| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "volumeName": volume,
                     "resources": {"requests": {"storage": "5Gi"}}},
        })
    };
    let claims = [
        claim("plain", "ceph-block", Value::Null),
        claim("late", "lazy", Value::Null),
        claim("named", "ceph-block", json!("pvc-named")),
    ];
    load(&testbed.client(), &[class]).await?;
    load(&testbed.client(), &claims).await?;
    let api: Api<PersistentVolumeClaim> = Api::namespaced(testbed.client(), "default");
    let bound =
        |claim: &PersistentVolumeClaim| (claim.status.clone()?.phase? == "Bound").then_some(());
    try_join_all(["plain", "late", "named"].map(|name| eventually(&api, name, bound))).await?;
    let volumes: Api<PersistentVolume> = Api::all(testbed.client());
    api.delete("named", &DeleteParams::default()).await?;
    gone(&volumes, "pvc-named").await
}

async fn kustomization_is_reconciled(testbed: &Testbed) -> Result<()> {
    let client = testbed.client();
    let file = |text: &str| {
        (
            "apps/note.yaml".to_owned(),
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: note\ndata:\n  text: {text}\n"
            ),
        )
    };
    testbed
        .artifacts()
        .publish("flux-system", "flux-system", &[file("one")])
        .await?;
    let kustomization = json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "note", "namespace": "default"},
        "spec": {"interval": "1h", "path": "./apps", "prune": true, "targetNamespace": "default",
                 "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"}},
    });
    load(&client, &[kustomization]).await?;
    let notes: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let says = |text: &'static str| {
        move |note: &ConfigMap| (note.data.as_ref()?.get("text")? == text).then_some(())
    };
    eventually(&notes, "note", says("one")).await?;

    let revision = testbed
        .artifacts()
        .publish("flux-system", "flux-system", &[file("two")])
        .await?;
    let resource = kube::api::ApiResource::from_gvk_with_plural(
        &kube::api::GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
        "kustomizations",
    );
    let api: Api<kube::api::DynamicObject> = Api::namespaced_with(client, "default", &resource);
    let request =
        json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": "now-1"}}});
    api.patch("note", &PatchParams::default(), &Patch::Merge(request))
        .await?;
    let begin = Instant::now();
    eventually(&api, "note", |object| {
        let status = &object.data["status"];
        (status["lastHandledReconcileAt"] == "now-1"
            && status["lastAppliedRevision"] == revision.as_str())
        .then_some(())
    })
    .await?;
    println!("reconcile: {} ms", begin.elapsed().as_millis());
    eventually(&notes, "note", says("two")).await
}

async fn limited_user_is_refused(testbed: &Testbed) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(testbed.client_for("limited").await?, "default");
    let Err(kube::Error::Api(status)) = pods.list(&ListParams::default()).await else {
        bail!("the limited user may list pods");
    };
    assert_eq!(status.code, 403);
    assert!(
        status
            .message
            .contains("User \"limited\" cannot list resource \"pods\""),
        "{}",
        status.message
    );
    assert!(testbed.client_for("mallory").await.is_err());
    assert!(testbed.client_for(ADMIN).await.is_ok());
    Ok(())
}

fn kubectl_works(testbed: &Testbed) -> Result<()> {
    let output = Command::new(Testbed::kubectl()?)
        .arg("--kubeconfig")
        .arg(testbed.kubeconfig_path())
        .args(["get", "nodes", "--output", "name"])
        .output()
        .context("running kubectl")?;
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 4);
    Ok(())
}

fn template(app: &str, image: &str) -> Value {
    json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "main", "image": image}]}})
}

fn job(name: &str, image: &str) -> Value {
    let mut template = template(name, image);
    template["spec"]["restartPolicy"] = json!("Never");
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "default"},
        "spec": {"backoffLimit": 0, "template": template},
    })
}

async fn running_pod(pods: &Api<Pod>, app: &str) -> Result<String> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        for pod in pods
            .list(&ListParams::default().labels(&format!("app={app}")))
            .await?
        {
            let phase = pod
                .status
                .as_ref()
                .and_then(|status| status.phase.as_deref());
            if phase == Some("Running") {
                return Ok(pod.name_any());
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("no pod of `{app}` runs")
}

async fn eventually<K>(api: &Api<K>, name: &str, is: impl Fn(&K) -> Option<()>) -> Result<()>
where
    K: Clone + Debug + DeserializeOwned,
{
    let begin = Instant::now();
    loop {
        let object = api.get_opt(name).await?;
        if object.as_ref().and_then(&is).is_some() {
            return Ok(());
        }
        if begin.elapsed() > PATIENCE {
            bail!("`{name}` did not get there: {object:?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn gone<K>(api: &Api<K>, name: &str) -> Result<()>
where
    K: Clone + Debug + DeserializeOwned,
{
    let begin = Instant::now();
    while api.get_opt(name).await?.is_some() {
        if begin.elapsed() > PATIENCE {
            bail!("`{name}` is still there");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
