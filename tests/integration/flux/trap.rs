//! The traps of Flux's interface: what lasts and what does not, in which order things are asked, and what is told when it ends badly.

use agent_testbed::fault::{Fault, Kind as FaultKind, Request};
use serde_json::json;

use super::{REQUESTED, annotation};
use crate::integration::agent::Agent;
use crate::integration::kind::{HELM_RELEASE, REPLICATION_SOURCE, SCALED_OBJECT};
use crate::integration::scenario::scenarios;
use crate::integration::world::{World, is_ready};

scenarios![
    unknown_name_is_told_with_those_that_there_are,
    what_the_agent_set_survives_the_next_apply,
    field_that_git_sets_wins_over_the_agent,
    suspension_that_git_undoes_is_told,
    object_is_read_again_after_its_source,
    batch_asks_everything_before_it_waits,
    conflict_is_tried_again,
    exhausted_retries_begin_anew_with_reset,
];

async fn unknown_name_is_told_with_those_that_there_are(world: &World) {
    for operation in ["suspend", "resume", "reconcile", "sync"] {
        let line = format!("run flux.{operation} hr media plexx");
        world
            .agent()
            .run(&line)
            .await
            .exits(1)
            .says("`media/plexx`")
            .says("plex, ");
    }
}

/// kustomize-controller takes over what managers called `kubectl…` have set; what the agent sets, and git does not, stays.
async fn what_the_agent_set_survives_the_next_apply(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let agent = world.agent();
    agent.run("run flux.suspend hr media plex").await.exits(0);
    agent.run("run keda.pause media plex").await.exits(0);
    world.controllers().silence("volsync");
    let tag = async || app.get(REPLICATION_SOURCE).await["spec"]["trigger"]["manual"].clone();
    let snapshot = agent
        .start("run volsync.snapshot media plex --timeout 50s")
        .until("the manual trigger is set", async || {
            tag().await.is_string()
        })
        .await;
    let set = tag().await;
    let ran = agent.run("run flux.reconcile ks media plex").await.exits(0);
    assert!(app.is_suspended(HELM_RELEASE).await, "{ran}");
    assert!(app.is_paused().await, "{ran}");
    assert_eq!(tag().await, set, "{ran}");
    world.controllers().answer("volsync");
    snapshot.end().await.exits(0);
    agent.run("run keda.resume media plex").await.exits(0);
    agent.run("run flux.resume hr media plex").await.exits(0);
}

async fn field_that_git_sets_wins_over_the_agent(world: &World) {
    let app = world.app("media", "jellyfin").await;
    let interval = async || app.get(SCALED_OBJECT).await["spec"]["pollingInterval"].clone();
    let in_git = interval().await;
    let change = json!({"spec": {"pollingInterval": 7}});
    let path = format!(
        "{}?fieldManager=agent",
        SCALED_OBJECT.path(app.namespace, app.name)
    );
    let media = "application/merge-patch+json";
    world
        .send("PATCH", &path, media, &change)
        .await
        .expect("patching");
    assert_eq!(interval().await, 7);
    let line = "run flux.reconcile ks media jellyfin";
    world.agent().run(line).await.exits(0);
    assert_eq!(interval().await, in_git);
}

/// As git would: `spec.suspend` is applied by kustomize-controller.
async fn suspension_that_git_undoes_is_told(world: &World) {
    let app = world.app("default", "mealie").await;
    let apply = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "mealie", "namespace": "default"}, "spec": {"suspend": false},
    });
    let path = HELM_RELEASE.path("default", "mealie");
    let applied = format!("{path}?fieldManager=kustomize-controller-of-a-test&force=true");
    let media = "application/apply-patch+yaml";
    let sent = world.send("PATCH", &applied, media, &apply).await;
    sent.expect("applying");
    let agent = world.agent();
    let line = "run flux.suspend hr default mealie -o json";
    let ran = agent.run(line).await.exits(0);
    let told = "git sets `spec.suspend`, and kustomizations default/mealie will set it again";
    let message = ran.value()[0]["message"].to_string();
    assert!(message.contains(told), "{ran}");
    let warned = ran.events_named("logged");
    assert!(
        warned.iter().any(|one| one.to_string().contains(told)),
        "{ran}"
    );
    agent
        .run("run flux.resume hr default mealie")
        .await
        .exits(0);
    app.merge(HELM_RELEASE, json!({"spec": {"suspend": null}}))
        .await;
}

/// Where a request stands among all, from 0.
fn place(log: &[Request], what: &str, is: impl Fn(&Request) -> bool) -> usize {
    let found = log.iter().position(is);
    found.unwrap_or_else(|| panic!("no {what} in {log:#?}"))
}

fn writes(request: &Request, part: &str) -> bool {
    request.method == "PATCH" && request.path.contains(part)
}

/// A wait begins with a list, whose state a watch then follows.
fn lists(request: &Request, part: &str) -> bool {
    let collection = format!("{part}?");
    request.method == "GET" && request.path.contains(&collection)
}

/// The new revision of a source starts the controller by itself, so what was read before tells nothing any more.
async fn object_is_read_again_after_its_source(world: &World) {
    let _app = world.app("media", "plex").await;
    let proxy = world.proxy();
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    let line = "run flux.reconcile ks media plex --with-source";
    agent.run(line).await.exits(0);
    let log = proxy.log();
    let source = place(&log, "wait for the source", |one| {
        lists(one, "/gitrepositories")
    });
    let asked = place(&log, "request", |one| writes(one, "/kustomizations/plex"));
    let between = log.get(source..asked).unwrap_or_default();
    let read = |one: &Request| one.method == "GET" && one.path.contains("/kustomizations/plex");
    assert!(between.iter().any(read), "{log:#?}");
}

async fn batch_asks_everything_before_it_waits(world: &World) {
    let _alone = world.exclusive().await;
    let proxy = world.proxy();
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    let cases = [
        ("flux.reconcile ks", "/kustomizations"),
        ("flux.suspend hr", ""),
        ("flux.resume hr", "/helmreleases"),
    ];
    for (operation, part) in cases {
        proxy.clear();
        let line = format!("run {operation} --all --namespace default");
        agent.run(&line).await.exits(0);
        if part.is_empty() {
            continue;
        }
        let log = proxy.log();
        let asked = log.iter().filter(|one| writes(one, part)).count();
        assert!(asked > 4, "{log:#?}");
        let first = place(&log, "request", |one| writes(one, part));
        let last = log.iter().rposition(|one| writes(one, part));
        let all = log.get(first..=last.unwrap_or(first)).unwrap_or_default();
        assert!(!all.iter().any(|one| lists(one, part)), "{log:#?}");
        let after = log.get(first..).unwrap_or_default();
        assert!(after.iter().any(|one| lists(one, part)), "{log:#?}");
    }
    world.settle().await;
}

/// A controller that writes at the same moment is no reason to fail.
async fn conflict_is_tried_again(world: &World) {
    let app = world.app("default", "atuin").await;
    let proxy = world.proxy();
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    for operation in ["suspend", "resume"] {
        proxy.clear();
        proxy.plan(
            Fault::at(1, FaultKind::Answer(409)).only(|one| writes(one, "/helmreleases/atuin")),
        );
        let line = format!("run flux.{operation} hr default atuin");
        let ran = agent.run(&line).await.exits(0);
        let log = proxy.log();
        let tried = log.iter().filter(|one| writes(one, "/helmreleases/atuin"));
        assert_eq!(tried.count(), 2, "{ran}");
        let suspended = app.is_suspended(HELM_RELEASE).await;
        assert_eq!(suspended, operation == "suspend", "{ran}");
    }
}

/// A plain request does not start retries again that are used up.
async fn exhausted_retries_begin_anew_with_reset(world: &World) {
    let app = world.app("media", "lidarr").await;
    let (namespace, name) = (app.namespace, app.name);
    let controllers = world.controllers();
    controllers.break_object("HelmRelease", namespace, name, "UpgradeFailed", "timed out");
    app.merge(HELM_RELEASE, json!({"spec": {"values": {"new": true}}}))
        .await;
    world
        .until("its retries are used up", || async {
            let conditions = &app.get(HELM_RELEASE).await["status"]["conditions"];
            conditions.to_string().contains("RetriesExceeded")
        })
        .await;
    controllers.mend_object("HelmRelease", namespace, name);
    let agent = world.agent();
    let line = "run flux.reconcile hr media lidarr";
    agent
        .run(line)
        .await
        .exits(1)
        .says("agent run flux.reconcile hr media lidarr --reset");
    let ran = agent.run(&format!("{line} --reset")).await.exits(0);
    let object = app.get(HELM_RELEASE).await;
    let token = annotation(&object, REQUESTED);
    assert_eq!(token, annotation(&object, "reconcile.fluxcd.io/resetAt"));
    assert_eq!(*token, object["status"]["lastHandledResetAt"], "{ran}");
    assert!(is_ready(&object), "{ran}");
    app.merge(HELM_RELEASE, json!({"spec": {"values": {"new": null}}}))
        .await;
    world.settle().await;
}

/// Clusters are not all of one age: what a plugin names by one version is served by another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn type_that_is_served_in_an_older_version_only_is_found() {
    let server = agent_sandbox::ApiServer::start(agent_sandbox::Config::any_port())
        .await
        .expect("a server");
    let mut crds = agent_sandbox_home::crds();
    for crd in &mut crds {
        if crd["spec"]["names"]["kind"] == "HelmRelease" {
            crd["spec"]["versions"][0]["name"] = json!("v2beta2");
        }
    }
    server.load(crds).expect("its kinds");
    let release = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2beta2", "kind": "HelmRelease",
        "metadata": {"name": "plex", "namespace": "media"},
        "spec": {"interval": "1h", "chartRef": {"kind": "OCIRepository", "name": "plex"}},
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "media"}});
    server.load(vec![namespace, release]).expect("its objects");
    let agent = Agent::with_kubeconfig(&server.kubeconfig());
    let ran = agent.run("run flux.suspend hr media plex").await.exits(0);
    let line = "run flux.status hr media plex -o json";
    let told = agent.run(line).await.exits(0);
    assert_eq!(told.value()[0]["ready"], "suspended", "{ran}");
    let line = "run flux.resume hr --all --no-wait";
    agent.run(line).await.exits(0).says("resumed");
}
