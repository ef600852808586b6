//! What KEDA scales with: a ScaledObject, which has an autoscaler and a workload, or a ScaledJob, which makes Jobs and has neither.

pub(crate) mod pause;

use agent_sdk::prelude::*;

use pause::Pause;

pub(crate) const PAUSED: &str = "autoscaling.keda.sh/paused";
pub(crate) const PAUSED_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";

/// The types, the more usual first.
pub(crate) const TYPES: [ObjectType; 2] = [kinds::SCALED_OBJECT, kinds::SCALED_JOB];

/// The fields that are looked at.
pub(crate) const FIELDS: [&str; 9] = [
    "/metadata/annotations",
    "/metadata/labels",
    "/metadata/managedFields",
    "/spec/scaleTargetRef",
    "/spec/minReplicaCount",
    "/spec/idleReplicaCount",
    "/status/conditions",
    "/status/hpaName",
    "/status/pausedReplicaCount",
];

/// One of them, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaler {
    pub(crate) target: ObjectRef,
    pub(crate) object: Object,
}

impl Scaler {
    pub(crate) fn new(of: ObjectType, object: Object) -> Scaler {
        Scaler {
            target: ObjectRef::to(of, &object),
            object,
        }
    }

    pub(crate) fn is_job(&self) -> bool {
        self.target.of == kinds::SCALED_JOB
    }

    /// Returns its kind, as a column of a table has it.
    pub(crate) fn kind(&self) -> &'static str {
        if self.is_job() {
            "ScaledJob"
        } else {
            "ScaledObject"
        }
    }

    pub(crate) fn pause(&self) -> Pause {
        Pause::of(self.target.of, &self.object)
    }

    /// Says so when KEDA remembers replicas of a pause that no annotation asks for. An operator that restarts may take it for paused.
    pub(crate) fn remembered(&self) -> Option<String> {
        let replicas = self.object.integer("/status/pausedReplicaCount")?;
        (!self.pause().is_whole()).then(|| {
            format!("no annotation pauses it, but KEDA remembers a pause at {replicas} replicas (`status.pausedReplicaCount`)")
        })
    }

    /// Returns the workload that must never have no pods while KEDA scales it, where that is a kind whose replicas are read.
    pub(crate) fn never_at_zero(&self) -> Option<ObjectRef> {
        let least = self
            .object
            .integer("/spec/minReplicaCount")
            .unwrap_or_default();
        if self.is_job() || least < 1 || self.object.integer("/spec/idleReplicaCount").is_some() {
            return None;
        }
        let of = match self.object.text("/spec/scaleTargetRef/kind") {
            None | Some("" | "Deployment") => kinds::DEPLOYMENT,
            Some("StatefulSet") => kinds::STATEFUL_SET,
            Some(_) => return None,
        };
        let namespace = self.target.namespace.as_deref()?;
        let name = self.object.text("/spec/scaleTargetRef/name")?;
        Some(ObjectRef::new(of, namespace, name))
    }

    /// Returns the manager that owns one of the annotations that pause, when it applies from git: it will set it again.
    pub(crate) fn gitops_owner(&self) -> Option<&str> {
        self.object
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

    /// Returns the name of the autoscaler that KEDA makes; none for a ScaledJob.
    pub(crate) fn autoscaler(&self) -> Option<ObjectRef> {
        if self.is_job() {
            return None;
        }
        let name = self
            .object
            .text("/status/hpaName")
            .filter(|name| !name.is_empty())
            .map_or_else(|| format!("keda-hpa-{}", self.target.name), str::to_owned);
        Some(ObjectRef {
            of: kinds::HORIZONTAL_POD_AUTOSCALER,
            namespace: self.target.namespace.clone(),
            name,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn scaled_object(annotations: Value) -> Scaler {
        scaler(kinds::SCALED_OBJECT, annotations)
    }

    pub(crate) fn scaled_job(annotations: Value) -> Scaler {
        scaler(kinds::SCALED_JOB, annotations)
    }

    fn scaler(of: ObjectType, annotations: Value) -> Scaler {
        let metadata = json!({ "name": "plex", "namespace": "media", "annotations": annotations });
        Scaler::new(of, Object(json!({ "metadata": metadata })))
    }

    /// A ScaledObject of which that manager owns an annotation.
    pub(crate) fn owned(manager: &str, key: &str) -> Scaler {
        let fields = json!([{
            "manager": manager,
            "fieldsV1": { "f:metadata": { "f:annotations": { format!("f:{key}"): {} } } },
        }]);
        let mut scaler = scaled_object(json!({}));
        scaler.object.0["metadata"]["managedFields"] = fields;
        scaler
    }

    #[test]
    fn annotation_from_git_is_told_by_its_manager() {
        assert_eq!(
            owned("kustomize-controller", PAUSED).gitops_owner(),
            Some("kustomize-controller")
        );
        assert_eq!(owned("agent", PAUSED).gitops_owner(), None);
        assert_eq!(owned("kustomize-controller", "other").gitops_owner(), None);
    }

    #[test]
    fn autoscaler_is_the_one_that_the_status_names() {
        let mut scaler = scaled_object(json!({}));
        let name = |scaler: &Scaler| scaler.autoscaler().map(|target| target.name);
        assert_eq!(name(&scaler).as_deref(), Some("keda-hpa-plex"));
        scaler.object.0["status"] = json!({ "hpaName": "mine" });
        assert_eq!(name(&scaler).as_deref(), Some("mine"));
    }

    #[test]
    fn pause_that_only_keda_remembers_is_told() {
        let mut scaler = scaled_object(json!({}));
        assert_eq!(scaler.remembered(), None);
        scaler.object.0["status"] = json!({ "pausedReplicaCount": 0 });
        assert!(
            scaler
                .remembered()
                .is_some_and(|told| told.contains("at 0 replicas"))
        );
        scaler.object.0["metadata"]["annotations"] = json!({ PAUSED_REPLICAS: "0" });
        assert_eq!(scaler.remembered(), None);
    }

    #[test]
    fn workload_with_a_minimum_is_never_at_zero_unless_it_may_be_idle() {
        let mut scaler = scaled_object(json!({}));
        scaler.object.0["spec"] =
            json!({ "scaleTargetRef": { "name": "plex" }, "minReplicaCount": 1 });
        let target = ObjectRef::new(kinds::DEPLOYMENT, "media", "plex");
        assert_eq!(scaler.never_at_zero(), Some(target));
        scaler.object.0["spec"]["idleReplicaCount"] = json!(0);
        assert_eq!(scaler.never_at_zero(), None);
        scaler.object.0["spec"] = json!({ "scaleTargetRef": { "name": "plex" } });
        assert_eq!(scaler.never_at_zero(), None, "the minimum is 0 by default");
    }

    #[test]
    fn scaled_job_has_no_autoscaler() {
        assert_eq!(scaled_job(json!({})).autoscaler(), None);
    }
}
