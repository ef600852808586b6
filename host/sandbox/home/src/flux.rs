//! Flux: the git source, and a Kustomization per app with its inventory.

use crate::app::{App, Controller};
use crate::clock::Clock;
use crate::cluster::{NAMESPACES, ready};
use crate::meta::{hex_id, kustomized, managed, object};
use serde_json::{Value, json};

/// The revision of the git repository that everything has been applied from.
pub(crate) fn revision() -> String {
    format!("refs/heads/main@sha1:{}", &hex_id("home-ops main")[..40])
}

pub(crate) fn objects(clock: &Clock, apps: &[App]) -> Vec<Value> {
    let mut objects = vec![git_repository(clock)];
    objects.extend(apps.iter().map(|app| kustomization(clock, app, apps)));
    objects
}

fn git_repository(clock: &Clock) -> Value {
    let mut source = object(
        clock,
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        "flux-system",
        "flux-system",
    );
    let path = "gitrepository/flux-system/flux-system";
    let sha = &hex_id("home-ops main")[..40];
    source["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "flux-operator"});
    source["metadata"]["finalizers"] = json!(["finalizers.fluxcd.io"]);
    source["metadata"]["generation"] = json!(1);
    source["spec"] = json!({
        "interval": "1h", "timeout": "60s", "url": "https://github.com/home/home-ops.git",
        "ref": {"name": "refs/heads/main"}, "ignore": "/*\n!/kubernetes\n",
    });
    let message = format!("stored artifact for revision '{}'", revision());
    source["status"] = json!({
        "observedGeneration": 1,
        "artifact": {
            "digest": format!("sha256:{}", hex_id("home-ops artifact")), "lastUpdateTime": clock.minutes_ago(38),
            "path": format!("{path}/{sha}.tar.gz"), "revision": revision(), "size": 412_806,
            "url": format!("http://source-controller.flux-system.svc.cluster.local./{path}/{sha}.tar.gz"),
        },
        "conditions": [
            ready("Succeeded", &message, &clock.minutes_ago(38), 1)[0],
            {"type": "ArtifactInStorage", "status": "True", "reason": "Succeeded", "message": message,
             "observedGeneration": 1, "lastTransitionTime": clock.minutes_ago(38)},
        ],
    });
    managed(&mut source, "flux-operator", "source-controller");
    source
}

fn kustomization(clock: &Clock, app: &App, apps: &[App]) -> Value {
    let mut item = object(
        clock,
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        app.namespace,
        app.name,
    );
    item["metadata"]["finalizers"] = json!(["finalizers.fluxcd.io"]);
    item["metadata"]["generation"] = json!(1);
    item["spec"] = kustomization_spec(app);
    item["status"] = kustomization_status(clock, app, apps);
    if app.name == "cluster-apps" {
        managed(&mut item, "flux-operator", "kustomize-controller");
    } else {
        kustomized(&mut item, "flux-system", "cluster-apps");
        managed(&mut item, "kustomize-controller", "kustomize-controller");
    }
    item
}

fn kustomization_spec(app: &App) -> Value {
    let root = app.name == "cluster-apps";
    let path = if root {
        "./kubernetes/apps".to_owned()
    } else {
        format!("./kubernetes/apps/{}/{}/app", app.namespace, app.name)
    };
    let mut spec = json!({
        "decryption": {"provider": "sops", "secretRef": {"name": "sops-age-secret"}},
        "deletionPolicy": "WaitForTermination", "force": false, "interval": "1h", "path": path, "prune": true,
        "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"},
        "timeout": "5m", "wait": false,
    });
    if root {
        return spec;
    }
    spec["retryInterval"] = json!("2m");
    spec["targetNamespace"] = json!(app.namespace);
    spec["postBuild"] = json!({
        "substitute": {"APP": app.name}, "substituteFrom": [{"kind": "Secret", "name": "cluster-secrets"}],
    });
    if let Some(backup) = app.backup {
        spec["postBuild"]["substitute"]["VOLSYNC_CAPACITY"] = json!(backup.capacity);
        spec["postBuild"]["substitute"]["VOLSYNC_CACHE_CAPACITY"] = json!(backup.cache);
        spec["components"] = json!(["../../../../components/volsync"]);
    }
    if app.scaled.is_some() {
        let components = spec["components"].as_array().cloned().unwrap_or_default();
        let component = json!("../../../../components/keda/nfs-scaler");
        spec["components"] = components.into_iter().chain([component]).collect();
    }
    if !app.depends_on.is_empty() {
        spec["dependsOn"] = app.depends_on.iter().map(|name| dependency(name)).collect();
    }
    spec
}

fn dependency(name: &str) -> Value {
    let (namespace, name) = name.split_once('/').unwrap_or(("flux-system", name));
    json!({"name": name, "namespace": namespace})
}

fn kustomization_status(clock: &Clock, app: &App, apps: &[App]) -> Value {
    let message = format!("Applied revision: {}", revision());
    let time = clock.minutes_ago(36);
    json!({
        "observedGeneration": 1, "lastAppliedRevision": revision(), "lastAttemptedRevision": revision(),
        "conditions": ready("ReconciliationSucceeded", &message, &time, 1),
        "inventory": {"entries": inventory(app, apps)},
    })
}

/// What a Kustomization applied, as kustomize-controller records it: `<namespace>_<name>_<group>_<kind>` and the version.
fn inventory(app: &App, apps: &[App]) -> Vec<Value> {
    let entry = |namespace: &str, name: &str, group: &str, kind: &str, version: &str| json!({"id": format!("{namespace}_{name}_{group}_{kind}"), "v": version});
    if app.name == "cluster-apps" {
        let namespaces = NAMESPACES
            .iter()
            .map(|name| entry("", name, "", "Namespace", "v1"));
        let children = apps
            .iter()
            .filter(|child| child.name != "cluster-apps")
            .map(|child| {
                entry(
                    child.namespace,
                    child.name,
                    "kustomize.toolkit.fluxcd.io",
                    "Kustomization",
                    "v1",
                )
            });
        return namespaces.chain(children).collect();
    }
    let space = app.namespace;
    let mut entries = Vec::new();
    if let Some(release) = app.release {
        entries.push(entry(
            space,
            release,
            "helm.toolkit.fluxcd.io",
            "HelmRelease",
            "v2",
        ));
        let kind = if app.is_from_helm_repository() {
            "HelmRepository"
        } else {
            "OCIRepository"
        };
        entries.push(entry(
            space,
            release,
            "source.toolkit.fluxcd.io",
            kind,
            "v1",
        ));
    }
    if let (Some(source), Some(secret)) = (app.source(), app.repository_secret()) {
        entries.push(entry(space, app.name, "", "PersistentVolumeClaim", "v1"));
        entries.push(entry(
            space,
            &secret,
            "external-secrets.io",
            "ExternalSecret",
            "v1",
        ));
        entries.push(entry(
            space,
            &source,
            "volsync.backube",
            "ReplicationSource",
            "v1alpha1",
        ));
        entries.push(entry(
            space,
            &format!("{}-dst", app.name),
            "volsync.backube",
            "ReplicationDestination",
            "v1alpha1",
        ));
    }
    if let Some(deployment) = app.scaled {
        entries.push(entry(
            space,
            deployment,
            "keda.sh",
            "ScaledObject",
            "v1alpha1",
        ));
    }
    if app.controller == Controller::Nothing && app.release.is_none() {
        entries.push(entry(space, app.name, "", "ConfigMap", "v1"));
    }
    entries
}
