//! The Job that lists a repository from inside the cluster, and what its pod tells.
//!
//! It is dressed as one of VolSync's own movers in all that opens a repository: Secret, certificate, volumes, user, service account, labels,
//! affinity, and the name and label by which admission policies know a mover. It is none of VolSync's in the one thing that counts: nothing
//! in it says that VolSync controls it, so VolSync leaves it alone. It reads no Secret itself; only the pod sees the values.

use serde_json::{Map, Value, json};

use super::image::Image;
use crate::mover::CONTAINER;
use crate::restic::{cause, log};
use crate::source::Source;

/// Where things are mounted; the same places as in VolSync's mover.
const CA: &str = "/customCA";
const CREDENTIALS: &str = "/credentials";
const CA_FILE: &str = "ca.crt";
const GCS_FILE: &str = "gcs.json";

/// Starts restic with its arguments. The Google credentials are a file for restic and a key of the Secret for VolSync, which tells restic of them
/// only when they are there; with a path that leads nowhere, restic does not look for those of the machine or the service account. The pod
/// finds out by itself, so nobody has to read the Secret.
const START: &str = r#"if [ -f /credentials/gcs.json ]; then export GOOGLE_APPLICATION_CREDENTIALS=/credentials/gcs.json; fi; exec restic "$@""#;

/// How much longer than we wait the Job may live, in seconds. It ends by itself where nobody is left to remove it; while somebody waits, what keeps it from
/// its work is told, and not that it was ended.
const REMAINS: u64 = 120;

/// How a Job is to be made.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) source: &'a Source,
    pub(crate) name: &'a str,
    pub(crate) image: &'a Image,
    /// Movers of this namespace run as root.
    pub(crate) privileged: bool,
    /// How long it is waited for.
    pub(crate) seconds: u64,
}

/// Returns the manifest.
pub(crate) fn manifest(order: &Order) -> Value {
    let source = order.source;
    let labels =
        json!({"app.kubernetes.io/created-by": "volsync", "app.kubernetes.io/managed-by": "agent"});
    let mut pod_labels = source
        .setting("moverPodLabels")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if let Some(labels) = labels.as_object() {
        pod_labels.extend(labels.clone());
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": order.name, "namespace": source.namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": order.seconds + REMAINS,
            "ttlSecondsAfterFinished": 600,
            "template": {"metadata": {"labels": pod_labels}, "spec": pod(order)},
        },
    })
}

fn pod(order: &Order) -> Value {
    let source = order.source;
    let mut spec = Map::new();
    spec.insert("restartPolicy".to_owned(), "Never".into());
    spec.insert("containers".to_owned(), json!([container(order)]));
    spec.insert("volumes".to_owned(), volumes(source).into());
    if let Some(account) = source.setting("moverServiceAccount") {
        spec.insert("serviceAccountName".to_owned(), account.clone());
    } else {
        spec.insert("automountServiceAccountToken".to_owned(), false.into());
        // A person's account has its own, which these would keep away from the pod.
        let pull = order.image.pull_secrets.iter();
        let pull: Vec<_> = pull.map(|name| json!({"name": name})).collect();
        if !pull.is_empty() {
            spec.insert("imagePullSecrets".to_owned(), pull.into());
        }
    }
    for (field, setting) in [
        ("securityContext", "moverSecurityContext"),
        ("affinity", "moverAffinity"),
    ] {
        if let Some(value) = source.setting(setting) {
            spec.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(spec)
}

/// `--no-lock`: reading the list needs no lock, so a running or crashed mover does not stand in the way, and none is left behind. `--no-cache`:
/// the list is read once, and the file system is read-only.
fn container(order: &Order) -> Value {
    let mut args = vec!["snapshots", "--json", "--no-lock", "--no-cache"];
    let certificate = format!("{CA}/{CA_FILE}");
    if custom_ca(order.source).is_some() {
        args.extend(["--cacert", &certificate]);
    }
    let mut container = json!({
        "name": CONTAINER,
        "image": order.image.name,
        "command": ["/bin/sh", "-c", START, "restic"],
        "args": args,
        "envFrom": [{"secretRef": {"name": order.source.repository()}}],
        "securityContext": security(order.privileged),
        "volumeMounts": mounts(order.source),
    });
    if let Some(resources) = order.source.setting("moverResources") {
        container["resources"] = resources.clone();
    }
    container
}

fn security(privileged: bool) -> Value {
    let mut context = json!({
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "privileged": false,
        "readOnlyRootFilesystem": true,
    });
    if privileged {
        context["runAsUser"] = 0.into();
        context["capabilities"]["add"] = json!(["DAC_OVERRIDE"]);
    }
    context
}

/// Returns the reference to the certificate in the form that a volume has.
fn custom_ca(source: &Source) -> Option<Value> {
    let ca = source.setting("customCA")?;
    let items = json!([{"key": ca["key"].as_str()?, "path": CA_FILE}]);
    let secret = ca["secretName"].as_str().filter(|name| !name.is_empty());
    let map = ca["configMapName"].as_str().filter(|name| !name.is_empty());
    match (secret, map) {
        (Some(name), _) => {
            Some(json!({"name": "custom-ca", "secret": {"secretName": name, "items": items}}))
        }
        (None, Some(name)) => {
            Some(json!({"name": "custom-ca", "configMap": {"name": name, "items": items}}))
        }
        (None, None) => None,
    }
}

/// An optional volume mounts the Google credentials when they are there.
fn volumes(source: &Source) -> Vec<Value> {
    let credentials = json!({
        "name": "credentials",
        "secret": {
            "secretName": source.repository(),
            "optional": true,
            "items": [{"key": "GOOGLE_APPLICATION_CREDENTIALS", "path": GCS_FILE}],
        },
    });
    let mut volumes = vec![
        json!({"name": "tempdir", "emptyDir": {"medium": "Memory"}}),
        credentials,
    ];
    volumes.extend(custom_ca(source));
    for volume in mover_volumes(source) {
        let mut mounted = volume["volumeSource"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        mounted.insert("name".to_owned(), volume_name(volume).into());
        volumes.push(Value::Object(mounted));
    }
    volumes
}

fn mounts(source: &Source) -> Vec<Value> {
    let mut mounts = vec![
        json!({"name": "tempdir", "mountPath": "/tmp"}),
        json!({"name": "credentials", "mountPath": CREDENTIALS, "readOnly": true}),
    ];
    if custom_ca(source).is_some() {
        mounts.push(json!({"name": "custom-ca", "mountPath": CA, "readOnly": true}));
    }
    for volume in mover_volumes(source) {
        let path = format!("/mnt/{}", volume["mountPath"].as_str().unwrap_or_default());
        mounts.push(json!({"name": volume_name(volume), "mountPath": path}));
    }
    mounts
}

fn mover_volumes(source: &Source) -> &[Value] {
    let volumes = source.setting("moverVolumes").and_then(Value::as_array);
    volumes.map(Vec::as_slice).unwrap_or_default()
}

fn volume_name(volume: &Value) -> String {
    format!("u-{}", volume["mountPath"].as_str().unwrap_or_default())
}

/// Says why a list could not be read, most telling first.
pub(crate) fn causes(exit: Option<i64>, text: &str) -> Vec<String> {
    let mut causes = Vec::new();
    if let Some(why) = cause::why(exit, text) {
        causes.push(why.to_owned());
    }
    if let Some(exit) = exit.filter(|exit| *exit != 0) {
        causes.push(format!("restic ended with exit code {exit}"));
    }
    causes.extend(
        log::tail(text, 5)
            .into_iter()
            .map(|line| format!("log: {line}")),
    );
    causes
}

#[cfg(test)]
mod tests;
