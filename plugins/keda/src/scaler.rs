//! A ScaledObject: how it is paused, and which of them an operation works on.

use agent_sdk::prelude::*;

pub(crate) const PAUSED: &str = "autoscaling.keda.sh/paused";
pub(crate) const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";

/// The fields that are looked at.
pub(crate) const FIELDS: [&str; 6] = [
    "/metadata/annotations",
    "/metadata/labels",
    "/metadata/managedFields",
    "/spec/scaleTargetRef",
    "/status/conditions",
    "/status/hpaName",
];

/// How an object's annotations pause it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pause {
    /// They do not.
    Running,
    /// By `paused`: the replicas stay as they are.
    Paused,
    /// By `paused-replicas`, whatever `paused` says: the replicas are that many.
    AtReplicas(String),
}

impl Pause {
    /// Reads the annotations as KEDA does: the presence of `paused-replicas` pauses, and so does a `paused` that is no Go bool.
    pub(crate) fn of(object: &Object) -> Pause {
        if let Some(replicas) = object.annotation(PAUSED_REPLICAS) {
            return Pause::AtReplicas(replicas.to_owned());
        }
        match object.annotation(PAUSED) {
            None => Pause::Running,
            Some("false" | "False" | "FALSE" | "f" | "F" | "0") => Pause::Running,
            Some(_) => Pause::Paused,
        }
    }
}

/// Defines the arguments of an operation on ScaledObjects: which ones, and then the operation's own.
macro_rules! arguments {
    ($name:ident { $($own:tt)* }) => {
        #[derive(Args)]
        pub(crate) struct $name {
            /// Where it is
            #[arg(positional, names(namespace))]
            namespace: Option<String>,
            /// Which ScaledObject
            #[arg(positional, names(object = "scaledobjects.v1alpha1.keda.sh"))]
            name: Option<String>,
            /// All of them, in one namespace or everywhere
            all: bool,
            $($own)*
        }

        impl $name {
            fn scope(&self) -> crate::scaler::Scope<'_> {
                crate::scaler::Scope {
                    namespace: self.namespace.as_deref(),
                    name: self.name.as_deref(),
                    all: self.all,
                }
            }
        }
    };
}

pub(crate) use arguments;

/// What an operation works on.
pub(crate) struct Scope<'a> {
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) all: bool,
}

impl Scope<'_> {
    pub(crate) fn one(&self) -> Option<ObjectRef> {
        Some(ObjectRef::new(
            kinds::SCALED_OBJECT,
            self.namespace?,
            self.name?,
        ))
    }

    /// Reads the objects. That there are none is an error: a misspelt namespace must not look like success.
    pub(crate) fn read(&self) -> Result<Vec<Object>> {
        if let Some(target) = self.one() {
            return Ok(vec![cluster::get(&target, &FIELDS).map_err(installed)?]);
        }
        if !self.all {
            return Err(Error::invalid(
                "operations.arguments",
                "one of `name`, `all` is needed",
            ));
        }
        let objects = list(self.namespace)?;
        if objects.is_empty() {
            let place = self
                .namespace
                .map(|namespace| format!(" in namespace `{namespace}`"))
                .unwrap_or_default();
            return Err(Error::not_found(
                "keda.nothing-selected",
                format!("there are no scaledobjects{place}"),
            )
            .hint("agent run keda.status"));
        }
        Ok(objects)
    }
}

/// Lists the objects of one namespace or all.
pub(crate) fn list(namespace: Option<&str>) -> Result<Vec<Object>> {
    let query = Query::all(kinds::SCALED_OBJECT).namespace(namespace);
    cluster::list(&query, &FIELDS).map_err(installed)
}

/// Says what it means when the API server does not know the type.
fn installed(error: Error) -> Error {
    if error.kind() == Kind::Unsupported {
        error
            .while_doing("KEDA is not installed in this cluster")
            .hint("https://keda.sh/docs/latest/deploy/")
    } else {
        error
    }
}

/// Returns the manager that owns one of the annotations that pause, when it applies from git: it will set it again.
pub(crate) fn gitops_owner(object: &Object) -> Option<&str> {
    object
        .items("/metadata/managedFields")
        .iter()
        .filter(|entry| entry["subresource"].is_null())
        .filter(|entry| {
            let annotations = &entry["fieldsV1"]["f:metadata"]["f:annotations"];
            [PAUSED, PAUSED_REPLICAS]
                .iter()
                .any(|key| !annotations[format!("f:{key}")].is_null())
        })
        .filter_map(|entry| entry["manager"].as_str())
        .find(|manager| {
            ["kustomize-controller", "helm-controller", "argocd"]
                .iter()
                .any(|known| manager.starts_with(known))
        })
}

/// Names objects that were read.
pub(crate) fn targets(objects: &[Object]) -> Vec<ObjectRef> {
    objects
        .iter()
        .map(|object| ObjectRef::to(kinds::SCALED_OBJECT, object))
        .collect()
}

/// Returns the name of the autoscaler that KEDA makes for an object.
pub(crate) fn autoscaler(target: &ObjectRef, object: &Object) -> ObjectRef {
    let name = object
        .text("/status/hpaName")
        .filter(|name| !name.is_empty())
        .map_or_else(|| format!("keda-hpa-{}", target.name), str::to_owned);
    ObjectRef {
        of: kinds::HORIZONTAL_POD_AUTOSCALER,
        namespace: target.namespace.clone(),
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(annotations: Value) -> Object {
        Object(
            json!({ "metadata": { "name": "plex", "namespace": "media", "annotations": annotations } }),
        )
    }

    #[test]
    fn paused_that_is_no_bool_counts_as_true() {
        for (value, wanted) in [
            ("true", Pause::Paused),
            ("yes", Pause::Paused),
            ("", Pause::Paused),
            ("no", Pause::Paused),
            ("fALSE", Pause::Paused),
            ("false", Pause::Running),
            ("0", Pause::Running),
        ] {
            assert_eq!(
                Pause::of(&annotated(json!({ PAUSED: value }))),
                wanted,
                "{value}"
            );
        }
    }

    #[test]
    fn paused_replicas_pauses_by_its_presence_whatever_paused_says() {
        let object = annotated(json!({ PAUSED: "false", PAUSED_REPLICAS: "0" }));
        assert_eq!(Pause::of(&object), Pause::AtReplicas("0".to_owned()));
    }

    #[test]
    fn paused_in_one_direction_is_not_paused() {
        let object = annotated(json!({ "autoscaling.keda.sh/paused-scale-in": "true" }));
        assert_eq!(Pause::of(&object), Pause::Running);
    }

    #[test]
    fn annotation_from_git_is_told_by_its_manager() {
        let owned = |manager: &str, key: &str| {
            Object(json!({ "metadata": { "managedFields": [
                { "manager": manager, "fieldsV1": { "f:metadata": { "f:annotations": { format!("f:{key}"): {} } } } },
            ] } }))
        };
        assert_eq!(
            gitops_owner(&owned("kustomize-controller", PAUSED)),
            Some("kustomize-controller")
        );
        assert_eq!(gitops_owner(&owned("agent", PAUSED)), None);
        assert_eq!(gitops_owner(&owned("kustomize-controller", "other")), None);
    }

    #[test]
    fn autoscaler_is_the_one_that_the_status_names() {
        let target = ObjectRef::new(kinds::SCALED_OBJECT, "media", "plex");
        let named = Object(json!({ "status": { "hpaName": "mine" } }));
        assert_eq!(autoscaler(&target, &named).name, "mine");
        assert_eq!(
            autoscaler(&target, &Object::default()).name,
            "keda-hpa-plex"
        );
    }

    #[test]
    fn missing_type_is_told_as_keda_that_is_not_installed() {
        let error = installed(Error::unsupported(
            "cluster.no-such-resource",
            "no such type",
        ));
        assert_eq!(error.message(), "KEDA is not installed in this cluster");
        assert_eq!(error.code(), "cluster.no-such-resource");
        let other = Error::denied("cluster.forbidden", "no");
        assert_eq!(installed(other.clone()), other);
    }
}
