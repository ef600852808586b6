//! Status after status, as the controllers write them.

use super::*;

fn condition(of: &str, status: &str, reason: &str) -> Value {
    json!({ "type": of, "status": status, "reason": reason, "message": format!("{reason} it is"), "observedGeneration": 2 })
}

fn object(observed: Option<i64>, conditions: &[Value]) -> Object {
    Object(json!({
        "metadata": { "generation": 2, "name": "plex", "namespace": "media" },
        "status": { "observedGeneration": observed, "conditions": conditions, "lastAppliedRevision": "main@sha1:abc" },
    }))
}

fn is_failed(object: &Object, wanted: &str) -> bool {
    matches!(readiness(object), Readiness::Failed { reason, .. } if reason == wanted)
}

fn is_pending(object: &Object) -> bool {
    matches!(readiness(object), Readiness::Pending(_))
}

#[test]
fn ready_at_its_generation_is_ready() {
    let ready = object(
        Some(2),
        &[condition("Ready", "True", "ReconciliationSucceeded")],
    );
    assert_eq!(
        readiness(&ready),
        Readiness::Ready("main@sha1:abc".to_owned())
    );
}

#[test]
fn ready_of_an_older_generation_is_pending() {
    assert!(is_pending(&object(
        Some(1),
        &[condition("Ready", "True", "ReconciliationSucceeded")]
    )));
}

#[test]
fn ready_while_reconciling_is_pending() {
    let conditions = [
        condition("Ready", "True", "Succeeded"),
        condition("Reconciling", "True", "Progressing"),
    ];
    assert!(is_pending(&object(Some(2), &conditions)));
}

#[test]
fn no_condition_yet_is_pending() {
    assert!(is_pending(&object(None, &[])));
}

#[test]
fn broken_kustomization_fails_at_once_although_it_never_stalls() {
    // kustomize-controller leaves observedGeneration behind and says that it will try again.
    let conditions = [
        condition("Ready", "False", "BuildFailed"),
        condition("Reconciling", "True", "ProgressingWithRetry"),
    ];
    assert!(is_failed(&object(Some(1), &conditions), "BuildFailed"));
}

#[test]
fn every_failure_reason_of_a_kustomization_fails_at_once() {
    for reason in [
        "BuildFailed",
        "HealthCheckFailed",
        "PruneFailed",
        "ReconciliationFailed",
    ] {
        let conditions = [
            condition("Ready", "False", reason),
            condition("Reconciling", "True", "ProgressingWithRetry"),
        ];
        assert!(is_failed(&object(Some(1), &conditions), reason), "{reason}");
    }
}

#[test]
fn missing_path_in_an_artifact_fails_at_once_although_its_reason_speaks_of_the_artifact() {
    let mut ready = condition("Ready", "False", "ArtifactFailed");
    ready["message"] =
        json!("kustomization path not found: stat /tmp/x: no such file or directory");
    let retrying = condition("Reconciling", "True", "ProgressingWithRetry");
    assert!(is_failed(
        &object(Some(1), &[ready, retrying]),
        "ArtifactFailed"
    ));
}

#[test]
fn every_failure_reason_of_a_helm_release_fails_at_once() {
    for reason in [
        "InstallFailed",
        "UpgradeFailed",
        "TestFailed",
        "RollbackFailed",
        "UninstallFailed",
    ] {
        assert!(
            is_failed(
                &object(Some(1), &[condition("Ready", "False", reason)]),
                reason
            ),
            "{reason}"
        );
    }
}

#[test]
fn dependency_that_is_not_ready_is_waited_for() {
    let conditions = [
        condition("Ready", "False", "DependencyNotReady"),
        condition("Reconciling", "True", "ProgressingWithRetry"),
    ];
    assert!(is_pending(&object(Some(1), &conditions)));
}

#[test]
fn failure_of_before_is_pending_while_a_new_attempt_runs() {
    let conditions = [
        condition("Ready", "False", "UpgradeFailed"),
        condition("Reconciling", "True", "Progressing"),
    ];
    assert!(is_pending(&object(Some(1), &conditions)));
}

#[test]
fn unknown_is_pending() {
    assert!(is_pending(&object(
        Some(1),
        &[condition("Ready", "Unknown", "Progressing")]
    )));
}

#[test]
fn missing_artifact_is_up_to_the_source() {
    for reason in UP_TO_THE_SOURCE {
        let waiting = object(Some(1), &[condition("Ready", "False", reason)]);
        assert!(
            matches!(readiness(&waiting), Readiness::Artifact { .. }),
            "{reason}"
        );
    }
}

#[test]
fn canceled_health_check_is_pending_because_the_next_attempt_follows() {
    let conditions = [
        condition("Ready", "False", "HealthCheckCanceled"),
        condition("Reconciling", "True", "ProgressingWithRetry"),
    ];
    assert!(is_pending(&object(Some(1), &conditions)));
}

#[test]
fn stalled_fails_whatever_ready_says() {
    let conditions = [
        condition("Ready", "False", "DependencyNotReady"),
        condition("Stalled", "True", "InvalidCELExpression"),
    ];
    assert!(is_failed(
        &object(Some(2), &conditions),
        "InvalidCELExpression"
    ));
}

#[test]
fn stalled_at_an_older_generation_does_not_count() {
    let mut stalled = condition("Stalled", "True", "RetriesExceeded");
    stalled["observedGeneration"] = json!(1);
    let conditions = [condition("Ready", "Unknown", "Progressing"), stalled];
    assert!(is_pending(&object(Some(1), &conditions)));
}

#[test]
fn object_being_deleted_fails() {
    let mut object = object(Some(2), &[condition("Ready", "True", "Succeeded")]);
    object.0["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(is_failed(&object, "Terminating"));
}

#[test]
fn condition_without_generation_speaks_by_the_status() {
    let mut ready = condition("Ready", "True", "Succeeded");
    ready["observedGeneration"] = json!(0);
    assert!(speaks_of(&object(Some(2), std::slice::from_ref(&ready)), 2));
    assert!(!speaks_of(&object(Some(1), &[ready]), 2));
}

#[test]
fn revision_of_a_release_is_its_chart_version() {
    let release = Object(
        json!({ "status": { "history": [{ "chartVersion": "4.6.2" }], "lastAttemptedRevision": "4.7.0" } }),
    );
    assert_eq!(revision(&release), "4.6.2");
}

#[test]
fn values_that_are_missing_are_a_failure_although_reconciling_stands_as_at_the_beginning() {
    let begun = condition("Reconciling", "True", "Progressing");
    let failing = |reason: &str| {
        let conditions = [condition("Ready", "False", reason), begun.clone()];
        matches!(readiness(&object(Some(1), &conditions)), Readiness::Failing { reason: of, .. } if of == reason)
    };
    assert!(failing("ValuesError"));
    assert!(!failing("UpgradeFailed"), "a new attempt runs");
}
