//! The columns of the built-in kinds, as `pkg/printers/internalversion` of Kubernetes v1.36 has them.

mod access;
mod cluster;
mod network;
mod pod;
mod storage;
mod workload;

use serde_json::{Value, json};

use super::age;
use crate::object;
use crate::resource::Resource;

/// A column: its name, its type, whether it shows only with `-o wide`.
pub(super) type Heading = (&'static str, &'static str, bool);

/// The columns of a kind and what stands in them.
pub(super) struct Layout {
    pub(super) headings: &'static [Heading],
    pub(super) cells: fn(&Value) -> Vec<Value>,
}

pub(super) const NAME: Heading = ("Name", "string", false);
pub(super) const AGE: Heading = ("Age", "string", false);
const CONTAINERS: Heading = ("Containers", "string", true);
const IMAGES: Heading = ("Images", "string", true);
const SELECTOR: Heading = ("Selector", "string", true);

const fn text(name: &'static str) -> Heading {
    (name, "string", false)
}

const fn number(name: &'static str) -> Heading {
    (name, "integer", false)
}

const fn wide(name: &'static str) -> Heading {
    (name, "string", true)
}

/// The layout of a built-in kind; nothing for those that show their name and age.
pub(super) fn layout(resource: &Resource) -> Option<Layout> {
    let found = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => pod::POD,
        ("", "nodes") => cluster::NODE,
        ("", "namespaces") => cluster::NAMESPACE,
        ("", "events") => cluster::EVENT,
        ("", "configmaps") => cluster::CONFIG_MAP,
        ("", "secrets") => cluster::SECRET,
        ("coordination.k8s.io", "leases") => cluster::LEASE,
        ("scheduling.k8s.io", "priorityclasses") => cluster::PRIORITY_CLASS,
        ("apiextensions.k8s.io", "customresourcedefinitions") => cluster::CREATED_AT,
        ("", "limitranges") | ("rbac.authorization.k8s.io", "roles" | "clusterroles") => {
            cluster::CREATED_AT
        }
        ("", "services") => network::SERVICE,
        ("", "endpoints") => network::ENDPOINTS,
        ("networking.k8s.io", "ingresses") => network::INGRESS,
        ("networking.k8s.io", "ingressclasses") => network::INGRESS_CLASS,
        ("networking.k8s.io", "networkpolicies") => network::NETWORK_POLICY,
        ("discovery.k8s.io", "endpointslices") => network::ENDPOINT_SLICE,
        ("", "persistentvolumes") => storage::VOLUME,
        ("", "persistentvolumeclaims") => storage::CLAIM,
        ("storage.k8s.io", "storageclasses") => storage::CLASS,
        ("storage.k8s.io", "volumeattachments") => storage::ATTACHMENT,
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => access::BINDING,
        ("policy", "poddisruptionbudgets") => access::BUDGET,
        ("apps", "deployments") => workload::DEPLOYMENT,
        ("apps", "replicasets") | ("", "replicationcontrollers") => workload::REPLICA_SET,
        ("apps", "statefulsets") => workload::STATEFUL_SET,
        ("apps", "daemonsets") => workload::DAEMON_SET,
        ("apps", "controllerrevisions") => workload::REVISION,
        ("batch", "jobs") => workload::JOB,
        ("batch", "cronjobs") => workload::CRON_JOB,
        ("autoscaling", _) => workload::AUTOSCALER,
        _ => return None,
    };
    Some(found)
}

fn name(value: &Value) -> Value {
    json!(object::name(value))
}

fn age_of(value: &Value) -> Value {
    since(&value["metadata"]["creationTimestamp"])
}

fn since(time: &Value) -> Value {
    json!(age::of(time.as_str()))
}

/// Text, or "<none>".
fn or_none(value: &Value) -> Value {
    or(value, "<none>")
}

fn or(value: &Value, otherwise: &str) -> Value {
    let text = value.as_str().unwrap_or_default();
    json!(if text.is_empty() { otherwise } else { text })
}

fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// The strings joined by commas, or "<none>".
fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    let texts: Vec<&str> = texts.into_iter().collect();
    or_none(&json!(texts.join(",")))
}

/// Names and images of containers.
fn containers(spec: &Value) -> [Value; 2] {
    let of = |key: &str| {
        let texts = object::list(&spec["containers"])
            .iter()
            .filter_map(|container| container[key].as_str());
        json!(texts.collect::<Vec<_>>().join(","))
    };
    [of("name"), of("image")]
}

/// A label selector as text.
fn selector(value: &Value) -> Value {
    let equal = value["matchLabels"].as_object().into_iter().flatten();
    let mut terms: Vec<String> = equal
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    for expression in object::list(&value["matchExpressions"]) {
        let key = expression["key"].as_str().unwrap_or_default();
        let values = object::strings(&expression["values"]).join(",");
        terms.push(match expression["operator"].as_str() {
            Some("In") => format!("{key} in ({values})"),
            Some("NotIn") => format!("{key} notin ({values})"),
            Some("Exists") => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    or_none(&json!(terms.join(",")))
}

/// A map of labels as text.
fn labels(value: &Value) -> Value {
    selector(&json!({ "matchLabels": value }))
}
