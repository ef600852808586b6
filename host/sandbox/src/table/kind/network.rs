//! Services and what leads to them.

use serde_json::{Value, json};

use super::{
    AGE, Layout, NAME, SELECTOR, age_of, count, joined, labels, name, or_none, selector, text,
};
use crate::object;

pub(super) const SERVICE: Layout = Layout {
    headings: &[
        NAME,
        text("Type"),
        text("Cluster-IP"),
        text("External-IP"),
        text("Port(s)"),
        AGE,
        SELECTOR,
    ],
    cells: |value| {
        let spec = &value["spec"];
        vec![
            name(value),
            spec["type"].clone(),
            or_none(&spec["clusterIP"]),
            external(value),
            ports(&spec["ports"]),
            age_of(value),
            labels(&spec["selector"]),
        ]
    },
};

fn external(service: &Value) -> Value {
    let spec = &service["spec"];
    let own = object::strings(&spec["externalIPs"]);
    match spec["type"].as_str() {
        Some("ExternalName") => spec["externalName"].clone(),
        Some("LoadBalancer") => {
            let given = object::list(&service["status"]["loadBalancer"]["ingress"]).iter();
            let given = given
                .filter_map(|entry| entry["ip"].as_str().or_else(|| entry["hostname"].as_str()));
            let all: Vec<&str> = given.chain(own).collect();
            json!(if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            })
        }
        _ => joined(own),
    }
}

fn ports(ports: &Value) -> Value {
    let shown = object::list(ports).iter().map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        match count(&port["nodePort"]) {
            0 => format!("{}/{protocol}", count(&port["port"])),
            node => format!("{}:{node}/{protocol}", count(&port["port"])),
        }
    });
    or_none(&json!(shown.collect::<Vec<_>>().join(",")))
}

pub(super) const ENDPOINTS: Layout = Layout {
    headings: &[NAME, text("Endpoints"), AGE],
    cells: |value| {
        let mut all = Vec::new();
        for subset in object::list(&value["subsets"]) {
            for port in object::list(&subset["ports"]) {
                let addresses = object::list(&subset["addresses"]).iter();
                all.extend(addresses.map(|address| {
                    format!(
                        "{}:{}",
                        address["ip"].as_str().unwrap_or_default(),
                        count(&port["port"])
                    )
                }));
            }
        }
        vec![name(value), few(&all), age_of(value)]
    },
};

/// Three of them, and how many more there are.
fn few(all: &[String]) -> Value {
    let shown = all[..all.len().min(3)].join(",");
    match all.len() {
        0 => json!("<none>"),
        1..=3 => json!(shown),
        count => json!(format!("{shown} + {} more...", count - 3)),
    }
}

pub(super) const INGRESS: Layout = Layout {
    headings: &[
        NAME,
        text("Class"),
        text("Hosts"),
        text("Address"),
        text("Ports"),
        AGE,
    ],
    cells: |value| {
        let spec = &value["spec"];
        let hosts: Vec<&str> = object::list(&spec["rules"])
            .iter()
            .filter_map(|rule| rule["host"].as_str())
            .collect();
        let addresses = object::list(&value["status"]["loadBalancer"]["ingress"]).iter();
        let addresses: Vec<&str> = addresses
            .filter_map(|entry| entry["ip"].as_str().or_else(|| entry["hostname"].as_str()))
            .collect();
        let hosts = if hosts.is_empty() {
            "*".to_owned()
        } else {
            hosts.join(",")
        };
        let ports = if object::list(&spec["tls"]).is_empty() {
            "80"
        } else {
            "80, 443"
        };
        vec![
            name(value),
            or_none(&spec["ingressClassName"]),
            json!(hosts),
            json!(addresses.join(",")),
            json!(ports),
            age_of(value),
        ]
    },
};

pub(super) const INGRESS_CLASS: Layout = Layout {
    headings: &[NAME, text("Controller"), text("Parameters"), AGE],
    cells: |value| {
        let parameters = &value["spec"]["parameters"];
        let shown = match (parameters["kind"].as_str(), parameters["name"].as_str()) {
            (Some(kind), Some(name)) => json!(format!("{kind}/{name}")),
            _ => json!("<none>"),
        };
        vec![
            name(value),
            value["spec"]["controller"].clone(),
            shown,
            age_of(value),
        ]
    },
};

pub(super) const NETWORK_POLICY: Layout = Layout {
    headings: &[NAME, text("Pod-Selector"), AGE],
    cells: |value| {
        vec![
            name(value),
            selector(&value["spec"]["podSelector"]),
            age_of(value),
        ]
    },
};

pub(super) const ENDPOINT_SLICE: Layout = Layout {
    headings: &[
        NAME,
        text("AddressType"),
        text("Ports"),
        text("Endpoints"),
        AGE,
    ],
    cells: |value| {
        let ports = object::list(&value["ports"])
            .iter()
            .map(|port| count(&port["port"]).to_string())
            .collect::<Vec<_>>();
        let endpoints = object::list(&value["endpoints"])
            .iter()
            .flat_map(|endpoint| object::strings(&endpoint["addresses"]));
        let endpoints: Vec<String> = endpoints.map(str::to_owned).collect();
        let ports = or_none(&json!(ports.join(",")));
        vec![
            name(value),
            value["addressType"].clone(),
            ports,
            few(&endpoints),
            age_of(value),
        ]
    },
};
