//! Workloads and services: what an app's release installed, running.

use crate::app::{App, Controller};
use crate::clock::Clock;
use crate::cluster::NODES;
use crate::meta::{helmed, hex_id, managed, object, owned, suffix};
use crate::pod;
use serde_json::{Value, json};

pub(crate) fn objects(clock: &Clock, app: &App) -> Vec<Value> {
    let mut objects = match app.controller {
        Controller::Deployments(_) => app
            .deployments()
            .into_iter()
            .flat_map(|(name, replicas)| deployment(clock, app, name, replicas))
            .collect(),
        Controller::StatefulSet => stateful_set(clock, app),
        Controller::DaemonSet => daemon_set(clock, app),
        Controller::CronJob(schedule) => cron_job(clock, app, schedule),
        Controller::Nothing => Vec::new(),
    };
    if app.port > 0 && !objects.is_empty() {
        objects.push(service(clock, app));
    }
    objects
}

fn workload(clock: &Clock, app: &App, api_version: &str, kind: &str, name: &str) -> Value {
    let mut workload = object(clock, api_version, kind, app.namespace, name);
    workload["metadata"]["labels"] = pod::selector(app, name);
    workload["metadata"]["labels"]["helm.sh/chart"] = json!(format!(
        "{}-{}",
        app.chart.0,
        app.chart.1.trim_start_matches('v')
    ));
    workload["metadata"]["annotations"] = json!({
        "meta.helm.sh/release-name": app.release.unwrap_or(app.name),
        "meta.helm.sh/release-namespace": app.namespace,
    });
    workload["metadata"]["generation"] = json!(1);
    helmed(
        &mut workload,
        app.namespace,
        app.release.unwrap_or(app.name),
    );
    workload
}

fn deployment(clock: &Clock, app: &App, name: &str, replicas: i64) -> Vec<Value> {
    let mut item = workload(clock, app, "apps/v1", "Deployment", name);
    item["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("1");
    item["spec"] = json!({
        "replicas": replicas, "revisionHistoryLimit": 3, "progressDeadlineSeconds": 600,
        "selector": {"matchLabels": pod::selector(app, name)}, "strategy": {"type": "Recreate"},
        "template": pod::template(app, name, "Always"),
    });
    let time = clock.days_ago(6);
    let hash = pod::hash(app.namespace, name);
    let progress = format!("ReplicaSet \"{name}-{hash}\" has successfully progressed.");
    let state = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastUpdateTime": time, "lastTransitionTime": time});
    item["status"] = json!({
        "observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
        "availableReplicas": replicas, "conditions": [
            state("Progressing", "NewReplicaSetAvailable", &progress),
            state("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        ],
    });
    managed(&mut item, "helm-controller", "kube-controller-manager");
    let set = replica_set(clock, &item, &hash);
    let set_name = format!("{name}-{hash}");
    let pods: Vec<Value> = (0..replicas)
        .map(|index| format!("{set_name}-{}", suffix(&format!("{set_name}/{index}"), 5)))
        .map(|pod_name| pod::running(clock, &set, &pod_name, ("pod-template-hash", &hash)))
        .collect();
    [item, set].into_iter().chain(pods).collect()
}

fn replica_set(clock: &Clock, deployment: &Value, hash: &str) -> Value {
    let name = format!(
        "{}-{hash}",
        deployment["metadata"]["name"].as_str().unwrap_or_default()
    );
    let namespace = deployment["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default();
    let mut set = object(clock, "apps/v1", "ReplicaSet", namespace, &name);
    let replicas = &deployment["spec"]["replicas"];
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    set["metadata"]["labels"] = template["metadata"]["labels"].clone();
    set["metadata"]["generation"] = json!(1);
    set["metadata"]["annotations"] = json!({
        "deployment.kubernetes.io/desired-replicas": replicas.to_string(),
        "deployment.kubernetes.io/max-replicas": replicas.to_string(),
        "deployment.kubernetes.io/revision": "1",
    });
    set["spec"] = json!({
        "replicas": replicas, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template,
    });
    set["status"] = json!({
        "observedGeneration": 1, "replicas": replicas, "fullyLabeledReplicas": replicas, "readyReplicas": replicas,
        "availableReplicas": replicas,
    });
    owned(&mut set, deployment);
    set
}

fn stateful_set(clock: &Clock, app: &App) -> Vec<Value> {
    let mut item = workload(clock, app, "apps/v1", "StatefulSet", app.name);
    let revision = format!("{}-{}", app.name, pod::hash(app.namespace, app.name));
    item["spec"] = json!({
        "replicas": 1, "serviceName": app.name, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 3,
        "selector": {"matchLabels": pod::selector(app, app.name)},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "template": pod::template(app, app.name, "Always"),
    });
    item["status"] = json!({
        "observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "availableReplicas": 1, "updatedReplicas": 1,
        "currentReplicas": 1, "collisionCount": 0, "currentRevision": revision, "updateRevision": revision,
    });
    managed(&mut item, "helm-controller", "kube-controller-manager");
    let name = format!("{}-0", app.name);
    let mut only = pod::running(clock, &item, &name, ("controller-revision-hash", &revision));
    only["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = json!(name);
    only["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = json!("0");
    vec![item, only]
}

fn daemon_set(clock: &Clock, app: &App) -> Vec<Value> {
    let name = app.release.unwrap_or(app.name);
    let mut item = workload(clock, app, "apps/v1", "DaemonSet", name);
    item["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = json!("1");
    item["spec"] = json!({
        "revisionHistoryLimit": 3, "selector": {"matchLabels": pod::selector(app, name)},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
        "template": pod::template(app, name, "Always"),
    });
    let count = NODES.len();
    item["status"] = json!({
        "observedGeneration": 1, "currentNumberScheduled": count, "desiredNumberScheduled": count,
        "numberAvailable": count, "numberMisscheduled": 0, "numberReady": count, "updatedNumberScheduled": count,
    });
    managed(&mut item, "helm-controller", "kube-controller-manager");
    let hash = pod::hash(app.namespace, name);
    let pods: Vec<Value> = NODES
        .iter()
        .map(|(node, address)| {
            let pod_name = format!("{name}-{}", suffix(&format!("{name}/{node}"), 5));
            let mut pod =
                pod::running(clock, &item, &pod_name, ("controller-revision-hash", &hash));
            pod["metadata"]["labels"]["pod-template-generation"] = json!("1");
            pod["spec"]["nodeName"] = json!(node);
            pod["status"]["hostIP"] = json!(address);
            pod["status"]["hostIPs"] = json!([{"ip": address}]);
            pod
        })
        .collect();
    [item].into_iter().chain(pods).collect()
}

fn cron_job(clock: &Clock, app: &App, schedule: &str) -> Vec<Value> {
    let mut item = workload(clock, app, "batch/v1", "CronJob", app.name);
    item["spec"] = json!({
        "schedule": schedule, "timeZone": "Europe/Berlin", "concurrencyPolicy": "Forbid", "suspend": false,
        "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 1, "startingDeadlineSeconds": 30,
        "jobTemplate": {"spec": {"backoffLimit": 6, "template": pod::template(app, app.name, "Never")}},
    });
    let time = clock.minutes_ago(600);
    item["status"] = json!({"lastScheduleTime": time, "lastSuccessfulTime": time});
    managed(&mut item, "helm-controller", "kube-controller-manager");
    vec![item]
}

fn service(clock: &Clock, app: &App) -> Value {
    let name = app.release.unwrap_or(app.name);
    let selected = app.deployments().first().map_or(name, |(name, _)| name);
    let mut service = workload(clock, app, "v1", "Service", name);
    let digest = hex_id(&format!("service/{}/{name}", app.namespace));
    let octet = |at: usize| u8::from_str_radix(&digest[at..at + 2], 16).unwrap_or(9);
    let address = format!("10.43.{}.{}", octet(0), octet(2).max(2));
    service["spec"] = json!({
        "type": "ClusterIP", "clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
        "ports": [{"name": "http", "port": app.port, "targetPort": app.port, "protocol": "TCP"}],
        "selector": pod::selector(app, selected),
    });
    service["status"] = json!({"loadBalancer": {}});
    managed(&mut service, "helm-controller", "");
    service
}
