//! The mover's Job.

use super::volume;
use crate::object::Object;
use crate::restic::Policy;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How many pods of a Job may fail before it is made anew.
pub(super) const BACKOFF_LIMIT: i64 = 8;

/// `src` or `dst`.
pub(super) fn direction(object: &Object) -> &'static str {
    if object.kind() == "ReplicationSource" {
        "src"
    } else {
        "dst"
    }
}

/// The name of the Job: a hash in the place of a long name.
pub(super) fn name(object: &Object) -> String {
    let prefix = format!("volsync-{}-", direction(object));
    let name = format!("{prefix}{}", object.name());
    if name.len() <= 63 {
        return name;
    }
    let hash = hex::encode(Sha256::digest(object.name().as_bytes()));
    format!("{prefix}{}", &hash[..8])
}

/// Whether the next backup unlocks first.
pub(super) fn unlocks(object: &Object) -> bool {
    let wanted = object.text("/spec/restic/unlock");
    !wanted.is_empty() && wanted != object.text("/status/restic/lastUnlocked")
}

/// Whether the next backup prunes: so many days after the last time, or after the source was made.
pub(super) fn prunes(object: &Object, now: Timestamp) -> bool {
    let days = object.int("/spec/restic/pruneIntervalDays").unwrap_or(7);
    let last = object
        .time("/status/restic/lastPruned")
        .or_else(|| object.time("/metadata/creationTimestamp"));
    last.is_some_and(|last| now > last + SignedDuration::from_hours(24 * days))
}

fn actions(object: &Object) -> Vec<&'static str> {
    if direction(object) == "dst" {
        return vec!["restore"];
    }
    let mut actions = Vec::new();
    if unlocks(object) {
        actions.push("unlock");
    }
    actions.push("backup");
    if prunes(object, Timestamp::now()) {
        actions.push("prune");
    }
    actions
}

/// The Job that moves the data.
pub(super) fn build(
    object: &Object,
    data: &Object,
    cache: &Object,
    account: &str,
    secret: &Object,
) -> Value {
    let restic = &object["spec"]["restic"];
    let name = name(object);
    let mut container = json!({
        "name": "restic", "image": "quay.io/backube/volsync:0.16.0", "command": ["/mover-restic/entry.sh"],
        "args": actions(object), "env": environment(object, secret),
        "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "privileged": false,
            "readOnlyRootFilesystem": true,
        },
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"}, {"name": "cache", "mountPath": "/cache"},
            {"name": "tempdir", "mountPath": "/tmp"},
        ],
    });
    let mut volumes = json!([
        {"name": "data", "persistentVolumeClaim": {"claimName": data.name()}},
        {"name": "cache", "persistentVolumeClaim": {"claimName": cache.name()}},
        {"name": "tempdir", "emptyDir": {"medium": "Memory"}},
    ]);
    add_custom_ca(restic, &mut container, &mut volumes);
    add_mover_volumes(restic, &mut container, &mut volumes);
    if restic["moverResources"].is_object() {
        container["resources"] = restic["moverResources"].clone();
    }
    let mut pod = json!({
        "restartPolicy": "Never", "serviceAccountName": account, "containers": [container], "volumes": volumes,
    });
    for (field, of_mover) in [
        ("securityContext", "moverSecurityContext"),
        ("affinity", "moverAffinity"),
    ] {
        if restic[of_mover].is_object() {
            pod[field] = restic[of_mover].clone();
        }
    }
    let mut labels = json!({"app.kubernetes.io/created-by": "volsync"});
    crate::object::merge(&mut labels, &restic["moverPodLabels"]);
    let labels = if labels.is_object() {
        labels
    } else {
        json!({"app.kubernetes.io/created-by": "volsync"})
    };
    json!({
        "metadata": volume::metadata(object, &name, true),
        "spec": {
            "backoffLimit": BACKOFF_LIMIT, "parallelism": parallelism(object),
            "template": {"metadata": {"name": name, "labels": labels}, "spec": pod},
        },
    })
}

/// No pod while the object is paused.
pub(super) fn parallelism(object: &Object) -> i64 {
    if object.flag("/spec/paused") { 0 } else { 1 }
}

/// Whether a Job does what this object wants now. What it runs is immutable, so one that does not is made anew.
pub(super) fn is_same(job: &Object, wanted: &Value) -> bool {
    let container = "/spec/template/spec/containers/0";
    ["args", "env", "image"].iter().all(|field| {
        job.pointer(&format!("{container}/{field}"))
            == wanted.pointer(&format!("{container}/{field}"))
    })
}

fn environment(object: &Object, secret: &Object) -> Vec<Value> {
    let restic = &object["spec"]["restic"];
    let source = direction(object) == "src";
    let previous = if source {
        0
    } else {
        restic["previous"].as_i64().unwrap_or(0)
    };
    let delete = if restic["enableFileDeletion"] == true {
        "--delete"
    } else {
        ""
    };
    let plain = |name: &str, value: &str| {
        if value.is_empty() {
            json!({"name": name})
        } else {
            json!({"name": name, "value": value})
        }
    };
    let kept = |name: &str, optional: bool| {
        let mut key = json!({"name": secret.name(), "key": name});
        if optional {
            key["optional"] = json!(true);
        }
        json!({"name": name, "valueFrom": {"secretKeyRef": key}})
    };
    let mut all = vec![
        plain("FORGET_OPTIONS", Policy::options(&restic["retain"]).trim()),
        plain("DATA_DIR", "/data"),
        plain("RESTIC_CACHE_DIR", "/cache"),
        plain(
            "RESTORE_AS_OF",
            restic["restoreAsOf"].as_str().unwrap_or_default(),
        ),
        plain("SELECT_PREVIOUS", &previous.to_string()),
        plain("RESTORE_OPTIONS", delete),
        kept("RESTIC_REPOSITORY", false),
        kept("RESTIC_PASSWORD", false),
    ];
    let optional = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "B2_ACCOUNT_ID",
        "B2_ACCOUNT_KEY",
    ];
    all.extend(
        optional
            .iter()
            .filter(|name| !secret["data"][**name].is_null())
            .map(|name| kept(name, true)),
    );
    all.push(plain("PRIVILEGED_MOVER", "0"));
    all
}

fn add_custom_ca(restic: &Value, container: &mut Value, volumes: &mut Value) {
    let authority = &restic["customCA"];
    let source = if let Some(name) = authority["secretName"].as_str() {
        json!({"name": "custom-ca", "secret": {"secretName": name, "items": [{"key": authority["key"], "path": "ca.crt"}]}})
    } else if let Some(name) = authority["configMapName"].as_str() {
        json!({"name": "custom-ca", "configMap": {"name": name, "items": [{"key": authority["key"], "path": "ca.crt"}]}})
    } else {
        return;
    };
    append(
        &mut container["env"],
        json!({"name": "CUSTOM_CA", "value": "/customCA/ca.crt"}),
    );
    append(
        &mut container["volumeMounts"],
        json!({"name": "custom-ca", "mountPath": "/customCA"}),
    );
    append(volumes, source);
}

fn add_mover_volumes(restic: &Value, container: &mut Value, volumes: &mut Value) {
    for extra in restic["moverVolumes"].as_array().unwrap_or(&Vec::new()) {
        let path = extra["mountPath"].as_str().unwrap_or_default();
        let name = format!("u-{path}");
        let mut volume = extra["volumeSource"].clone();
        volume["name"] = json!(name);
        append(volumes, volume);
        append(
            &mut container["volumeMounts"],
            json!({"name": name, "mountPath": format!("/mnt/{path}")}),
        );
    }
}

fn append(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_becomes_a_hash() {
        let named = |name: &str| name_of("ReplicationDestination", name);
        assert_eq!(named("plex"), "volsync-dst-plex");
        let long = named(&"a".repeat(60));
        assert!(
            long.len() <= 63 && long.starts_with("volsync-dst-") && long != named(&"b".repeat(60))
        );
    }

    fn name_of(kind: &str, object: &str) -> String {
        name(&Object(json!({"kind": kind, "metadata": {"name": object}})))
    }

    #[test]
    fn unlock_runs_once_per_value() {
        let source = |unlock: &str, last: &str| {
            Object(
                json!({"kind": "ReplicationSource", "spec": {"restic": {"unlock": unlock}}, "status": {"restic": {"lastUnlocked": last}}}),
            )
        };
        assert!(unlocks(&source("2", "1")));
        assert!(!unlocks(&source("2", "2")));
        assert!(!unlocks(&source("", "")));
    }
}
