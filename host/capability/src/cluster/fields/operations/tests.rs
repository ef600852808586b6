//! What operations make of an object, and when they make nothing of it.

use super::*;

fn object() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "plex", "namespace": "media", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}},
        "spec": {"list": ["x", "y"]},
    })
}

fn unapplied(operations: Value) -> Unapplied {
    let operations = Operations::read(&operations).expect("operations");
    let refused = operations.applied(&object());
    refused.expect_err("nothing is made of it")
}

#[test]
fn changes_are_the_fields_that_differ_and_an_array_is_one() {
    let operations = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "add", "path": "/spec/list/1", "value": "between"},
        {"op": "move", "from": "/metadata/labels/a", "path": "/metadata/labels/c"},
        {"op": "add", "path": "/spec/replicas", "value": 3},
        {"op": "remove", "path": "/spec/replicas"},
    ]);
    let operations = Operations::read(&operations).expect("operations");
    let changes = operations.changes(&object()).expect("they apply");
    let paths: Vec<&str> = changes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/metadata/labels/a", "/metadata/labels/c", "/spec/list"]
    );
    assert_eq!(changes[2].before, Some(json!(["x", "y"])));
    assert_eq!(changes[2].after, Some(json!(["x", "between", "y"])));
}

#[test]
fn what_does_not_hold_or_leads_nowhere_makes_nothing() {
    let test =
        json!([{"op": "remove", "path": "/spec"}, {"op": "test", "path": "/kind", "value": "Job"}]);
    assert_eq!(unapplied(test), Unapplied::Test(2));
    for (operation, number) in [
        (json!({"op": "remove", "path": "/spec/absent"}), 1),
        (
            json!({"op": "replace", "path": "/spec/list/2", "value": 1}),
            1,
        ),
        (json!({"op": "add", "path": "/absent/field", "value": 1}), 1),
        (
            json!({"op": "copy", "from": "/absent", "path": "/spec/x"}),
            1,
        ),
    ] {
        let refused = unapplied(json!([operation]));
        assert!(
            matches!(refused, Unapplied::Pointer(at, _) if at == number),
            "{operation}"
        );
    }
    for version in ["6", "8"] {
        let bound =
            json!([{"op": "replace", "path": "/metadata/resourceVersion", "value": version}]);
        assert_eq!(unapplied(bound), Unapplied::Version);
    }
}

#[test]
fn object_stays_the_one_that_it_is() {
    for operation in [
        json!({"op": "replace", "path": "/metadata/name", "value": "other"}),
        json!({"op": "remove", "path": "/metadata/uid"}),
        json!({"op": "replace", "path": "", "value": []}),
        json!({"op": "remove", "path": "/metadata"}),
        json!({"op": "copy", "from": "/spec", "path": "/kind"}),
    ] {
        assert_eq!(
            unapplied(json!([operation])),
            Unapplied::Identity,
            "{operation}"
        );
    }
}

/// A few copies of copies would be more than any machine has, in breadth or in depth.
#[test]
fn copies_of_copies_come_to_an_end() {
    for (times, names) in [(64, 2), (300, 1)] {
        let copy = |turn: u32| {
            let path = format!("/spec/{}", turn % names);
            json!({"op": "copy", "from": "/spec", "path": path})
        };
        let copies: Vec<Value> = (0..times).map(copy).collect();
        assert!(matches!(
            unapplied(Value::from(copies)),
            Unapplied::TooMuch(_)
        ));
    }
    let text = "x".repeat(1 << 20);
    let mut long = vec![json!({"op": "add", "path": "/spec/list/0", "value": text})];
    long.extend(
        (0..40).map(|_| json!({"op": "copy", "from": "/spec/list/0", "path": "/spec/list/-"})),
    );
    assert!(matches!(
        unapplied(Value::from(long)),
        Unapplied::TooMuch(_)
    ));
    let many: Vec<Value> = vec![json!({"op": "test", "path": "/kind", "value": "Pod"}); MOST + 1];
    Operations::read(&Value::from(many)).expect_err("too many");
}

#[test]
fn refusal_repeats_no_value() {
    let target = ObjectRef {
        of: "secrets.v1".parse().expect("a type"),
        namespace: None,
        name: "login".to_owned(),
    };
    let test = json!([{"op": "test", "path": "/spec/list", "value": "hunter22"}]);
    let failure = unapplied(test).of(&target);
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (Kind::Conflict, "cluster.conflict")
    );
    assert!(!format!("{failure:?}").contains("hunter22"), "{failure:?}");
}
