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
            {"capability": "cluster", "verbs": ["get"], "resources": ["pods"], "namespaces": ["{namespace}"], "why": "w"},
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
