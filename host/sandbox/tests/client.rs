//! The server as the `kube` client sees it.

use std::time::Duration;

use agent_sandbox::{ApiServer, Config, Failure, Login, Match};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod};
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
    WatchEvent, WatchParams,
};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

async fn server() -> (ApiServer, Client) {
    let server = ApiServer::start(Config::any_port())
        .await
        .expect("the server starts");
    let client = server.client().await.expect("a client");
    (server, client)
}

fn config_map(name: &str, data: Value) -> ConfigMap {
    serde_json::from_value(json!({ "metadata": { "name": name }, "data": data }))
        .expect("a ConfigMap")
}

fn deployment() -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": "web", "labels": { "app": "web" } },
        "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": {
            "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "nginx:1" }] } } },
    }))
    .expect("a Deployment")
}

fn code(err: &kube::Error) -> u16 {
    match err {
        kube::Error::Api(status) => status.code,
        other => panic!("an API error, not {other}"),
    }
}

#[tokio::test]
async fn an_object_lives_from_create_to_delete() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let made = maps
        .create(
            &PostParams::default(),
            &config_map("a", json!({ "k": "1" })),
        )
        .await
        .expect("created");
    assert!(made.uid().is_some() && made.creation_timestamp().is_some());
    let again = maps
        .create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .expect_err("a second one");
    assert_eq!(code(&again), 409);

    let patched = maps
        .patch(
            "a",
            &PatchParams::default(),
            &Patch::Merge(json!({ "data": { "k": null, "l": "2" } })),
        )
        .await
        .expect("patched");
    assert_eq!(
        serde_json::to_value(&patched.data).expect("data"),
        json!({ "l": "2" })
    );
    assert_ne!(patched.resource_version(), made.resource_version());

    let stale = maps
        .replace("a", &PostParams::default(), &made)
        .await
        .expect_err("a stale replace");
    assert_eq!(code(&stale), 409);
    let listed = maps
        .list(&ListParams::default().fields("metadata.name=a"))
        .await
        .expect("listed");
    assert_eq!(listed.items.len(), 1);
    maps.delete("a", &DeleteParams::default())
        .await
        .expect("deleted");
    assert_eq!(code(&maps.get("a").await.expect_err("gone")), 404);
}

#[tokio::test]
async fn the_same_patch_twice_changes_the_revision_once() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .expect("created");
    let patch = Patch::Merge(json!({ "data": { "k": "v" } }));
    let first = maps
        .patch("a", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    let second = maps
        .patch("a", &PatchParams::default(), &patch)
        .await
        .expect("patched");
    assert_eq!(first.resource_version(), second.resource_version());
}

#[tokio::test]
async fn a_dry_run_leaves_nothing_behind() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    maps.create(&dry, &config_map("a", json!({})))
        .await
        .expect("accepted");
    assert_eq!(code(&maps.get("a").await.expect_err("never made")), 404);
}

#[tokio::test]
async fn a_watch_tells_changes_through_its_selector() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let revision = maps
        .list(&ListParams::default())
        .await
        .expect("listed")
        .metadata
        .resource_version
        .expect("a revision");
    let mut events = maps
        .watch(&WatchParams::default().labels("on=yes"), &revision)
        .await
        .expect("watching")
        .boxed();
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .expect("created");
    for on in ["yes", "no"] {
        let patch = Patch::Merge(json!({ "metadata": { "labels": { "on": on } } }));
        maps.patch("a", &PatchParams::default(), &patch)
            .await
            .expect("labelled");
    }
    let first = events
        .try_next()
        .await
        .expect("an event")
        .expect("an event");
    assert!(matches!(first, WatchEvent::Added(_)), "{first:?}");
    let second = events
        .try_next()
        .await
        .expect("an event")
        .expect("an event");
    assert!(matches!(second, WatchEvent::Deleted(_)), "{second:?}");
}

#[tokio::test]
async fn expired_watches_end_with_410_and_a_watcher_recovers() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let mut seen = watcher(maps.clone(), watcher::Config::default())
        .default_backoff()
        .applied_objects()
        .boxed();
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .expect("created");
    assert_eq!(
        seen.try_next()
            .await
            .expect("an object")
            .expect("an object")
            .name_any(),
        "a"
    );
    server.handle().expire_watches();
    maps.create(&PostParams::default(), &config_map("b", json!({})))
        .await
        .expect("created");
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Ok(Some(map)) = seen.try_next().await
                && map.name_any() == "b"
            {
                return;
            }
        }
    });
    found.await.expect("the watcher lists again");
}

#[tokio::test]
async fn a_streaming_list_ends_with_its_bookmark() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .expect("created");
    let mut seen = watcher(maps, watcher::Config::default().streaming_lists())
        .applied_objects()
        .boxed();
    assert_eq!(
        seen.try_next()
            .await
            .expect("an object")
            .expect("an object")
            .name_any(),
        "a"
    );
}

#[tokio::test]
async fn pages_cover_the_list_once() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    for number in 0..7 {
        maps.create(
            &PostParams::default(),
            &config_map(&format!("m{number}"), json!({})),
        )
        .await
        .expect("created");
    }
    let mut names = Vec::new();
    let mut params = ListParams::default().limit(3);
    loop {
        let page = maps.list(&params).await.expect("a page");
        names.extend(page.items.iter().map(ResourceExt::name_any));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    assert_eq!(names, ["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
}

#[tokio::test]
async fn a_generation_counts_changes_of_the_spec_only() {
    let (_server, client) = server().await;
    let web: Api<Deployment> = Api::namespaced(client, "default");
    let made = web
        .create(&PostParams::default(), &deployment())
        .await
        .expect("created");
    assert_eq!(made.metadata.generation, Some(1));
    let status = json!({ "status": { "replicas": 2, "observedGeneration": 1 } });
    let after_status = web
        .patch_status("web", &PatchParams::default(), &Patch::Merge(status))
        .await
        .expect("status");
    assert_eq!(after_status.metadata.generation, Some(1));
    assert_eq!(
        after_status.status.and_then(|status| status.replicas),
        Some(2)
    );
    let ignored = json!({ "status": { "replicas": 5 }, "metadata": { "labels": { "a": "b" } } });
    let annotated = web
        .patch("web", &PatchParams::default(), &Patch::Merge(ignored))
        .await
        .expect("annotated");
    assert_eq!(
        (
            annotated.metadata.generation,
            annotated.status.and_then(|status| status.replicas)
        ),
        (Some(1), Some(2))
    );
    let mut scale = web.get_scale("web").await.expect("a scale");
    scale.spec.get_or_insert_default().replicas = Some(0);
    web.replace_scale("web", &PostParams::default(), &scale)
        .await
        .expect("scaled");
    let scaled = web.get("web").await.expect("got");
    assert_eq!(
        (
            scaled.metadata.generation,
            scaled.spec.and_then(|spec| spec.replicas)
        ),
        (Some(2), Some(0))
    );
}

#[tokio::test]
async fn apply_conflicts_name_the_other_manager() {
    let (_server, client) = server().await;
    let web: Api<Deployment> = Api::namespaced(client, "default");
    let apply = |replicas: i32| json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "replicas": replicas } });
    web.create(
        &PostParams {
            field_manager: Some("creator".into()),
            ..PostParams::default()
        },
        &deployment(),
    )
    .await
    .expect("created");
    web.patch(
        "web",
        &PatchParams::apply("agent").force(),
        &Patch::Apply(apply(0)),
    )
    .await
    .expect("forced");
    let refused = web
        .patch("web", &PatchParams::apply("other"), &Patch::Apply(apply(3)))
        .await
        .expect_err("a conflict");
    let text = "Apply failed with 1 conflict: conflict with \"agent\": .spec.replicas";
    assert!(refused.to_string().contains(text), "{refused}");
    let shared = web
        .patch("web", &PatchParams::apply("other"), &Patch::Apply(apply(0)))
        .await
        .expect("the same value");
    let managers: Vec<String> = shared
        .managed_fields()
        .iter()
        .filter_map(|entry| entry.manager.clone())
        .collect();
    assert!(
        managers.contains(&"agent".to_owned()) && managers.contains(&"other".to_owned()),
        "{managers:?}"
    );
}

#[tokio::test]
async fn what_is_no_longer_applied_is_removed() {
    let (_server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let apply = |data: Value| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" }, "data": data });
    let params = PatchParams::apply("agent");
    maps.patch(
        "a",
        &params,
        &Patch::Apply(apply(json!({ "x": "1", "y": "1" }))),
    )
    .await
    .expect("applied");
    maps.patch(
        "a",
        &PatchParams::default(),
        &Patch::Merge(json!({ "data": { "z": "1" } })),
    )
    .await
    .expect("patched");
    let after = maps
        .patch("a", &params, &Patch::Apply(apply(json!({ "x": "1" }))))
        .await
        .expect("applied");
    assert_eq!(
        serde_json::to_value(after.data).expect("data"),
        json!({ "x": "1", "z": "1" })
    );
}

#[tokio::test]
async fn rules_decide_for_everybody_but_the_administrator() {
    let login = Login {
        token: "secret".into(),
        user: "jane".into(),
        groups: Vec::new(),
    };
    let server = ApiServer::start(Config {
        port: 0,
        logins: vec![login],
    })
    .await
    .expect("the server starts");
    let admin = server.client().await.expect("a client");
    let config = kube::config::Kubeconfig::from_yaml(&server.kubeconfig_for("jane").expect("jane"))
        .expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(config, &Default::default())
        .await
        .expect("a config");
    let jane: Api<Pod> = Api::namespaced(Client::try_from(config).expect("a client"), "default");
    let refused = jane
        .list(&ListParams::default())
        .await
        .expect_err("no rights");
    let text = "pods is forbidden: User \"jane\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"";
    assert!(refused.to_string().contains(text), "{refused}");

    server
        .load(vec![
            json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "r", "namespace": "default" },
                "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }] }),
            json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "r", "namespace": "default" },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r" },
                "subjects": [{ "kind": "User", "name": "jane" }] }),
        ])
        .expect("loaded");
    jane.list(&ListParams::default())
        .await
        .expect("allowed now");
    assert_eq!(code(&jane.get("x").await.expect_err("only list")), 403);
    let pods: Api<Pod> = Api::namespaced(admin, "default");
    assert_eq!(code(&pods.get("x").await.expect_err("none")), 404);
}

#[tokio::test]
async fn dependents_and_namespaces_are_collected() {
    let (_server, client) = server().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let space: Namespace =
        serde_json::from_value(json!({ "metadata": { "name": "n" } })).expect("a Namespace");
    namespaces
        .create(&PostParams::default(), &space)
        .await
        .expect("created");
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "n");
    let owner = maps
        .create(&PostParams::default(), &config_map("owner", json!({})))
        .await
        .expect("created");
    let mut child = config_map("child", json!({}));
    child.metadata.owner_references = Some(vec![serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid().expect("a uid") })).expect("a reference")]);
    maps.create(&PostParams::default(), &child)
        .await
        .expect("created");
    maps.delete("owner", &DeleteParams::default())
        .await
        .expect("deleted");
    eventually(|| async { maps.get_opt("child").await.expect("an answer").is_none() }).await;
    namespaces
        .delete("n", &DeleteParams::default())
        .await
        .expect("deleted");
    eventually(|| async { namespaces.get_opt("n").await.expect("an answer").is_none() }).await;
}

#[tokio::test]
async fn a_namespace_that_is_not_empty_yet_says_what_keeps_it() {
    let (_server, client) = server().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let space: Namespace =
        serde_json::from_value(json!({ "metadata": { "name": "n" } })).expect("a Namespace");
    let params = PostParams::default();
    namespaces.create(&params, &space).await.expect("created");
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "n");
    let mut stuck = config_map("stuck", json!({}));
    stuck.metadata.finalizers = Some(vec!["agent.test/stuck".to_owned()]);
    maps.create(&params, &stuck).await.expect("created");
    let options = DeleteParams::default();
    namespaces.delete("n", &options).await.expect("deleted");
    let told = || async {
        let status = namespaces.get("n").await.expect("there").status;
        let conditions = status
            .and_then(|status| status.conditions)
            .unwrap_or_default();
        let messages = conditions.into_iter().filter_map(|one| one.message);
        messages.collect::<Vec<_>>().join("; ")
    };
    eventually(|| async {
        told()
            .await
            .contains("agent.test/stuck in 1 resource instances")
    })
    .await;
    let refused = maps.create(&params, &config_map("late", json!({}))).await;
    assert_eq!(code(&refused.expect_err("it is going")), 403);
    let free = json!({ "metadata": { "finalizers": null } });
    maps.patch("stuck", &PatchParams::default(), &Patch::Merge(&free))
        .await
        .expect("freed");
    eventually(|| async { namespaces.get_opt("n").await.expect("an answer").is_none() }).await;
}

#[tokio::test]
async fn a_claim_stays_while_a_pod_mounts_it() {
    let (server, client) = server().await;
    let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "c", "namespace": "default" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } });
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), "default");
    claims
        .create(
            &PostParams::default(),
            &serde_json::from_value(claim).expect("a claim"),
        )
        .await
        .expect("created");
    let volume = json!({ "name": "v", "persistentVolumeClaim": { "claimName": "c" } });
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "default" },
        "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "i" }], "volumes": [volume] }, "status": { "phase": "Running" } });
    server.load(vec![pod]).expect("loaded");
    claims
        .delete("c", &DeleteParams::default())
        .await
        .expect("marked");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        claims
            .get("c")
            .await
            .expect("still there")
            .metadata
            .deletion_timestamp
            .is_some()
    );
    let pods: Api<Pod> = Api::namespaced(client, "default");
    pods.delete("p", &DeleteParams::default().grace_period(0))
        .await
        .expect("deleted");
    eventually(|| async { claims.get_opt("c").await.expect("an answer").is_none() }).await;
}

#[tokio::test]
async fn an_eviction_asks_the_budget() {
    let (server, _client) = server().await;
    // By itself the client would try again for minutes: that is how it takes a 429.
    let config = kube::config::Kubeconfig::from_yaml(&server.kubeconfig()).expect("a kubeconfig");
    let mut config = kube::Config::from_custom_kubeconfig(config, &Default::default())
        .await
        .expect("a config");
    config.default_retry = false;
    let client = Client::try_from(config).expect("a client");
    let pod = |name: &str| {
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": "default", "labels": { "a": "b" } },
        "spec": { "containers": [{ "name": "c", "image": "i" }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } })
    };
    let budget = json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "b", "namespace": "default" },
        "spec": { "minAvailable": 1, "selector": { "matchLabels": { "a": "b" } } }, "status": { "observedGeneration": 1, "disruptionsAllowed": 1, "currentHealthy": 2, "desiredHealthy": 1, "expectedPods": 2 } });
    server
        .load(vec![pod("one"), pod("two"), budget])
        .expect("loaded");
    let evict = |name: &str| {
        let body = json!({ "apiVersion": "policy/v1", "kind": "Eviction", "metadata": { "name": name, "namespace": "default" } });
        let path = format!("/api/v1/namespaces/default/pods/{name}/eviction");
        let request = http::Request::post(path)
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes());
        let client = client.clone();
        async move { client.request::<Value>(request.expect("a request")).await }
    };
    evict("one").await.expect("within the budget");
    let refused = evict("two").await.expect_err("beyond it");
    assert_eq!(code(&refused), 429);
    assert!(
        refused
            .to_string()
            .contains("would violate the pod's disruption budget"),
        "{refused}"
    );
    assert!(
        server
            .handle()
            .object("", "pods", "default", "two")
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_objects_are_listed_quickly() {
    let (server, client) = server().await;
    let map = |number: usize| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("m{number}"), "labels": { "n": "x" } }, "data": { "k": "v".repeat(500) } });
    server.load((0..5_000).map(map).collect()).expect("loaded");
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let start = std::time::Instant::now();
    assert_eq!(
        maps.list(&ListParams::default())
            .await
            .expect("listed")
            .items
            .len(),
        5_000
    );
    // Far more than it takes, even unoptimised on a busy machine.
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_cut_connection_is_only_a_connection() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let mut events = maps
        .watch(&WatchParams::default(), "0")
        .await
        .expect("watching")
        .boxed();
    server.handle().cut_connections();
    let ended = tokio::time::timeout(Duration::from_secs(5), async {
        while let Ok(Some(_)) = events.try_next().await {}
    });
    ended.await.expect("the watch ends");
    eventually(|| async { maps.list(&ListParams::default()).await.is_ok() }).await;
}

async fn eventually<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let within = tokio::time::timeout(Duration::from_secs(10), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    within.await.expect("it becomes true");
}

#[tokio::test]
async fn a_definition_serves_its_kind_with_pruning_and_validation() {
    let (_server, client) = server().await;
    let crds = ApiResource {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        api_version: "apiextensions.k8s.io/v1".into(),
        kind: "CustomResourceDefinition".into(),
        plural: "customresourcedefinitions".into(),
    };
    let crd: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "gadgets.example.com" },
        "spec": { "group": "example.com", "scope": "Namespaced", "names": { "plural": "gadgets", "kind": "Gadget", "shortNames": ["gd"] },
            "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} }, "schema": { "openAPIV3Schema": {
                "type": "object", "properties": { "spec": { "type": "object", "required": ["size"], "properties": {
                    "size": { "type": "integer" }, "mode": { "type": "string", "enum": ["a", "b"], "default": "a" } } }, "status": { "type": "object" } } } } }] },
    }))
    .expect("a definition");
    Api::<DynamicObject>::all_with(client.clone(), &crds)
        .create(&PostParams::default(), &crd)
        .await
        .expect("defined");
    let kind = ApiResource {
        group: "example.com".into(),
        version: "v1".into(),
        api_version: "example.com/v1".into(),
        kind: "Gadget".into(),
        plural: "gadgets".into(),
    };
    let gadgets: Api<DynamicObject> = Api::namespaced_with(client, "default", &kind);
    let gadget = |spec: Value| DynamicObject::new("g", &kind).data(json!({ "spec": spec }));
    let refused = gadgets
        .create(&PostParams::default(), &gadget(json!({ "mode": "c" })))
        .await
        .expect_err("invalid");
    assert_eq!(code(&refused), 422);
    let made = gadgets
        .create(
            &PostParams::default(),
            &gadget(json!({ "size": 1, "unknown": 2 })),
        )
        .await
        .expect("created");
    assert_eq!(made.data["spec"], json!({ "size": 1, "mode": "a" }));
}

#[tokio::test]
async fn planned_failures_come_and_go() {
    let (server, client) = server().await;
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    server
        .handle()
        .fail_next(1, Match::new("GET", "/configmaps"), Failure::Forbidden);
    assert_eq!(
        code(
            &maps
                .list(&ListParams::default())
                .await
                .expect_err("planned")
        ),
        403
    );
    maps.list(&ListParams::default()).await.expect("over");
    server
        .handle()
        .fail_next(1, Match::new("POST", "/configmaps"), Failure::DropAfter);
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .expect_err("the answer is lost");
    assert!(
        server
            .handle()
            .object("", "configmaps", "default", "a")
            .is_some(),
        "it was carried out"
    );
    server.handle().go_silent();
    let silent = tokio::time::timeout(Duration::from_millis(50), maps.get("a"));
    assert!(silent.await.is_err(), "no answer");
    server.handle().speak();
    maps.get("a").await.expect("it speaks again");
    assert!(
        server
            .handle()
            .requests()
            .iter()
            .any(|seen| seen.method == "POST" && seen.path.ends_with("/configmaps"))
    );
}
