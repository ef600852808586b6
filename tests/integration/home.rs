//! A home small enough to settle in seconds: the apps of the home cluster that are backed up, and a few others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Apps that no volume belongs to, but that tests need.
const ALSO: &[(&str, &str)] = &[("media", "immich"), ("volsync-system", "volsync")];

/// Every object, settled, with its status: what the simulated server begins with.
pub(crate) fn settled() -> Vec<Value> {
    kept(agent_sandbox_home::objects())
}

/// What a real server begins with: everything but the Kustomizations, the Kustomizations, and the files that they apply.
pub(crate) struct Desired {
    pub(crate) objects: Vec<Value>,
    pub(crate) kustomizations: Vec<Value>,
    pub(crate) files: Vec<(String, String)>,
}

/// The same home as people wrote it, with every object changed.
pub(crate) fn desired(change: impl Fn(&mut Value)) -> Desired {
    let mut all = kept(agent_sandbox_home::desired());
    all.iter_mut().for_each(change);
    let (kustomizations, objects): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|object| object["kind"] == "Kustomization");
    let applied = applied();
    let files = kustomizations.iter().flat_map(|one| {
        let path = text(&one["spec"]["path"]).trim_start_matches("./");
        let ids = applied.get(&place(one)).map_or(&[][..], Vec::as_slice);
        let objects: Vec<String> = objects
            .iter()
            .filter(|object| ids.contains(&id(object)))
            .map(Value::to_string)
            .collect();
        let list = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": ["objects.yaml"]});
        [
            (format!("{path}/objects.yaml"), objects.join("\n---\n")),
            (format!("{path}/kustomization.yaml"), list.to_string()),
        ]
    });
    Desired {
        files: files.collect(),
        objects,
        kustomizations,
    }
}

/// What each Kustomization says that it has applied.
fn applied() -> BTreeMap<String, Vec<String>> {
    let settled = agent_sandbox_home::objects();
    let kustomizations = settled
        .iter()
        .filter(|object| object["kind"] == "Kustomization");
    let entries = |object: &Value| {
        let entries = object["status"]["inventory"]["entries"].as_array();
        let entries = entries.into_iter().flatten();
        entries.map(|entry| text(&entry["id"]).to_owned()).collect()
    };
    kustomizations
        .map(|object| (place(object), entries(object)))
        .collect()
}

fn kept(objects: Vec<Value>) -> Vec<Value> {
    let apps = apps();
    let keep = |object: &Value| {
        let namespace = text(&object["metadata"]["namespace"]);
        namespace.is_empty()
            || object["kind"] == "GitRepository"
            || apps
                .iter()
                .any(|(home, app)| *home == namespace && belongs(object, app))
    };
    let mut objects: Vec<Value> = objects.into_iter().filter(keep).collect();
    for object in &mut objects {
        if object["kind"] == "Kustomization" {
            simplify(object);
        }
    }
    objects
}

fn apps() -> Vec<(&'static str, &'static str)> {
    let backed_up = agent_sandbox_home::apps();
    let backed_up = backed_up.iter().filter(|app| app.backup.is_some());
    let mut apps: Vec<_> = backed_up.map(|app| (app.namespace, app.name)).collect();
    apps.extend(ALSO);
    apps
}

/// Whether an object is of an app: by its name, which has the app's in it.
pub(crate) fn belongs(object: &Value, app: &str) -> bool {
    let name = text(&object["metadata"]["name"]);
    let label = text(&object["metadata"]["labels"]["app.kubernetes.io/name"]);
    name.contains(app) || label == app
}

/// Without what needs other parts of the repository.
fn simplify(kustomization: &mut Value) {
    if let Some(spec) = kustomization["spec"].as_object_mut() {
        for field in ["dependsOn", "components", "decryption", "postBuild"] {
            spec.remove(field);
        }
    }
}

fn place(object: &Value) -> String {
    let of = &object["metadata"];
    format!("{}/{}", text(&of["namespace"]), text(&of["name"]))
}

/// As kustomize-controller writes it into an inventory: `NAMESPACE_NAME_GROUP_KIND`.
fn id(object: &Value) -> String {
    let version = text(&object["apiVersion"]);
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let (of, kind) = (&object["metadata"], text(&object["kind"]));
    format!(
        "{}_{}_{group}_{kind}",
        text(&of["namespace"]),
        text(&of["name"])
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
