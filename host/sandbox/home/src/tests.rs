//! Counts, names and shapes that the rest of the house relies upon.

use super::*;
use serde_json::json;
use std::collections::BTreeSet;

fn now() -> jiff::Timestamp {
    "2026-11-23T15:00:00Z".parse().unwrap()
}

fn of_kind(kind: &str) -> Vec<Value> {
    objects_at(now())
        .into_iter()
        .filter(|object| object["kind"] == kind)
        .collect()
}

fn named(kind: &str, namespace: &str, name: &str) -> Value {
    of_kind(kind)
        .into_iter()
        .find(|object| {
            object["metadata"]["namespace"] == namespace && object["metadata"]["name"] == name
        })
        .unwrap_or_else(|| panic!("no {kind} {namespace}/{name}"))
}

#[test]
fn the_counts_are_those_of_the_home_cluster() {
    assert_eq!(of_kind("Namespace").len(), 14);
    assert_eq!(of_kind("Kustomization").len(), 102);
    assert_eq!(of_kind("HelmRelease").len(), 89);
    assert_eq!(of_kind("ReplicationSource").len(), 23);
    assert_eq!(of_kind("ScaledObject").len(), 12);
    assert_eq!(of_kind("Node").len(), 4);
    let by_cron = apps()
        .iter()
        .filter(|app| app.backup.is_some() && matches!(app.controller, Controller::CronJob(_)))
        .count();
    assert_eq!(by_cron, 2);
}

#[test]
fn no_two_objects_share_a_name() {
    let mut seen = BTreeSet::new();
    for object in objects_at(now()) {
        let meta = &object["metadata"];
        let key = format!(
            "{} {} {} {}",
            object["apiVersion"], object["kind"], meta["namespace"], meta["name"]
        );
        assert!(seen.insert(key.clone()), "{key} twice");
    }
}

#[test]
fn plex_is_named_alike_everywhere() {
    for kind in [
        "Kustomization",
        "HelmRelease",
        "Deployment",
        "PersistentVolumeClaim",
        "ReplicationSource",
        "ScaledObject",
        "Service",
    ] {
        named(kind, "media", "plex");
    }
    let source = named("ReplicationSource", "media", "plex");
    assert_eq!(source["spec"]["restic"]["cacheCapacity"], "40Gi");
    assert_eq!(
        source["spec"]["restic"]["moverSecurityContext"],
        json!({"runAsUser": 1000, "runAsGroup": 100, "fsGroup": 100})
    );
    assert_eq!(source["status"]["nextSyncTime"], "2026-11-23T18:00:00Z");
}

#[test]
fn every_pod_mounts_a_claim_that_exists() {
    let claims: BTreeSet<String> = of_kind("PersistentVolumeClaim")
        .iter()
        .map(|claim| {
            format!(
                "{}/{}",
                claim["metadata"]["namespace"], claim["metadata"]["name"]
            )
        })
        .collect();
    let mut mounts = 0;
    for pod in of_kind("Pod") {
        for volume in pod["spec"]["volumes"].as_array().unwrap_or(&Vec::new()) {
            let claim = format!(
                "{}/{}",
                pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"]
            );
            assert!(claims.contains(&claim), "{claim}");
            mounts += 1;
        }
    }
    assert_eq!(
        mounts, 21,
        "the apps that are backed up, less the two cron jobs"
    );
}

#[test]
fn every_dependency_exists() {
    let names: BTreeSet<String> = apps()
        .iter()
        .map(|app| format!("{}/{}", app.namespace, app.name))
        .collect();
    for app in apps() {
        for dependency in app.depends_on {
            assert!(
                names.contains(*dependency),
                "{} depends on {dependency}",
                app.name
            );
        }
    }
}

#[test]
fn a_repository_holds_thirteen_snapshots_in_order_of_time() {
    let repositories = repositories_at(now());
    assert_eq!(repositories.len(), 23);
    for repository in repositories {
        let times: Vec<jiff::Timestamp> = repository
            .snapshots
            .iter()
            .map(|snapshot| snapshot["time"].as_str().unwrap().parse().unwrap())
            .collect();
        assert_eq!(times.len(), 13, "{}", repository.url);
        assert!(times.is_sorted() && times[12] < now(), "{}", repository.url);
    }
}

#[test]
fn what_a_person_wrote_has_no_server_fields() {
    for object in desired() {
        assert!(object.get("status").is_none() && object["metadata"].get("uid").is_none());
        assert!(!matches!(
            object["kind"].as_str(),
            Some("Pod" | "ReplicaSet" | "Node")
        ));
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test looks into its own source folder"
)]
fn every_definition_is_one_and_no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/crds");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    files.sort();
    assert_eq!(
        files,
        crd::FILES
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>()
    );
    for definition in crds() {
        assert_eq!(definition["kind"], "CustomResourceDefinition");
    }
}

#[test]
fn custom_objects_use_only_fields_of_their_schema() {
    let schemas = crds();
    for object in objects_at(now()) {
        let (group, version) = object["apiVersion"]
            .as_str()
            .unwrap()
            .split_once('/')
            .unwrap_or_default();
        let Some(definition) = schemas.iter().find(|crd| {
            crd["spec"]["group"] == group && crd["spec"]["names"]["kind"] == object["kind"]
        }) else {
            continue;
        };
        let versions = definition["spec"]["versions"].as_array().unwrap();
        let served = versions
            .iter()
            .find(|served| served["name"] == version)
            .unwrap();
        let schema = &served["schema"]["openAPIV3Schema"];
        for part in ["spec", "status"] {
            check(
                &object[part],
                &schema["properties"][part],
                &format!("{} {part}", object["kind"]),
            );
        }
    }
}

fn check(value: &Value, schema: &Value, path: &str) {
    if schema["x-kubernetes-preserve-unknown-fields"] == true
        || schema["x-kubernetes-int-or-string"] == true
    {
        return;
    }
    match value {
        Value::Object(fields) => {
            for required in schema["required"].as_array().unwrap_or(&Vec::new()) {
                assert!(
                    fields.contains_key(required.as_str().unwrap()),
                    "{path} lacks {required}"
                );
            }
            for (name, value) in fields {
                let open = &schema["additionalProperties"];
                let inner = if open.is_object() {
                    open
                } else {
                    &schema["properties"][name]
                };
                assert!(!inner.is_null(), "{path}.{name} is not in the schema");
                check(value, inner, &format!("{path}.{name}"));
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| check(item, &schema["items"], path)),
        Value::String(_) => assert_eq!(schema["type"], "string", "{path}"),
        Value::Bool(_) => assert_eq!(schema["type"], "boolean", "{path}"),
        Value::Number(_) => assert!(
            schema["type"] == "integer" || schema["type"] == "number",
            "{path}"
        ),
        Value::Null => {}
    }
}
