//! Tokens: what is written, and when it counts as taken.

use super::*;

fn object(annotation: Option<&str>, last: Option<&str>) -> Object {
    Object(json!({
        "metadata": { "annotations": { REQUESTED_AT: annotation }, "generation": 1 },
        "status": {
            "lastHandledReconcileAt": last, "observedGeneration": 1,
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    }))
}

fn asked(object: Object) -> Asked {
    Asked {
        target: ObjectRef::new(kinds::HELM_RELEASE, "media", "plex"),
        object,
    }
}

#[test]
fn force_and_reset_carry_the_token_of_the_request_in_the_same_patch() {
    let both = Extra {
        force: true,
        reset: true,
    };
    let body = body("t1", both);
    let annotations = &body["metadata"]["annotations"];
    for key in [REQUESTED_AT, FORCE_AT, RESET_AT] {
        assert_eq!(annotations[key], "t1", "{key}");
    }
}

#[test]
fn plain_request_neither_forces_nor_resets() {
    let body = requested_at("t1");
    let annotations = body["metadata"]["annotations"]
        .as_object()
        .map(|map| map.len());
    assert_eq!(annotations, Some(1));
}

#[test]
fn request_is_taken_when_its_own_token_was_handled() {
    let before = object(Some("t0"), Some("t0"));
    let now = object(Some("t1"), Some("t1"));
    assert_eq!(handled(&before, &now, "t1"), Handled::Yes);
}

#[test]
fn handling_of_an_earlier_request_does_not_count() {
    // Somebody's request of before was still open: it is handled after ours was written.
    let before = object(Some("x"), Some("t0"));
    let now = object(Some("t1"), Some("x"));
    assert_eq!(handled(&before, &now, "t1"), Handled::No);
}

#[test]
fn state_older_than_the_request_does_not_count() {
    let before = object(Some("t0"), Some("t0"));
    assert_eq!(handled(&before, &before, "t1"), Handled::No);
    let never = object(None, None);
    assert_eq!(handled(&never, &never, "t1"), Handled::No);
}

#[test]
fn request_that_another_one_overtook_counts_when_that_was_handled() {
    let before = object(Some("t0"), Some("t0"));
    let waiting = object(Some("t2"), Some("t0"));
    assert_eq!(handled(&before, &waiting, "t1"), Handled::No);
    let now = object(Some("t2"), Some("t2"));
    assert_eq!(handled(&before, &now, "t1"), Handled::Overtaken);
}

#[test]
fn force_that_another_request_overtook_is_a_failure_not_a_success() {
    let before = asked(object(Some("t0"), Some("t0")));
    let now = object(Some("t2"), Some("t2"));
    let force = Extra {
        force: true,
        reset: false,
    };
    assert!(
        matches!(look(&Judge::default(), &before, Some(&now), ("t1", force)), Verdict::Failed(error) if error.code() == "flux.overtaken")
    );
    assert!(matches!(
        look(
            &Judge::default(),
            &before,
            Some(&now),
            ("t1", Extra::default())
        ),
        Verdict::Done(_)
    ));
}

#[test]
fn suspended_object_is_refused_with_the_command_that_resumes_it() {
    let asked = asked(Object(json!({ "spec": { "suspend": true } })));
    let error = settled(&asked).expect("settled").expect_err("refused");
    assert_eq!(error.code(), "flux.suspended");
    assert_eq!(error.remedy(), Some("agent run flux.resume hr media plex"));
}

#[test]
fn object_suspended_while_waiting_is_a_failure() {
    let before = asked(object(None, None));
    let mut now = object(Some("t1"), None);
    now.0["spec"] = json!({ "suspend": true });
    let verdict = look(
        &Judge::default(),
        &before,
        Some(&now),
        ("t1", Extra::default()),
    );
    assert!(matches!(verdict, Verdict::Failed(error) if error.code() == "flux.suspended"));
}

#[test]
fn oci_helm_repository_is_static_and_counts_as_success() {
    let asked = Asked {
        target: ObjectRef::new(kinds::HELM_REPOSITORY, "flux-system", "bjw-s"),
        object: Object(json!({ "spec": { "type": "oci" } })),
    };
    let done = settled(&asked).expect("settled").expect("success");
    assert_eq!(done.result, "static");
}

#[test]
fn object_deleted_while_waiting_is_a_failure() {
    let verdict = look(
        &Judge::default(),
        &asked(object(None, None)),
        None,
        ("t1", Extra::default()),
    );
    assert!(matches!(verdict, Verdict::Failed(error) if error.kind() == Kind::NotFound));
}
