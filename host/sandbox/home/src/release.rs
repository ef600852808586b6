//! Helm: where an app's chart comes from, and its HelmRelease.

use crate::app::{App, Controller};
use crate::clock::Clock;
use crate::cluster::ready;
use crate::meta::{hex_id, kustomized, managed, object};
use serde_json::{Value, json};

pub(crate) fn objects(clock: &Clock, app: &App) -> Vec<Value> {
    let Some(release) = app.release else {
        return plain_objects(clock, app);
    };
    let mut objects = if app.is_from_helm_repository() {
        vec![
            helm_repository(clock, app, release),
            helm_chart(clock, app, release),
        ]
    } else {
        vec![oci_repository(clock, app, release)]
    };
    objects.push(helm_release(clock, app, release));
    objects
}

fn plain_objects(clock: &Clock, app: &App) -> Vec<Value> {
    if app.name == "cluster-apps" {
        return Vec::new();
    }
    let mut map = object(clock, "v1", "ConfigMap", app.namespace, app.name);
    map["metadata"]["labels"] = json!({"app.kubernetes.io/name": app.name});
    kustomized(&mut map, app.namespace, app.name);
    map["data"] = json!({"app": app.name});
    vec![map]
}

fn oci_repository(clock: &Clock, app: &App, release: &str) -> Value {
    let (chart, version) = app.chart;
    let mut source = object(
        clock,
        "source.toolkit.fluxcd.io/v1",
        "OCIRepository",
        app.namespace,
        release,
    );
    let digest = hex_id(&format!("{chart}:{version}"));
    let owner = if app.is_template() {
        "bjw-s-labs/helm"
    } else {
        "home-operations/charts-mirror"
    };
    source["spec"] = json!({
        "interval": "15m", "timeout": "60s", "provider": "generic", "ref": {"tag": version},
        "layerSelector": {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"},
        "url": format!("oci://ghcr.io/{owner}/{chart}"),
    });
    source["status"] = source_status(
        clock,
        &format!("{version}@sha256:{digest}"),
        app,
        release,
        "ocirepository",
    );
    finish_source(&mut source, app);
    source
}

fn helm_repository(clock: &Clock, app: &App, release: &str) -> Value {
    let mut source = object(
        clock,
        "source.toolkit.fluxcd.io/v1",
        "HelmRepository",
        app.namespace,
        release,
    );
    source["spec"] = json!({
        "interval": "1h", "timeout": "60s", "provider": "generic", "url": format!("https://charts.{release}.example/"),
    });
    let digest = format!("sha256:{}", hex_id(release));
    source["status"] = source_status(clock, &digest, app, release, "helmrepository");
    finish_source(&mut source, app);
    source
}

fn helm_chart(clock: &Clock, app: &App, release: &str) -> Value {
    let name = format!("{}-{release}", app.namespace);
    let (chart, version) = app.chart;
    let mut source = object(
        clock,
        "source.toolkit.fluxcd.io/v1",
        "HelmChart",
        app.namespace,
        &name,
    );
    source["spec"] = json!({
        "interval": "1h", "chart": chart, "version": version, "reconcileStrategy": "ChartVersion",
        "sourceRef": {"kind": "HelmRepository", "name": release},
    });
    source["status"] = source_status(clock, version, app, &name, "helmchart");
    source["metadata"]["finalizers"] = json!(["finalizers.fluxcd.io"]);
    source["metadata"]["generation"] = json!(1);
    managed(&mut source, "helm-controller", "source-controller");
    source
}

fn finish_source(source: &mut Value, app: &App) {
    source["metadata"]["finalizers"] = json!(["finalizers.fluxcd.io"]);
    source["metadata"]["generation"] = json!(1);
    kustomized(source, app.namespace, app.name);
    managed(source, "kustomize-controller", "source-controller");
}

fn source_status(clock: &Clock, revision: &str, app: &App, name: &str, kind: &str) -> Value {
    let message = format!("stored artifact for revision '{revision}'");
    let time = clock.days_ago(12);
    let path = format!(
        "{kind}/{}/{name}/{}.tar.gz",
        app.namespace,
        &hex_id(revision)[..40]
    );
    let mut stored = ready("Succeeded", &message, &time, 1)[0].clone();
    stored["type"] = json!("ArtifactInStorage");
    json!({
        "observedGeneration": 1,
        "artifact": {
            "digest": format!("sha256:{}", hex_id(&path)), "lastUpdateTime": time, "path": path, "revision": revision,
            "size": 28_141, "url": format!("http://source-controller.flux-system.svc.cluster.local./{path}"),
        },
        "conditions": [ready("Succeeded", &message, &time, 1)[0], stored],
    })
}

fn helm_release(clock: &Clock, app: &App, release: &str) -> Value {
    let mut item = object(
        clock,
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        app.namespace,
        release,
    );
    item["metadata"]["finalizers"] = json!(["finalizers.fluxcd.io"]);
    item["metadata"]["generation"] = json!(1);
    item["metadata"]["labels"] = json!({"app.kubernetes.io/name": app.name});
    item["spec"] = helm_release_spec(app, release);
    item["status"] = helm_release_status(clock, app, release);
    kustomized(&mut item, app.namespace, app.name);
    managed(&mut item, "kustomize-controller", "helm-controller");
    item
}

fn helm_release_spec(app: &App, release: &str) -> Value {
    let (chart, version) = app.chart;
    let mut spec = json!({
        "interval": "1h", "maxHistory": 2, "values": values(app, release),
        "install": {"crds": "CreateReplace", "strategy": {"name": "RetryOnFailure"}, "remediation": {"retries": -1}},
        "rollback": {"cleanupOnFail": true, "recreate": true},
        "upgrade": {"cleanupOnFail": true, "crds": "CreateReplace", "strategy": {"name": "RemediateOnFailure"},
                    "remediation": {"remediateLastFailure": true, "retries": 2}},
        "uninstall": {"keepHistory": false},
    });
    if app.is_from_helm_repository() {
        let source = json!({"kind": "HelmRepository", "name": release});
        spec["chart"] = json!({"spec": {
            "chart": chart, "version": version, "sourceRef": source, "interval": "1h", "reconcileStrategy": "ChartVersion",
        }});
    } else {
        spec["chartRef"] = json!({"kind": "OCIRepository", "name": release});
    }
    if matches!(
        app.name,
        "tqm" | "nvidia-device-plugin" | "generic-device-plugin"
    ) {
        spec["driftDetection"] = json!({"mode": "enabled"});
    }
    spec
}

fn values(app: &App, release: &str) -> Value {
    if !app.is_template() {
        return json!({"fullnameOverride": release});
    }
    let (repository, tag) = app.image.rsplit_once(':').unwrap_or((app.image, "latest"));
    let container = json!({"app": {"image": {"repository": repository, "tag": tag},
        "resources": {"requests": {"cpu": "10m", "memory": "128Mi"}, "limits": {"memory": "4Gi"}}}});
    let mut controllers = json!({});
    for (name, replicas) in app.deployments() {
        controllers[name] = json!({"type": "deployment", "replicas": replicas, "strategy": "Recreate", "containers": container});
    }
    match app.controller {
        Controller::StatefulSet => {
            controllers[app.name] = json!({"type": "statefulset", "containers": container})
        }
        Controller::DaemonSet => {
            controllers[app.name] = json!({"type": "daemonset", "containers": container})
        }
        Controller::CronJob(schedule) => {
            controllers[app.name] = json!({"type": "cronjob", "cronjob": {"schedule": schedule}, "containers": container});
        }
        Controller::Deployments(_) | Controller::Nothing => {}
    }
    let mut values = json!({"controllers": controllers, "defaultPodOptions": {
        "securityContext": {"runAsUser": 1000, "runAsGroup": 100, "fsGroup": 100, "runAsNonRoot": true},
    }});
    if app.port > 0 {
        values["service"] = json!({"app": {"ports": {"http": {"port": app.port}}}});
        values["route"] = json!({"app": {
            "hostnames": [format!("{}.home.example", app.name)],
            "parentRefs": [{"name": "envoy-internal", "namespace": "network"}],
        }});
    }
    if app.backup.is_some() {
        values["persistence"] = json!({"config": {"existingClaim": app.name}});
    }
    values
}

fn helm_release_status(clock: &Clock, app: &App, release: &str) -> Value {
    let (chart, version) = app.chart;
    let bare = version.trim_start_matches('v');
    let space = app.namespace;
    let time = clock.days_ago(9);
    let message = format!(
        "Helm upgrade succeeded for release {space}/{release}.v7 with chart {chart}@{bare}"
    );
    let app_version = app.image.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    let mut released = ready("UpgradeSucceeded", &message, &time, 1)[0].clone();
    released["type"] = json!("Released");
    json!({
        "observedGeneration": 1, "storageNamespace": space, "lastAttemptedGeneration": 1,
        "lastAttemptedReleaseAction": "upgrade", "lastAttemptedRevision": bare,
        "lastAttemptedConfigDigest": config_digest(app, release),
        "conditions": [ready("UpgradeSucceeded", &message, &time, 1)[0], released],
        "history": [{
            "name": release, "namespace": space, "version": 7, "chartName": chart, "chartVersion": bare,
            "appVersion": app_version, "status": "deployed", "firstDeployed": clock.days_ago(80), "lastDeployed": time,
            "configDigest": config_digest(app, release),
            "digest": format!("sha256:{}", hex_id(&format!("{space}/{release}.v7"))),
        }],
    })
}

/// The digest of the values, as helm-controller compares it: of the JSON with its keys in order.
fn config_digest(app: &App, release: &str) -> String {
    format!("sha256:{}", hex_id(&canonical(&values(app, release))))
}

fn canonical(value: &Value) -> String {
    let Some(fields) = value.as_object() else {
        return value.to_string();
    };
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let parts: Vec<String> = sorted
        .iter()
        .map(|(name, value)| format!("{name:?}:{}", canonical(value)))
        .collect();
    format!("{{{}}}", parts.join(","))
}
