//! What a signal may set: only what asks a controller to act. Nobody puts it back, so nothing that means more may go by this way.

use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectType;
use serde_json::Value;

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

/// Refuses a signal that does more than to ask a controller to act.
///
/// # Errors
/// `invalid` (`cluster.invalid`) with the first field that is none to ask by.
pub(super) fn check(of: &ObjectType, body: &Value) -> Result<(), Failure> {
    let resource = of.resource();
    let mut triggers = TRIGGERS.iter().filter(|(of, _)| *of == resource);
    let triggers = triggers.next().map_or(&[][..], |(_, fields)| *fields);
    for (path, value) in fields::leaves(body) {
        let asks = path.starts_with("/metadata/annotations/") || triggers.contains(&path.as_str());
        let why = if !asks {
            "is no annotation, nor a field of this type that is known to ask its controller"
        } else if value.is_none() {
            "would be removed, and that asks for nothing"
        } else {
            continue;
        };
        let message = format!(
            "a signal only asks a controller to act: `{}` {why}",
            dotted(&path)
        );
        let failure = Failure::new(Kind::Invalid, "cluster.invalid", message);
        return Err(failure.hinted("use a patch, which can be put back"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
            let checked = check(&of.parse().expect("a type"), &body);
            assert_eq!(checked.is_ok(), allowed, "{of} {body}: {checked:?}");
        }
    }
}
