//! What happens to an object on its way in.

use serde_json::{Value, json};

use crate::object;
use crate::resource::{Resource, crd};
use crate::route::Target;
use crate::status::{ApiError, Cause};
use crate::store::{Bucket, Inner};

/// Gives the object its name and namespace, and checks that the namespace takes it.
pub(crate) fn place(target: &Target, value: &mut Value, store: &Inner) -> Result<(), ApiError> {
    let resource = &target.resource;
    if object::name(value).is_empty() {
        let prefix = object::metadata(value, "generateName").to_owned();
        if prefix.is_empty() {
            let cause = Cause::required("metadata.name", "name or generateName is required");
            return Err(ApiError::invalid(resource, "", &[cause]));
        }
        object::set_metadata(
            value,
            "name",
            json!(format!("{prefix}{}", object::name_suffix())),
        );
    }
    if !object::metadata(value, "resourceVersion").is_empty() {
        return Err(ApiError::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    if !resource.namespaced {
        object::remove_metadata(value, "namespace");
        return Ok(());
    }
    let space = target.space();
    object::set_metadata(value, "namespace", json!(space));
    let Some(namespace) = store.get(&Bucket::new("", "namespaces"), "", space) else {
        let mut err = ApiError::new(404, "NotFound", format!("namespaces \"{space}\" not found"));
        err.details = Some(json!({ "name": space, "kind": "namespaces" }));
        return Err(err);
    };
    if object::is_terminating(&namespace) {
        return Err(terminating(target, object::name(value)));
    }
    Ok(())
}

fn terminating(target: &Target, name: &str) -> ApiError {
    let space = target.space();
    let message = format!(
        "{} \"{name}\" is forbidden: unable to create new content in namespace {space} because it is being terminated",
        target.resource.qualified()
    );
    let mut err = ApiError::new(403, "Forbidden", message);
    err.details = Some(json!({
        "name": name, "kind": target.resource.plural,
        "causes": [{ "reason": "NamespaceTerminating", "message": format!("namespace {space} is being terminated"), "field": "metadata.namespace" }],
    }));
    err
}

/// Takes off what a client has no say in.
pub(crate) fn strip(resource: &Resource, value: &mut Value) {
    for key in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "selfLink",
        "managedFields",
    ] {
        object::remove_metadata(value, key);
    }
    if resource.has_status
        && let Value::Object(map) = value
    {
        map.remove("status");
    }
}

/// Gives the object what only the server gives, and nobody owns: uid, times, generation, a first status.
pub(crate) fn prepare(resource: &Resource, value: &mut Value, store: &Inner) {
    let uid = object::new_uid();
    object::set_metadata(value, "uid", json!(uid));
    object::set_metadata(value, "creationTimestamp", json!(object::now()));
    if super::has_generation(resource) {
        object::set_metadata(value, "generation", json!(1));
    }
    first_state(resource, value, &uid, store);
}

fn first_state(resource: &Resource, value: &mut Value, uid: &str, store: &Inner) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "namespaces") => {
            value["spec"] = json!({ "finalizers": ["kubernetes"] });
            value["status"] = json!({ "phase": "Active" });
        }
        ("", "pods") => pod(value),
        ("", "resourcequotas") => value["status"] = super::quota::status(value),
        ("", "persistentvolumeclaims") => pending(value, "kubernetes.io/pvc-protection"),
        ("", "persistentvolumes") => pending(value, "kubernetes.io/pv-protection"),
        ("", "services") => cluster_ip(value, store),
        ("policy", "poddisruptionbudgets") => {
            value["status"] = json!({ "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0 });
        }
        ("batch", "jobs") => job_selector(value, uid),
        (crd::GROUP, crd::PLURAL) => {
            value["status"] = json!({});
        }
        ("" | "apps" | "batch" | "autoscaling" | "policy" | "networking.k8s.io", _)
            if resource.has_status =>
        {
            value["status"] = json!({})
        }
        _ => {}
    }
}

/// Storage waits to be bound, and does not go while it is used.
fn pending(value: &mut Value, finalizer: &str) {
    value["status"] = json!({ "phase": "Pending" });
    let mut finalizers = object::list(&value["metadata"]["finalizers"]).to_vec();
    if !finalizers.iter().any(|entry| entry == finalizer) {
        finalizers.push(json!(finalizer));
        object::set_metadata(value, "finalizers", json!(finalizers));
    }
}

/// What admission adds to a pod, and its first status.
fn pod(value: &mut Value) {
    let spec = &mut value["spec"];
    object::default(spec, "serviceAccountName", "default");
    let account = spec["serviceAccountName"].clone();
    object::default(spec, "serviceAccount", account);
    object::default(spec, "preemptionPolicy", "PreemptLowerPriority");
    object::default(spec, "priority", 0);
    tolerate_lost_nodes(spec);
    value["status"] = json!({ "phase": "Pending", "qosClass": qos(&value["spec"]) });
}

/// A pod stays for five minutes on a node that is lost.
fn tolerate_lost_nodes(spec: &mut Value) {
    let mut tolerations = object::list(&spec["tolerations"]).to_vec();
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let tolerated = |one: &Value| {
            one["key"] == key
                || one["key"].as_str().unwrap_or_default().is_empty() && one["operator"] == "Exists"
        };
        if !tolerations.iter().any(tolerated) {
            tolerations.push(json!({ "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300 }));
        }
    }
    spec["tolerations"] = json!(tolerations);
}

fn qos(spec: &Value) -> &'static str {
    let containers = object::list(&spec["containers"]);
    let limited = |container: &Value| {
        let limits = &container["resources"]["limits"];
        let requests = container["resources"].get("requests").unwrap_or(limits);
        ["cpu", "memory"]
            .iter()
            .all(|kind| limits.get(*kind).is_some() && limits.get(*kind) == requests.get(*kind))
    };
    let silent = |container: &Value| {
        let resources = &container["resources"];
        ["limits", "requests"].iter().all(|key| {
            resources[*key]
                .as_object()
                .is_none_or(serde_json::Map::is_empty)
        })
    };
    if containers.iter().all(silent) {
        "BestEffort"
    } else if containers.iter().all(limited) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// The next free address of 10.96.0.0/16, unless the service is headless or brings its own.
fn cluster_ip(value: &mut Value, store: &Inner) {
    value["status"] = json!({ "loadBalancer": {} });
    let spec = &mut value["spec"];
    if spec["type"] == "ExternalName" {
        return;
    }
    if spec["clusterIP"].as_str().unwrap_or_default().is_empty() {
        let taken: Vec<Value> = store
            .list(&Bucket::new("", "services"), None, None)
            .iter()
            .map(|service| service["spec"]["clusterIP"].clone())
            .collect();
        let free = (1_u32..65_535)
            .map(|number| json!(format!("10.96.{}.{}", number / 256, number % 256)))
            .find(|address| !taken.contains(address));
        spec["clusterIP"] = free.unwrap_or(Value::Null);
    }
    spec["clusterIPs"] = json!([spec["clusterIP"]]);
    object::default(spec, "ipFamilies", json!(["IPv4"]));
    object::default(spec, "ipFamilyPolicy", "SingleStack");
}

/// The selector and labels by which a Job knows its pods.
fn job_selector(value: &mut Value, uid: &str) {
    value["status"] = json!({});
    if value["spec"]["manualSelector"] == true {
        return;
    }
    let name = object::name(value).to_owned();
    value["spec"]["selector"] =
        json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    let template = object::child_mut(&mut value["spec"], "template");
    let metadata = template.entry("metadata").or_insert_with(|| json!({}));
    let labels = object::child_mut(metadata, "labels");
    for (key, text) in [
        ("batch.kubernetes.io/controller-uid", uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", uid),
        ("job-name", &name),
    ] {
        labels.insert(key.to_owned(), json!(text));
    }
    let labels = labels.clone();
    object::default(&mut value["metadata"], "labels", labels);
}
