//! What is reconciled before what.

use super::*;

fn release(spec: Value) -> (ObjectRef, Object) {
    (
        ObjectRef::new(kinds::HELM_RELEASE, "media", "plex"),
        Object(json!({ "spec": spec })),
    )
}

fn source_of((target, object): &(ObjectRef, Object)) -> ObjectRef {
    nearest(target, object)
        .expect("has one")
        .expect("can be asked")
}

#[test]
fn chart_of_a_release_is_named_after_its_namespace_and_name() {
    let chart = release(
        json!({ "chart": { "spec": { "sourceRef": { "kind": "HelmRepository", "name": "bjw-s" } } } }),
    );
    assert_eq!(
        source_of(&chart),
        ObjectRef::new(kinds::HELM_CHART, "media", "media-plex")
    );
}

#[test]
fn chart_of_a_release_lives_in_the_namespace_of_its_source() {
    let chart = release(json!({ "chart": { "spec": { "sourceRef": {
        "kind": "HelmRepository", "name": "bjw-s", "namespace": "flux-system",
    } } } }));
    assert_eq!(
        source_of(&chart),
        ObjectRef::new(kinds::HELM_CHART, "flux-system", "media-plex")
    );
}

#[test]
fn chart_ref_is_taken_as_it_is() {
    let oci = release(json!({ "chartRef": { "kind": "OCIRepository", "name": "plex" } }));
    assert_eq!(
        source_of(&oci),
        ObjectRef::new(kinds::OCI_REPOSITORY, "media", "plex")
    );
    let chart = release(
        json!({ "chartRef": { "kind": "HelmChart", "name": "app", "namespace": "charts" } }),
    );
    assert_eq!(
        source_of(&chart),
        ObjectRef::new(kinds::HELM_CHART, "charts", "app")
    );
}

#[test]
fn chart_is_made_of_a_source_in_its_own_namespace() {
    let target = ObjectRef::new(kinds::HELM_CHART, "flux-system", "media-plex");
    let chart =
        Object(json!({ "spec": { "sourceRef": { "kind": "HelmRepository", "name": "bjw-s" } } }));
    assert_eq!(
        source_of(&(target, chart)),
        ObjectRef::new(kinds::HELM_REPOSITORY, "flux-system", "bjw-s")
    );
}

#[test]
fn kustomization_may_have_its_source_in_another_namespace() {
    let target = ObjectRef::new(kinds::KUSTOMIZATION, "media", "plex");
    let reference =
        json!({ "kind": "GitRepository", "name": "flux-system", "namespace": "flux-system" });
    let object = Object(json!({ "spec": { "sourceRef": reference } }));
    assert_eq!(
        source_of(&(target, object)),
        ObjectRef::new(kinds::GIT_REPOSITORY, "flux-system", "flux-system")
    );
}

#[test]
fn external_artifact_cannot_be_asked_to_reconcile() {
    let target = ObjectRef::new(kinds::KUSTOMIZATION, "media", "plex");
    let object =
        Object(json!({ "spec": { "sourceRef": { "kind": "ExternalArtifact", "name": "x" } } }));
    let error = nearest(&target, &object)
        .expect("has one")
        .expect_err("refused");
    assert_eq!(error.kind(), Kind::Unsupported);
}

#[test]
fn source_is_made_of_nothing() {
    let target = ObjectRef::new(kinds::GIT_REPOSITORY, "flux-system", "flux-system");
    assert_eq!(nearest(&target, &Object(json!({ "spec": {} }))), None);
}

#[test]
fn target_of_a_failed_source_tells_the_sources_error() {
    let source = ObjectRef::new(kinds::GIT_REPOSITORY, "flux-system", "flux-system");
    let results = [Err(Error::failed("flux.not-ready", "no such branch"))];
    let error = failure(
        Some(Ok(source.clone())),
        std::slice::from_ref(&source),
        &results,
    )
    .expect("failed");
    assert_eq!(error.to_string(), "its source failed: no such branch");
    let fine = [Ok(Done::new("reconciled", ""))];
    assert_eq!(failure(Some(Ok(source.clone())), &[source], &fine), None);
}
