//! The kinds that the tests look at, and their paths in the API.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    /// `/apis/GROUP/VERSION`, or `/api/v1`.
    root: &'static str,
    /// The plural name.
    pub(crate) plural: &'static str,
}

const fn kind(root: &'static str, plural: &'static str) -> Kind {
    Kind { root, plural }
}

pub(crate) const KUSTOMIZATION: Kind =
    kind("/apis/kustomize.toolkit.fluxcd.io/v1", "kustomizations");
pub(crate) const HELM_RELEASE: Kind = kind("/apis/helm.toolkit.fluxcd.io/v2", "helmreleases");
pub(crate) const GIT_REPOSITORY: Kind =
    kind("/apis/source.toolkit.fluxcd.io/v1", "gitrepositories");
pub(crate) const OCI_REPOSITORY: Kind =
    kind("/apis/source.toolkit.fluxcd.io/v1", "ocirepositories");
pub(crate) const REPLICATION_SOURCE: Kind =
    kind("/apis/volsync.backube/v1alpha1", "replicationsources");
pub(crate) const REPLICATION_DESTINATION: Kind =
    kind("/apis/volsync.backube/v1alpha1", "replicationdestinations");
pub(crate) const SCALED_OBJECT: Kind = kind("/apis/keda.sh/v1alpha1", "scaledobjects");
pub(crate) const SCALED_JOB: Kind = kind("/apis/keda.sh/v1alpha1", "scaledjobs");
pub(crate) const AUTOSCALER: Kind = kind("/apis/autoscaling/v2", "horizontalpodautoscalers");
pub(crate) const DEPLOYMENT: Kind = kind("/apis/apps/v1", "deployments");
pub(crate) const STATEFUL_SET: Kind = kind("/apis/apps/v1", "statefulsets");
pub(crate) const CRON_JOB: Kind = kind("/apis/batch/v1", "cronjobs");
pub(crate) const JOB: Kind = kind("/apis/batch/v1", "jobs");
pub(crate) const CLAIM: Kind = kind("/api/v1", "persistentvolumeclaims");
pub(crate) const SECRET: Kind = kind("/api/v1", "secrets");
pub(crate) const CONFIG_MAP: Kind = kind("/api/v1", "configmaps");
pub(crate) const SERVICE: Kind = kind("/api/v1", "services");
pub(crate) const CLUSTER_ROLE: Kind = kind("/apis/rbac.authorization.k8s.io/v1", "clusterroles");
pub(crate) const CLUSTER_ROLE_BINDING: Kind =
    kind("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings");
pub(crate) const QUOTA: Kind = kind("/api/v1", "resourcequotas");
pub(crate) const VOLUME_SNAPSHOT: Kind =
    kind("/apis/snapshot.storage.k8s.io/v1", "volumesnapshots");
pub(crate) const POD: Kind = kind("/api/v1", "pods");
pub(crate) const BUDGET: Kind = kind("/apis/policy/v1", "poddisruptionbudgets");

impl Kind {
    /// The path of one object.
    pub(crate) fn path(self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.paths(namespace))
    }

    /// The path of all objects of a namespace.
    pub(crate) fn paths(self, namespace: &str) -> String {
        format!("{}/namespaces/{namespace}/{}", self.root, self.plural)
    }

    /// The path of all objects of the cluster.
    pub(crate) fn everywhere(self) -> String {
        format!("{}/{}", self.root, self.plural)
    }
}
