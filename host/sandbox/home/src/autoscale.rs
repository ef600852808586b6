//! KEDA: apps that stand on the NAS are scaled to zero while it is away. It is up, so all of them run.

use crate::app::App;
use crate::clock::Clock;
use crate::meta::{kustomized, managed, object, owned};
use serde_json::{Value, json};

const METRIC: &str = "s0-prometheus";

pub(crate) fn objects(clock: &Clock, app: &App) -> Vec<Value> {
    let Some(deployment) = app.scaled else {
        return Vec::new();
    };
    let scaled = scaled_object(clock, app, deployment);
    let autoscaler = autoscaler(clock, app, deployment, &scaled);
    vec![scaled, autoscaler]
}

fn scaled_object(clock: &Clock, app: &App, deployment: &str) -> Value {
    let host = if app.name == "volsync" {
        "unraid.internal"
    } else {
        "nas.internal"
    };
    let mut item = object(
        clock,
        "keda.sh/v1alpha1",
        "ScaledObject",
        app.namespace,
        deployment,
    );
    item["metadata"]["finalizers"] = json!(["finalizer.keda.sh"]);
    item["metadata"]["generation"] = json!(1);
    item["metadata"]["labels"] = json!({"scaledobject.keda.sh/name": deployment});
    item["spec"] = json!({
        "advanced": {"restoreToOriginalReplicaCount": true}, "cooldownPeriod": 120, "maxReplicaCount": 1,
        "minReplicaCount": 0, "pollingInterval": 60,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "triggers": [{"type": "prometheus", "metadata": {
            "ignoreNullValues": "0", "query": format!("probe_success{{instance=~\"{host}:2049\"}}"),
            "serverAddress": "http://vmsingle-victoria-metrics.observability.svc.cluster.local:8428", "threshold": "1",
        }}],
    });
    item["status"] = json!({
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "ScaledObjectReady", "message": "ScaledObject is defined correctly and is ready for scaling"},
            {"type": "Active", "status": "True", "reason": "ScalerActive", "message": "Scaling is performed because triggers are active"},
            {"type": "Fallback", "status": "False", "reason": "NoFallbackFound", "message": "No fallbacks are active on this scaled object"},
            {"type": "Paused", "status": "False", "reason": "ScaledObjectUnpaused", "message": "ScaledObject is not paused"},
        ],
        "externalMetricNames": [METRIC], "health": {METRIC: {"numberOfFailures": 0, "status": "Happy"}},
        "hpaName": format!("keda-hpa-{deployment}"), "lastActiveTime": clock.minutes_ago(1), "originalReplicaCount": 1,
        "scaleTargetGVKR": {"group": "apps", "kind": "Deployment", "resource": "deployments", "version": "v1"},
        "scaleTargetKind": "apps/v1.Deployment", "triggersTypes": "prometheus",
    });
    kustomized(&mut item, app.namespace, app.name);
    managed(&mut item, "kustomize-controller", "keda");
    item
}

fn autoscaler(clock: &Clock, app: &App, deployment: &str, scaled: &Value) -> Value {
    let name = format!("keda-hpa-{deployment}");
    let mut item = object(
        clock,
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        app.namespace,
        &name,
    );
    item["metadata"]["labels"] = json!({
        "app.kubernetes.io/managed-by": "keda-operator", "app.kubernetes.io/name": name,
        "app.kubernetes.io/part-of": deployment, "scaledobject.keda.sh/name": deployment,
    });
    let selector = json!({"matchLabels": {"scaledobject.keda.sh/name": deployment}});
    item["spec"] = json!({
        "minReplicas": 1, "maxReplicas": 1,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment},
        "metrics": [{"type": "External", "external": {
            "metric": {"name": METRIC, "selector": selector},
            "target": {"type": "AverageValue", "averageValue": "1"},
        }}],
    });
    item["status"] = json!({
        "currentReplicas": 1, "desiredReplicas": 1,
        "currentMetrics": [{"type": "External", "external": {
            "metric": {"name": METRIC, "selector": selector}, "current": {"averageValue": "1"},
        }}],
        "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "recommended size matches current size", "lastTransitionTime": clock.days_ago(6)},
            {"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound", "message": "the HPA was able to successfully calculate a replica count from external metric s0-prometheus", "lastTransitionTime": clock.days_ago(6)},
            {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "the desired replica count is more than the maximum replica count", "lastTransitionTime": clock.days_ago(6)},
        ],
    });
    owned(&mut item, scaled);
    item
}
