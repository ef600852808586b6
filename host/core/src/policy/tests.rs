//! `decide` as a table of asks, grants and verdicts.

use serde_json::json;

use super::*;
use crate::descriptor::Risk;
use crate::manifest::ClusterVerb;

const IMPORT: &str = "ops:cluster/cluster@0.1.0";

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
    decide(
        &manifest(),
        &[IMPORT.to_owned()],
        granted,
        &operation,
        &arguments,
    )
}

fn pods(grants: &Grants, verb: ClusterVerb, namespace: Option<&str>) -> bool {
    grants.allow_cluster(verb, &"pods.v1".parse().expect("a type"), namespace)
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
        let imports = [IMPORT.to_owned()];
        let decided = decide(&bound, &imports, &Granted::Requested, &operation, given);
        let failure = decided
            .expect_err("refused")
            .into_failure(&Digest::from_sha256(&[1; 32]));
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
    let failure = refusal.into_failure(&Digest::from_sha256(&[1; 32]));
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
fn a_missing_grant_is_named_with_the_command_that_grants_it() {
    let granted = Granted::Rights(vec!["cluster:get:*:*".parse().expect("a right")]);
    let refusal = run("status", json!({}), &granted).expect_err("refused");
    let failure = refusal.into_failure(&Digest::from_sha256(&[1; 32]));
    assert_eq!(
        failure.message,
        "plugin `volsync` asks for rights that it was not granted: `cluster:delete:pods:*`"
    );
    assert_eq!(
        failure.hint.as_deref(),
        Some(
            "agent plugin grant volsync@sha256:0101010101010101010101010101010101010101010101010101010101010101 'cluster:delete:pods:*'"
        )
    );
}

#[test]
fn an_import_without_a_request_is_refused() {
    let operation =
        serde_json::from_value(json!({"name": "status", "summary": "s"})).expect("an operation");
    let imports = ["ops:operations/operations@0.1.0".to_owned()];
    let refusal = decide(
        &manifest(),
        &imports,
        &Granted::Requested,
        &operation,
        &Map::new(),
    )
    .expect_err("refused");
    assert!(matches!(refusal, Refusal::NotRequested { .. }), "{refusal}");
}
