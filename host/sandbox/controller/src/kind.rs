//! The kinds that the controllers watch, and where the API serves them.

use kube::api::{ApiResource, GroupVersionKind};

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    GitRepository,
    OciRepository,
    HelmRepository,
    HelmChart,
    Bucket,
    Kustomization,
    HelmRelease,
    ReplicationSource,
    ReplicationDestination,
    ScaledObject,
    ScaledJob,
    HorizontalPodAutoscaler,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    CronJob,
    Job,
    Pod,
    PersistentVolumeClaim,
    PersistentVolume,
    PodDisruptionBudget,
    Node,
    Secret,
    ServiceAccount,
    StorageClass,
    VolumeSnapshot,
    VolumeSnapshotClass,
    Event,
}

impl Kind {
    /// Every kind that some controller watches.
    pub(crate) const WATCHED: [Kind; 23] = [
        Kind::GitRepository,
        Kind::OciRepository,
        Kind::HelmRepository,
        Kind::HelmChart,
        Kind::Bucket,
        Kind::Kustomization,
        Kind::HelmRelease,
        Kind::ReplicationSource,
        Kind::ReplicationDestination,
        Kind::ScaledObject,
        Kind::ScaledJob,
        Kind::HorizontalPodAutoscaler,
        Kind::Deployment,
        Kind::ReplicaSet,
        Kind::StatefulSet,
        Kind::DaemonSet,
        Kind::CronJob,
        Kind::Job,
        Kind::Pod,
        Kind::PersistentVolumeClaim,
        Kind::PersistentVolume,
        Kind::PodDisruptionBudget,
        Kind::Node,
    ];

    /// The API group and version, the kind's name and the resource's.
    fn served(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Kind::GitRepository => (
                "source.toolkit.fluxcd.io",
                "v1",
                "GitRepository",
                "gitrepositories",
            ),
            Kind::OciRepository => (
                "source.toolkit.fluxcd.io",
                "v1",
                "OCIRepository",
                "ocirepositories",
            ),
            Kind::HelmRepository => (
                "source.toolkit.fluxcd.io",
                "v1",
                "HelmRepository",
                "helmrepositories",
            ),
            Kind::HelmChart => ("source.toolkit.fluxcd.io", "v1", "HelmChart", "helmcharts"),
            Kind::Bucket => ("source.toolkit.fluxcd.io", "v1", "Bucket", "buckets"),
            Kind::Kustomization => (
                "kustomize.toolkit.fluxcd.io",
                "v1",
                "Kustomization",
                "kustomizations",
            ),
            Kind::HelmRelease => (
                "helm.toolkit.fluxcd.io",
                "v2",
                "HelmRelease",
                "helmreleases",
            ),
            Kind::ReplicationSource => (
                "volsync.backube",
                "v1alpha1",
                "ReplicationSource",
                "replicationsources",
            ),
            Kind::ReplicationDestination => (
                "volsync.backube",
                "v1alpha1",
                "ReplicationDestination",
                "replicationdestinations",
            ),
            Kind::ScaledObject => ("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects"),
            Kind::ScaledJob => ("keda.sh", "v1alpha1", "ScaledJob", "scaledjobs"),
            Kind::HorizontalPodAutoscaler => (
                "autoscaling",
                "v2",
                "HorizontalPodAutoscaler",
                "horizontalpodautoscalers",
            ),
            Kind::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Kind::ReplicaSet => ("apps", "v1", "ReplicaSet", "replicasets"),
            Kind::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
            Kind::DaemonSet => ("apps", "v1", "DaemonSet", "daemonsets"),
            Kind::CronJob => ("batch", "v1", "CronJob", "cronjobs"),
            Kind::Job => ("batch", "v1", "Job", "jobs"),
            Kind::Pod => ("", "v1", "Pod", "pods"),
            Kind::PersistentVolumeClaim => {
                ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
            }
            Kind::PersistentVolume => ("", "v1", "PersistentVolume", "persistentvolumes"),
            Kind::PodDisruptionBudget => (
                "policy",
                "v1",
                "PodDisruptionBudget",
                "poddisruptionbudgets",
            ),
            Kind::Node => ("", "v1", "Node", "nodes"),
            Kind::Secret => ("", "v1", "Secret", "secrets"),
            Kind::ServiceAccount => ("", "v1", "ServiceAccount", "serviceaccounts"),
            Kind::StorageClass => ("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
            Kind::VolumeSnapshot => (
                "snapshot.storage.k8s.io",
                "v1",
                "VolumeSnapshot",
                "volumesnapshots",
            ),
            Kind::VolumeSnapshotClass => (
                "snapshot.storage.k8s.io",
                "v1",
                "VolumeSnapshotClass",
                "volumesnapshotclasses",
            ),
            Kind::Event => ("", "v1", "Event", "events"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.served().2
    }

    pub(crate) fn api_version(self) -> String {
        let (group, version, ..) = self.served();
        if group.is_empty() {
            version.to_owned()
        } else {
            format!("{group}/{version}")
        }
    }

    pub(crate) fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = self.served();
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// The path of a collection, an object or a subresource. Empty parts are left out.
    pub(crate) fn path(self, namespace: &str, name: &str, subresource: &str) -> String {
        let (group, version, _, plural) = self.served();
        let mut path = if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        };
        if !namespace.is_empty() {
            path.push_str(&format!("/namespaces/{namespace}"));
        }
        for part in [plural, name, subresource] {
            if !part.is_empty() {
                path.push('/');
                path.push_str(part);
            }
        }
        path
    }

    /// The kind of that name, of those that have a status or own something.
    pub(crate) fn named(name: &str) -> Option<Kind> {
        let mut all = Kind::WATCHED.into_iter().chain([Kind::VolumeSnapshot]);
        all.find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_leave_out_what_is_empty() {
        assert_eq!(Kind::Pod.path("", "", ""), "/api/v1/pods");
        assert_eq!(Kind::Node.path("", "a", ""), "/api/v1/nodes/a");
        assert_eq!(
            Kind::HelmRelease.path("media", "plex", "status"),
            "/apis/helm.toolkit.fluxcd.io/v2/namespaces/media/helmreleases/plex/status"
        );
    }
}
