//! The defaults of built-in kinds, as far as clients and controllers rely on them; those of custom resources come from their
//! schema.

mod pod;

use serde_json::{Value, json};

use crate::object::{self, default};
use crate::resource::Resource;
use crate::schema;

/// Fills in what the writer left out.
pub(crate) fn fill(resource: &Resource, value: &mut Value) {
    if resource.is_custom {
        schema::default::structural(resource.schema(), value);
        return;
    }
    schema::default::zero_values(resource.schema(), value);
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => {
            let name = object::name(value).to_owned();
            let labels = object::child_mut(&mut value["metadata"], "labels");
            labels.insert("kubernetes.io/metadata.name".into(), json!(name));
        }
        ("", "pods") => pod::spec(&mut value["spec"]),
        ("", "services") => service(&mut value["spec"]),
        ("", "secrets") => secret(value),
        ("", "persistentvolumeclaims") => default(&mut value["spec"], "volumeMode", "Filesystem"),
        ("", "persistentvolumes") => volume(&mut value["spec"]),
        ("apps", "deployments") => deployment(&mut value["spec"]),
        ("apps", "replicasets") | ("", "replicationcontrollers") => {
            default(&mut value["spec"], "replicas", 1);
            pod::template(&mut value["spec"]["template"]);
        }
        ("apps", "statefulsets") => stateful_set(&mut value["spec"]),
        ("apps", "daemonsets") => daemon_set(&mut value["spec"]),
        ("batch", "jobs") => job(&mut value["spec"]),
        ("batch", "cronjobs") => cron_job(&mut value["spec"]),
        ("autoscaling", _) => default(&mut value["spec"], "minReplicas", 1),
        ("storage.k8s.io", "storageclasses") => {
            default(value, "reclaimPolicy", "Delete");
            default(value, "volumeBindingMode", "Immediate");
        }
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(value),
        _ => {}
    }
}

fn service(spec: &mut Value) {
    default(spec, "type", "ClusterIP");
    default(spec, "sessionAffinity", "None");
    if spec["type"] != "ExternalName" {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
    if matches!(spec["type"].as_str(), Some("LoadBalancer" | "NodePort")) {
        default(spec, "externalTrafficPolicy", "Cluster");
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
    for port in object::items_mut(spec, "ports") {
        default(port, "protocol", "TCP");
        let number = port["port"].clone();
        default(port, "targetPort", number);
    }
}

fn secret(value: &mut Value) {
    use base64::Engine as _;
    default(value, "type", "Opaque");
    let Some(Value::Object(plain)) = value
        .as_object_mut()
        .and_then(|map| map.remove("stringData"))
    else {
        return;
    };
    let data = object::child_mut(value, "data");
    for (key, text) in plain {
        let encoded = base64::prelude::BASE64_STANDARD.encode(text.as_str().unwrap_or_default());
        data.insert(key, json!(encoded));
    }
}

fn volume(spec: &mut Value) {
    default(spec, "persistentVolumeReclaimPolicy", "Retain");
    default(spec, "volumeMode", "Filesystem");
    if spec["hostPath"].is_object() {
        default(&mut spec["hostPath"], "type", "");
    }
}

fn deployment(spec: &mut Value) {
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
    default(spec, "strategy", json!({}));
    default(&mut spec["strategy"], "type", "RollingUpdate");
    if spec["strategy"]["type"] == "RollingUpdate" {
        default(&mut spec["strategy"], "rollingUpdate", json!({}));
        default(
            &mut spec["strategy"]["rollingUpdate"],
            "maxUnavailable",
            "25%",
        );
        default(&mut spec["strategy"]["rollingUpdate"], "maxSurge", "25%");
    }
    pod::template(&mut spec["template"]);
}

fn stateful_set(spec: &mut Value) {
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "podManagementPolicy", "OrderedReady");
    let strategy = &mut spec["updateStrategy"];
    default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        default(strategy, "rollingUpdate", json!({}));
        default(&mut strategy["rollingUpdate"], "partition", 0);
    }
    default(
        spec,
        "persistentVolumeClaimRetentionPolicy",
        json!({ "whenDeleted": "Retain", "whenScaled": "Retain" }),
    );
    for claim in object::items_mut(spec, "volumeClaimTemplates") {
        default(&mut claim["spec"], "volumeMode", "Filesystem");
    }
    pod::template(&mut spec["template"]);
}

fn daemon_set(spec: &mut Value) {
    default(spec, "revisionHistoryLimit", 10);
    let strategy = &mut spec["updateStrategy"];
    default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        default(strategy, "rollingUpdate", json!({}));
        default(&mut strategy["rollingUpdate"], "maxUnavailable", 1);
        default(&mut strategy["rollingUpdate"], "maxSurge", 0);
    }
    pod::template(&mut spec["template"]);
}

fn job(spec: &mut Value) {
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    default(spec, "backoffLimit", 6);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    default(spec, "manualSelector", false);
    default(spec, "podReplacementPolicy", "TerminatingOrFailed");
    pod::template(&mut spec["template"]);
}

fn cron_job(spec: &mut Value) {
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    pod::template(&mut spec["jobTemplate"]["spec"]["template"]);
}

fn binding(value: &mut Value) {
    default(
        &mut value["roleRef"],
        "apiGroup",
        "rbac.authorization.k8s.io",
    );
    for subject in object::items_mut(value, "subjects") {
        if subject["kind"] != "ServiceAccount" {
            default(subject, "apiGroup", "rbac.authorization.k8s.io");
        }
    }
}
