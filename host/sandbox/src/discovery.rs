//! Which groups, versions and kinds there are, in the old form and the aggregated one; and the server's version and health.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::resource::Resource;
use crate::respond::Answer;
use crate::respond::accept::Accept;
use crate::status::ApiError;
use crate::world::World;

/// Answers `GET` of a path that is no resource.
pub(crate) fn answer(world: &World, path: &str, accept: &Accept) -> Result<Answer, ApiError> {
    let resources = world.registry.all();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let value = match parts.as_slice() {
        ["version"] => version(),
        ["healthz" | "livez" | "readyz", ..] => {
            return Ok(Answer::Text {
                code: 200,
                text: "ok".to_owned(),
                media_type: "text/plain",
            });
        }
        ["api"] if accept.aggregated => return Ok(aggregated(&resources, true)),
        ["apis"] if accept.aggregated => return Ok(aggregated(&resources, false)),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1" }],
        }),
        ["apis"] => {
            json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups(&resources) })
        }
        ["apis", group] => one_group(&resources, group)?,
        ["api", version] => resource_list(&resources, "", version)?,
        ["apis", group, version] => resource_list(&resources, group, version)?,
        ["openapi", ..] => return crate::openapi::answer(&resources, &parts[1..]),
        [] => {
            json!({ "paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"] })
        }
        _ => return Err(ApiError::no_such_path()),
    };
    Ok(Answer::json(value))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": "v1.36.3", "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean", "buildDate": "2026-08-12T00:00:00Z", "goVersion": "go1.26.8", "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// Groups in the order of discovery, each with its versions, the preferred one first.
pub(crate) fn group_versions(resources: &[Arc<Resource>]) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for resource in resources {
        let at = groups
            .iter()
            .position(|(group, _)| *group == resource.group)
            .unwrap_or_else(|| {
                groups.push((resource.group.clone(), Vec::new()));
                groups.len() - 1
            });
        let versions = &mut groups[at].1;
        if !versions.contains(&resource.version) {
            versions.push(resource.version.clone());
        }
    }
    groups
}

fn group(name: &str, versions: &[String]) -> Value {
    let version = |version: &String| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    let all: Vec<Value> = versions.iter().map(version).collect();
    json!({ "name": name, "versions": all, "preferredVersion": all[0] })
}

fn groups(resources: &[Arc<Resource>]) -> Vec<Value> {
    let named = group_versions(resources)
        .into_iter()
        .filter(|(name, _)| !name.is_empty());
    named
        .map(|(name, versions)| group(&name, &versions))
        .collect()
}

fn one_group(resources: &[Arc<Resource>], name: &str) -> Result<Value, ApiError> {
    let found = group_versions(resources)
        .into_iter()
        .find(|(group, _)| group == name && !group.is_empty());
    let (name, versions) = found.ok_or_else(ApiError::no_such_path)?;
    let mut value = group(&name, &versions);
    value["kind"] = json!("APIGroup");
    value["apiVersion"] = json!("v1");
    Ok(value)
}

/// A subresource: its name, the group, version and kind that it speaks, its verbs.
struct Sub<'a> {
    name: &'a str,
    group: &'a str,
    version: &'a str,
    kind: &'a str,
    verbs: &'a [&'a str],
}

fn subresources(resource: &Resource) -> Vec<Sub<'_>> {
    let verbs: &[&str] = &["get", "patch", "update"];
    let mut subs: Vec<Sub<'_>> = resource
        .others
        .iter()
        .map(|sub| Sub {
            name: sub.name,
            group: sub.group,
            version: sub.version,
            kind: sub.kind,
            verbs: sub.verbs,
        })
        .collect();
    if resource.scale.is_some() {
        subs.push(Sub {
            name: "scale",
            group: "autoscaling",
            version: "v1",
            kind: "Scale",
            verbs,
        });
    }
    if resource.has_status {
        subs.push(Sub {
            name: "status",
            group: &resource.group,
            version: &resource.version,
            kind: &resource.kind,
            verbs,
        });
    }
    subs
}

fn resource_list(
    resources: &[Arc<Resource>],
    group: &str,
    version: &str,
) -> Result<Value, ApiError> {
    let mut list = Vec::new();
    for resource in resources
        .iter()
        .filter(|resource| resource.group == group && resource.version == version)
    {
        list.push(legacy(resource));
        list.extend(subresources(resource).into_iter().map(|sub| {
            let mut value = json!({
                "name": format!("{}/{}", resource.plural, sub.name), "singularName": "", "namespaced": resource.namespaced,
                "kind": sub.kind, "verbs": sub.verbs,
            });
            if sub.group != resource.group || sub.version != resource.version {
                value["group"] = json!(sub.group);
                value["version"] = json!(sub.version);
            }
            value
        }));
    }
    if list.is_empty() {
        return Err(ApiError::no_such_path());
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Ok(
        json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list }),
    )
}

fn legacy(resource: &Resource) -> Value {
    let mut value = json!({
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": resource.verbs,
    });
    names(resource, &mut value);
    value
}

fn names(resource: &Resource, value: &mut Value) {
    if !resource.short_names.is_empty() {
        value["shortNames"] = json!(resource.short_names);
    }
    if !resource.categories.is_empty() {
        value["categories"] = json!(resource.categories);
    }
}

/// Everything in one document.
fn aggregated(resources: &[Arc<Resource>], core: bool) -> Answer {
    let chosen = group_versions(resources)
        .into_iter()
        .filter(|(name, _)| name.is_empty() == core);
    let items: Vec<Value> = chosen
        .map(|(name, versions)| group_discovery(resources, &name, &versions))
        .collect();
    let list = json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items });
    Answer::Text {
        code: 200,
        text: list.to_string(),
        media_type: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    }
}

fn group_discovery(resources: &[Arc<Resource>], group: &str, versions: &[String]) -> Value {
    let metadata = if group.is_empty() {
        json!({})
    } else {
        json!({ "name": group })
    };
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| {
            let of_version = resources.iter().filter(|resource| resource.group == group && resource.version == *version);
            json!({ "version": version, "freshness": "Current", "resources": of_version.map(|resource| modern(resource)).collect::<Vec<_>>() })
        })
        .collect();
    json!({ "metadata": metadata, "versions": versions })
}

fn modern(resource: &Resource) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let mut value = json!({
        "resource": resource.plural,
        "responseKind": kind(&resource.group, &resource.version, &resource.kind),
        "scope": if resource.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    names(resource, &mut value);
    let subs: Vec<Value> = subresources(resource)
        .into_iter()
        .map(|sub| json!({ "subresource": sub.name, "responseKind": kind(sub.group, sub.version, sub.kind), "verbs": sub.verbs }))
        .collect();
    if !subs.is_empty() {
        value["subresources"] = json!(subs);
    }
    value
}
