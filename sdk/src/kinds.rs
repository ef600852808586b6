//! Types of objects that home clusters are made of. Others: [`ObjectType::new`].

use crate::ObjectType;

macro_rules! kinds {
    ($($name:ident = $of:literal;)*) => {
        $(
            #[doc = concat!("`", $of, "`")]
            pub const $name: ObjectType = ObjectType::new($of);
        )*
    };
}

kinds! {
    CONFIG_MAP = "configmaps.v1";
    CRON_JOB = "cronjobs.v1.batch";
    DAEMON_SET = "daemonsets.v1.apps";
    DEPLOYMENT = "deployments.v1.apps";
    EVENT = "events.v1";
    GIT_REPOSITORY = "gitrepositories.v1.source.toolkit.fluxcd.io";
    BUCKET = "buckets.v1.source.toolkit.fluxcd.io";
    HELM_CHART = "helmcharts.v1.source.toolkit.fluxcd.io";
    HELM_RELEASE = "helmreleases.v2.helm.toolkit.fluxcd.io";
    HELM_REPOSITORY = "helmrepositories.v1.source.toolkit.fluxcd.io";
    HORIZONTAL_POD_AUTOSCALER = "horizontalpodautoscalers.v2.autoscaling";
    JOB = "jobs.v1.batch";
    KUSTOMIZATION = "kustomizations.v1.kustomize.toolkit.fluxcd.io";
    NAMESPACE = "namespaces.v1";
    NODE = "nodes.v1";
    OCI_REPOSITORY = "ocirepositories.v1.source.toolkit.fluxcd.io";
    PERSISTENT_VOLUME = "persistentvolumes.v1";
    PERSISTENT_VOLUME_CLAIM = "persistentvolumeclaims.v1";
    POD = "pods.v1";
    REPLICA_SET = "replicasets.v1.apps";
    REPLICATION_DESTINATION = "replicationdestinations.v1alpha1.volsync.backube";
    REPLICATION_SOURCE = "replicationsources.v1alpha1.volsync.backube";
    SCALED_JOB = "scaledjobs.v1alpha1.keda.sh";
    SCALED_OBJECT = "scaledobjects.v1alpha1.keda.sh";
    SECRET = "secrets.v1";
    SERVICE = "services.v1";
    SERVICE_ACCOUNT = "serviceaccounts.v1";
    STATEFUL_SET = "statefulsets.v1.apps";
    STORAGE_CLASS = "storageclasses.v1.storage.k8s.io";
    VOLUME_SNAPSHOT = "volumesnapshots.v1.snapshot.storage.k8s.io";
}
