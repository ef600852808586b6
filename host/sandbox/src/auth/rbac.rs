//! Role-based access: the objects of `rbac.authorization.k8s.io`, evaluated as the real server does.

use std::sync::Arc;

use serde_json::Value;

use super::{Ask, User};
use crate::object;
use crate::store::{Bucket, Inner};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Whether any rule that is bound to `user` covers `ask`.
pub(crate) fn allows(store: &Inner, user: &User, ask: &Ask) -> bool {
    rules(store, user, &ask.namespace)
        .iter()
        .any(|rule| covers(rule, ask))
}

/// Every rule that `user` has in `namespace` ("" for the cluster).
pub(crate) fn rules(store: &Inner, user: &User, namespace: &str) -> Vec<Value> {
    let mut bindings = store.list(&Bucket::new(GROUP, "clusterrolebindings"), None, None);
    if !namespace.is_empty() {
        bindings.extend(store.list(&Bucket::new(GROUP, "rolebindings"), Some(namespace), None));
    }
    let bound = bindings.iter().filter(|binding| binds(binding, user));
    let roles = bound.filter_map(|binding| role(store, binding));
    roles
        .flat_map(|role| object::list(&role["rules"]).to_vec())
        .collect()
}

fn role(store: &Inner, binding: &Value) -> Option<Arc<Value>> {
    let name = binding["roleRef"]["name"].as_str()?;
    match binding["roleRef"]["kind"].as_str()? {
        "ClusterRole" => store.get(&Bucket::new(GROUP, "clusterroles"), "", name),
        _ => store.get(
            &Bucket::new(GROUP, "roles"),
            object::namespace(binding),
            name,
        ),
    }
}

fn binds(binding: &Value, user: &User) -> bool {
    object::list(&binding["subjects"]).iter().any(|subject| {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => name == user.name,
            Some("Group") => user.groups.iter().any(|group| group == name),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or_default();
                user.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

fn has(rule: &Value, key: &str, wanted: &str) -> bool {
    object::strings(&rule[key])
        .iter()
        .any(|entry| *entry == "*" || *entry == wanted)
}

fn covers(rule: &Value, ask: &Ask) -> bool {
    if !has(rule, "verbs", &ask.verb) {
        return false;
    }
    if let Some(path) = &ask.path {
        return object::strings(&rule["nonResourceURLs"])
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => pattern == path,
            });
    }
    let names = object::strings(&rule["resourceNames"]);
    has(rule, "apiGroups", &ask.group)
        && covers_resource(rule, ask)
        && (names.is_empty() || names.contains(&ask.name.as_str()))
}

fn covers_resource(rule: &Value, ask: &Ask) -> bool {
    let full = ask.full_resource();
    object::strings(&rule["resources"]).iter().any(|entry| {
        let any_with_sub = entry
            .strip_prefix("*/")
            .is_some_and(|sub| sub == ask.sub && !sub.is_empty());
        *entry == "*" || *entry == full || any_with_sub
    })
}
