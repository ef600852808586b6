//! What a reconciliation waits for while it runs: the controllers say only that they check health, or that Helm is at work, and until when.

use agent_sdk::diagnosis::{Outlook, look};
use agent_sdk::prelude::*;

use crate::readiness::{FIELDS, Readiness, readiness};

/// Of an inventory with more entries than that only so many are looked at.
const MOST: usize = 30;

/// Kinds of which the controllers wait until they are ready, by group and kind as an inventory has them.
const KINDS: [(&str, &str, ObjectType); 8] = [
    ("apps", "Deployment", kinds::DEPLOYMENT),
    ("apps", "StatefulSet", kinds::STATEFUL_SET),
    ("apps", "DaemonSet", kinds::DAEMON_SET),
    ("batch", "Job", kinds::JOB),
    ("", "PersistentVolumeClaim", kinds::PERSISTENT_VOLUME_CLAIM),
    ("helm.toolkit.fluxcd.io", "HelmRelease", kinds::HELM_RELEASE),
    (
        "kustomize.toolkit.fluxcd.io",
        "Kustomization",
        kinds::KUSTOMIZATION,
    ),
    (
        "source.toolkit.fluxcd.io",
        "OCIRepository",
        kinds::OCI_REPOSITORY,
    ),
];

/// The fields that say what a reconciliation is made of. There may be hundreds of entries, so they are read only where they are needed.
const MADE_OF: [&str; 4] = [
    "/spec/healthChecks",
    "/spec/targetNamespace",
    "/spec/wait",
    "/status/inventory",
];

const PARTS: [ObjectType; 3] = [kinds::DEPLOYMENT, kinds::STATEFUL_SET, kinds::DAEMON_SET];

/// Returns what an object waits for that is being reconciled; none when that cannot be told.
pub(crate) fn waits_for(target: &ObjectRef) -> Option<String> {
    let object = find(target, &MADE_OF)?;
    let parts = match target.of {
        of if of == kinds::KUSTOMIZATION => checked(target, &object),
        of if of == kinds::HELM_RELEASE => released(target, &object),
        _ => return None,
    };
    parts
        .iter()
        .filter(|part| *part != target)
        .take(MOST)
        .find_map(unready)
}

/// Reads an object. Who may not read it is told nothing of it.
fn find(target: &ObjectRef, fields: &[&str]) -> Option<Object> {
    cluster::find(target, fields).unwrap_or_else(|error| {
        debug!("{target} cannot be read: {error}");
        None
    })
}

/// Returns whether its controller is at the part of its work that may take minutes.
pub(crate) fn is_checking(object: &Object) -> bool {
    let reconciling = object.condition("Reconciling").filter(|one| one.is_true());
    reconciling.is_some_and(|one| {
        let acts = one.message.starts_with("Running '") && one.message.contains("' action");
        acts || one.message.starts_with("Running health checks")
    })
}

/// Says so when the last reconciliation took longer than the interval: then one follows the other, and the status is never settled.
pub(crate) fn outlasts_interval(object: &Object) -> Option<String> {
    let latest = object.items("/status/history").first()?;
    let took: SignedDuration = latest["lastReconciledDuration"].as_str()?.parse().ok()?;
    let interval: SignedDuration = object.text("/spec/interval")?.parse().ok()?;
    (took > interval).then(|| {
        format!("the last one took {took:#}, which is longer than its interval of {interval:#}")
    })
}

/// What a Kustomization checks the health of: what it names, or all that it has applied.
fn checked(target: &ObjectRef, object: &Object) -> Vec<ObjectRef> {
    if object.flag("/spec/wait") {
        return inventory(object);
    }
    let own = target.namespace.as_deref().unwrap_or_default();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let named = object.items("/spec/healthChecks").iter().filter_map(|one| {
        let version = text(one, "apiVersion");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let namespace = one["namespace"].as_str().unwrap_or(own);
        Some(ObjectRef::new(
            known(group, &text(one, "kind"))?,
            namespace,
            &text(one, "name"),
        ))
    });
    named.collect()
}

/// What a release is made of: what newer helm-controllers list, else what carries the labels that it puts on all it makes.
fn released(target: &ObjectRef, object: &Object) -> Vec<ObjectRef> {
    let listed = inventory(object);
    if !listed.is_empty() {
        return listed;
    }
    let own = target.namespace.as_deref().unwrap_or_default();
    let namespace = object.text("/spec/targetNamespace").unwrap_or(own);
    let labels = format!(
        "helm.toolkit.fluxcd.io/name={},helm.toolkit.fluxcd.io/namespace={own}",
        target.name
    );
    let found = PARTS.iter().flat_map(|of| {
        let query = Query::all(*of).namespace(namespace).labels(&labels);
        let found = cluster::list(&query, &["/metadata/name"]).unwrap_or_default();
        found
            .into_iter()
            .map(|object| ObjectRef::to(*of, &object))
            .collect::<Vec<_>>()
    });
    found.collect()
}

/// Reads `status.inventory`: `NAMESPACE_NAME_GROUP_KIND`.
fn inventory(object: &Object) -> Vec<ObjectRef> {
    let entries = object.items("/status/inventory/entries").iter();
    entries
        .filter_map(|entry| part(entry["id"].as_str()?))
        .collect()
}

fn part(id: &str) -> Option<ObjectRef> {
    let mut fields = id.rsplitn(3, '_');
    let (kind, group, place) = (fields.next()?, fields.next()?, fields.next()?);
    let (namespace, name) = place.split_once('_')?;
    Some(ObjectRef::new(known(group, kind)?, namespace, name))
}

fn known(group: &str, kind: &str) -> Option<ObjectType> {
    let found = KINDS
        .iter()
        .find(|(of_group, of, _)| *of_group == group && *of == kind);
    found.map(|(.., of)| *of)
}

/// Says how a part is that is not ready.
fn unready(part: &ObjectRef) -> Option<String> {
    let fields = [
        &FIELDS[..],
        &["/metadata/finalizers"],
        &MADE_OF,
        &look::WORKLOAD,
    ]
    .concat();
    let found = find(part, &fields)?;
    if found.text("/metadata/deletionTimestamp").is_some() {
        let finalizers: Vec<&str> = found
            .items("/metadata/finalizers")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        return Some(format!(
            "{part} is being deleted, and waits for `{}`",
            finalizers.join("`, `")
        ));
    }
    let namespace = part.namespace.as_deref().unwrap_or_default();
    let outlook = match part.of {
        of if PARTS.contains(&of) => look::at_workload(of, &found),
        of if of == kinds::JOB => look::at_job(&found, None).outlook,
        of if of == kinds::PERSISTENT_VOLUME_CLAIM => look::at_claim(namespace, &part.name, true),
        _ => return of_flux(part, &found),
    };
    match outlook {
        Outlook::Clear => None,
        outlook => outlook.note(),
    }
}

/// What Flux keeps says of itself how it is; a release that is at work waits for something in turn.
fn of_flux(part: &ObjectRef, found: &Object) -> Option<String> {
    let note = match readiness(found) {
        Readiness::Ready(_) => return None,
        Readiness::Pending(note) => note,
        Readiness::Failing { message, .. }
        | Readiness::Failed { message, .. }
        | Readiness::Artifact { message, .. } => message,
    };
    let deeper = (part.of == kinds::HELM_RELEASE && is_checking(found))
        .then(|| released(part, found).iter().find_map(unready))
        .flatten();
    Some(format!("{part}: {}", deeper.unwrap_or(note)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_an_inventory_name_what_can_be_unready() {
        let object = Object(json!({"status": {"inventory": {"entries": [
            {"id": "media_plex_helm.toolkit.fluxcd.io_HelmRelease"},
            {"id": "media_plex__PersistentVolumeClaim"},
            {"id": "media_plex__ConfigMap"},
            {"id": "media_plex-config_x.io_Thing"},
        ]}}}));
        let release = ObjectRef::new(kinds::HELM_RELEASE, "media", "plex");
        let claim = ObjectRef::new(kinds::PERSISTENT_VOLUME_CLAIM, "media", "plex");
        assert_eq!(inventory(&object), [release, claim]);
    }

    #[test]
    fn health_checks_that_are_named_are_those_that_count() {
        let target = ObjectRef::new(kinds::KUSTOMIZATION, "flux-system", "apps");
        let object = Object(json!({"spec": {"healthChecks": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "plex", "namespace": "media"},
            {"apiVersion": "v1", "kind": "Service", "name": "plex"},
        ]}}));
        let deployment = ObjectRef::new(kinds::DEPLOYMENT, "media", "plex");
        assert_eq!(checked(&target, &object), [deployment]);
    }

    #[test]
    fn interval_that_is_too_short_is_told() {
        let object = |took: &str| {
            Object(json!({
                "spec": {"interval": "1m0s"}, "status": {"history": [{"lastReconciledDuration": took}]},
            }))
        };
        assert_eq!(
            outlasts_interval(&object("1m30.5s")).as_deref(),
            Some("the last one took 1m 30s 500ms, which is longer than its interval of 1m")
        );
        assert_eq!(outlasts_interval(&object("12.25s")), None);
        assert_eq!(outlasts_interval(&object("soon")), None);
    }

    #[test]
    fn work_that_may_take_minutes_is_told_by_its_message() {
        let reconciling = |message: &str| {
            Object(
                json!({"status": {"conditions": [{"type": "Reconciling", "status": "True", "message": message}]}}),
            )
        };
        for message in [
            "Running health checks for revision main@sha1:abc with a timeout of 5m0s",
            "Running 'upgrade' action with timeout of 5m0s",
        ] {
            assert!(is_checking(&reconciling(message)), "{message}");
        }
        assert!(!is_checking(&reconciling("Fulfilling prerequisites")));
    }
}
