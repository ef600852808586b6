//! Waits that would last for ever, and what ends them: dependencies, sources, and what a release waits for.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::agent::Agent;
use super::super::kind::{DEPLOYMENT, GIT_REPOSITORY, HELM_RELEASE, KUSTOMIZATION, OCI_REPOSITORY};
use super::super::scenario::scenarios;
use super::super::world::World;

scenarios![
    dependency_that_failed_ends_the_wait,
    chain_of_dependencies_is_followed_across_namespaces,
    suspended_dependency_is_told_and_a_missing_one,
    kustomizations_that_wait_for_each_other_are_told,
    release_that_depends_on_a_suspended_one_is_told,
    dependency_at_work_is_waited_for,
    suspended_source_without_artifact_is_told,
    values_that_do_not_exist_end_the_wait,
    deadline_tells_which_pod_a_release_waits_for,
    revision_that_is_pushed_later_is_waited_for,
    who_may_read_little_is_told_less_and_fails_no_more,
    object_that_is_going_is_shown_with_its_finalizers,
    namespace_that_does_not_exist_is_told,
];

/// A Kustomization of a repository, in a namespace.
fn kustomization(namespace: &str, name: &str, repository: &str, depends: &Value) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "1h", "path": "./nope", "prune": true, "dependsOn": depends,
            "sourceRef": {"kind": "GitRepository", "name": repository, "namespace": "flux-system"},
        },
    })
}

/// One that fails, for there is no such repository.
fn broken(namespace: &str, name: &str) -> Value {
    kustomization(namespace, name, "missing", &json!([]))
}

/// One that depends on others, and never gets further.
fn dependent(namespace: &str, name: &str, depends: Value) -> Value {
    kustomization(namespace, name, "flux-system", &depends)
}

async fn made(world: &World, objects: &[Value]) {
    for object in objects {
        world.create(KUSTOMIZATION, object).await;
    }
}

async fn removed(world: &World, objects: &[Value]) {
    for object in objects {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        world
            .delete(KUSTOMIZATION, text("namespace"), text("name"))
            .await;
    }
}

/// Reconciles, and demands that it fails long before its deadline and says all that.
async fn fails(world: &World, what: &str, texts: &[&str]) {
    let line = format!("run flux.reconcile {what} --timeout 1h");
    let mut ran = world.agent().run(&line).await.exits(1);
    for text in texts {
        ran = ran.says(text);
    }
}

async fn dependency_that_failed_ends_the_wait(world: &World) {
    let _alone = world.exclusive().await;
    let objects = [
        broken("default", "base"),
        dependent("default", "top", json!([{"name": "base"}])),
    ];
    made(world, &objects).await;
    fails(
        world,
        "ks default base",
        &["gitrepositories flux-system/missing does not exist"],
    )
    .await;
    let why = "depends on default/base, which failed: `ArtifactFailed`: gitrepositories flux-system/missing does not exist";
    fails(world, "ks default top", &[why]).await;
    removed(world, &objects).await;
}

async fn chain_of_dependencies_is_followed_across_namespaces(world: &World) {
    let _alone = world.exclusive().await;
    let objects = [
        broken("media", "root"),
        dependent("media", "middle", json!([{"name": "root"}])),
        dependent(
            "default",
            "top",
            json!([{"name": "middle", "namespace": "media"}]),
        ),
    ];
    made(world, &objects).await;
    let why = "depends on media/middle, which depends on media/root, which failed";
    fails(world, "ks default top", &[why]).await;
    removed(world, &objects).await;
}

async fn suspended_dependency_is_told_and_a_missing_one(world: &World) {
    let _alone = world.exclusive().await;
    let mut base = broken("default", "base");
    base["spec"]["suspend"] = json!(true);
    let objects = [
        base,
        dependent("default", "top", json!([{"name": "base"}])),
        dependent("default", "lost", json!([{"name": "nowhere"}])),
    ];
    made(world, &objects).await;
    fails(
        world,
        "ks default top",
        &["depends on default/base, which is suspended"],
    )
    .await;
    fails(
        world,
        "ks default lost",
        &["depends on default/nowhere, which does not exist"],
    )
    .await;
    removed(world, &objects).await;
}

async fn kustomizations_that_wait_for_each_other_are_told(world: &World) {
    let _alone = world.exclusive().await;
    let objects = [
        dependent("default", "hen", json!([{"name": "egg"}])),
        dependent("default", "egg", json!([{"name": "hen"}])),
    ];
    made(world, &objects).await;
    let circle = "depends on itself: default/hen → default/egg → default/hen";
    fails(world, "ks default hen", &[circle]).await;
    removed(world, &objects).await;
}

async fn release_that_depends_on_a_suspended_one_is_told(world: &World) {
    let app = world.app_alone("media", "sonarr").await;
    let other = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "database", "namespace": "default"},
        "spec": {"interval": "1h", "suspend": true, "chartRef": {"kind": "OCIRepository", "name": "none"}},
    });
    world.create(HELM_RELEASE, &other).await;
    let needs = json!([{"name": "database", "namespace": "default"}]);
    app.merge(HELM_RELEASE, json!({"spec": {"dependsOn": needs}}))
        .await;
    fails(
        world,
        "hr media sonarr",
        &["depends on default/database, which is suspended"],
    )
    .await;
    app.merge(HELM_RELEASE, json!({"spec": {"dependsOn": null}}))
        .await;
    world.delete(HELM_RELEASE, "default", "database").await;
    world.settle().await;
}

/// Pods of a workload that no node takes.
fn nowhere(node: Value) -> Value {
    json!({"spec": {"template": {"spec": {"nodeSelector": {"agent.test/node": node}}}}})
}

async fn dependency_at_work_is_waited_for(world: &World) {
    let base = world.app_alone("default", "atuin").await;
    let needs = json!({"spec": {"dependsOn": [{"name": "atuin"}]}});
    world
        .merge(DEPLOYMENT, "default", "atuin", nowhere(json!("none")))
        .await;
    let agent = world.agent();
    agent.run("run flux.sync hr default atuin").await.exits(0);
    let force = agent.start("run flux.reconcile hr default atuin --force --timeout 50s");
    let running = force.until("Helm is at work", async || {
        let conditions = base.get(HELM_RELEASE).await["status"]["conditions"].to_string();
        conditions.contains("Running 'upgrade' action")
    });
    let running = running.await;
    world.merge(HELM_RELEASE, "default", "mealie", needs).await;
    let top = agent.start("run flux.reconcile hr default mealie --timeout 50s");
    let top = top.until("it waits for its dependency", async || {
        let object = world.get(HELM_RELEASE, "default", "mealie").await;
        object["status"]["conditions"]
            .to_string()
            .contains("DependencyNotReady")
    });
    let top = top.await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world
        .merge(DEPLOYMENT, "default", "atuin", nowhere(Value::Null))
        .await;
    running.end().await.exits(0);
    top.end().await.exits(0);
    world
        .merge(
            HELM_RELEASE,
            "default",
            "mealie",
            json!({"spec": {"dependsOn": null}}),
        )
        .await;
    world.settle().await;
}

async fn suspended_source_without_artifact_is_told(world: &World) {
    let _alone = world.exclusive().await;
    let source = json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": "asleep", "namespace": "flux-system"},
        "spec": {"interval": "1h", "url": "https://git.invalid/home", "suspend": true},
    });
    world.create(GIT_REPOSITORY, &source).await;
    let objects = [kustomization("default", "dreams", "asleep", &json!([]))];
    made(world, &objects).await;
    fails(
        world,
        "ks default dreams",
        &["gitrepositories flux-system/asleep is suspended"],
    )
    .await;
    removed(world, &objects).await;
    world.delete(GIT_REPOSITORY, "flux-system", "asleep").await;
}

async fn values_that_do_not_exist_end_the_wait(world: &World) {
    let app = world.app_alone("media", "lidarr").await;
    let from = json!([{"kind": "Secret", "name": "lidarr-values"}]);
    app.merge(HELM_RELEASE, json!({"spec": {"valuesFrom": from}}))
        .await;
    let missing = "chart values reference 'media/lidarr-values'";
    fails(world, "hr media lidarr", &["`ValuesError`", missing]).await;
    app.merge(HELM_RELEASE, json!({"spec": {"valuesFrom": null}}))
        .await;
    world.settle().await;
}

async fn deadline_tells_which_pod_a_release_waits_for(world: &World) {
    let app = world.app_alone("default", "actual").await;
    app.merge(DEPLOYMENT, nowhere(json!("none"))).await;
    let line = "run flux.reconcile hr default actual --force --timeout 25s";
    let ran = world.agent().run(line).await.exits(1);
    let ran = ran
        .says("came to its deadline")
        .says("Running 'upgrade' action");
    let ran = ran.says("`Unschedulable`");
    assert!(
        ran.stderr.contains("warn") || ran.stderr.matches("Unschedulable").count() > 1,
        "told before the end: {ran}"
    );
    app.merge(DEPLOYMENT, nowhere(Value::Null)).await;
    world.settle().await;
}

/// Right after a push, the first fetch may come too early.
async fn revision_that_is_pushed_later_is_waited_for(world: &World) {
    let app = world.app_alone("media", "lidarr").await;
    let source = app.get(OCI_REPOSITORY).await;
    let revision = source["status"]["artifact"]["revision"].as_str();
    let (tag, _) = revision
        .and_then(|text| text.split_once('@'))
        .expect("a revision");
    let digest = "5".repeat(64);
    let agent = world.agent();
    let line = format!(
        "run flux.reconcile oci media lidarr --revision {} --timeout 40s",
        &digest[..8]
    );
    let early = agent.start(&line).until("the first fetch", async || {
        let object = app.get(OCI_REPOSITORY).await;
        object["status"]["lastHandledReconcileAt"] != source["status"]["lastHandledReconcileAt"]
    });
    let early = early.await;
    let pushed = format!("{tag}@sha256:{digest}");
    world
        .controllers()
        .push_revision("OCIRepository", "media", "lidarr", &pushed);
    early.end().await.exits(0).says(&pushed);
    let never = "run flux.reconcile oci media lidarr --revision 77d0e3c --timeout 3s";
    agent
        .run(never)
        .await
        .exits(1)
        .says("is ready, and not at `77d0e3c`")
        .says(&pushed);
}

/// Events, pods and other namespaces are words only.
async fn who_may_read_little_is_told_less_and_fails_no_more(world: &World) {
    let app = world.app_alone("default", "mealie").await;
    let rules = json!([
        {"apiGroups": ["kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"], "resources": ["*"], "verbs": ["get", "list", "watch", "patch"]},
    ]);
    let agent = Agent::with_kubeconfig(&world.user_with("flux-only", &rules).await);
    for line in ["ks default mealie", "hr default mealie --force"] {
        agent
            .run(&format!("run flux.reconcile {line}"))
            .await
            .exits(0);
    }
    app.merge(DEPLOYMENT, nowhere(json!("none"))).await;
    let line = "run flux.reconcile hr default mealie --force --timeout 12s";
    let ran = agent
        .run(line)
        .await
        .exits(1)
        .says("Running 'upgrade' action");
    assert!(!ran.stderr.contains("denied"), "{ran}");
    app.merge(DEPLOYMENT, nowhere(Value::Null)).await;
    world.settle().await;
}

async fn object_that_is_going_is_shown_with_its_finalizers(world: &World) {
    let _alone = world.exclusive().await;
    let mut stuck = broken("default", "stuck");
    stuck["metadata"]["finalizers"] = json!(["agent.test/stuck"]);
    world.create(KUSTOMIZATION, &stuck).await;
    let path = KUSTOMIZATION.path("default", "stuck");
    let options = json!({});
    let sent = world.send("DELETE", &path, "application/json", &options);
    sent.await.expect("deleting");
    let line = "run flux.status ks default";
    let ran = world.agent().run(line).await.exits(0);
    ran.says("it is being deleted, and waits for")
        .says("agent.test/stuck");
    world
        .merge(
            KUSTOMIZATION,
            "default",
            "stuck",
            json!({"metadata": {"finalizers": null}}),
        )
        .await;
    world
        .until("it is gone", || async {
            world.get(KUSTOMIZATION, "default", "stuck").await.is_null()
        })
        .await;
}

async fn namespace_that_does_not_exist_is_told(world: &World) {
    for operation in [
        "flux.status ks medai",
        "flux.sync hr --all --namespace medai",
    ] {
        let line = format!("run {operation}");
        world
            .agent()
            .run(&line)
            .await
            .exits(1)
            .says("`medai`")
            .says("media");
    }
}
