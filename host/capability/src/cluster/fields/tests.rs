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
    now.clone_from(&back.wanted);
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
    let before = json!({"metadata": {"resourceVersion": "1", "labels": {"a": "b"}}, "spec": {"x": 1, "gone": [1]}});
    let after = json!({"metadata": {"resourceVersion": "2", "labels": {"a": "c"}}, "spec": {"x": 1, "new": {"y": 2}}});
    let paths: Vec<_> = difference(&before, &after)
        .into_iter()
        .map(|change| change.path)
        .collect();
    assert_eq!(paths, ["/metadata/labels/a", "/spec/gone", "/spec/new"]);
}

/// Where the status is no resource of its own, it is a field like any other. Elsewhere the server leaves it as it was.
#[test]
fn status_that_a_write_changes_is_a_difference() {
    let (before, after) = (json!({"status": {"a": 1}}), json!({"status": {"a": 2}}));
    let changes = difference(&before, &after);
    assert_eq!(changes[0].path, "/status/a");
    assert_eq!(put_back(&after, &changes, &[]).wanted, before);
}

#[test]
fn what_a_patch_meets_instead_of_an_object_is_changed_and_put_back_as_a_whole() {
    let table = [
        (
            json!({"list": [{"a": "x", "keep": "me"}, {"a": "y"}]}),
            json!({"list": {"0": {"a": "changed"}}}),
            json!({"0": {"a": "changed"}}),
        ),
        // Where a leaf of the patch equals what a pointer into the array finds, there is a change all the same.
        (
            json!({"list": [{"a": "x"}]}),
            json!({"list": {"0": {"a": "x"}}}),
            json!({"0": {"a": "x"}}),
        ),
        (
            json!({"list": "precious"}),
            json!({"list": {"a": null, "b": {"c": 1}}}),
            json!({"b": {"c": 1}}),
        ),
        (json!({"list": "precious"}), json!({"list": {}}), json!({})),
        (json!({"list": 7}), json!({"list": {"a": null}}), json!({})),
        (
            json!({"list": null}),
            json!({"list": {"a": 1}}),
            json!({"a": 1}),
        ),
    ];
    for (before, patch, after) in table {
        let change = FieldChange {
            path: "/list".to_owned(),
            before: Some(before["list"].clone()),
            after: Some(after),
        };
        assert_eq!(changes(&before, &patch), [change], "{patch}");
        let (back, _) = round_trip(&before, &patch, &json!({}));
        assert_eq!(back, before, "{patch}");
    }
}

#[test]
fn object_that_is_made_with_nothing_in_it_is_a_change() {
    let before = json!({"spec": {}});
    let made = FieldChange {
        path: "/spec/values".to_owned(),
        before: None,
        after: Some(json!({})),
    };
    for patch in [
        json!({"spec": {"values": {}}}),
        json!({"spec": {"values": {"a": null}}}),
    ] {
        let changes = changes(&before, &patch);
        assert_eq!(changes, std::slice::from_ref(&made), "{patch}");
        assert_eq!(round_trip(&before, &patch, &json!({})).0, before);
    }
}

#[test]
fn field_is_not_put_back_through_what_somebody_else_has_put_there() {
    let before = json!({"spec": {"a": {"b": 1}}});
    let patch = json!({"spec": {"a": {"b": null}}});
    let theirs = json!({"spec": {"a": ["theirs"]}});
    let (now, back) = round_trip(&before, &patch, &theirs);
    assert_eq!(now, theirs);
    assert_eq!(back.left.len(), 1, "{back:?}");
}

#[test]
fn explicit_null_is_put_back_by_operations() {
    let before = json!({"spec": {"values": {"off": null, "a/b": {"c": [null]}}}});
    let patch = json!({"spec": {"values": {"off": {"on": true}, "a/b": 1}}});
    let mut now = before.clone();
    merge(&mut now, &patch);
    let mut back = Patch::between(&now, &before);
    back.rest_on(&json!("7"));
    let wanted = json!([
        {"op": "add", "path": "/spec/values/a~1b", "value": {"c": [null]}},
        {"op": "add", "path": "/spec/values/off", "value": null},
        {"op": "add", "path": "/metadata/resourceVersion", "value": "7"},
    ]);
    assert_eq!(back, Patch::Operations(wanted));
}

mod any {
    //! What holds of any object and any patch.

    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;

    /// So many cases for each property.
    const CASES: u32 = 4_096;

    /// Few keys, so that objects and patches meet, and some that a pointer has to escape or an array would understand.
    fn key() -> impl Strategy<Value = String> {
        let keys = ["a", "b", "c", "0", "1", "-", "", "d/e", "f~1g"];
        prop::sample::select(keys.to_vec()).prop_map(str::to_owned)
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..3_i64).prop_map(Value::from),
            prop::sample::select(vec!["", "x", "precious"]).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 4, |inner| {
            prop_oneof![
                1 => prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                3 => fields(inner),
            ]
        })
    }

    fn fields(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        let fields = prop::collection::btree_map(key(), inner, 0..4);
        fields.prop_map(|fields| Value::from_iter::<Map<_, _>>(fields.into_iter().collect()))
    }

    fn object() -> impl Strategy<Value = Value> {
        fields(value())
    }

    fn merged(object: &Value, patch: &Value) -> Value {
        let mut object = object.clone();
        merge(&mut object, patch);
        object
    }

    /// Applies a patch as another program does.
    fn applied(object: &Value, patch: &Patch) -> Value {
        let mut object = object.clone();
        match patch {
            Patch::Merge(patch) => json_patch::merge(&mut object, patch),
            Patch::Operations(operations) => {
                let operations: json_patch::Patch =
                    serde_json::from_value(operations.clone()).expect("a patch");
                json_patch::patch(&mut object, &operations).expect("applies");
            }
        }
        object
    }

    fn pointer() -> impl Strategy<Value = String> {
        let keys = prop::collection::vec(key(), 0..4);
        keys.prop_map(|keys| keys.iter().map(|key| format!("/{}", escape(key))).collect())
    }

    fn operations() -> impl Strategy<Value = Vec<Value>> {
        let verbs = ["add", "add", "remove", "replace", "move", "copy", "test"];
        let verb = prop::sample::select(verbs.to_vec());
        let operation = (verb, pointer(), pointer(), value());
        let operation = operation.prop_map(
            |(op, path, from, value)| json!({"op": op, "path": path, "from": from, "value": value}),
        );
        prop::collection::vec(operation, 1..24)
    }

    /// Those of the operations that can be carried out one after the other, and leave an object.
    fn applicable(object: &Value, operations: Vec<Value>) -> Value {
        let mut object = object.clone();
        let mut applicable = Vec::new();
        for operation in operations {
            let one = Operations::read(&json!([operation])).expect("an operation");
            if let Ok(made) = one.applied(&object)
                && made.is_object()
            {
                object = made;
                applicable.push(operation);
            }
        }
        Value::from(applicable)
    }

    /// What the record gives back.
    fn recorded(changes: &[FieldChange]) -> Vec<FieldChange> {
        let text = serde_json::to_string(changes).expect("text");
        serde_json::from_str(&text).expect("reads back")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn shown_changes_make_of_the_object_what_the_patch_makes_of_it(before in object(), patch in object()) {
            let mut shown = before.clone();
            for change in changes(&before, &patch) {
                prop_assert_eq!(at(&before, &change.path), change.before.as_ref());
                match change.after {
                    Some(after) => set(&mut shown, &change.path, after),
                    None => remove(&mut shown, &change.path),
                }
            }
            prop_assert_eq!(shown, merged(&before, &patch));
        }

        #[test]
        fn patch_that_is_put_back_leaves_the_object_as_it_was(before in object(), patch in object()) {
            let changes = recorded(&changes(&before, &patch));
            let now = merged(&before, &patch);
            let back = put_back(&now, &changes, &grown(&before, &changes));
            prop_assert_eq!(&back.left, &[]);
            prop_assert_eq!(&back.wanted, &before);
            prop_assert_eq!(back.restored.is_empty(), now == before);
            prop_assert_eq!(applied(&now, &Patch::between(&now, &back.wanted)), before);
        }

        #[test]
        fn json_patch_that_is_put_back_leaves_the_object_as_it_was(before in object(), operations in operations()) {
            let operations = Operations::read(&applicable(&before, operations)).expect("operations");
            let now = operations.applied(&before).expect("each of them applies");
            let changes = recorded(&operations.changes(&before).expect("they do"));
            prop_assert_eq!(is_before(&before, &changes), true);
            prop_assert_eq!(has_happened(&now, &changes), true);
            let sent = Patch::operations(&before, &now);
            prop_assert_eq!(applied(&before, &sent), now.clone());
            let back = put_back(&now, &changes, &grown(&before, &changes));
            prop_assert_eq!(&back.left, &[]);
            prop_assert_eq!(&back.wanted, &before);
            prop_assert_eq!(back.restored.is_empty(), now == before);
            prop_assert_eq!(applied(&now, &Patch::between(&now, &back.wanted)), before);
        }

        #[test]
        fn what_differs_between_two_states_is_put_back(before in object(), after in object()) {
            let changes = recorded(&difference(&before, &after));
            let back = put_back(&after, &changes, &grown(&before, &changes));
            prop_assert_eq!(&back.left, &[]);
            prop_assert_eq!(back.wanted, before);
        }

        #[test]
        fn one_state_is_made_of_any_other(now in object(), wanted in object()) {
            prop_assert_eq!(applied(&now, &Patch::between(&now, &wanted)), wanted);
        }

        #[test]
        fn value_that_somebody_else_has_set_since_stays(before in object(), patch in object(), theirs in object()) {
            let ours = changes(&before, &patch);
            let between = merged(&before, &patch);
            let now = merged(&between, &theirs);
            let back = put_back(&now, &ours, &grown(&before, &ours));
            let values = changes(&between, &theirs).into_iter();
            for set in values.filter(|set| set.after.as_ref().is_some_and(|after| !after.is_object())) {
                prop_assert_eq!(at(&back.wanted, &set.path), set.after.as_ref());
            }
        }

        #[test]
        fn nothing_is_restored_where_nothing_is_left_of_what_was_set(before in object(), patch in object(), theirs in object()) {
            let ours = changes(&before, &patch);
            let now = merged(&merged(&before, &patch), &theirs);
            let back = put_back(&now, &ours, &grown(&before, &ours));
            for field in &ours {
                let there = at(&now, &field.path);
                if there != field.after.as_ref() && there != field.before.as_ref() {
                    prop_assert!(back.left.iter().any(|left| left.path == field.path));
                }
            }
        }
    }
}
