//! Containers that run: VolSync's own mover script with the real restic, and a shell that is process 1.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test looks into folders, and panics when what it stands on breaks"
)]

use std::time::{Duration, Instant};

use agent_testbed::Testbed;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, LogParams};
use kube::{Client, ResourceExt as _};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(60);

fn job(name: &str, container: Value, grace: u64) -> Value {
    let mut container = container;
    container["name"] = json!("restic");
    container["image"] = json!("quay.io/backube/volsync:0.16.0");
    container["volumeMounts"] = json!([
        {"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"},
        {"name": "share", "mountPath": "/mnt/repository"},
    ]);
    container["securityContext"] = json!({
        "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true,
    });
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "default"},
        "spec": {"backoffLimit": 0, "template": {"spec": {
            "restartPolicy": "Never", "terminationGracePeriodSeconds": grace, "containers": [container],
            "securityContext": {"runAsUser": 1000, "runAsGroup": 1000},
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "tmp", "emptyDir": {}},
                {"name": "share", "nfs": {"server": "nas", "path": "/volsync"}},
            ],
        }}},
    })
}

fn given() -> [Value; 2] {
    [
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "any", "resources": {"requests": {"storage": "1Gi"}}},
        }),
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "repository", "namespace": "default"},
            "stringData": {"RESTIC_REPOSITORY": "/mnt/repository/r", "RESTIC_PASSWORD": "secret"},
        }),
    ]
}

/// The pod of a Job, as soon as it is as wished.
async fn pod_of(client: &Client, job: &str, wished: impl Fn(&Pod) -> bool) -> Pod {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let of = ListParams::default().labels(&format!("job-name={job}"));
    let begin = Instant::now();
    loop {
        let mut found = pods.list(&of).await.unwrap().items;
        found.retain(|pod| wished(pod));
        if let Some(pod) = found.pop() {
            return pod;
        }
        assert!(begin.elapsed() < PATIENCE, "the pod of `{job}`");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn phase(pod: &Pod) -> &str {
    let phase = pod.status.as_ref().and_then(|one| one.phase.as_deref());
    phase.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_movers_are_processes_with_their_volumes() {
    let testbed = Testbed::start_with_containers().await.unwrap();
    let client = testbed.client();
    agent_testbed::load(&client, &given()).await.unwrap();
    mover_saves_what_is_on_the_claim(&testbed).await;
    shell_that_is_process_1_is_only_ended_by_the_grace_period(&testbed).await;
}

async fn mover_saves_what_is_on_the_claim(testbed: &Testbed) {
    let client = testbed.client();
    let kubelet = testbed.kubelet().unwrap();
    let data = kubelet.volume("default", "data").await.unwrap();
    std::fs::write(data.join("photo"), "of the family").unwrap();
    let mover = json!({
        "command": ["/mover-restic/entry.sh"], "args": ["backup"], "envFrom": [{"secretRef": {"name": "repository"}}],
        "env": [
            {"name": "DATA_DIR", "value": "/data"}, {"name": "RESTIC_CACHE_DIR", "value": "/tmp/cache"},
            {"name": "PRIVILEGED_MOVER", "value": "0"}, {"name": "FORGET_OPTIONS", "value": "--keep-last 1"},
        ],
    });
    agent_testbed::load(&client, &[job("backup", mover, 30)])
        .await
        .unwrap();
    let over = |pod: &Pod| ["Succeeded", "Failed"].contains(&phase(pod));
    let pod = pod_of(&client, "backup", over).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let log = pods
        .logs(&pod.name_any(), &LogParams::default())
        .await
        .unwrap();
    assert_eq!(phase(&pod), "Succeeded", "{log}");
    for said in [
        "VolSync restic container version: v0.16.0",
        "restic 0.18.1",
        " saved",
        "keep 1 snapshots:",
        "=== Done ===",
    ] {
        assert!(log.contains(said), "no `{said}` in\n{log}");
    }
    let repository = testbed.kubelet().unwrap().share("nas", "/volsync").unwrap();
    let snapshots = std::fs::read_dir(repository.join("r/snapshots")).unwrap();
    assert_eq!(snapshots.count(), 1);
    let runs = testbed.kubelet().unwrap().runs();
    assert_eq!(runs[0].arguments, ["backup"]);
    assert_eq!(runs[0].ended.unwrap().1, 0);
}

async fn shell_that_is_process_1_is_only_ended_by_the_grace_period(testbed: &Testbed) {
    let client = testbed.client();
    let shell = json!({"command": ["/bin/bash", "-c", "echo $$; sleep 300; echo not reached"]});
    agent_testbed::load(&client, &[job("stuck", shell, 2)])
        .await
        .unwrap();
    let pod = pod_of(&client, "stuck", |pod| phase(pod) == "Running").await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let begin = Instant::now();
    pods.delete(&pod.name_any(), &DeleteParams::default())
        .await
        .unwrap();
    while pods
        .get_opt(&pod.name_any())
        .await
        .unwrap()
        .is_some_and(|one| one.uid() == pod.uid())
    {
        assert!(begin.elapsed() < PATIENCE, "the pod stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = begin.elapsed();
    assert!(took > Duration::from_secs(2), "it was gone after {took:?}");
    let runs = testbed.kubelet().unwrap().runs();
    let run = runs.iter().find(|run| run.pod.1 == pod.name_any()).unwrap();
    assert_eq!(run.ended.unwrap().1, 137);
}
