//! The custom resource definitions: Flux, KEDA and CSI snapshots as their projects generate them, VolSync written by hand.

use serde_json::Value;

macro_rules! texts {
    ($($file:literal),* $(,)?) => { &[$(($file, include_str!(concat!("../crds/", $file)))),*] };
}

pub(crate) const FILES: &[(&str, &str)] = texts![
    "helm.toolkit.fluxcd.io_helmreleases.yaml",
    "keda.sh_clustertriggerauthentications.yaml",
    "keda.sh_scaledjobs.yaml",
    "keda.sh_scaledobjects.yaml",
    "keda.sh_triggerauthentications.yaml",
    "kustomize.toolkit.fluxcd.io_kustomizations.yaml",
    "snapshot.storage.k8s.io_volumesnapshotclasses.yaml",
    "snapshot.storage.k8s.io_volumesnapshotcontents.yaml",
    "snapshot.storage.k8s.io_volumesnapshots.yaml",
    "source.toolkit.fluxcd.io_buckets.yaml",
    "source.toolkit.fluxcd.io_externalartifacts.yaml",
    "source.toolkit.fluxcd.io_gitrepositories.yaml",
    "source.toolkit.fluxcd.io_helmcharts.yaml",
    "source.toolkit.fluxcd.io_helmrepositories.yaml",
    "source.toolkit.fluxcd.io_ocirepositories.yaml",
    "volsync.backube_replicationdestinations.yaml",
    "volsync.backube_replicationsources.yaml",
];

/// The CustomResourceDefinitions of the cluster.
#[must_use]
pub fn crds() -> Vec<Value> {
    FILES
        .iter()
        .flat_map(|(name, text)| documents(name, text))
        .collect()
}

fn documents(name: &str, text: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(text)
        .map(serde::Deserialize::deserialize)
        .map(|value: Result<Value, _>| {
            value.unwrap_or_else(|err| panic!("reading `{name}`: {err}"))
        })
        .filter(|value| value.is_object())
        .collect()
}
