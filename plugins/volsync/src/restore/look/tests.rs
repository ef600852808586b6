//! What belongs to an app, and what stands against a restore.

use super::*;
use crate::source::tests::source;

/// An app of which nothing runs, whose source differs in this.
pub(in crate::restore) fn scene(changes: Value) -> Scene {
    Scene::bare("plex", source(changes), json!(["ReadWriteMany"]))
}

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
    let object = deployment("immich-server", "immich", "x");
    let workloads = [Workload::new(kinds::DEPLOYMENT, &object, &[])];
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

#[test]
fn workload_of_another_instance_is_left_alone_unless_it_mounts_the_volume() {
    let redis = |instance: &str, claim: &str| {
        let mut redis = deployment("redis", "redis", claim);
        redis.0["metadata"]["labels"]["app.kubernetes.io/instance"] = instance.into();
        redis
    };
    let names = ["redis".to_owned()];
    let belongs = |object: &Object| part::belongs(object, &names, "data");
    assert!(belongs(&redis("redis", "x")));
    assert!(!belongs(&redis("nextcloud", "x")));
    assert!(belongs(&redis("nextcloud", "data")));
    let other = Workload::new(kinds::DEPLOYMENT, &redis("nextcloud", "data"), &names);
    assert_eq!(other.of_other.as_deref(), Some("nextcloud"));
}

/// A CronJob that is suspended does not end the Job that it has started.
#[test]
fn running_job_of_a_cron_job_is_found_and_one_of_volsync_is_not() {
    let job = |owner: &str, condition: Value| {
        Object(json!({
            "metadata": {"name": "j", "ownerReferences": [{"apiVersion": owner, "kind": "X", "name": "x"}]},
            "spec": {"template": {"spec": {"volumes": [{"name": "c", "persistentVolumeClaim": {"claimName": "plex"}}]}}},
            "status": {"conditions": condition},
        }))
    };
    let at_work = |owner, condition| part::is_at_work(&job(owner, condition), "plex");
    let complete = json!([{"type": "Complete", "status": "True"}]);
    assert!(at_work("batch/v1", json!([])));
    assert!(!at_work("batch/v1", complete));
    assert!(!at_work("volsync.backube/v1alpha1", json!([])));
    assert!(!part::is_at_work(&job("batch/v1", json!([])), "sonarr"));
}

#[test]
fn scaled_object_that_keda_holds_at_a_number_stands_up() {
    let at = |replicas: Value| {
        ScaledObject::new(&Object(
            json!({"metadata": {"name": "x", "annotations": {PAUSED_REPLICAS: replicas}}}),
        ))
        .stands_up
    };
    assert!(at(json!("1")));
    assert!(!at(json!("0")));
    assert!(!at(Value::Null));
}

#[test]
fn kustomization_that_applied_the_release_is_held_too() {
    let release = Object(json!({"metadata": {"name": "plex", "labels": {
        "kustomize.toolkit.fluxcd.io/name": "media-apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }}}));
    assert_eq!(
        part::kustomizations(&source(json!({})), [&release], "plex"),
        [("flux-system".to_owned(), "media-apps".to_owned())]
    );
}

#[test]
fn stateful_set_that_deletes_its_claims_is_noticed() {
    let set = Object(
        json!({"metadata": {"name": "db"}, "spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}}),
    );
    assert!(Workload::new(kinds::STATEFUL_SET, &set, &[]).deletes_claims);
}

#[test]
fn source_without_retain_is_told_because_its_next_backup_drops_all_others() {
    let bare = scene(json!({"spec": {"restic": {"retain": null}}}));
    let told = |scene: &Scene| {
        let remarks = remark::all(scene);
        remarks.iter().any(|one| one.contains("no `retain`"))
    };
    assert!(told(&bare));
    assert!(!told(&scene(json!({}))));
}

#[test]
fn what_goes_down_is_told_with_the_app_whose_it_is() {
    let mut scene = scene(json!({}));
    let backup = deployment("backup", "photos", "plex");
    let names = ["plex".to_owned()];
    scene.workloads = vec![Workload::new(kinds::DEPLOYMENT, &backup, &names)];
    scene.jobs = vec![ObjectRef::new(kinds::JOB, "media", "reindex")];
    assert_eq!(
        scene.down(),
        [
            "deployments media/backup (at 2, of `photos`)",
            "jobs media/reindex (begins anew)"
        ]
    );
}

#[test]
fn services_that_lead_to_the_app_are_found_by_their_selector() {
    let mut workload = deployment("plex", "plex", "plex");
    workload.0["spec"]["template"]["metadata"] = json!({"labels": {"app": "plex", "x": "y"}});
    let leads = |selector: Value| {
        let service = Object(json!({"spec": {"selector": selector}}));
        part::leads_to(&service, std::slice::from_ref(&workload))
    };
    assert!(leads(json!({"app": "plex"})));
    assert!(!leads(json!({"app": "sonarr"})));
    assert!(!leads(json!({})));
    assert!(!leads(Value::Null));
}
