//! A Job that runs restic from inside the cluster, for only the cluster may reach the repository. It is held: it is gone when its log is read, or
//! when anything else happens.
//!
//! It is dressed as one of VolSync's own movers in all that opens a repository: Secret, certificate, volumes, user, service account, labels,
//! affinity, and the name and label by which admission policies know a mover. It is none of VolSync's in the one thing that counts: nothing
//! in it says that VolSync controls it, so VolSync leaves it alone. It reads no Secret itself; only the pod sees the values.

pub(crate) mod image;
mod wait;

use agent_sdk::diagnosis::End;
use agent_sdk::prelude::*;
use agent_sdk::serde_json::Map;

use crate::mover::CONTAINER;
use crate::restic::{DATA, cause, log};
use crate::source::Source;
use crate::{operator, text};
use image::Image;

/// Where things are mounted; the same places as in VolSync's mover.
const CA: &str = "/customCA";
const CREDENTIALS: &str = "/credentials";
const CA_FILE: &str = "ca.crt";
const GCS_FILE: &str = "gcs.json";

/// Comes before each script. The Google credentials are a file for restic and a key of the Secret for VolSync, which tells restic of them
/// only when they are there; with a path that leads nowhere, restic does not look for those of the machine or the service account. The pod
/// finds out by itself, so nobody has to read the Secret.
const START: &str = "if [ -f /credentials/gcs.json ]; then export GOOGLE_APPLICATION_CREDENTIALS=/credentials/gcs.json; fi; ";

/// How much longer than we wait the Job may live, in seconds. It ends by itself where nobody is left to remove it; while somebody waits, what keeps it from
/// its work is told, and not that it was ended.
const REMAINS: u64 = 120;

/// What restic is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    /// What the Job's name says that it is for, after `volsync-agent-`: a verb.
    pub(crate) purpose: &'a str,
    /// A shell's script, which runs `restic "$@"`.
    pub(crate) script: &'a str,
    /// What the script gets. The kubelet puts variables in for `$(NAME)`, so text that nobody of us wrote is encoded.
    pub(crate) args: &'a [String],
    /// How the claim of the source is mounted at [`DATA`]; none: it is not.
    pub(crate) data: Option<Access>,
    /// How long it may take to begin.
    pub(crate) timeout: SignedDuration,
    /// How long it may run. None: no longer than the timeout, its beginning included.
    pub(crate) patience: Option<SignedDuration>,
    /// Says that a log is whole: one can lag behind its pod's end by a moment.
    pub(crate) whole: fn(&str) -> bool,
}

/// How the volume is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    pub(crate) end: End,
    pub(crate) log: String,
}

/// What a Job fails with that did not come so far that restic ended.
pub(crate) const FAILED: &str = "volsync.job-failed";

/// Runs restic, and removes the Job afterwards. None while planning.
///
/// # Errors
///
/// [`FAILED`], with why; those of the host.
pub(crate) fn run(step: &Step, source: &Source, work: &Work) -> Result<Option<Printed>> {
    let token = run::token();
    let name = format!("volsync-agent-{}-{}", work.purpose, text::end(&token));
    let image = image();
    let manifest = manifest(&Order {
        source,
        name: &name,
        image: &image,
        privileged: privileged(&source.namespace)?,
        work,
    });
    let (held, _) = cluster::hold(&[Change::create(kinds::JOB, manifest)], &["/metadata/name"])?;
    if run::planning() {
        return Ok(None);
    }
    let printed = wait::end(step, source, &name, work)?;
    // Where restic failed, the Job belongs to what is undone.
    if printed.end.exit == 0 {
        held.release()?;
    }
    Ok(Some(printed))
}

/// The image of the movers, as VolSync is told it; where that may not be read, a known one will do.
fn image() -> Image {
    let deployment = operator::find(None).unwrap_or_else(|error| {
        debug!("VolSync's Deployment cannot be read: {error}");
        None
    });
    Image::of(deployment.as_ref().map(|deployment| &deployment.0))
}

fn privileged(namespace: &str) -> Result<bool> {
    let target = ObjectRef::cluster_scoped(kinds::NAMESPACE, namespace);
    let object = cluster::find(&target, &["/metadata/annotations"])?;
    let annotation =
        |object: &Object| object.annotation("volsync.backube/privileged-movers") == Some("true");
    Ok(object.as_ref().is_some_and(annotation))
}

/// How a Job is to be made.
#[derive(Debug)]
struct Order<'a> {
    source: &'a Source,
    name: &'a str,
    image: &'a Image,
    /// Movers of this namespace run as root.
    privileged: bool,
    work: &'a Work<'a>,
}

/// Returns the manifest.
fn manifest(order: &Order) -> Value {
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
    let Work {
        timeout, patience, ..
    } = order.work;
    let seconds = text::seconds(*timeout) + patience.map_or(0, text::seconds);
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": order.name, "namespace": source.namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": seconds + REMAINS,
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
    spec.insert("volumes".to_owned(), volumes(order).into());
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

fn container(order: &Order) -> Value {
    let mut container = json!({
        "name": CONTAINER,
        "image": order.image.name,
        "command": ["/bin/sh", "-c", format!("{START}{}", order.work.script), CONTAINER],
        "args": order.work.args,
        "envFrom": [{"secretRef": {"name": order.source.repository()}}],
        "securityContext": security(order.privileged),
        "volumeMounts": mounts(order),
    });
    if custom_ca(order.source).is_some() {
        container["env"] = json!([{"name": "RESTIC_CACERT", "value": format!("{CA}/{CA_FILE}")}]);
    }
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
fn volumes(order: &Order) -> Vec<Value> {
    let source = order.source;
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
    volumes.extend(order.work.data.map(|access| {
        let claim = json!({"claimName": source.claim(), "readOnly": access == Access::Read});
        json!({"name": "data", "persistentVolumeClaim": claim})
    }));
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

fn mounts(order: &Order) -> Vec<Value> {
    let source = order.source;
    let mut mounts = vec![
        json!({"name": "tempdir", "mountPath": "/tmp"}),
        json!({"name": "credentials", "mountPath": CREDENTIALS, "readOnly": true}),
    ];
    if custom_ca(source).is_some() {
        mounts.push(json!({"name": "custom-ca", "mountPath": CA, "readOnly": true}));
    }
    mounts.extend(order.work.data.map(
        |access| json!({"name": "data", "mountPath": DATA, "readOnly": access == Access::Read}),
    ));
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

/// Says why restic did not do what it was to do, most telling first.
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
