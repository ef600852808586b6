//! VolSync as a whole: found, suspended and resumed, listed; and restores that meet the cluster's own refusals.

use std::time::Duration;

use agent_sandbox_controller::Lock;
use agent_testbed::fault::{Fault, Kind as FaultKind};
use serde_json::{Value, json};

use super::agent::Agent;
use super::kind::{
    AUTOSCALER, DEPLOYMENT, HELM_RELEASE, JOB, KUSTOMIZATION, QUOTA, REPLICATION_SOURCE,
};
use super::scenario::scenarios;
use super::state::State;
use super::world::World;

scenarios![
    volsync_gets_back_the_replicas_that_it_had,
    resume_goes_on_after_a_failure_and_reports_it,
    volsync_is_found_wherever_it_is_installed,
    list_whose_pod_is_refused_says_why_long_before_its_deadline,
    list_pulls_its_image_as_movers_do,
    unlock_all_ends_with_a_row_for_each_and_removes_stale_locks_only,
    autoscaler_that_starts_from_zero_is_held_and_put_back: "a real API server refuses a minimum of 0 unless a feature gate is on",
    restore_that_may_not_do_one_thing_ends_as_before_and_says_which,
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

async fn refuse_pods(world: &World, refused: bool) {
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods", "namespace": "default"},
        "spec": {"hard": {"pods": "0"}},
    });
    if !refused {
        return world.delete(QUOTA, "default", "no-pods").await;
    }
    world.create(QUOTA, &quota).await;
    // The server refuses pods whose quota it has not counted yet with other words.
    world
        .until("the quota is counted", || async {
            let quota = world.get(QUOTA, "default", "no-pods").await;
            quota["status"]["hard"]["pods"] == "0"
        })
        .await;
}

async fn list_whose_pod_is_refused_says_why_long_before_its_deadline(world: &World) {
    let _alone = world.exclusive().await;
    let before = State::of(world, None).await;
    refuse_pods(world, true).await;
    world
        .agent()
        .run("run volsync.list default atuin --timeout 1h")
        .await
        .exits(6)
        .says("the Job gets no pod: ")
        .says("exceeded quota: no-pods");
    refuse_pods(world, false).await;
    let wrong = before.differences(&State::of(world, None).await);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As VolSync is told: movers pull their image with its copies of these secrets.
async fn list_pulls_its_image_as_movers_do(world: &World) {
    let _alone = world.exclusive().await;
    let usual = deployment(world).await["spec"]["template"]["spec"]["containers"].clone();
    let mut told = usual.clone();
    told[0]["args"] = json!([
        "--restic-container-image=registry.home/volsync:1",
        "--mover-image-pull-secrets=123456789",
    ]);
    let tell = async |containers: &Value| {
        let change = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        world.merge(DEPLOYMENT, HOME.0, HOME.1, change).await;
    };
    tell(&told).await;
    let proxy = world.proxy();
    let delay = Fault::at(1, FaultKind::Delay(Duration::from_secs(1)));
    proxy.plan(delay.only(|request| request.method == "DELETE" && request.path.contains("/jobs/")));
    let mut job = Value::Null;
    let ran = Agent::with_kubeconfig(proxy.kubeconfig())
        .start("run volsync.list default paperless")
        .until("the Job is there", async || {
            let mut jobs = world.list(JOB).await;
            jobs.retain(|job| job["metadata"].to_string().contains("volsync-agent-list-"));
            job = jobs.pop().unwrap_or_default();
            job.is_object()
        })
        .await
        .end()
        .await
        .exits(0);
    let pod = &job["spec"]["template"]["spec"];
    let image = &pod["containers"][0]["image"];
    assert_eq!(*image, "registry.home/volsync:1", "{ran}");
    let secrets = json!([{"name": "volsync-pull-cbf43926"}]);
    assert_eq!(pod["imagePullSecrets"], secrets, "{ran}");
    tell(&usual).await;
    world.settle().await;
}

async fn unlock_all_ends_with_a_row_for_each_and_removes_stale_locks_only(world: &World) {
    let _alone = world.exclusive().await;
    let sources = world.list(REPLICATION_SOURCE).await;
    let here = |one: &&Value| one["metadata"]["namespace"] == "default";
    let count = sources.iter().filter(here).count();
    let urls = world.repositories().urls();
    let url = |app: &str| {
        let found = urls.iter().find(|url| url.ends_with(&format!("/{app}")));
        found.expect("a repository").clone()
    };
    let lock = |stale: bool| Lock {
        exclusive: false,
        stale,
        host: format!("pod-of-{stale}"),
    };
    let locked = [url("atuin"), url("mealie")];
    for url in &locked {
        world.repositories().lock(url, lock(true));
    }
    world.repositories().lock(&locked[1], lock(false));
    let line = "run volsync.unlock --all --namespace default --timeout 20s -o json";
    let ran = world.agent().run(line).await.exits(1);
    let rows = ran.value();
    assert_eq!(rows.as_array().map(Vec::len), Some(count), "{ran}");
    let failed = rows.as_array().into_iter().flatten();
    let failed: Vec<_> = failed.filter(|row| row["result"] == "failed").collect();
    let named: Vec<_> = failed.iter().map(|row| &row["name"]).collect();
    // Whoever holds a lock that is not stale still needs it.
    assert_eq!(named, ["mealie"], "{ran}");
    assert!(world.repositories().locks(&locked[0]).is_empty(), "{ran}");
    assert_eq!(world.repositories().locks(&locked[1]), [lock(false)]);
    world.repositories().unlock(&locked[1], true);
    world
        .until("the mover of `mealie` has ended", || async {
            let source = world.get(REPLICATION_SOURCE, "default", "mealie").await;
            source["status"]["conditions"][0]["status"] == "False"
        })
        .await;
    for source in world.list(REPLICATION_SOURCE).await {
        let manual = &source["spec"]["trigger"]["manual"];
        assert!(manual.is_null(), "a trigger was left behind: {source}");
    }
    world.settle().await;
}

/// With a minimum of 0 an autoscaler may start an app that is at 0 at any time, so it is held at 1, where it stands still.
async fn autoscaler_that_starts_from_zero_is_held_and_put_back(world: &World) {
    let app = world.app("media", "autobrr").await;
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "autobrr", "namespace": "media"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "autobrr"},
            "minReplicas": 0, "maxReplicas": 3,
            "metrics": [{"type": "External", "external": {"metric": {"name": "nfs"}, "target": {"type": "Value", "value": "1"}}}],
        },
    });
    world.create(AUTOSCALER, &autoscaler).await;
    let before = app.state().await;
    let least = async || app.get(AUTOSCALER).await["spec"]["minReplicas"].clone();
    let ran = world
        .agent()
        .start("run volsync.restore media autobrr --yes")
        .until("the autoscaler is held while the app is down", async || {
            least().await == 1 && app.is_down().await
        })
        .await
        .end()
        .await
        .exits(0);
    assert_eq!(least().await, 0, "{ran}");
    app.is_as(&before).await;
    world.delete(AUTOSCALER, "media", "autobrr").await;
}

/// What a restore writes: verbs, group, resources.
const WRITES: [(&[&str], &str, &[&str]); 8] = [
    (
        &["patch"],
        "kustomize.toolkit.fluxcd.io",
        &["kustomizations"],
    ),
    (&["patch"], "helm.toolkit.fluxcd.io", &["helmreleases"]),
    (&["patch"], "keda.sh", &["scaledobjects"]),
    (&["patch"], "apps", &["deployments", "statefulsets"]),
    (
        &["create", "delete", "patch"],
        "batch",
        &["jobs", "cronjobs"],
    ),
    (&["patch"], "volsync.backube", &["replicationsources"]),
    (
        &["create", "delete", "patch"],
        "volsync.backube",
        &["replicationdestinations"],
    ),
    (
        &["create", "delete", "patch", "update"],
        "coordination.k8s.io",
        &["leases"],
    ),
];

/// The rules of somebody who may restore but for one verb on one resource.
fn all_but(verb: &str, resource: &str) -> Value {
    let mut rules =
        vec![json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]})];
    for (verbs, group, resources) in WRITES {
        for one in resources {
            let allowed = verbs
                .iter()
                .filter(|allowed| !(**allowed == verb && *one == resource));
            let allowed: Vec<_> = allowed.collect();
            if !allowed.is_empty() {
                rules.push(json!({"apiGroups": [group], "resources": [one], "verbs": allowed}));
            }
        }
    }
    json!(rules)
}

/// Refused for good, by the cluster's own access control: trying again never helps.
async fn restore_that_may_not_do_one_thing_ends_as_before_and_says_which(world: &World) {
    let app = world.app("media", "tautulli").await;
    let cases = [
        ("without-patch", "patch", "helmreleases"),
        ("without-create", "create", "replicationdestinations"),
        ("without-jobs", "create", "jobs"),
    ];
    for (user, verb, resource) in cases {
        let rules = all_but(verb, resource);
        let agent = Agent::with_kubeconfig(&world.user_with(user, &rules).await);
        let (before, present) = (app.state().await, app.content());
        let line = "run volsync.restore media tautulli --yes --no-safety-snapshot";
        let ran = agent.run(line).await;
        assert!(matches!(ran.code(), Some(4 | 6)), "{ran}");
        let ran = ran.says(&format!("the cluster does not allow to {verb} {resource}"));
        assert_eq!(app.content(), present, "{ran}");
        app.is_as(&before).await;
    }
}
