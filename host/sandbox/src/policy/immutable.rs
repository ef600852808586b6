//! Fields that stay as they were made.

use serde_json::Value;

use crate::resource::Resource;
use crate::status::Cause;

/// JSON pointers of the fields that may not change, by group and plural.
const FIXED: &[(&str, &str, &[&str])] = &[
    ("apps", "deployments", &["/spec/selector"]),
    ("apps", "replicasets", &["/spec/selector"]),
    ("apps", "daemonsets", &["/spec/selector"]),
    (
        "batch",
        "jobs",
        &["/spec/selector", "/spec/template", "/spec/completionMode"],
    ),
    ("rbac.authorization.k8s.io", "rolebindings", &["/roleRef"]),
    (
        "rbac.authorization.k8s.io",
        "clusterrolebindings",
        &["/roleRef"],
    ),
    (
        "storage.k8s.io",
        "storageclasses",
        &[
            "/provisioner",
            "/parameters",
            "/reclaimPolicy",
            "/volumeBindingMode",
        ],
    ),
    ("", "secrets", &["/type"]),
    (
        "apiextensions.k8s.io",
        "customresourcedefinitions",
        &[
            "/spec/group",
            "/spec/scope",
            "/spec/names/plural",
            "/spec/names/kind",
        ],
    ),
];

const STATEFUL_SET: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const CLAIM: &str = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Appends what `new` changes although it may not.
pub(crate) fn check(resource: &Resource, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let fixed = FIXED
        .iter()
        .find(|(group, plural, _)| resource.is(group, plural))
        .map_or(&[][..], |(_, _, fields)| fields);
    for pointer in fixed {
        let value = new.pointer(pointer).unwrap_or(&Value::Null);
        if old.pointer(pointer).unwrap_or(&Value::Null) != value {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            causes.push(Cause::invalid(field, value, "field is immutable"));
        }
    }
    let frozen_data =
        matches!(resource.plural.as_str(), "secrets" | "configmaps") && old["immutable"] == true;
    if frozen_data && (old["data"] != new["data"] || new["immutable"] != true) {
        causes.push(Cause::new(
            "FieldValueForbidden",
            "data",
            "Forbidden: field is immutable when `immutable` is set",
        ));
    }
    let (rule, free): (&str, &[&str]) = match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "statefulsets") => (
            STATEFUL_SET,
            &[
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ],
        ),
        // The volume's name is written once, by whoever binds the claim.
        ("", "persistentvolumeclaims") if old["spec"].get("volumeName").is_some() => {
            (CLAIM, &["resources", "volumeAttributesClassName"])
        }
        ("", "persistentvolumeclaims") => (
            CLAIM,
            &[
                "resources",
                "volumeAttributesClassName",
                "volumeName",
                "storageClassName",
            ],
        ),
        ("", "pods") => (
            POD,
            &[
                "containers",
                "initContainers",
                "ephemeralContainers",
                "activeDeadlineSeconds",
                "tolerations",
                "terminationGracePeriodSeconds",
                "nodeName",
                "schedulingGates",
                "nodeSelector",
                "affinity",
            ],
        ),
        _ => return,
    };
    if without(&old["spec"], free) != without(&new["spec"], free)
        || resource.plural == "pods" && containers(old) != containers(new)
    {
        causes.push(Cause::new(
            "FieldValueForbidden",
            "spec",
            format!("Forbidden: {rule}"),
        ));
    }
}

fn without(spec: &Value, free: &[&str]) -> Value {
    let mut spec = spec.clone();
    if let Some(map) = spec.as_object_mut() {
        map.retain(|key, _| !free.contains(&key.as_str()));
    }
    spec
}

/// Everything of the containers but their images.
fn containers(pod: &Value) -> Vec<Value> {
    let lists = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|key| crate::object::list(&pod["spec"][key]));
    lists
        .map(|container| without(container, &["image", "resources"]))
        .collect()
}
