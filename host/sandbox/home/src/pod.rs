//! Pod templates, and pods that run and are ready.

use crate::app::App;
use crate::clock::Clock;
use crate::cluster::NODES;
use crate::meta::{hex_id, object, owned, suffix, uid};
use serde_json::{Value, json};

/// The labels by which the pods of a workload are selected.
pub(crate) fn selector(app: &App, workload: &str) -> Value {
    let release = app.release.unwrap_or(app.name);
    let short = workload
        .strip_prefix(release)
        .map_or(workload, |rest| rest.trim_start_matches('-'));
    let controller = if short.is_empty() { release } else { short };
    json!({
        "app.kubernetes.io/controller": controller,
        "app.kubernetes.io/instance": release,
        "app.kubernetes.io/name": release,
    })
}

/// The pod template of a workload; `restart` is its restart policy.
pub(crate) fn template(app: &App, workload: &str, restart: &str) -> Value {
    let mut container = json!({
        "name": "app", "image": app.image, "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "TZ", "value": "Europe/Berlin"}],
        "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "4Gi"}},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    });
    if app.port > 0 {
        container["ports"] =
            json!([{"name": "http", "containerPort": app.port, "protocol": "TCP"}]);
    }
    let mut spec = json!({
        "restartPolicy": restart, "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler", "automountServiceAccountToken": false, "enableServiceLinks": false,
        "securityContext": {"runAsUser": 1000, "runAsGroup": 100, "fsGroup": 100, "runAsNonRoot": true,
                            "fsGroupChangePolicy": "OnRootMismatch"},
    });
    if app.backup.is_some() {
        container["volumeMounts"] = json!([{"name": "config", "mountPath": "/config"}]);
        spec["volumes"] =
            json!([{"name": "config", "persistentVolumeClaim": {"claimName": app.name}}]);
    }
    spec["containers"] = json!([container]);
    json!({"metadata": {"labels": selector(app, workload)}, "spec": spec})
}

/// A pod of `owner` that runs on one of the nodes and is ready.
pub(crate) fn running(clock: &Clock, owner: &Value, name: &str, hash_label: (&str, &str)) -> Value {
    let namespace = owner["metadata"]["namespace"].as_str().unwrap_or_default();
    let template = &owner["spec"]["template"];
    let mut pod = object(clock, "v1", "Pod", namespace, name);
    let started = clock.days_ago(6);
    pod["metadata"]["creationTimestamp"] = json!(started);
    pod["metadata"]["generateName"] = json!(format!(
        "{}-",
        owner["metadata"]["name"].as_str().unwrap_or_default()
    ));
    pod["metadata"]["labels"] = template["metadata"]["labels"].clone();
    pod["metadata"]["labels"][hash_label.0] = json!(hash_label.1);
    owned(&mut pod, owner);
    let place = usize::from(hex_id(name).as_bytes()[0]) % 3;
    let (node, address) = if name.starts_with("plex") || name.starts_with("jellyfin") {
        NODES[3]
    } else {
        NODES[place]
    };
    pod["spec"] = template["spec"].clone();
    pod["spec"]["nodeName"] = json!(node);
    pod["status"] = status(&pod, address, &started);
    pod
}

fn status(pod: &Value, host: &str, started: &str) -> Value {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let container = &pod["spec"]["containers"][0];
    let digest = hex_id(name);
    let octet = |at: usize| u8::from_str_radix(&digest[at..at + 2], 16).unwrap_or(7);
    let address = format!("10.42.{}.{}", octet(0) % 4, octet(2).max(2));
    let state = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": started});
    json!({
        "phase": "Running", "startTime": started, "hostIP": host, "hostIPs": [{"ip": host}], "podIP": address,
        "podIPs": [{"ip": address}], "qosClass": "Burstable",
        "conditions": [state("PodReadyToStartContainers"), state("Initialized"), state("Ready"), state("ContainersReady"), state("PodScheduled")],
        "containerStatuses": [{
            "name": container["name"], "image": container["image"], "ready": true, "started": true, "restartCount": 0,
            "imageID": format!("{}@sha256:{digest}", container["image"].as_str().unwrap_or_default()),
            "containerID": format!("containerd://{digest}"), "state": {"running": {"startedAt": started}}, "lastState": {},
        }],
    })
}

/// The template hash of a ReplicaSet.
pub(crate) fn hash(namespace: &str, workload: &str) -> String {
    suffix(&uid("Template", namespace, workload), 10)
}
