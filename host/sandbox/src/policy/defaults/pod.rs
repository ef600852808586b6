//! The defaults of pods and pod templates.

use serde_json::{Value, json};

use crate::object::{self, default};

pub(super) fn template(template: &mut Value) {
    if template.is_object() {
        spec_of_template(&mut template["spec"]);
    }
}

/// A pod gets what a template gets, and one thing more.
pub(super) fn spec(spec: &mut Value) {
    spec_of_template(spec);
    default(spec, "enableServiceLinks", true);
}

fn spec_of_template(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    default(spec, "restartPolicy", "Always");
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", "default-scheduler");
    for list in ["containers", "initContainers"] {
        object::items_mut(spec, list).for_each(container);
    }
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.iter_mut().for_each(volume);
    }
}

fn container(container: &mut Value) {
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    default(container, "resources", json!({}));
    let image = container["image"].as_str().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    let moving = !last.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    default(
        container,
        "imagePullPolicy",
        if moving { "Always" } else { "IfNotPresent" },
    );
    if let Some(ports) = container.get_mut("ports").and_then(Value::as_array_mut) {
        ports
            .iter_mut()
            .for_each(|port| default(port, "protocol", "TCP"));
    }
    if let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) {
        let references = env
            .iter_mut()
            .filter_map(|entry| entry.get_mut("valueFrom")?.get_mut("fieldRef"));
        references.for_each(|reference| default(reference, "apiVersion", "v1"));
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name).filter(|probe| probe.is_object()) {
            probe_defaults(probe);
        }
    }
}

fn probe_defaults(probe: &mut Value) {
    default(probe, "timeoutSeconds", 1);
    default(probe, "periodSeconds", 10);
    default(probe, "successThreshold", 1);
    default(probe, "failureThreshold", 3);
    if let Some(get) = probe.get_mut("httpGet") {
        default(get, "scheme", "HTTP");
    }
}

fn volume(volume: &mut Value) {
    for kind in ["secret", "configMap", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(kind) {
            default(source, "defaultMode", 420);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        default(path, "type", "");
    }
}
