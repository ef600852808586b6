//! VolSync itself: its Deployment, wherever it is installed. Reads only.

use agent_sdk::prelude::*;

use crate::job::image;

/// Where nearly everybody installs it; looked at first, for it is one small list.
pub(crate) const HOME: &str = "volsync-system";

/// How many replicas it had before it was suspended. On the Deployment itself, so that whoever resumes it finds it, on any machine.
pub(crate) const REPLICAS: &str = "agent.ops/replicas";

/// The fields that are looked at.
pub(crate) const FIELDS: [&str; 6] = [
    "/metadata/annotations",
    "/metadata/labels",
    "/metadata/managedFields",
    "/spec/replicas",
    "/spec/template/spec/containers",
    "/status/readyReplicas",
];

/// Finds it in a namespace, or where it usually is, or anywhere. None when no Deployment is VolSync.
///
/// # Errors
///
/// `volsync.ambiguous` when several Deployments are equally likely to be it; those of the list.
pub(crate) fn find(namespace: Option<&str>) -> Result<Option<Object>> {
    let found = best(list(Some(namespace.unwrap_or(HOME)))?)?;
    if namespace.is_some() || found.as_ref().and_then(likeness) == Some(Likeness::Image) {
        return Ok(found);
    }
    best(list(None)?)
}

/// Refuses what only a VolSync that runs can do. One that cannot be found, or not be looked at, is taken to run.
///
/// # Errors
///
/// `volsync.suspended`.
pub(crate) fn refuse_suspended() -> Result<()> {
    match find(None) {
        Ok(Some(deployment)) if deployment.integer("/spec/replicas") == Some(0) => {
            Err(suspended(&ObjectRef::to(kinds::DEPLOYMENT, &deployment)))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == Kind::Cancelled => Err(error),
        Err(_) => Ok(()),
    }
}

fn suspended(deployment: &ObjectRef) -> Error {
    Error::conflict(
        "volsync.suspended",
        format!("VolSync itself is suspended, so it would do nothing: {deployment} is at 0"),
    )
    .hint("agent run volsync.resume")
}

fn list(namespace: Option<&str>) -> Result<Vec<Object>> {
    cluster::list(&Query::all(kinds::DEPLOYMENT).namespace(namespace), &FIELDS)
}

/// How sure it is that a Deployment is VolSync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Name,
    /// The chart and the manifests label it.
    Label,
    /// Whatever it is called, it is told which mover image to use.
    Image,
}

fn likeness(deployment: &Object) -> Option<Likeness> {
    if image::name_of(&deployment.0).is_some() {
        Some(Likeness::Image)
    } else if deployment.label("app.kubernetes.io/name") == Some("volsync") {
        Some(Likeness::Label)
    } else {
        (deployment.name() == "volsync").then_some(Likeness::Name)
    }
}

fn best(deployments: Vec<Object>) -> Result<Option<Object>> {
    let likely = |one: &Object| likeness(one);
    let most = deployments.iter().filter_map(likely).max();
    let mut found: Vec<Object> = deployments
        .into_iter()
        .filter(|one| most.is_some() && likely(one) == most)
        .collect();
    if found.len() > 1 {
        let names: Vec<_> = found
            .iter()
            .map(|one| ObjectRef::to(kinds::DEPLOYMENT, one).to_string())
            .collect();
        return Err(Error::conflict(
            "volsync.ambiguous",
            format!("several Deployments may be VolSync: {}", names.join(", ")),
        )
        .hint("say which: --namespace NAMESPACE, --deployment NAME"));
    }
    Ok(found.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(name: &str, label: &str, image: bool) -> Object {
        let args = if image {
            json!(["--restic-container-image=x"])
        } else {
            json!([])
        };
        Object(json!({
            "metadata": {"name": name, "namespace": "ops", "labels": {"app.kubernetes.io/name": label}},
            "spec": {"template": {"spec": {"containers": [{"args": args}]}}},
        }))
    }

    #[test]
    fn volsync_is_known_by_its_mover_image_its_label_or_its_name() {
        assert_eq!(
            likeness(&deployment("backup", "x", true)),
            Some(Likeness::Image)
        );
        assert_eq!(
            likeness(&deployment("x", "volsync", false)),
            Some(Likeness::Label)
        );
        assert_eq!(
            likeness(&deployment("volsync", "x", false)),
            Some(Likeness::Name)
        );
        assert_eq!(likeness(&deployment("kopia", "kopia", false)), None);
    }

    #[test]
    fn the_one_that_is_told_a_mover_image_comes_before_others_of_the_name() {
        let all = vec![
            deployment("volsync", "volsync", false),
            deployment("backup", "x", true),
            deployment("plex", "plex", false),
        ];
        let found = best(all).expect("one").expect("one");
        assert_eq!(found.name(), "backup");
        assert_eq!(best(vec![deployment("plex", "plex", false)]), Ok(None));
    }

    #[test]
    fn several_are_named_and_none_is_chosen() {
        let all = vec![deployment("a", "volsync", true), deployment("b", "x", true)];
        let error = best(all).expect_err("several");
        assert_eq!(error.code(), "volsync.ambiguous");
        assert!(error.message().contains("ops/a") && error.message().contains("ops/b"));
    }
}
