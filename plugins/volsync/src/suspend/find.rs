//! Finds VolSync itself: its Deployment, and what would start it again. Names that a person gave come first. Reads only.

use agent_sdk::prelude::*;

use crate::list::job;

/// What the person named.
pub(super) struct Named<'a> {
    pub(super) namespace: &'a str,
    pub(super) deployment: Option<&'a str>,
    pub(super) kustomization: Option<&'a str>,
    pub(super) helmrelease: Option<&'a str>,
    pub(super) scaledobject: Option<&'a str>,
}

/// What there is. There may be none of what is not the Deployment.
pub(super) struct Found {
    pub(super) deployment: ObjectRef,
    pub(super) replicas: i64,
    pub(super) kustomizations: Vec<ObjectRef>,
    pub(super) releases: Vec<ObjectRef>,
    pub(super) scaled_objects: Vec<ObjectRef>,
}

const FIELDS: [&str; 3] = [
    "/metadata/labels",
    "/spec/replicas",
    "/spec/template/spec/containers",
];

/// Finds all.
///
/// # Errors
///
/// `volsync.not-found`; `cluster.not-found` for a name that the person gave.
pub(super) fn find(named: &Named) -> Result<Found> {
    let deployment = deployment(named)?;
    let target = ObjectRef::to(kinds::DEPLOYMENT, &deployment);
    Ok(Found {
        replicas: deployment.integer("/spec/replicas").unwrap_or(1),
        kustomizations: owner(
            kinds::KUSTOMIZATION,
            named,
            named.kustomization,
            &deployment,
            "kustomize",
        )?,
        releases: owner(
            kinds::HELM_RELEASE,
            named,
            named.helmrelease,
            &deployment,
            "helm",
        )?,
        scaled_objects: scaled_objects(named, &target)?,
        deployment: target,
    })
}

fn deployment(named: &Named) -> Result<Object> {
    if let Some(name) = named.deployment {
        return cluster::get(
            &ObjectRef::new(kinds::DEPLOYMENT, named.namespace, name),
            &FIELDS,
        );
    }
    let all = cluster::list(
        &Query::all(kinds::DEPLOYMENT).namespace(named.namespace),
        &FIELDS,
    )?;
    all.into_iter().find(is_volsync).ok_or_else(|| {
        Error::not_found("volsync.not-found", format!("no Deployment in namespace `{}` is VolSync", named.namespace))
            .hint("say where it is: --namespace NAMESPACE, and --deployment NAME when it has another name")
    })
}

/// The chart labels it; whatever it is called, it is told which mover images to use.
pub(super) fn is_volsync(deployment: &Object) -> bool {
    deployment.label("app.kubernetes.io/name") == Some("volsync")
        || deployment.name() == "volsync"
        || job::image_of(&deployment.0).is_some()
}

/// The one that was named; else the one that the Deployment's labels name; else the one of the Deployment's name, if there is one.
fn owner(
    of: ObjectType,
    named: &Named,
    name: Option<&str>,
    deployment: &Object,
    controller: &str,
) -> Result<Vec<ObjectRef>> {
    if let Some(name) = name {
        let target = ObjectRef::new(of, named.namespace, name);
        return cluster::get(&target, &["/metadata/name"]).map(|_| vec![target]);
    }
    let target = labelled(of, deployment, controller)
        .unwrap_or_else(|| ObjectRef::new(of, named.namespace, deployment.name()));
    match cluster::find(&target, &["/metadata/name"]) {
        Err(error) if error.kind() == Kind::Unsupported => Ok(Vec::new()),
        Err(error) => Err(error),
        Ok(found) => Ok(found.map(|_| target).into_iter().collect()),
    }
}

fn labelled(of: ObjectType, object: &Object, controller: &str) -> Option<ObjectRef> {
    let label = |field: &str| object.label(&format!("{controller}.toolkit.fluxcd.io/{field}"));
    Some(ObjectRef::new(of, label("namespace")?, label("name")?))
}

fn scaled_objects(named: &Named, deployment: &ObjectRef) -> Result<Vec<ObjectRef>> {
    if let Some(name) = named.scaledobject {
        let target = ObjectRef::new(kinds::SCALED_OBJECT, named.namespace, name);
        return cluster::get(&target, &["/metadata/name"]).map(|_| vec![target]);
    }
    let query = Query::all(kinds::SCALED_OBJECT).namespace(named.namespace);
    let all = match cluster::list(&query, &["/spec/scaleTargetRef"]) {
        Err(error) if error.kind() == Kind::Unsupported => Vec::new(),
        result => result?,
    };
    let scales =
        |object: &&Object| object.text("/spec/scaleTargetRef/name") == Some(&deployment.name);
    Ok(all
        .iter()
        .filter(scales)
        .map(|object| ObjectRef::to(kinds::SCALED_OBJECT, object))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volsync_is_known_by_its_label_its_name_or_its_mover_image() {
        let deployment = |value: Value| is_volsync(&Object(value));
        assert!(deployment(
            json!({"metadata": {"name": "x", "labels": {"app.kubernetes.io/name": "volsync"}}})
        ));
        assert!(deployment(json!({"metadata": {"name": "volsync"}})));
        assert!(deployment(
            json!({"metadata": {"name": "backup"}, "spec": {"template": {"spec": {"containers": [
                {"args": ["--restic-container-image=x"]},
            ]}}}})
        ));
        assert!(!deployment(json!({"metadata": {"name": "kopia"}})));
    }

    #[test]
    fn labels_lead_to_the_release() {
        let deployment = Object(
            json!({"metadata": {"labels": {"helm.toolkit.fluxcd.io/name": "vs", "helm.toolkit.fluxcd.io/namespace": "ops"}}}),
        );
        let found = labelled(kinds::HELM_RELEASE, &deployment, "helm");
        assert_eq!(
            found,
            Some(ObjectRef::new(kinds::HELM_RELEASE, "ops", "vs"))
        );
        assert_eq!(
            labelled(kinds::KUSTOMIZATION, &deployment, "kustomize"),
            None
        );
    }
}
