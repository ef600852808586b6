//! What is made of a status together with what belongs to the object.

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

#[test]
fn artifact_that_is_there_and_cannot_be_used_fails_at_once_unless_the_source_is_at_work() {
    let damaged = ("ArtifactFailed", "failed to untar: unexpected EOF");
    assert!(in_vain(true, damaged));
    assert!(!in_vain(false, damaged));
    for told in [
        (
            "ArtifactFailed",
            "Source artifact not found, retrying in 30s",
        ),
        (
            "ArtifactFailed",
            "Source is not ready, artifact not found, retrying in 30s",
        ),
        (
            "ArtifactFailed",
            "Source not ready: artifact not found. Retrying in 30s",
        ),
        (
            "SourceNotReady",
            "HelmChart 'media/plex' is not ready: no artifact",
        ),
    ] {
        assert!(!in_vain(true, told), "{told:?}");
    }
}

#[test]
fn artifact_is_not_waited_for_when_its_source_cannot_make_it() {
    let source = ObjectRef::new(kinds::GIT_REPOSITORY, "flux-system", "gone");
    let judge = Judge::default();
    let why = |found: Option<&Object>| judge.broken(&source, found);
    assert!(why(None).is_some_and(|why| why.ends_with("does not exist")));
    let suspended = Object(json!({ "spec": { "suspend": true } }));
    assert!(why(Some(&suspended)).is_some_and(|why| why.ends_with("is suspended")));
    let failed = object(
        Some(1),
        &[condition("Ready", "False", "GitOperationFailed")],
    );
    assert!(why(Some(&failed)).is_some_and(|why| why.ends_with("GitOperationFailed it is")));
    let at_work = object(Some(1), &[condition("Ready", "Unknown", "Progressing")]);
    assert_eq!(why(Some(&at_work)), None);
}

#[test]
fn exhausted_retries_hint_at_reset_because_a_plain_request_does_not_unstick() {
    let stalled = object(Some(2), &[condition("Stalled", "True", "RetriesExceeded")]);
    let target = ObjectRef::new(kinds::HELM_RELEASE, "media", "plex");
    let Verdict::Failed(error) = Judge::default().verdict(&target, &stalled) else {
        panic!("failed");
    };
    assert_eq!(
        error.remedy(),
        Some("agent run flux.reconcile hr media plex --reset")
    );
}

#[test]
fn chart_that_waits_for_a_suspended_repository_is_told_by_the_repository() {
    let chart = ObjectRef::new(kinds::HELM_CHART, "media", "media-plex");
    let repository = ObjectRef::new(kinds::HELM_REPOSITORY, "media", "charts");
    let mut unfinished = object(Some(1), &[condition("Ready", "Unknown", "Progressing")]);
    unfinished.0["spec"] = json!({ "sourceRef": { "kind": "HelmRepository", "name": "charts" } });
    let suspended = Object(json!({ "spec": { "suspend": true } }));
    let judge = Judge::knowing(&[(repository, Some(suspended))]);
    assert_eq!(
        judge.broken(&chart, Some(&unfinished)).as_deref(),
        Some("helmrepositories media/charts is suspended")
    );
}

#[test]
fn source_that_has_been_asked_anew_is_at_work() {
    let source = ObjectRef::new(kinds::GIT_REPOSITORY, "flux-system", "home");
    let mut failed = object(
        Some(1),
        &[condition("Ready", "False", "GitOperationFailed")],
    );
    assert!(Judge::default().broken(&source, Some(&failed)).is_some());
    failed.0["metadata"]["annotations"] = json!({ REQUESTED_AT: "t2" });
    assert_eq!(Judge::default().broken(&source, Some(&failed)), None);
}

#[test]
fn ready_object_of_a_suspended_source_says_that_nothing_newer_comes() {
    let target = ObjectRef::new(kinds::KUSTOMIZATION, "media", "plex");
    let source = ObjectRef::new(kinds::GIT_REPOSITORY, "flux-system", "home");
    let mut ready = object(Some(2), &[condition("Ready", "True", "Succeeded")]);
    ready.0["spec"] = json!({ "sourceRef": { "kind": "GitRepository", "name": "home", "namespace": "flux-system" } });
    let suspended = Object(json!({ "spec": { "suspend": true } }));
    let mut judge = Judge::knowing(&[(source, Some(suspended))]);
    judge.few = true;
    let told =
        "main@sha1:abc; gitrepositories flux-system/home is suspended, so nothing newer comes";
    assert_eq!(
        judge.verdict(&target, &ready),
        Verdict::Done(told.to_owned())
    );
}

#[test]
fn health_check_that_stays_canceled_is_a_failure_after_two_minutes() {
    let target = ObjectRef::new(kinds::KUSTOMIZATION, "media", "plex");
    let conditions = [
        condition("Ready", "False", "HealthCheckCanceled"),
        condition("Reconciling", "True", "ProgressingWithRetry"),
    ];
    let Verdict::Blocked(cause, error) =
        Judge::default().verdict(&target, &object(Some(1), &conditions))
    else {
        panic!("blocked");
    };
    assert!(!cause.patience.is_over(Duration::from_secs(119)));
    assert!(cause.patience.is_over(Duration::from_secs(120)));
    assert!(error.message().contains("HealthCheckCanceled"), "{error}");
}
