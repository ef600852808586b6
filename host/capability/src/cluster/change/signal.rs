//! What a signal may set: only what asks a controller to act. Nobody puts it back, so nothing that means more may go by this way.
//!
//! Which fields those are, a plugin requests and a person grants. The host knows none of its own.

use agent_core::failure::{Failure, Kind};
use agent_core::grant::{Grants, Wish};
use agent_core::manifest::ClusterVerb;
use agent_core::name::shown;
use agent_core::object::ObjectRef;
use serde_json::Value;

use super::Change;
use crate::cluster::fields::{self, dotted};

/// What says something for as long as it is there. One that the plugin was not granted to signal is patched, and put back.
const ANNOTATIONS: [&str; 2] = [
    "/metadata/annotations/",
    "/spec/template/metadata/annotations/",
];

/// Returns the change that a signal is. With an annotation that the plugin was not granted to signal, it is a patch, which can be put back.
///
/// # Errors
/// `invalid` (`cluster.no-signal`) with the first field that can be neither.
pub(super) fn or_patch(grants: &Grants, change: Change) -> Result<Change, Failure> {
    match change {
        Change::Signal { target, body } => Ok(match is_signal(grants, &target, &body)? {
            true => Change::Signal { target, body },
            false => Change::Patch { target, body },
        }),
        change => Ok(change),
    }
}

fn is_signal(grants: &Grants, target: &ObjectRef, body: &Value) -> Result<bool, Failure> {
    let may = |verb, fields: &[String]| {
        grants.allow_cluster(&Wish {
            verb,
            of: &target.of,
            namespace: target.namespace.as_deref(),
            names: &[&target.name],
            fields,
        })
    };
    // What is in a Secret is nobody's token.
    let is_secret = target.of.is_secret();
    let mut asks_only = !is_secret;
    let mut paths = Vec::new();
    for (path, value) in fields::leaves(body) {
        let asks = !is_secret && may(ClusterVerb::Signal, std::slice::from_ref(&path));
        if !asks && !is_annotation(&path) {
            return Err(no_signal(
                &path,
                "is no annotation, and no field that the plugin was granted to signal",
            ));
        }
        match value {
            None => {
                return Err(no_signal(
                    &path,
                    "would be removed, and that asks for nothing",
                ));
            }
            Some(Value::Object(_) | Value::Array(_)) => {
                return Err(no_signal(
                    &path,
                    "would be a list or an object, and those hold something",
                ));
            }
            Some(_) => {}
        }
        asks_only &= asks;
        paths.push(path);
    }
    // One that may do neither lacks the right to what it wished for.
    Ok(asks_only || !is_secret && !may(ClusterVerb::Patch, &paths))
}

fn is_annotation(path: &str) -> bool {
    let mut names = ANNOTATIONS.iter().filter_map(|it| path.strip_prefix(it));
    names.any(|name| !name.contains('/'))
}

fn no_signal(path: &str, why: &str) -> Failure {
    let message = format!(
        "a signal only asks a controller to act: `{}` {why}",
        shown(&dotted(path))
    );
    Failure::new(Kind::Invalid, "cluster.no-signal", message)
        .hinted("use a patch, which can be put back; what asks a controller stands in `fields` of a request for `signal`")
}

#[cfg(test)]
mod tests {
    use agent_core::descriptor::Risk;
    use serde_json::json;

    use super::*;

    const SOURCE: &str = "sources.v1.example.org";

    fn grants(rights: &[&str]) -> Grants {
        let rights = rights.iter().map(|right| right.parse().expect("a right"));
        Grants::new(rights.collect(), Risk::Change)
    }

    fn target(of: &str) -> ObjectRef {
        ObjectRef {
            of: of.parse().expect("a type"),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        }
    }

    fn asking() -> Grants {
        grants(&[
            "cluster:signal:sources.example.org#/spec/trigger/manual:media",
            "cluster:signal:sources.example.org#/metadata/annotations/example.org~1*:media",
            "cluster:signal:deployments.apps#/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt:media",
            "cluster:patch:sources.example.org:media",
            "cluster:patch:secrets:media",
        ])
    }

    fn annotated(name: &str) -> Value {
        json!({"metadata": {"annotations": {name: "t"}}})
    }

    #[test]
    fn signal_sets_what_was_granted_and_annotations_and_nothing_else() {
        let restarted =
            json!({"spec": {"template": annotated("kubectl.kubernetes.io/restartedAt")}});
        let both = json!({"metadata": {"resourceVersion": "7", "annotations": {"example.org/now": "t"}}, "spec": {"trigger": {"manual": "t"}}});
        for (of, body, signalled) in [
            (SOURCE, both, Some(true)),
            (
                SOURCE,
                json!({"spec": {"trigger": {"manual": 7}}}),
                Some(true),
            ),
            (
                SOURCE,
                json!({"spec": {"trigger": {"manual": true}}}),
                Some(true),
            ),
            (SOURCE, json!({"spec": {"trigger": {"manual": null}}}), None),
            (
                SOURCE,
                json!({"spec": {"trigger": {"manual": ["t"]}}}),
                None,
            ),
            (SOURCE, json!({"spec": {"trigger": {"manual": {}}}}), None),
            (
                SOURCE,
                json!({"spec": {"trigger": {"schedule": "t"}}}),
                None,
            ),
            (SOURCE, json!({"spec": {"trigger": null}}), None),
            (SOURCE, json!({"spec": {"trigger": "t"}}), None),
            (SOURCE, json!({"spec": {"trigger": {}}}), None),
            (SOURCE, json!({"spec": {"paused": true}}), None),
            (SOURCE, annotated("example.org/now"), Some(true)),
            (SOURCE, annotated("example.organ/now"), Some(false)),
            (SOURCE, annotated("agent.ops/effect"), Some(false)),
            (
                SOURCE,
                json!({"spec": {"template": annotated("example.org/now")}}),
                Some(false),
            ),
            (
                SOURCE,
                json!({"metadata": {"annotations": {"example.org/now": "t", "other": "t"}}}),
                Some(false),
            ),
            (
                SOURCE,
                json!({"metadata": {"annotations": {"a": null}}}),
                None,
            ),
            (SOURCE, json!({"metadata": {"annotations": null}}), None),
            (SOURCE, json!({"metadata": {"labels": {"a": "b"}}}), None),
            (SOURCE, json!({"metadata": {"finalizers": []}}), None),
            (SOURCE, json!({}), None),
            ("deployments.v1.apps", restarted, Some(true)),
            ("secrets.v1", annotated("example.org/now"), Some(false)),
            ("secrets.v1", json!({"data": {"a": "b"}}), None),
        ] {
            let checked = is_signal(&asking(), &target(of), &body);
            let code = checked.as_ref().err().map(|failure| failure.code.as_str());
            assert_eq!(
                checked.as_ref().ok(),
                signalled.as_ref(),
                "{of} {body}: {checked:?}"
            );
            assert_eq!(code, signalled.is_none().then_some("cluster.no-signal"));
        }
    }

    #[test]
    fn annotation_that_was_not_granted_is_patched_and_not_signalled() {
        let is_patch = |grants: &Grants, body: Value| {
            let target = target(SOURCE);
            let change = or_patch(grants, Change::Signal { target, body }).expect("allowed");
            matches!(change, Change::Patch { .. })
        };
        assert!(is_patch(&asking(), annotated("note")));
        // Who may patch others lacks the right to signal it, which is what the denial names.
        for rights in [
            &[][..],
            &["cluster:patch:sources.example.org#/spec:media"],
            &["cluster:patch:sources.example.org#/metadata/annotations/note:media/emby"],
            &["cluster:patch:sources.example.org:default"],
        ] {
            assert!(!is_patch(&grants(rights), annotated("note")), "{rights:?}");
        }
        let narrow = "cluster:patch:sources.example.org#/metadata/annotations/note:media/plex";
        assert!(is_patch(&grants(&[narrow]), annotated("note")));
    }

    #[test]
    fn right_to_signal_one_object_is_none_to_signal_another() {
        let rights = grants(&["cluster:signal:sources.example.org#/spec/now:media/emby"]);
        let refused = is_signal(&rights, &target(SOURCE), &json!({"spec": {"now": "t"}}));
        assert_eq!(refused.expect_err("refused").code, "cluster.no-signal");
    }
}
