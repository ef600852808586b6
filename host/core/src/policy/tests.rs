//! `decide` as a table of asks, grants and verdicts.

use serde_json::json;

use super::*;
use crate::descriptor::Risk;
use crate::grant::Wish;
use crate::manifest::ClusterVerb;

fn manifest() -> Manifest {
    serde_json::from_value(json!({
        "manifest": 1, "id": "volsync", "version": "0.1.0", "description": "d", "license": "Apache-2.0", "min-agent": "0.1.0",
        "request": [
            {"capability": "cluster", "verbs": ["get"], "resources": ["pods"], "namespaces": ["{namespace|*}"], "why": "w"},
            {"capability": "cluster", "verbs": ["delete"], "resources": ["pods"], "namespaces": ["*"], "operations": ["prune"], "why": "w"}
        ]
    }))
    .expect("a manifest")
}

fn run(name: &str, arguments: Value, granted: &Granted) -> Result<Grants, Refusal> {
    let operation = serde_json::from_value(json!({"name": name, "summary": "s", "risk": "change"}))
        .expect("an operation");
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object")
    };
    decide(&manifest(), granted, &operation, &arguments)
}

fn pods(grants: &Grants, verb: ClusterVerb, namespace: Option<&str>) -> bool {
    may(grants, verb, "pods.v1", namespace, &[])
}

fn may(
    grants: &Grants,
    verb: ClusterVerb,
    of: &str,
    namespace: Option<&str>,
    names: &[&str],
) -> bool {
    grants.allow_cluster(&Wish {
        verb,
        of: &of.parse().expect("a type"),
        namespace,
        names,
        fields: &[],
    })
}

#[test]
fn the_invocation_binds_the_namespace() {
    let grants =
        run("status", json!({"namespace": "media"}), &Granted::Requested).expect("granted");
    assert!(pods(&grants, ClusterVerb::Get, Some("media")));
    assert!(!pods(&grants, ClusterVerb::Get, Some("default")));
    assert_eq!(grants.risk(), Risk::Change);
}

#[test]
fn a_namespace_that_was_not_given_means_all() {
    let grants = run("status", json!({}), &Granted::Requested).expect("granted");
    assert!(
        pods(&grants, ClusterVerb::Get, Some("default")) && pods(&grants, ClusterVerb::Get, None)
    );
}

#[test]
fn place_that_an_invocation_must_name_is_never_everywhere() {
    let mut bound = manifest();
    let Request::Cluster(request) = &mut bound.requests[0] else {
        panic!("of the cluster")
    };
    request.namespaces = vec!["{namespace}".parse().expect("a place")];
    let operation = serde_json::from_value(json!({"name": "status", "summary": "s"}));
    let operation: Operation = operation.expect("an operation");
    for arguments in [
        json!({}),
        json!({"namespace": null}),
        json!({"namespace": 5}),
        json!({"namespace": true}),
        json!({"namespace": ""}),
        json!({"namespace": "*"}),
        json!({"namespace": "media/../kube-system"}),
        json!({"namespace": ["media"]}),
    ] {
        let given = arguments.as_object().expect("an object");
        let decided = decide(&bound, &Granted::Requested, &operation, given);
        let failure = decided.expect_err("refused").into_failure();
        assert_eq!(failure.code, "operations.arguments", "{arguments}");
    }
    // One that may be left out is bound by what is given all the same.
    for arguments in [json!({"namespace": 5}), json!({"namespace": "*"})] {
        let refused = run("status", arguments.clone(), &Granted::Requested);
        assert!(refused.is_err(), "{arguments}");
    }
}

#[test]
fn call_is_granted_with_its_reach() {
    let mut calls = manifest();
    let request = json!({
        "capability": "operations", "call": ["flux.suspend"], "namespaces": ["{namespace|*}"], "why": "w"
    });
    calls.requests = vec![serde_json::from_value(request).expect("a request")];
    let wide = "operations:call:flux.suspend:*".parse().expect("a right");
    assert_eq!(requested(&calls), [wide]);
    let narrow = Granted::Rights(vec![
        "operations:call:flux.suspend".parse().expect("a right"),
    ]);
    assert_eq!(
        missing(&calls, &narrow).len(),
        1,
        "a reach is not granted by the way"
    );
}

#[test]
fn many_rights_are_compared_in_no_time() {
    let mut many = manifest();
    let request = json!({
        "capability": "cluster", "verbs": ["get"], "why": "w",
        "resources": (0..64).map(|number| format!("r{number}")).collect::<Vec<_>>(),
        "namespaces": (0..32).map(|number| format!("n{number}")).collect::<Vec<_>>(),
    });
    many.requests = vec![serde_json::from_value(request).expect("a request")];
    let rights = requested(&many);
    assert_eq!(rights.len(), 64 * 32);
    assert_eq!(missing(&many, &Granted::Rights(rights)), []);
    let refusal = Refusal::NotGranted {
        plugin: "volsync".to_owned(),
        missing: requested(&many),
    };
    let failure = refusal.into_failure();
    assert!(failure.message.ends_with("and 2045 more"), "{failure}");
    assert!(failure.hint.expect("a hint").len() < 200);
}

#[test]
fn a_right_of_one_operation_is_none_of_another() {
    let status = run("status", json!({}), &Granted::Requested).expect("granted");
    let prune = run("prune", json!({}), &Granted::Requested).expect("granted");
    assert!(!pods(&status, ClusterVerb::Delete, Some("media")));
    assert!(pods(&prune, ClusterVerb::Delete, Some("media")));
}

#[test]
fn a_missing_grant_is_named_with_the_command_that_shows_what_it_is_for() {
    let granted = Granted::Rights(vec!["cluster:get:*:*".parse().expect("a right")]);
    assert!(
        run("status", json!({}), &granted).is_ok(),
        "it deletes nothing"
    );
    let refusal = run("prune", json!({}), &granted).expect_err("refused");
    let failure = refusal.into_failure();
    assert_eq!(
        failure.message,
        "plugin `volsync` asks for rights that it was not granted: `cluster:delete:pods:*`"
    );
    assert_eq!(
        failure.hint.as_deref(),
        Some("agent plugin inspect volsync")
    );
}

#[test]
fn what_an_operation_may_is_what_was_requested_and_granted_and_named() {
    let granted = |rights: &[&str]| {
        let rights = rights.iter().map(|right| right.parse().expect("a right"));
        Granted::Rights(rights.collect())
    };
    let everywhere = || {
        run(
            "status",
            json!({}),
            &granted(&["cluster:get:pods:media", "cluster:list:*:*"]),
        )
    };
    let grants = everywhere().expect("granted in part");
    assert!(pods(&grants, ClusterVerb::Get, Some("media")));
    assert!(!pods(&grants, ClusterVerb::Get, Some("default")));
    // More was granted than is requested.
    let list = ClusterVerb::List;
    assert!(!may(&grants, list, "secrets.v1", Some("media"), &[]));
    // Another namespace than the one that this invocation names.
    let elsewhere = run(
        "status",
        json!({"namespace": "default"}),
        &granted(&["cluster:*:*:media"]),
    );
    assert!(matches!(elsewhere, Err(Refusal::NotGranted { .. })));
}

fn rights(all: &[Right]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn each_field_and_each_object_of_a_request_is_a_right() {
    let mut narrow = manifest();
    let request = json!({
        "capability": "cluster", "verbs": ["patch", "apply"], "resources": ["deployments.apps"], "namespaces": ["media"],
        "fields": ["/spec/replicas", "/spec/paused"], "names": ["plex", "{app}"], "why": "w",
    });
    narrow.requests = vec![serde_json::from_value(request).expect("a request")];
    assert_eq!(
        rights(&requested(&narrow)),
        [
            "cluster:patch:deployments.apps#/spec/paused:media",
            "cluster:patch:deployments.apps#/spec/paused:media/plex",
            "cluster:patch:deployments.apps#/spec/replicas:media",
            "cluster:patch:deployments.apps#/spec/replicas:media/plex",
            "cluster:apply:deployments.apps#/spec/paused:media",
            "cluster:apply:deployments.apps#/spec/paused:media/plex",
            "cluster:apply:deployments.apps#/spec/replicas:media",
            "cluster:apply:deployments.apps#/spec/replicas:media/plex",
        ],
        "whoever grants it does so for all invocations"
    );
}

#[test]
fn the_invocation_names_the_object_or_there_is_none() {
    let mut named = manifest();
    let Request::Cluster(request) = &mut named.requests[0] else {
        panic!("of the cluster")
    };
    request.names = vec![Named::try_from("{app}".to_owned()).expect("an object")];
    let operation = serde_json::from_value(json!({"name": "status", "summary": "s"}));
    let operation: Operation = operation.expect("an operation");
    let decided = |granted: &Granted, arguments: Value| {
        decide(
            &named,
            granted,
            &operation,
            arguments.as_object().expect("an object"),
        )
    };
    let grants = decided(&Granted::Requested, json!({"app": "plex"})).expect("granted");
    let get = |name: &str| may(&grants, ClusterVerb::Get, "pods.v1", Some("media"), &[name]);
    assert!(get("plex") && !get("emby"));
    assert!(!pods(&grants, ClusterVerb::Get, Some("media")));
    for arguments in [
        json!({}),
        json!({"app": null}),
        json!({"app": 5}),
        json!({"app": ""}),
        json!({"app": "*"}),
        json!({"app": "a/b"}),
        json!({"app": "system:node"}),
        json!({"app": ["plex"]}),
    ] {
        let refused = decided(&Granted::Requested, arguments.clone()).expect_err("refused");
        assert_eq!(
            refused.into_failure().code,
            "operations.arguments",
            "{arguments}"
        );
    }
    let granted = |right: &str| Granted::Rights(vec![right.parse().expect("a right")]);
    let app = || json!({"app": "plex"});
    assert!(decided(&granted("cluster:get:pods:media/plex"), app()).is_ok());
    assert!(decided(&granted("cluster:get:pods:media/emby"), app()).is_err());
}

#[test]
fn every_verb_and_what_is_requested_are_a_right_to_what_is_requested() {
    let mut asking = manifest();
    let request = json!({
        "capability": "cluster", "verbs": ["signal", "ignore"], "resources": ["things.example.org"], "namespaces": ["*"],
        "fields": ["/spec/now"], "why": "w",
    });
    asking.requests = vec![serde_json::from_value(request).expect("a request")];
    let operation = serde_json::from_value(json!({"name": "status", "summary": "s"}));
    let operation: Operation = operation.expect("an operation");
    let every = Granted::Rights(vec!["cluster:*:*:media".parse().expect("a right")]);
    let grants = decide(&asking, &every, &operation, &Map::new()).expect("granted");
    let signal = |field: &str| {
        grants.allow_cluster(&Wish {
            verb: ClusterVerb::Signal,
            of: &"things.v1.example.org".parse().expect("a type"),
            namespace: Some("media"),
            names: &["plex"],
            fields: &[field.to_owned()],
        })
    };
    assert!(signal("/spec/now") && !signal("/spec/other"));
    // To patch it is no right to signal it.
    let patch = "cluster:patch:things.example.org#/spec/now:media";
    let patch = Granted::Rights(vec![patch.parse().expect("a right")]);
    let refused = decide(&asking, &patch, &operation, &Map::new());
    assert!(matches!(refused, Err(Refusal::NotGranted { .. })));
}
