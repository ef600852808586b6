//! VolSync as a whole: found, suspended and resumed, listed; and restores that meet the cluster's own refusals.

use serde_json::{Value, json};

use super::agent::Agent;
use super::kind::{DEPLOYMENT, HELM_RELEASE, KUSTOMIZATION};
use super::scenario::scenarios;
use super::world::World;
use agent_testbed::fault::{Fault, Kind as FaultKind};

scenarios![
    volsync_gets_back_the_replicas_that_it_had,
    resume_goes_on_after_a_failure_and_reports_it,
    volsync_is_found_wherever_it_is_installed,
];

/// Where the home has VolSync.
const HOME: (&str, &str) = ("volsync-system", "volsync");

async fn deployment(world: &World) -> Value {
    world.get(DEPLOYMENT, HOME.0, HOME.1).await
}

async fn scale(world: &World, replicas: i64) {
    let change = json!({"spec": {"replicas": replicas}});
    world.merge(DEPLOYMENT, HOME.0, HOME.1, change).await;
    world
        .until("VolSync has its pods", || async {
            deployment(world).await["status"]["readyReplicas"] == replicas
        })
        .await;
}

async fn volsync_gets_back_the_replicas_that_it_had(world: &World) {
    let _alone = world.exclusive().await;
    scale(world, 2).await;
    let agent = world.agent();
    // The second time there is nothing to note, and what was noted stays.
    for _ in 0..2 {
        let ran = agent.run("run volsync.suspend --yes").await.exits(0);
        let down = deployment(world).await;
        assert_eq!(down["spec"]["replicas"], 0, "{ran}");
        assert_eq!(down["metadata"]["annotations"]["agent.ops/replicas"], "2");
    }
    let ran = agent.run("run volsync.resume --yes").await.exits(0);
    let up = deployment(world).await;
    assert_eq!(up["spec"]["replicas"], 2, "{ran}");
    let noted = &up["metadata"]["annotations"]["agent.ops/replicas"];
    assert!(noted.is_null(), "{ran}");
    scale(world, 1).await;
    world.settle().await;
}

async fn resume_goes_on_after_a_failure_and_reports_it(world: &World) {
    let _alone = world.exclusive().await;
    let get = |kind| world.get(kind, HOME.0, HOME.1);
    let proxy = world.proxy();
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    agent.run("run volsync.suspend --yes").await.exits(0);
    proxy.plan(
        Fault::at(1, FaultKind::Answer(403))
            .only(|request| request.method == "PATCH" && request.path.contains("/helmreleases/")),
    );
    let line = "run volsync.resume --yes -o json";
    let ran = agent.run(line).await.exits(1);
    let rows = ran.value();
    let results: Vec<_> = rows.as_array().into_iter().flatten().collect();
    let result = |kind: &str| {
        let row = results.iter().find(|row| row["kind"] == kind);
        row.map_or(Value::Null, |row| row["result"].clone())
    };
    assert_eq!(result("HelmRelease"), "failed", "{ran}");
    assert_eq!(result("Kustomization"), "resumed", "{ran}");
    assert_eq!(result("Deployment"), "running", "{ran}");
    assert_eq!(get(HELM_RELEASE).await["spec"]["suspend"], true, "{ran}");
    assert_ne!(get(KUSTOMIZATION).await["spec"]["suspend"], true, "{ran}");
    assert_eq!(get(DEPLOYMENT).await["spec"]["replicas"], 1, "{ran}");
    let ran = agent.run(line).await.exits(0);
    assert_ne!(get(HELM_RELEASE).await["spec"]["suspend"], true, "{ran}");
    world.settle().await;
}

async fn volsync_is_found_wherever_it_is_installed(world: &World) {
    let _alone = world.exclusive().await;
    let mut usual = deployment(world).await;
    world.delete(DEPLOYMENT, HOME.0, HOME.1).await;
    let labels = json!({"app": "backup-operator"});
    let other = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "backup-operator", "namespace": "default"},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{
                "name": "manager", "image": "volsync:1", "args": ["--restic-container-image=ghcr.io/somebody/volsync:1"],
            }]}},
        },
    });
    world.create(DEPLOYMENT, &other).await;
    let replicas = async || {
        let other = world.get(DEPLOYMENT, "default", "backup-operator").await;
        other["spec"]["replicas"].clone()
    };
    let agent = world.agent();
    let ran = agent.run("run volsync.suspend --yes").await.exits(0);
    assert_eq!(replicas().await, 0, "{ran}");
    agent
        .run("run volsync.status default")
        .await
        .exits(0)
        .says("deployments default/backup-operator is at 0 since ");
    let ran = agent.run("run volsync.resume --yes").await.exits(0);
    assert_eq!(replicas().await, 1, "{ran}");
    world.delete(DEPLOYMENT, "default", "backup-operator").await;
    let of = usual["metadata"].as_object_mut().expect("metadata");
    of.retain(|field, _| ["name", "namespace", "labels", "annotations"].contains(&field.as_str()));
    world.create(DEPLOYMENT, &usual).await;
    world.settle().await;
}
