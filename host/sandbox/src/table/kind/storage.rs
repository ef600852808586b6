//! Volumes and claims.

use serde_json::{Value, json};

use super::{AGE, Layout, NAME, age_of, name, or, or_none, text, wide};
use crate::object;

pub(super) const VOLUME: Layout = Layout {
    headings: &[
        NAME,
        text("Capacity"),
        text("Access Modes"),
        text("Reclaim Policy"),
        text("Status"),
        text("Claim"),
        text("StorageClass"),
        text("VolumeAttributesClass"),
        text("Reason"),
        AGE,
        wide("VolumeMode"),
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let claim = &spec["claimRef"];
        let text = |key: &str| claim[key].as_str().unwrap_or_default();
        let claim = if text("name").is_empty() {
            String::new()
        } else {
            format!("{}/{}", text("namespace"), text("name"))
        };
        vec![
            name(value),
            or(&spec["capacity"]["storage"], ""),
            json!(modes(&spec["accessModes"])),
            or(&spec["persistentVolumeReclaimPolicy"], ""),
            json!(phase(value)),
            json!(claim),
            or(&spec["storageClassName"], ""),
            or(&spec["volumeAttributesClassName"], "<unset>"),
            or(&status["reason"], ""),
            age_of(value),
            or(&spec["volumeMode"], "<unset>"),
        ]
    },
};

pub(super) const CLAIM: Layout = Layout {
    headings: &[
        NAME,
        text("Status"),
        text("Volume"),
        text("Capacity"),
        text("Access Modes"),
        text("StorageClass"),
        text("VolumeAttributesClass"),
        AGE,
        wide("VolumeMode"),
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        // What a claim got is known once it is bound.
        let bound = spec["volumeName"]
            .as_str()
            .is_some_and(|volume| !volume.is_empty());
        let (capacity, modes) = if bound {
            (
                or(&status["capacity"]["storage"], ""),
                modes(&status["accessModes"]),
            )
        } else {
            (json!(""), String::new())
        };
        vec![
            name(value),
            json!(phase(value)),
            or(&spec["volumeName"], ""),
            capacity,
            json!(modes),
            or(&spec["storageClassName"], ""),
            or(&spec["volumeAttributesClassName"], "<unset>"),
            age_of(value),
            or(&spec["volumeMode"], "<unset>"),
        ]
    },
};

fn phase(value: &Value) -> String {
    if object::is_terminating(value) {
        "Terminating".to_owned()
    } else {
        value["status"]["phase"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

fn modes(modes: &Value) -> String {
    let short = |mode: &str| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    object::strings(modes)
        .into_iter()
        .map(short)
        .collect::<Vec<_>>()
        .join(",")
}

pub(super) const CLASS: Layout = Layout {
    headings: &[
        NAME,
        text("Provisioner"),
        text("ReclaimPolicy"),
        text("VolumeBindingMode"),
        ("AllowVolumeExpansion", "boolean", false),
        AGE,
    ],
    cells: |value| {
        let is_default = value["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"]
            == "true";
        let name = object::name(value);
        vec![
            json!(if is_default {
                format!("{name} (default)")
            } else {
                name.to_owned()
            }),
            value["provisioner"].clone(),
            or(&value["reclaimPolicy"], "Delete"),
            or(&value["volumeBindingMode"], "Immediate"),
            json!(value["allowVolumeExpansion"] == true),
            age_of(value),
        ]
    },
};

pub(super) const ATTACHMENT: Layout = Layout {
    headings: &[
        NAME,
        text("Attacher"),
        text("PV"),
        text("Node"),
        ("Attached", "boolean", false),
        AGE,
    ],
    cells: |value| {
        let spec = &value["spec"];
        vec![
            name(value),
            spec["attacher"].clone(),
            or_none(&spec["source"]["persistentVolumeName"]),
            spec["nodeName"].clone(),
            json!(value["status"]["attached"] == true),
            age_of(value),
        ]
    },
};
