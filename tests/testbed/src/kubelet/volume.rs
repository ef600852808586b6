//! The volumes of a pod, as folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use kube::ResourceExt as _;
use kube::api::Api;
use serde_json::Value;
use std::collections::BTreeMap;

use super::Node;

/// A folder that a container has at a path.
pub(super) struct Mount {
    pub(super) source: PathBuf,
    pub(super) target: String,
    pub(super) read_only: bool,
}

/// The folder of a claim, by its uid. Everybody may write to it.
pub(super) fn of_claim(node: &Node, uid: &str) -> Result<PathBuf> {
    open_folder(node.folder.join("claims").join(uid))
}

/// The folder of an export.
pub(super) fn of_share(node: &Node, server: &str, path: &str) -> Result<PathBuf> {
    let name = path.trim_matches('/').replace('/', "_");
    open_folder(node.folder.join("shares").join(format!("{server}_{name}")))
}

fn open_folder(path: PathBuf) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if !path.is_dir() {
        let what = || format!("making `{}`", path.display());
        std::fs::create_dir_all(&path).with_context(what)?;
        let everybody = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(&path, everybody).with_context(what)?;
    }
    Ok(path)
}

/// The mounts of a container. The error of a volume that is not there is what a kubelet's event says; it tries again.
pub(super) async fn mounts(node: &Node, pod: &Value, container: &Value) -> Result<Vec<Mount>> {
    let volumes = pod["spec"]["volumes"].as_array();
    let volumes = volumes.map(Vec::as_slice).unwrap_or_default();
    let wanted = container["volumeMounts"].as_array();
    let mut mounts = Vec::new();
    for mount in wanted.into_iter().flatten() {
        let volume = volumes.iter().find(|one| one["name"] == mount["name"]);
        let volume = volume.with_context(|| format!("no volume {}", mount["name"]))?;
        let source = folder(node, pod, volume).await.with_context(|| {
            let name = volume["name"].as_str().unwrap_or_default();
            format!("MountVolume.SetUp failed for volume \"{name}\"")
        })?;
        mounts.push(Mount {
            source,
            target: text(&mount["mountPath"]).to_owned(),
            read_only: mount["readOnly"] == true
                || volume["persistentVolumeClaim"]["readOnly"] == true,
        });
    }
    Ok(mounts)
}

async fn folder(node: &Node, pod: &Value, volume: &Value) -> Result<PathBuf> {
    let namespace = text(&pod["metadata"]["namespace"]);
    let own = node.folder.join("pods").join(text(&pod["metadata"]["uid"]));
    let own = own.join(text(&volume["name"]));
    if let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(node.client.clone(), namespace);
        let claim = claims.get(name).await?;
        let phase = claim.status.as_ref().and_then(|one| one.phase.as_deref());
        anyhow::ensure!(phase == Some("Bound"), "claim \"{name}\" is not bound");
        return of_claim(node, &claim.uid().unwrap_or_default());
    }
    if volume["nfs"].is_object() {
        return of_share(
            node,
            text(&volume["nfs"]["server"]),
            text(&volume["nfs"]["path"]),
        );
    }
    let projected = &volume["secret"];
    if projected.is_object() {
        let secrets: Api<Secret> = Api::namespaced(node.client.clone(), namespace);
        let name = text(&projected["secretName"]);
        let data = secrets.get_opt(name).await?.map(|secret| {
            let data = secret.data.unwrap_or_default();
            data.into_iter()
                .map(|(key, bytes)| (key, bytes.0))
                .collect()
        });
        return project(
            &own,
            projected,
            data,
            &format!("secret \"{name}\" not found"),
        );
    }
    let projected = &volume["configMap"];
    if projected.is_object() {
        let maps: Api<ConfigMap> = Api::namespaced(node.client.clone(), namespace);
        let name = text(&projected["name"]);
        let data = maps.get_opt(name).await?.map(|map| {
            let data = map.data.unwrap_or_default();
            data.into_iter()
                .map(|(key, text)| (key, text.into_bytes()))
                .collect()
        });
        return project(
            &own,
            projected,
            data,
            &format!("configmap \"{name}\" not found"),
        );
    }
    anyhow::ensure!(
        volume["emptyDir"].is_object(),
        "unable to get volume plugin: {volume}"
    );
    open_folder(own)
}

/// Writes the keys of a Secret or ConfigMap into a folder.
fn project(
    folder: &Path,
    projected: &Value,
    data: Option<BTreeMap<String, Vec<u8>>>,
    missing: &str,
) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let optional = projected["optional"] == true;
    let Some(data) = data else {
        anyhow::ensure!(optional, "{missing}");
        return Ok(folder.to_owned());
    };
    let Some(items) = projected["items"].as_array() else {
        for (key, bytes) in &data {
            std::fs::write(folder.join(key), bytes)?;
        }
        return Ok(folder.to_owned());
    };
    for item in items {
        let (key, path) = (text(&item["key"]), text(&item["path"]));
        match data.get(key) {
            Some(bytes) => std::fs::write(folder.join(path), bytes)?,
            None => anyhow::ensure!(optional, "references non-existent secret key: {key}"),
        }
    }
    Ok(folder.to_owned())
}

/// The values of a Secret by key, as text.
pub(super) fn values(data: &Value) -> BTreeMap<String, String> {
    let decode = |value: &Value| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str()?);
        String::from_utf8(bytes.ok()?).ok()
    };
    let fields = data.as_object().into_iter().flatten();
    fields
        .filter_map(|(key, value)| Some((key.clone(), decode(value)?)))
        .collect()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
