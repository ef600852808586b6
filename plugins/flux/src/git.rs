//! Whether git says what `spec.suspend` is: then the Kustomization that applies the object says so again, whoever wrote something else.
//!
//! A field that is not in git stays as this agent's manager wrote it, so the labels of a Kustomization alone are no reason to warn.

use agent_sdk::prelude::*;

/// The fields that are looked at.
pub(crate) const FIELDS: [&str; 2] = ["/metadata/labels", "/metadata/managedFields"];

/// Whether a manager applies what is in git.
pub(crate) fn is_git(manager: &str) -> bool {
    ["kustomize-controller", "helm-controller", "argocd"]
        .iter()
        .any(|known| manager.starts_with(known))
}

/// Says who will undo a change of `spec.suspend`; none when nobody will.
pub(crate) fn undoes(target: &ObjectRef, object: &Object) -> Option<String> {
    let manager = object
        .items("/metadata/managedFields")
        .iter()
        .filter(|entry| entry["subresource"].is_null())
        .filter(|entry| !entry["fieldsV1"]["f:spec"]["f:suspend"].is_null())
        .filter_map(|entry| entry["manager"].as_str())
        .find(|manager| is_git(manager))?;
    match applier(object) {
        // What is suspended does not reconcile, itself included.
        Some(applier) if applier == *target && object.at("/spec/suspend") != true => None,
        Some(applier) => Some(format!(
            "git sets `spec.suspend`, and {applier} will set it again unless that is suspended first"
        )),
        None => Some(format!(
            "git sets `spec.suspend`, and `{manager}` will set it again"
        )),
    }
}

/// Returns the Kustomization that applies an object.
fn applier(object: &Object) -> Option<ObjectRef> {
    let label = |field: &str| object.label(&format!("kustomize.toolkit.fluxcd.io/{field}"));
    Some(ObjectRef::new(
        kinds::KUSTOMIZATION,
        label("namespace")?,
        label("name")?,
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A Kustomization of `media/plex`, applied by `flux-system/apps`, of which that manager owns a field.
    pub(crate) fn owned(manager: &str, field: &str, suspended: bool) -> Object {
        Object(json!({
            "metadata": {
                "name": "plex", "namespace": "media",
                "labels": { "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" },
                "managedFields": [
                    { "manager": "agent", "fieldsV1": { "f:spec": { "f:other": {} } } },
                    { "manager": manager, "fieldsV1": { "f:spec": { field: {} } } },
                ],
            },
            "spec": { "suspend": suspended },
        }))
    }

    fn target(namespace: &str, name: &str) -> ObjectRef {
        ObjectRef::new(kinds::KUSTOMIZATION, namespace, name)
    }

    #[test]
    fn suspend_that_git_sets_is_told_with_who_applies_it() {
        let object = owned("kustomize-controller", "f:suspend", false);
        assert_eq!(
            undoes(&target("media", "plex"), &object).as_deref(),
            Some(
                "git sets `spec.suspend`, and kustomizations flux-system/apps will set it again unless that is suspended first"
            )
        );
        let mut bare = object;
        bare.0["metadata"]["labels"] = json!({});
        assert_eq!(
            undoes(&target("media", "plex"), &bare).as_deref(),
            Some("git sets `spec.suspend`, and `kustomize-controller` will set it again")
        );
    }

    #[test]
    fn suspend_that_is_not_in_git_stays_whoever_applies_the_object() {
        for (manager, field) in [("kustomize-controller", "f:path"), ("agent", "f:suspend")] {
            let object = owned(manager, field, false);
            assert_eq!(undoes(&target("media", "plex"), &object), None, "{manager}");
        }
    }

    #[test]
    fn kustomization_that_applies_itself_cannot_undo_its_own_suspension() {
        let suspend = owned("kustomize-controller", "f:suspend", false);
        assert_eq!(undoes(&target("flux-system", "apps"), &suspend), None);
        let resume = owned("kustomize-controller", "f:suspend", true);
        assert!(undoes(&target("flux-system", "apps"), &resume).is_some());
    }
}
