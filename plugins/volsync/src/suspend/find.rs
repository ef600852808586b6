//! Finds VolSync itself: its Deployment, and what would start it again. Names that a person gave come first. Reads only.

use agent_sdk::prelude::*;

use crate::operator::{self, FIELDS, HOME, REPLICAS};

/// What the person named.
pub(super) struct Named<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) deployment: Option<&'a str>,
    pub(super) kustomization: Option<&'a str>,
    pub(super) helmrelease: Option<&'a str>,
    pub(super) scaledobject: Option<&'a str>,
}

/// What there is. There may be none of what is not the Deployment.
pub(super) struct Found {
    pub(super) deployment: ObjectRef,
    pub(super) replicas: i64,
    /// How many it had when it was suspended; none when nobody noted it.
    pub(super) before: Option<i64>,
    pub(super) kustomizations: Vec<ObjectRef>,
    pub(super) releases: Vec<ObjectRef>,
    pub(super) scaled_objects: Vec<ObjectRef>,
}

/// Finds all.
///
/// # Errors
///
/// `volsync.not-found`; `cluster.not-found` for a name that the person gave.
pub(super) fn find(named: &Named) -> Result<Found> {
    let deployment = deployment(named)?;
    let target = ObjectRef::to(kinds::DEPLOYMENT, &deployment);
    let owner = |of, name, controller| owner(of, name, &deployment, controller);
    let before = deployment.annotation(REPLICAS);
    Ok(Found {
        replicas: deployment.integer("/spec/replicas").unwrap_or(1),
        before: before.and_then(|replicas| replicas.parse().ok()),
        kustomizations: owner(kinds::KUSTOMIZATION, named.kustomization, "kustomize")?,
        releases: owner(kinds::HELM_RELEASE, named.helmrelease, "helm")?,
        scaled_objects: scaled_objects(named.scaledobject, &target)?,
        deployment: target,
    })
}

fn deployment(named: &Named) -> Result<Object> {
    if let Some(name) = named.deployment {
        let namespace = named.namespace.unwrap_or(HOME);
        return cluster::get(&ObjectRef::new(kinds::DEPLOYMENT, namespace, name), &FIELDS);
    }
    operator::find(named.namespace)?.ok_or_else(|| {
        let place = match named.namespace {
            Some(namespace) => format!("in namespace `{namespace}`"),
            None => "in this cluster".to_owned(),
        };
        Error::not_found("volsync.not-found", format!("no Deployment {place} is VolSync"))
            .hint("say where it is: --namespace NAMESPACE, and --deployment NAME when it has another name")
    })
}

/// The one that was named; else the one that the Deployment's labels name; else the one of the Deployment's name, if there is one.
fn owner(
    of: ObjectType,
    name: Option<&str>,
    deployment: &Object,
    controller: &str,
) -> Result<Vec<ObjectRef>> {
    let home = deployment.namespace().unwrap_or_default();
    if let Some(name) = name {
        let target = ObjectRef::new(of, home, name);
        return cluster::get(&target, &["/metadata/name"]).map(|_| vec![target]);
    }
    let target = labelled(of, deployment, controller)
        .unwrap_or_else(|| ObjectRef::new(of, home, deployment.name()));
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

fn scaled_objects(name: Option<&str>, deployment: &ObjectRef) -> Result<Vec<ObjectRef>> {
    let home = deployment.namespace.as_deref().unwrap_or_default();
    if let Some(name) = name {
        let target = ObjectRef::new(kinds::SCALED_OBJECT, home, name);
        return cluster::get(&target, &["/metadata/name"]).map(|_| vec![target]);
    }
    let query = Query::all(kinds::SCALED_OBJECT).namespace(home);
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
