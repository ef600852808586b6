//! What a signal may set: only what asks a controller to act. Nobody puts it back, so nothing that means more may go by this way.

use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectType;
use serde_json::Value;

use super::Change;
use crate::cluster::fields::{self, dotted};

/// Fields outside of the annotations that ask a controller to act, by the type of object. The contract names them for plugin authors.
const TRIGGERS: [(&str, &[&str]); 2] = [
    (
        "replicationsources.volsync.backube",
        &["/spec/trigger/manual", "/spec/restic/unlock"],
    ),
    (
        "replicationdestinations.volsync.backube",
        &["/spec/trigger/manual"],
    ),
];

/// Annotations that ask a controller to act, and mean nothing afterwards: what they were before is not worth keeping. Any other one is a setting.
///
/// This is the one list of them.
const ASKING: [&str; 6] = [
    // Of Flux: https://fluxcd.io/flux/components/kustomize/kustomizations/#triggering-a-reconcile
    "reconcile.fluxcd.io/requestedAt",
    "reconcile.fluxcd.io/forceAt",
    "reconcile.fluxcd.io/resetAt",
    // Of `kubectl rollout restart`.
    "kubectl.kubernetes.io/restartedAt",
    // Of External Secrets: https://external-secrets.io/latest/introduction/faq/
    "force-sync",
    // Ours: any change has a controller look again.
    "agent.ops/requested-at",
];

/// What a field is to a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// It asks its controller to act.
    Asks,
    /// It is an annotation that says something for as long as it is there.
    Says,
    /// It is neither.
    Sets,
}

/// Returns the change that a signal is. With an annotation that is a setting, it is a patch, which can be put back.
///
/// # Errors
/// `invalid` (`cluster.invalid`) with the first field that is none to ask by.
pub(super) fn or_patch(change: Change) -> Result<Change, Failure> {
    match change {
        Change::Signal { target, body } => Ok(match asks_only(&target.of, &body)? {
            true => Change::Signal { target, body },
            false => Change::Patch { target, body },
        }),
        change => Ok(change),
    }
}

/// Returns whether a signal sets nothing but what asks.
fn asks_only(of: &ObjectType, body: &Value) -> Result<bool, Failure> {
    let mut only = true;
    for (path, value) in fields::leaves(body) {
        let field = field(of, &path);
        let why = if field == Field::Sets {
            "is no annotation, nor a field of this type that is known to ask its controller"
        } else if value.is_none() {
            "would be removed, and that asks for nothing"
        } else {
            only &= field == Field::Asks && value.is_some_and(|value| value.is_string());
            continue;
        };
        let message = format!(
            "a signal only asks a controller to act: `{}` {why}",
            dotted(&path)
        );
        let failure = Failure::new(Kind::Invalid, "cluster.invalid", message);
        return Err(failure.hinted("use a patch, which can be put back"));
    }
    Ok(only)
}

fn field(of: &ObjectType, path: &str) -> Field {
    let resource = of.resource();
    let mut triggers = TRIGGERS.iter().filter(|(of, _)| *of == resource);
    if triggers.any(|(_, fields)| fields.contains(&path)) {
        return Field::Asks;
    }
    match path.strip_prefix("/metadata/annotations/") {
        Some(name) if ASKING.contains(&&*fields::unescape(name)) => Field::Asks,
        Some(_) => Field::Says,
        None => Field::Sets,
    }
}

#[cfg(test)]
mod tests {
    use agent_core::object::ObjectRef;
    use serde_json::json;

    use super::*;

    #[test]
    fn signal_sets_annotations_and_known_triggers_and_nothing_else() {
        let source = "replicationsources.v1alpha1.volsync.backube";
        let release = "helmreleases.v2.helm.toolkit.fluxcd.io";
        let asked = json!({"metadata": {"resourceVersion": "7", "annotations": {"reconcile.fluxcd.io/requestedAt": "t"}}});
        let both = json!({"spec": {"trigger": {"manual": "t"}, "restic": {"unlock": "t"}}});
        for (of, body, allowed) in [
            (release, asked.clone(), true),
            (source, asked, true),
            (source, both.clone(), true),
            (release, both, false),
            (source, json!({"spec": {"paused": true}}), false),
            (
                source,
                json!({"spec": {"trigger": {"schedule": "0 * * * *"}}}),
                false,
            ),
            (
                source,
                json!({"spec": {"trigger": {"manual": null}}}),
                false,
            ),
            (source, json!({"spec": {"trigger": {}}}), false),
            (release, json!({"metadata": {"labels": {"a": "b"}}}), false),
            (
                release,
                json!({"metadata": {"annotations": {"a": null}}}),
                false,
            ),
            (release, json!({"metadata": {"annotations": null}}), false),
            (release, json!({"metadata": {"finalizers": []}}), false),
        ] {
            let checked = asks_only(&of.parse().expect("a type"), &body);
            assert_eq!(checked.is_ok(), allowed, "{of} {body}: {checked:?}");
        }
    }

    #[test]
    fn annotation_that_says_something_is_patched_and_not_signalled() {
        let target = ObjectRef {
            of: "kustomizations.v1.kustomize.toolkit.fluxcd.io"
                .parse()
                .expect("a type"),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        };
        let is_patch = |annotations: Value| {
            let body = json!({"metadata": {"annotations": annotations}});
            let target = target.clone();
            let change = or_patch(Change::Signal { target, body }).expect("allowed");
            matches!(change, Change::Patch { .. })
        };
        for setting in [
            json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"}),
            json!({"meta.helm.sh/release-name": "other"}),
            json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"}),
            json!({"reconcile.fluxcd.io/requestedAt": "t", "helm.toolkit.fluxcd.io/driftDetection": "disabled"}),
            json!({"agent.ops/effect": "another run"}),
        ] {
            assert!(is_patch(setting.clone()), "{setting}");
        }
        let both =
            json!({"reconcile.fluxcd.io/requestedAt": "t", "reconcile.fluxcd.io/forceAt": "t"});
        assert!(!is_patch(both));
        assert!(!is_patch(json!({"agent.ops/requested-at": "t"})));
    }
}
