//! The built-in kinds: a table, one line per kind.

use super::{FULL, REVIEW, Resource, ScalePaths, SchemaSource};

/// A subresource of a built-in kind.
#[derive(Debug, Clone)]
pub(crate) struct Subresource {
    pub(crate) name: &'static str,
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) verbs: &'static [&'static str],
}

const fn sub(
    name: &'static str,
    gvk: (&'static str, &'static str, &'static str),
    verbs: &'static [&'static str],
) -> Subresource {
    Subresource {
        name,
        group: gvk.0,
        version: gvk.1,
        kind: gvk.2,
        verbs,
    }
}

const POD_SUBRESOURCES: &[Subresource] = &[
    sub("attach", ("", "v1", "PodAttachOptions"), &["create", "get"]),
    sub("binding", ("", "v1", "Binding"), &["create"]),
    sub("eviction", ("policy", "v1", "Eviction"), &["create"]),
    sub("exec", ("", "v1", "PodExecOptions"), &["create", "get"]),
    sub("log", ("", "v1", "Pod"), &["get"]),
    sub(
        "portforward",
        ("", "v1", "PodPortForwardOptions"),
        &["create", "get"],
    ),
];
const TOKEN: &[Subresource] = &[sub(
    "token",
    ("authentication.k8s.io", "v1", "TokenRequest"),
    &["create"],
)];
const FINALIZE: &[Subresource] = &[sub("finalize", ("", "v1", "Namespace"), &["update"])];

/// What the table says about a kind beyond its name.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Namespaced, with status.
    Full,
    /// Namespaced, without status.
    Plain,
    /// Cluster-wide, with status.
    ClusterFull,
    /// Cluster-wide, without status.
    Cluster,
    /// Namespaced, with status and scale.
    Scaled,
    /// A question that is created and answered, never stored.
    Review,
    /// The same, in a namespace.
    LocalReview,
}

use Shape::{Cluster, ClusterFull, Full, LocalReview, Plain, Review, Scaled};

/// Schema package, kind, plural, short names, shape, in `kubectl get all`.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Shape,
    bool,
);

const CORE: &str = "io.k8s.api.core.v1";
const ADMISSION: &str = "io.k8s.api.admissionregistration.v1";
const AUTHORIZATION: &str = "io.k8s.api.authorization.v1";
const RBAC: &str = "io.k8s.api.rbac.v1";
const STORAGE: &str = "io.k8s.api.storage.v1";
const NETWORKING: &str = "io.k8s.api.networking.v1";
const APPS: &str = "io.k8s.api.apps.v1";

const TABLE: &[(&str, &[Row])] = &[
    (
        "",
        &[
            (CORE, "ConfigMap", "configmaps", "cm", Plain, false),
            (CORE, "Endpoints", "endpoints", "ep", Plain, false),
            (CORE, "Event", "events", "ev", Plain, false),
            (CORE, "LimitRange", "limitranges", "limits", Plain, false),
            (CORE, "Namespace", "namespaces", "ns", ClusterFull, false),
            (CORE, "Node", "nodes", "no", ClusterFull, false),
            (
                CORE,
                "PersistentVolumeClaim",
                "persistentvolumeclaims",
                "pvc",
                Full,
                false,
            ),
            (
                CORE,
                "PersistentVolume",
                "persistentvolumes",
                "pv",
                ClusterFull,
                false,
            ),
            (CORE, "Pod", "pods", "po", Full, true),
            (
                CORE,
                "ReplicationController",
                "replicationcontrollers",
                "rc",
                Scaled,
                true,
            ),
            (
                CORE,
                "ResourceQuota",
                "resourcequotas",
                "quota",
                Full,
                false,
            ),
            (CORE, "Secret", "secrets", "", Plain, false),
            (
                CORE,
                "ServiceAccount",
                "serviceaccounts",
                "sa",
                Plain,
                false,
            ),
            (CORE, "Service", "services", "svc", Full, true),
        ],
    ),
    (
        "apps",
        &[
            (
                APPS,
                "ControllerRevision",
                "controllerrevisions",
                "",
                Plain,
                false,
            ),
            (APPS, "DaemonSet", "daemonsets", "ds", Full, true),
            (APPS, "Deployment", "deployments", "deploy", Scaled, true),
            (APPS, "ReplicaSet", "replicasets", "rs", Scaled, true),
            (APPS, "StatefulSet", "statefulsets", "sts", Scaled, true),
        ],
    ),
    (
        "events.k8s.io",
        &[(
            "io.k8s.api.events.v1",
            "Event",
            "events",
            "ev",
            Plain,
            false,
        )],
    ),
    (
        "authentication.k8s.io",
        &[(
            "io.k8s.api.authentication.v1",
            "SelfSubjectReview",
            "selfsubjectreviews",
            "",
            Review,
            false,
        )],
    ),
    (
        "authorization.k8s.io",
        &[
            (
                AUTHORIZATION,
                "LocalSubjectAccessReview",
                "localsubjectaccessreviews",
                "",
                LocalReview,
                false,
            ),
            (
                AUTHORIZATION,
                "SelfSubjectAccessReview",
                "selfsubjectaccessreviews",
                "",
                Review,
                false,
            ),
            (
                AUTHORIZATION,
                "SelfSubjectRulesReview",
                "selfsubjectrulesreviews",
                "",
                Review,
                false,
            ),
            (
                AUTHORIZATION,
                "SubjectAccessReview",
                "subjectaccessreviews",
                "",
                Review,
                false,
            ),
        ],
    ),
    (
        "autoscaling/v2",
        &[(
            "io.k8s.api.autoscaling.v2",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers",
            "hpa",
            Full,
            true,
        )],
    ),
    (
        "batch",
        &[
            (
                "io.k8s.api.batch.v1",
                "CronJob",
                "cronjobs",
                "cj",
                Full,
                true,
            ),
            ("io.k8s.api.batch.v1", "Job", "jobs", "", Full, true),
        ],
    ),
    (
        "networking.k8s.io",
        &[
            (
                NETWORKING,
                "IngressClass",
                "ingressclasses",
                "",
                Cluster,
                false,
            ),
            (NETWORKING, "Ingress", "ingresses", "ing", Full, false),
            (
                NETWORKING,
                "NetworkPolicy",
                "networkpolicies",
                "netpol",
                Plain,
                false,
            ),
        ],
    ),
    (
        "policy",
        &[(
            "io.k8s.api.policy.v1",
            "PodDisruptionBudget",
            "poddisruptionbudgets",
            "pdb",
            Full,
            false,
        )],
    ),
    (
        "rbac.authorization.k8s.io",
        &[
            (
                RBAC,
                "ClusterRoleBinding",
                "clusterrolebindings",
                "",
                Cluster,
                false,
            ),
            (RBAC, "ClusterRole", "clusterroles", "", Cluster, false),
            (RBAC, "RoleBinding", "rolebindings", "", Plain, false),
            (RBAC, "Role", "roles", "", Plain, false),
        ],
    ),
    (
        "storage.k8s.io",
        &[
            (STORAGE, "CSIDriver", "csidrivers", "", Cluster, false),
            (STORAGE, "CSINode", "csinodes", "", Cluster, false),
            (
                STORAGE,
                "StorageClass",
                "storageclasses",
                "sc",
                Cluster,
                false,
            ),
            (
                STORAGE,
                "VolumeAttachment",
                "volumeattachments",
                "",
                ClusterFull,
                false,
            ),
        ],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            (
                ADMISSION,
                "MutatingAdmissionPolicy",
                "mutatingadmissionpolicies",
                "",
                Cluster,
                false,
            ),
            (
                ADMISSION,
                "MutatingAdmissionPolicyBinding",
                "mutatingadmissionpolicybindings",
                "",
                Cluster,
                false,
            ),
            (
                ADMISSION,
                "MutatingWebhookConfiguration",
                "mutatingwebhookconfigurations",
                "",
                Cluster,
                false,
            ),
            (
                ADMISSION,
                "ValidatingAdmissionPolicy",
                "validatingadmissionpolicies",
                "",
                ClusterFull,
                false,
            ),
            (
                ADMISSION,
                "ValidatingAdmissionPolicyBinding",
                "validatingadmissionpolicybindings",
                "",
                Cluster,
                false,
            ),
            (
                ADMISSION,
                "ValidatingWebhookConfiguration",
                "validatingwebhookconfigurations",
                "",
                Cluster,
                false,
            ),
        ],
    ),
    (
        "apiextensions.k8s.io",
        &[(
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            "crd,crds",
            ClusterFull,
            false,
        )],
    ),
    (
        "scheduling.k8s.io",
        &[(
            "io.k8s.api.scheduling.v1",
            "PriorityClass",
            "priorityclasses",
            "pc",
            Cluster,
            false,
        )],
    ),
    (
        "coordination.k8s.io",
        &[(
            "io.k8s.api.coordination.v1",
            "Lease",
            "leases",
            "",
            Plain,
            false,
        )],
    ),
    (
        "discovery.k8s.io",
        &[(
            "io.k8s.api.discovery.v1",
            "EndpointSlice",
            "endpointslices",
            "",
            Plain,
            false,
        )],
    ),
];

/// All built-in resources, in the order of discovery.
pub(crate) fn resources() -> Vec<Resource> {
    let rows = TABLE
        .iter()
        .flat_map(|(group, rows)| rows.iter().map(move |row| (*group, row)));
    rows.map(|(group, row)| {
        let (group, version) = group.split_once('/').unwrap_or((group, "v1"));
        resource(group, version, row)
    })
    .collect()
}

fn resource(group: &str, version: &str, row: &Row) -> Resource {
    let (package, kind, plural, short, shape, in_all) = *row;
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: short
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
        categories: categories(group, in_all),
        namespaced: matches!(shape, Full | Plain | Scaled | LocalReview),
        verbs: if matches!(shape, Review | LocalReview) {
            REVIEW
        } else {
            FULL
        },
        has_status: matches!(shape, Full | ClusterFull | Scaled),
        scale: (shape == Scaled).then(|| ScalePaths {
            spec: ".spec.replicas".to_owned(),
            status: ".status.replicas".to_owned(),
            selector: None,
        }),
        others: subresources(plural).to_vec(),
        columns: Vec::new(),
        selectable: Vec::new(),
        is_custom: false,
        has_rules: false,
        schema: SchemaSource::Builtin(format!("{package}.{kind}")),
    }
}

fn categories(group: &str, in_all: bool) -> Vec<String> {
    let name = match group {
        "admissionregistration.k8s.io" | "apiextensions.k8s.io" => "api-extensions",
        _ if in_all => "all",
        _ => return Vec::new(),
    };
    vec![name.to_owned()]
}

fn subresources(plural: &str) -> &'static [Subresource] {
    match plural {
        "pods" => POD_SUBRESOURCES,
        "serviceaccounts" => TOKEN,
        "namespaces" => FINALIZE,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_schema() {
        for resource in resources() {
            assert!(
                crate::schema::builtin()
                    .get(resource.schema_name())
                    .is_some(),
                "{} has no schema",
                resource.kind
            );
        }
    }
}
