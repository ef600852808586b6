//! The home cluster's desired state in a testbed, applied by the real kustomize-controller.
//!
//! The repository that Flux would fetch is written from what the home cluster's Kustomizations say that they applied, so that
//! every object belongs to the Kustomization that it belongs to in a person's cluster. Secrets of the repository are empty: no
//! file in it is encrypted.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Where a Kustomization finds what its `components` name.
const COMPONENTS: &[&str] = &["volsync", "keda/nfs-scaler"];

const ROOT: &str = "kubernetes/apps";

/// What has to be created around a repository, in this order: before it, and after it has been published.
pub(crate) struct Home {
    pub(crate) before: Vec<Value>,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) after: Vec<Value>,
}

impl Home {
    /// The whole of it.
    pub(crate) fn whole() -> Self {
        Self::new(agent_sandbox_home::desired())
    }

    /// Only these apps, what their Kustomizations depend on, and what the cluster's parts share.
    ///
    /// # Errors
    /// There is no Kustomization of this name in the home cluster.
    pub(crate) fn of(apps: &[&str]) -> Result<Self> {
        let desired = agent_sandbox_home::desired();
        let chosen = chosen(&desired, apps)?;
        let stays = |object: &Value| match owner(object) {
            Some(owner) => chosen.contains(&owner),
            None => true,
        };
        Ok(Self::new(desired.into_iter().filter(stays).collect()))
    }

    fn new(desired: Vec<Value>) -> Self {
        let (kustomizations, mut before): (Vec<_>, Vec<_>) = desired
            .into_iter()
            .partition(|object| object["kind"] == "Kustomization");
        before.extend(kustomizations.iter().flat_map(secrets));
        let files = files(&before, &kustomizations);
        Self {
            before,
            files,
            after: kustomizations,
        }
    }
}

/// The names of Kustomizations that these apps need; those that Flux itself is made of are always there.
fn chosen(desired: &[Value], apps: &[&str]) -> Result<BTreeSet<String>> {
    let kustomizations: HashMap<&str, &Value> = desired
        .iter()
        .filter(|object| object["kind"] == "Kustomization")
        .filter_map(|object| Some((object["metadata"]["name"].as_str()?, object)))
        .collect();
    let mut chosen = BTreeSet::from(["cluster-apps".to_owned()]);
    let mut open: Vec<String> = apps.iter().map(ToString::to_string).collect();
    while let Some(name) = open.pop() {
        let kustomization = kustomizations
            .get(name.as_str())
            .with_context(|| format!("the home cluster has no Kustomization `{name}`"))?;
        let needed = kustomization["spec"]["dependsOn"].as_array();
        let needed = needed
            .into_iter()
            .flatten()
            .filter_map(|needed| needed["name"].as_str());
        open.extend(needed.map(str::to_owned));
        chosen.insert(name);
    }
    Ok(chosen)
}

/// The app that an object belongs to, by what Flux's controllers write on what they apply.
fn owner(object: &Value) -> Option<String> {
    let of = &object["metadata"];
    if object["kind"] == "Kustomization" {
        return of["name"].as_str().map(str::to_owned);
    }
    [
        "kustomize.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/name",
    ]
    .iter()
    .find_map(|label| of["labels"][*label].as_str())
    .map(str::to_owned)
}

fn secrets(kustomization: &Value) -> [Value; 2] {
    let secret = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": kustomization["metadata"]["namespace"]},
        })
    };
    [secret("sops-age-secret"), secret("cluster-secrets")]
}

fn files(objects: &[Value], kustomizations: &[Value]) -> Vec<(String, String)> {
    let known: HashMap<String, &Value> = objects
        .iter()
        .chain(kustomizations)
        .map(|object| (id(object), object))
        .collect();
    let mut files: Vec<_> = COMPONENTS.iter().map(|path| component(path)).collect();
    let mut tops = Vec::new();
    for kustomization in &agent_sandbox_home::objects() {
        if kustomization["kind"] != "Kustomization" || !known.contains_key(&id(kustomization)) {
            continue;
        }
        let applied = kustomization["status"]["inventory"]["entries"].as_array();
        let applied: Vec<&Value> = applied
            .into_iter()
            .flatten()
            .filter_map(|entry| known.get(entry["id"].as_str()?).copied())
            .collect();
        let path = kustomization["spec"]["path"].as_str().unwrap_or_default();
        let folder = path.trim_start_matches("./");
        if folder == ROOT {
            tops = applied;
        } else {
            files.extend(folder_of(folder, &applied, kustomization));
        }
    }
    files.extend(folder_of(
        ROOT,
        &tops,
        &json!({"metadata": {"name": "cluster-apps"}}),
    ));
    files
}

/// One file with the objects and one that lists it, because an unlisted folder would take in everything below it.
fn folder_of(folder: &str, objects: &[&Value], kustomization: &Value) -> [(String, String); 2] {
    let name = &kustomization["metadata"]["name"];
    // kustomize refuses an empty folder.
    let note = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("{}-repository", name.as_str().unwrap_or_default()), "namespace": "flux-system"}});
    let texts: Vec<String> = objects
        .iter()
        .copied()
        .chain([&note])
        .map(Value::to_string)
        .collect();
    let list = json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": ["objects.yaml"]});
    [
        (format!("{folder}/objects.yaml"), texts.join("\n---\n")),
        (format!("{folder}/kustomization.yaml"), list.to_string()),
    ]
}

/// A component that only says that it was used; kustomize refuses an empty one.
fn component(path: &str) -> (String, String) {
    let label = path.replace('/', "-");
    let text = json!({
        "apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component",
        "commonAnnotations": {format!("home.example.org/{label}"): "used"},
    });
    (
        format!("kubernetes/components/{path}/kustomization.yaml"),
        text.to_string(),
    )
}

/// As kustomize-controller writes it into an inventory: `NAMESPACE_NAME_GROUP_KIND`.
fn id(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let version = text(&object["apiVersion"]);
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let of = &object["metadata"];
    format!(
        "{}_{}_{group}_{}",
        text(&of["namespace"]),
        text(&of["name"]),
        text(&object["kind"])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kustomization_has_its_folder_with_what_it_applied() {
        let home = Home::whole();
        let text = |path: &str| {
            let file = home.files.iter().find(|(file, _)| file == path);
            file.map(|(_, text)| text.as_str()).unwrap_or_default()
        };
        let plex = text("kubernetes/apps/media/plex/app/objects.yaml");
        for kind in [
            "HelmRelease",
            "ReplicationSource",
            "ScaledObject",
            "PersistentVolumeClaim",
        ] {
            assert!(
                plex.contains(&format!("\"kind\":\"{kind}\"")),
                "{kind} is missing"
            );
        }
        let root = text("kubernetes/apps/objects.yaml");
        assert_eq!(
            root.matches("\"kind\":\"Kustomization\"").count(),
            home.after.len() - 1
        );
    }

    #[test]
    fn part_of_the_home_has_what_its_apps_depend_on_and_no_other_app() {
        let home = Home::of(&["plex"]).unwrap();
        let names: Vec<_> = home
            .after
            .iter()
            .filter_map(|object| object["metadata"]["name"].as_str())
            .collect();
        assert!(
            names.contains(&"plex") && names.contains(&"volsync"),
            "{names:?}"
        );
        assert!(!names.contains(&"sonarr") && names.len() < 15, "{names:?}");
        assert!(
            home.before.iter().any(
                |object| object["kind"] == "Deployment" && object["metadata"]["name"] == "plex"
            )
        );
        assert!(
            !home
                .before
                .iter()
                .any(|object| owner(object).as_deref() == Some("sonarr"))
        );
    }

    #[test]
    fn unknown_app_is_named() {
        let err = Home::of(&["plexx"]).map(drop).unwrap_err();
        assert!(err.to_string().contains("`plexx`"));
    }
}
