//! What belongs to an app, and what stands against a restore.

use super::*;
use crate::source::tests::source;

fn deployment(name: &str, label: &str, claim: &str) -> Object {
    Object(json!({
        "metadata": {"name": name, "namespace": "media", "labels": {"app.kubernetes.io/name": label}},
        "spec": {"replicas": 2, "template": {"spec": {"volumes": [
            {"name": "x", "emptyDir": {}}, {"name": "config", "persistentVolumeClaim": {"claimName": claim}},
        ]}}},
    }))
}

#[test]
fn workloads_are_found_by_label_and_by_volume() {
    let names = ["immich".to_owned(), "immich".to_owned()];
    assert!(part::belongs(
        &deployment("immich-server", "immich", "library"),
        &names,
        "immich"
    ));
    assert!(part::belongs(
        &deployment("backup", "other", "immich"),
        &names,
        "immich"
    ));
    assert!(!part::belongs(
        &deployment("plex", "plex", "plex"),
        &names,
        "immich"
    ));
}

#[test]
fn claims_that_a_stateful_set_made_are_its_own() {
    let set = Object(
        json!({"metadata": {"name": "db"}, "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}}),
    );
    assert!(part::belongs(&set, &[], "data-db-0"));
    assert!(!part::belongs(&set, &[], "data-db-old"));
    assert!(!part::belongs(&set, &[], "data-other-0"));
}

#[test]
fn cron_jobs_are_found_by_the_volume_of_their_job() {
    let job = Object(
        json!({"metadata": {"name": "kometa"}, "spec": {"jobTemplate": {"spec": {"template": {"spec": {
            "volumes": [{"name": "c", "persistentVolumeClaim": {"claimName": "kometa"}}],
        }}}}}}),
    );
    assert!(part::belongs(&job, &[], "kometa"));
    assert!(!CronJob::new(&job).suspended);
}

#[test]
fn scaled_object_is_the_apps_when_it_scales_one_of_its_workloads() {
    let workloads = [Workload::new(
        kinds::DEPLOYMENT,
        &deployment("immich-server", "immich", "x"),
    )];
    let scaler = |name: &str, kind: Option<&str>| {
        Object(json!({"spec": {"scaleTargetRef": {"name": name, "kind": kind}}}))
    };
    assert!(part::targets(&scaler("immich-server", None), &workloads));
    assert!(part::targets(
        &scaler("immich-server", Some("Deployment")),
        &workloads
    ));
    assert!(!part::targets(
        &scaler("immich-server", Some("StatefulSet")),
        &workloads
    ));
    assert!(!part::targets(&scaler("plex", None), &workloads));
}

#[test]
fn autoscaler_that_starts_from_zero_is_told_from_others() {
    let at = |least: Value| {
        Autoscaler::new(&Object(
            json!({"metadata": {"name": "x"}, "spec": {"minReplicas": least}}),
        ))
        .from_zero
    };
    assert!(at(json!(0)));
    assert!(!at(json!(1)));
    assert!(!at(Value::Null));
}

#[test]
fn kustomization_is_the_one_that_applied_the_source_else_the_one_of_its_name() {
    let labels = json!({"kustomize.toolkit.fluxcd.io/name": "plex-app", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
    let applied = source(json!({"metadata": {"labels": labels}}));
    let pair = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
    assert_eq!(
        part::kustomizations(&applied, &[], "plex"),
        [pair("flux-system", "plex-app")]
    );
    assert_eq!(
        part::kustomizations(&source(json!({})), &[], "plex"),
        [pair("media", "plex")]
    );
    assert_eq!(
        part::releases(&[], "media", "plex"),
        [pair("media", "plex")]
    );
}
