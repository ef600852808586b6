//! Patches, and what they need to be taken back.

use serde_json::json;

use super::*;

/// Applies a patch, has `meanwhile` done to the object, and puts the patch back.
fn round_trip(before: &Value, patch: &Value, meanwhile: &Value) -> (Value, PutBack) {
    let changes = changes(before, patch);
    let grown = grown(before, &changes);
    let mut now = before.clone();
    merge(&mut now, patch);
    merge(&mut now, meanwhile);
    let back = put_back(&now, &changes, &grown);
    if !back.patch.is_null() {
        merge(&mut now, &back.patch);
    }
    (now, back)
}

#[test]
fn whatever_was_there_before_is_there_again() {
    let key = "autoscaling.keda.sh/paused";
    let table = [
        (
            json!({"spec": {"replicas": 3}}),
            json!({"spec": {"replicas": 0}}),
        ),
        (json!({"spec": {}}), json!({"spec": {"suspend": true}})),
        (
            json!({"spec": {"schedule": "x"}}),
            json!({"spec": {"trigger": {"manual": "tag"}}}),
        ),
        (json!({}), json!({"a": {"b": {"c": 1}}})),
        (
            json!({"metadata": {"annotations": {"a": "b"}}}),
            json!({"metadata": {"annotations": {key: "true"}}}),
        ),
        (
            json!({"spec": {"list": [1, 2]}}),
            json!({"spec": {"list": []}}),
        ),
        (
            json!({"spec": {"suspend": true}}),
            json!({"spec": {"suspend": null}}),
        ),
    ];
    for (before, patch) in table {
        let (after, back) = round_trip(&before, &patch, &json!({}));
        assert_eq!(after, before, "{patch}");
        assert!(back.left.is_empty());
    }
}

#[test]
fn a_later_change_by_somebody_else_is_left_alone() {
    let before = json!({"spec": {"replicas": 1, "paused": false}});
    let patch = json!({"spec": {"replicas": 0, "paused": true}});
    let (after, back) = round_trip(&before, &patch, &json!({"spec": {"replicas": 5}}));
    assert_eq!(after, json!({"spec": {"replicas": 5, "paused": false}}));
    let left: Vec<_> = back
        .left
        .iter()
        .map(|field| (field.path.as_str(), field.after.clone()))
        .collect();
    assert_eq!(left, [("/spec/replicas", Some(json!(5)))]);
}

#[test]
fn a_made_object_stays_when_somebody_put_more_into_it() {
    let (after, _) = round_trip(&json!({}), &json!({"a": {"b": 1}}), &json!({"a": {"c": 2}}));
    assert_eq!(after, json!({"a": {"c": 2}}));
}

#[test]
fn what_already_is_as_wanted_is_no_change() {
    assert!(
        changes(
            &json!({"spec": {"suspend": true}}),
            &json!({"spec": {"suspend": true}})
        )
        .is_empty()
    );
    assert!(changes(&json!({"spec": {}}), &json!({"spec": {"suspend": null}})).is_empty());
}

#[test]
fn preconditions_are_no_fields() {
    let patch =
        json!({"metadata": {"resourceVersion": "7", "uid": "u", "name": "n"}, "spec": {"x": 1}});
    assert_eq!(leaves(&patch), [("/spec/x".to_owned(), Some(json!(1)))]);
}

#[test]
fn what_the_server_keeps_for_itself_is_no_difference() {
    let before = json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}, "spec": {"x": 1, "gone": [1]}, "status": {}});
    let after = json!({"metadata": {"resourceVersion": "2", "labels": {"a": "c"}}, "spec": {"x": 1, "new": {"y": 2}}, "status": {"z": 1}});
    let paths: Vec<_> = difference(&before, &after)
        .into_iter()
        .map(|change| change.path)
        .collect();
    assert_eq!(paths, ["/metadata/labels/a", "/spec/gone", "/spec/new"]);
}
