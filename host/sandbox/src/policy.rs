//! What the server itself decides about an object: where it may be, what it gets, what it may not become.
//!
//! Pure functions over objects; the only thing read besides them is the store that the caller has locked.

pub(crate) mod create;
pub(crate) mod defaults;
pub(crate) mod delete;
pub(crate) mod immutable;
pub(crate) mod name;
pub(crate) mod quota;
pub(crate) mod update;

use serde_json::{Value, json};

use crate::object;
use crate::resource::Resource;
use crate::schema::validate::validate;
use crate::status::{ApiError, Cause};

/// Whether writes to the object itself leave its status alone.
pub(crate) fn has_generation(resource: &Resource) -> bool {
    if resource.is_custom {
        return true;
    }
    let kinds = [
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        "pods",
        "cronjobs",
        "jobs",
        "ingresses",
        "networkpolicies",
        "poddisruptionbudgets",
        "customresourcedefinitions",
        "validatingadmissionpolicies",
        "mutatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "replicationcontrollers",
    ];
    kinds.contains(&resource.plural.as_str())
}

/// Whether a pod has ended, well or badly.
pub(crate) fn is_over(pod: &Value) -> bool {
    matches!(
        pod["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    )
}

/// Refuses an object that breaks its schema, or changes what may not change.
pub(crate) fn check(
    resource: &Resource,
    value: &Value,
    old: Option<&Value>,
) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    name::check(resource, value, &mut causes);
    validate(resource.schema(), value, "", &mut causes);
    selects_itself(resource, value, &mut causes);
    images(resource, value, &mut causes);
    unchecked_rules(resource, &mut causes);
    if let Some(old) = old {
        immutable::check(resource, old, value, &mut causes);
    }
    if causes.is_empty() {
        Ok(())
    } else {
        Err(ApiError::invalid(resource, object::name(value), &causes))
    }
}

/// A workload selects the pods that it makes.
fn selects_itself(resource: &Resource, value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let labels = &spec["template"]["metadata"]["labels"];
    if resource.group == "apps"
        && spec["template"].is_object()
        && !crate::select::label_selector_matches(&spec["selector"], labels)
    {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
}

/// The rules of a definition are looked at only in objects that are otherwise whole.
fn unchecked_rules(resource: &Resource, causes: &mut Vec<Cause>) {
    let blocking = [
        "FieldValueRequired",
        "FieldValueTypeInvalid",
        "FieldValueNotSupported",
        "FieldValueTooLong",
        "FieldValueTooMany",
    ];
    if resource.has_rules() && causes.iter().any(|cause| blocking.contains(&cause.reason)) {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        causes.push(Cause::invalid("<nil>", &Value::Null, why));
    }
}

/// Every container of a workload names its image.
fn images(resource: &Resource, value: &Value, causes: &mut Vec<Cause>) {
    let path = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => "spec",
        ("apps", "controllerrevisions") => return,
        ("apps", _) | ("batch", "jobs") => "spec.template.spec",
        ("batch", "cronjobs") => "spec.jobTemplate.spec.template.spec",
        _ => return,
    };
    let spec = path.split('.').fold(value, |value, key| &value[key]);
    for list in ["containers", "initContainers"] {
        for (index, container) in object::list(&spec[list]).iter().enumerate() {
            if container["image"].as_str().unwrap_or_default().is_empty() {
                causes.push(Cause::required(format!("{path}.{list}[{index}].image"), ""));
            }
        }
    }
}

/// What an object is compared with when it is created: nothing, or the structs that a built-in type always has.
pub(crate) fn skeleton(resource: &Resource, value: &Value) -> Value {
    let mut skeleton =
        json!({ "apiVersion": value["apiVersion"], "kind": value["kind"], "metadata": {} });
    if !resource.is_custom {
        always_present(resource.schema(), value, &mut skeleton);
    }
    skeleton
}

/// A list without `omitempty` is there too, as null; so it has no owner but its items have.
fn always_present(schema: crate::schema::Schema<'_>, value: &Value, skeleton: &mut Value) {
    for (name, property) in schema.properties() {
        let child = &value[name.as_str()];
        if child.is_object() && property.is_always_present() {
            if skeleton.get(name).is_none() {
                skeleton[name] = json!({});
            }
            always_present(property, child, &mut skeleton[name]);
        } else if child.is_array() && schema.required().contains(&name.as_str()) {
            skeleton[name] = Value::Null;
        }
    }
}
