//! Nodes, namespaces, events, configuration.

use serde_json::{Value, json};

use super::{
    AGE, Layout, NAME, age_of, count, joined, name, number, or, or_none, since, text, wide,
};
use crate::object;

pub(super) const NODE: Layout = Layout {
    headings: &[
        NAME,
        text("Status"),
        text("Roles"),
        AGE,
        text("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ],
    cells: node,
};

fn node(node: &Value) -> Vec<Value> {
    let info = &node["status"]["nodeInfo"];
    let mut kernel = info["kernelVersion"]
        .as_str()
        .unwrap_or("<unknown>")
        .to_owned();
    if let Some(architecture) = info["architecture"]
        .as_str()
        .filter(|text| !text.is_empty())
    {
        kernel = format!("{kernel} ({architecture})");
    }
    vec![
        name(node),
        json!(node_status(node)),
        node_roles(node),
        age_of(node),
        or(&info["kubeletVersion"], ""),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        or(&info["osImage"], "<unknown>"),
        json!(kernel),
        or(&info["containerRuntimeVersion"], "<unknown>"),
    ]
}

fn node_status(node: &Value) -> String {
    let ready = object::list(&node["status"]["conditions"])
        .iter()
        .find(|condition| condition["type"] == "Ready");
    let status = match ready {
        Some(condition) if condition["status"] == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    if node["spec"]["unschedulable"] == true {
        format!("{status},SchedulingDisabled")
    } else {
        status.to_owned()
    }
}

fn node_roles(node: &Value) -> Value {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let roles =
        labels.filter_map(
            |(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
                Some(role) if !role.is_empty() => Some(role),
                _ if key == "kubernetes.io/role" => value.as_str().filter(|role| !role.is_empty()),
                _ => None,
            },
        );
    joined(roles)
}

fn address(node: &Value, kind: &str) -> Value {
    let found = object::list(&node["status"]["addresses"])
        .iter()
        .find(|address| address["type"] == kind);
    found.map_or_else(|| json!("<none>"), |address| address["address"].clone())
}

pub(super) const NAMESPACE: Layout = Layout {
    headings: &[NAME, text("Status"), AGE],
    cells: |value| vec![name(value), value["status"]["phase"].clone(), age_of(value)],
};

pub(super) const EVENT: Layout = Layout {
    headings: &[
        text("Last Seen"),
        text("Type"),
        text("Reason"),
        text("Object"),
        wide("Subobject"),
        wide("Source"),
        text("Message"),
        wide("First Seen"),
        ("Count", "integer", true),
        ("Name", "string", true),
    ],
    cells: event,
};

fn event(event: &Value) -> Vec<Value> {
    let involved = &event["involvedObject"];
    let kind = involved["kind"].as_str().unwrap_or_default().to_lowercase();
    let target = match involved["name"].as_str().unwrap_or_default() {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let first = if event["firstTimestamp"].is_null() {
        since(&event["eventTime"])
    } else {
        since(&event["firstTimestamp"])
    };
    let (last, times) = match event.get("series").filter(|series| series.is_object()) {
        Some(series) => (since(&series["lastObservedTime"]), count(&series["count"])),
        None if event["lastTimestamp"].is_null() => (first.clone(), count(&event["count"])),
        None => (since(&event["lastTimestamp"]), count(&event["count"])),
    };
    vec![
        last,
        event["type"].clone(),
        event["reason"].clone(),
        json!(target),
        or(&involved["fieldPath"], ""),
        json!(source(event)),
        json!(event["message"].as_str().unwrap_or_default().trim()),
        first,
        json!(times.max(1)),
        name(event),
    ]
}

fn source(event: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let component = text(&event["source"]["component"]);
    let component = if component.is_empty() {
        text(&event["reportingComponent"])
    } else {
        component
    };
    let host = text(&event["source"]["host"]);
    let host = if host.is_empty() {
        text(&event["reportingInstance"])
    } else {
        host
    };
    if host.is_empty() {
        component
    } else {
        format!("{component}, {host}")
    }
}

fn size(value: &Value) -> usize {
    value.as_object().map_or(0, serde_json::Map::len)
}

pub(super) const CONFIG_MAP: Layout = Layout {
    headings: &[NAME, number("Data"), AGE],
    cells: |value| {
        vec![
            name(value),
            json!(size(&value["data"]) + size(&value["binaryData"])),
            age_of(value),
        ]
    },
};

pub(super) const SECRET: Layout = Layout {
    headings: &[NAME, text("Type"), number("Data"), AGE],
    cells: |value| {
        vec![
            name(value),
            value["type"].clone(),
            json!(size(&value["data"])),
            age_of(value),
        ]
    },
};

pub(super) const LEASE: Layout = Layout {
    headings: &[NAME, text("Holder"), AGE],
    cells: |value| {
        vec![
            name(value),
            or(&value["spec"]["holderIdentity"], ""),
            age_of(value),
        ]
    },
};

pub(super) const PRIORITY_CLASS: Layout = Layout {
    headings: &[
        NAME,
        number("Value"),
        ("Global-Default", "boolean", false),
        AGE,
        text("PreemptionPolicy"),
    ],
    cells: |value| {
        let policy = or(&value["preemptionPolicy"], "PreemptLowerPriority");
        vec![
            name(value),
            json!(count(&value["value"])),
            json!(value["globalDefault"] == true),
            age_of(value),
            policy,
        ]
    },
};

pub(super) const CREATED_AT: Layout = Layout {
    headings: &[NAME, ("Created At", "date", false)],
    cells: |value| {
        vec![
            name(value),
            or_none(&value["metadata"]["creationTimestamp"]),
        ]
    },
};
