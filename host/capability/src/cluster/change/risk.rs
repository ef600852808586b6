//! How much harm a change can do, whatever the operation says of itself. It can only be changed back where the host can change it back: what is removed, or
//! is left to somebody who removes it, is gone for good.

use agent_core::descriptor::Risk;
use agent_core::effect::FieldChange;
use agent_core::failure::Failure;
use agent_core::manifest::ClusterVerb;
use agent_core::object::ObjectType;
use serde_json::Value;

use super::{Performer, is_within, uid_of};
use crate::cluster::ask::may_set;

/// What an effect needs that is more than a change: the least risk, and why.
pub(super) type Harm = (Risk, &'static str);

/// Types whose controllers replace what is removed, and that hold nothing: the type, the kind of an owner that does not, and the risk.
const REPLACED: [(&str, &str, Risk); 3] = [
    ("pods", "", Risk::Disrupt),
    ("replicasets.apps", "", Risk::Disrupt),
    // A controller makes the Job of its mover anew. A CronJob makes the next one when it is time.
    ("jobs.batch", "CronJob", Risk::Change),
];

/// Fields by which somebody else is told to remove something: the type, none for any; the field; the one value with which nothing is removed, if there is
/// one; why.
type Deadly = (
    Option<&'static str>,
    &'static str,
    Option<&'static str>,
    &'static str,
);

const DEADLY: [Deadly; 8] = [
    (
        None,
        "/metadata/ownerReferences",
        None,
        "the garbage collector removes an object whose owners are gone",
    ),
    (
        None,
        "/metadata/annotations/agent.ops~1effect",
        None,
        "by it the host knows what it has made, and removes that",
    ),
    (
        Some("jobs.batch"),
        "/spec/ttlSecondsAfterFinished",
        None,
        "a finished Job is removed with its logs when its time is over",
    ),
    (
        Some("persistentvolumes"),
        "/spec/persistentVolumeReclaimPolicy",
        Some("Retain"),
        "what is on the volume is removed with its claim",
    ),
    (
        Some("persistentvolumes"),
        "/spec/claimRef",
        None,
        "a volume without its claim is released, and may be removed or given to another one",
    ),
    (
        Some("statefulsets.apps"),
        "/spec/persistentVolumeClaimRetentionPolicy",
        None,
        "claims are removed with the StatefulSet or its pods",
    ),
    (
        Some("volumesnapshotcontents.snapshot.storage.k8s.io"),
        "/spec/deletionPolicy",
        Some("Retain"),
        "the snapshot is removed with its object",
    ),
    (
        Some("namespaces"),
        "/spec/finalizers",
        None,
        "a namespace without finalizers leaves what is in it behind",
    ),
];

/// The pointer to an object as a whole.
const WHOLE: &str = "";
const FINALIZERS: &str = "/metadata/finalizers";
const UNFINISHED: &str = "without its finalizers an object is gone before those have cleaned up who wait for its deletion";
const UNSEEN: &str = "the server cannot rehearse it, so nobody knows what it removes";
const DELETED: &str = "what the run did not make cannot be made again by it";

/// Returns what changes of fields need, if it is more than a change.
pub(super) fn of_fields(of: &ObjectType, changes: &[FieldChange]) -> Option<Harm> {
    let resource = of.whole().resource();
    let harm = |change: &FieldChange| -> Option<&'static str> {
        let (before, after) = (change.before.as_ref(), change.after.as_ref());
        if inner(change, FINALIZERS, before)
            .is_some_and(|before| drops(before, inner(change, FINALIZERS, after)))
        {
            return Some(UNFINISHED);
        }
        let deadly = DEADLY.iter().find(|(of, field, harmless, _)| {
            let concerns = of.is_none_or(|of| of == resource);
            let within = is_within(&change.path, field);
            let harms = |value: Option<&Value>| match harmless {
                Some(harmless) => value.is_none_or(|value| value != harmless),
                None => true,
            };
            let around = inner(change, field, before) != inner(change, field, after);
            concerns && (within && harms(after) || around && harms(inner(change, field, after)))
        });
        deadly.map(|(_, _, _, why)| *why)
    };
    changes
        .iter()
        .find_map(harm)
        .map(|why| (Risk::Destroy, why))
}

/// Returns what a field becomes by a change of it or of something around it.
fn inner<'a>(change: &FieldChange, field: &str, value: Option<&'a Value>) -> Option<&'a Value> {
    let rest = field.strip_prefix(&change.path)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    crate::cluster::fields::at(value?, rest)
}

/// Returns whether an item of a list is not there any more.
fn drops(before: &Value, after: Option<&Value>) -> bool {
    let left = after.and_then(Value::as_array);
    let stays = |item: &Value| left.is_some_and(|left| left.contains(item));
    match before.as_array() {
        Some(before) => !before.iter().all(stays),
        None => !before.is_null(),
    }
}

/// Returns what the removal of an object needs that the run did not make.
pub(super) fn of_removal(of: &ObjectType, object: &Value) -> Harm {
    let owners = object.pointer("/metadata/ownerReferences");
    let mut owners = owners.and_then(Value::as_array).into_iter().flatten();
    let controller = owners.find(|owner| owner["controller"] == true);
    let resource = of.resource();
    match REPLACED.iter().find(|(of, ..)| *of == resource) {
        Some((_, not, risk)) if controller.is_some_and(|owner| owner["kind"] != *not) => {
            (*risk, "its controller has to make it anew")
        }
        _ => (Risk::Destroy, DELETED),
    }
}

impl Performer {
    /// Refuses changes of fields that go beyond the rights, or can do more harm than the operation says. What the run has made itself is its own.
    pub(super) fn may_change(
        &self,
        verb: ClusterVerb,
        now: &Value,
        changes: &[FieldChange],
    ) -> Result<(), Failure> {
        self.may_replace(verb, changes)?;
        match of_fields(&self.target.of, changes) {
            Some(_) if self.has_made(now) => Ok(()),
            Some(harm) => self.gate().may_harm(&(&self.target).into(), harm),
            None => Ok(()),
        }
    }

    /// Refuses to change more than the document names: a patch replaces whatever it meets instead of an object, and an application removes what was applied
    /// before. Where nothing was, the document itself says what comes there, and was looked at before.
    fn may_replace(&self, verb: ClusterVerb, changes: &[FieldChange]) -> Result<(), Failure> {
        let replaced = changes.iter().filter(|change| change.before.is_some());
        let paths: Vec<String> = replaced.map(|change| change.path.clone()).collect();
        match paths.as_slice() {
            [] => Ok(()),
            paths => self.may_set(verb, paths),
        }
    }

    fn may_set(&self, verb: ClusterVerb, paths: &[String]) -> Result<(), Failure> {
        let gate = self.gate();
        may_set(gate, verb, &self.target, paths).inspect_err(|refused| gate.tell_if_denied(refused))
    }

    /// Refuses to apply what nobody could rehearse: what it removes is known only when it is gone.
    pub(super) fn may_apply_unseen(&self, now: &Value) -> Result<(), Failure> {
        self.may_set(ClusterVerb::Apply, &[WHOLE.to_owned()])?;
        if self.has_made(now) {
            return Ok(());
        }
        self.gate()
            .may_harm(&(&self.target).into(), (Risk::Destroy, UNSEEN))
    }

    /// Refuses to remove an object where that can do more harm than the operation says.
    pub(super) fn may_remove(&self, object: &Value) -> Result<(), Failure> {
        if self.has_made(object) {
            return Ok(());
        }
        let harm = of_removal(&self.target.of, object);
        self.gate().may_harm(&(&self.target).into(), harm)
    }

    fn has_made(&self, object: &Value) -> bool {
        let gate = self.gate();
        self.cluster.overlay.is_made(&self.target)
            || uid_of(object).is_some_and(|uid| gate.has_made(&uid))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::fields::{self, Operations};

    fn patched(of: &str, object: Value, patch: Value) -> Option<Risk> {
        let changes = match patch.is_array() {
            true => Operations::read(&patch)
                .expect("operations")
                .changes(&object),
            false => Ok(fields::changes(&object, &patch)),
        };
        let changes = changes.expect("they apply");
        let harm = of_fields(&of.parse().expect("a type"), &changes);
        harm.map(|(risk, _)| risk)
    }

    #[test]
    fn change_by_which_something_is_removed_destroys() {
        let claim = json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "a/b"]}});
        let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
        let owner = json!([{"kind": "ConfigMap", "name": "gone", "uid": "u"}]);
        let owned = json!({"metadata": {"ownerReferences": owner}});
        let set =
            json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}});
        let destroys = [
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                finalizers(json!([])),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                finalizers(json!(["a/b"])),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                finalizers(json!(null)),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                finalizers(json!("none")),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                finalizers(json!({"0": null})),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                json!({"metadata": null}),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                json!({"metadata": ["other"]}),
            ),
            ("configmaps.v1", json!({}), owned.clone()),
            (
                "configmaps.v1",
                owned.clone(),
                json!({"metadata": {"ownerReferences": null}}),
            ),
            ("configmaps.v1", owned.clone(), json!({"metadata": null})),
            (
                "persistentvolumes.v1",
                json!({}),
                json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}}),
            ),
            (
                "persistentvolumes.v1",
                json!({"spec": {"claimRef": {"name": "plex"}}}),
                json!({"spec": {"claimRef": null}}),
            ),
            (
                "persistentvolumes.v1",
                json!({"spec": {"claimRef": {"uid": "u"}}}),
                json!({"spec": {"claimRef": {"uid": "v"}}}),
            ),
            ("statefulsets.v1.apps", json!({"spec": {}}), set.clone()),
            (
                "jobs.v1.batch",
                json!({}),
                json!({"spec": {"ttlSecondsAfterFinished": 0}}),
            ),
            (
                "persistentvolumes.v1",
                json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}),
                json!({"spec": {"persistentVolumeReclaimPolicy": "Recycle"}}),
            ),
            (
                "persistentvolumes.v1",
                json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}),
                json!({"spec": {"persistentVolumeReclaimPolicy": null}}),
            ),
            (
                "volumesnapshotcontents.v1.snapshot.storage.k8s.io",
                json!({"spec": {"deletionPolicy": "Retain"}}),
                json!({"spec": {"deletionPolicy": "Whatever"}}),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                json!([{"op": "remove", "path": "/metadata/finalizers/0"}]),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                json!([{"op": "move", "from": "/metadata/finalizers", "path": "/spec"}]),
            ),
            (
                "persistentvolumeclaims.v1/status",
                claim.clone(),
                json!([{"op": "replace", "path": "/metadata", "value": {}}]),
            ),
            (
                "configmaps.v1",
                json!({"metadata": {}, "data": owner}),
                json!([{"op": "copy", "from": "/data", "path": "/metadata/ownerReferences"}]),
            ),
            (
                "persistentvolumes.v1",
                json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}),
                json!([{"op": "replace", "path": "", "value": {"spec": {"persistentVolumeReclaimPolicy": "Delete"}}}]),
            ),
        ];
        for (of, object, patch) in destroys {
            assert_eq!(
                patched(of, object, patch.clone()),
                Some(Risk::Destroy),
                "{of} {patch}"
            );
        }
        let changes = [
            (
                "configmaps.v1",
                json!({"metadata": {}}),
                json!({"metadata": {"annotations": {"a": "b"}}}),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                finalizers(json!(["kubernetes.io/pvc-protection", "a/b", "c/d"])),
            ),
            (
                "persistentvolumeclaims.v1",
                json!({}),
                finalizers(json!(["c/d"])),
            ),
            (
                "persistentvolumes.v1",
                json!({}),
                json!({"spec": {"persistentVolumeReclaimPolicy": "Retain"}}),
            ),
            ("deployments.v1.apps", json!({"spec": {}}), set),
            (
                "deployments.v1.apps",
                owned,
                json!({"spec": {"replicas": 0}}),
            ),
            (
                "persistentvolumeclaims.v1",
                claim.clone(),
                json!([
                    {"op": "test", "path": "/metadata/finalizers/1", "value": "a/b"},
                    {"op": "add", "path": "/metadata/finalizers/-", "value": "c/d"},
                    {"op": "remove", "path": "/metadata/finalizers/2"},
                ]),
            ),
            (
                "configmaps.v1",
                claim,
                json!({"metadata": {"labels": {"a": "b"}}}),
            ),
        ];
        for (of, object, patch) in changes {
            assert_eq!(patched(of, object, patch.clone()), None, "{of} {patch}");
        }
    }

    #[test]
    fn only_what_a_controller_makes_anew_may_be_removed_without_destroying() {
        let owned = |kind: &str, controller: bool| json!({"metadata": {"ownerReferences": [{"kind": kind, "controller": controller}]}});
        let table = [
            (
                "jobs.v1.batch",
                owned("ReplicationSource", true),
                Risk::Change,
            ),
            (
                "jobs.v1.batch",
                owned("ReplicationSource", false),
                Risk::Destroy,
            ),
            ("jobs.v1.batch", owned("CronJob", true), Risk::Destroy),
            ("jobs.v1.batch", json!({}), Risk::Destroy),
            ("pods.v1", owned("ReplicaSet", true), Risk::Disrupt),
            ("pods.v1", json!({}), Risk::Destroy),
            // Whoever owns a claim makes an empty one.
            (
                "persistentvolumeclaims.v1",
                owned("Cluster", true),
                Risk::Destroy,
            ),
            (
                "deployments.v1.apps",
                owned("Operator", true),
                Risk::Destroy,
            ),
        ];
        for (of, object, risk) in table {
            let of = of.parse().expect("a type");
            assert_eq!(of_removal(&of, &object).0, risk, "{of} {object}");
        }
    }
}
