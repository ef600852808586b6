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
    if resource.is("", "persistentvolumeclaims") && is_shrunk(old, new) {
        causes.push(Cause::new(
            "FieldValueForbidden",
            "spec.resources.requests.storage",
            "Forbidden: field can not be less than status.capacity",
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

/// Whether a claim asks for less than it did, and than its volume has.
fn is_shrunk(old: &Value, new: &Value) -> bool {
    let size = |claim: &Value, pointer: &str| {
        let text = claim.pointer(pointer).and_then(Value::as_str)?;
        bytes(text)
    };
    let asked = "/spec/resources/requests/storage";
    let (before, now) = (size(old, asked), size(new, asked));
    let has = size(old, "/status/capacity/storage");
    now < before && has.is_some() && now < has
}

/// The bytes of a quantity of storage, as people write it.
fn bytes(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 8] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ];
    let unit = UNITS
        .iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size)));
    let (number, size) = unit.unwrap_or((text, &1));
    number.parse::<u64>().ok()?.checked_mul(*size)
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
