//! What the Job must have in common with a mover, and what not.

use super::*;
use crate::source::tests::source;

fn job(changes: Value) -> Value {
    let source = source(changes);
    manifest(&Order {
        source: &source,
        name: "volsync-agent-list-0",
        image: &Image {
            name: "volsync:1".to_owned(),
            pull_secrets: vec!["volsync-pull-1".to_owned()],
        },
        privileged: false,
        work: &work(&["snapshots".to_owned()], None),
    })
}

fn work(args: &[String], data: Option<Access>) -> Work<'_> {
    Work {
        purpose: "list",
        script: r#"exec restic "$@""#,
        args,
        data,
        timeout: SignedDuration::from_secs(60),
        patience: None,
        whole: |_| true,
    }
}

#[test]
fn admission_policies_take_it_for_a_mover_and_volsync_does_not() {
    let job = job(json!({}));
    assert!(
        job["metadata"]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("volsync-"))
    );
    assert_eq!(
        job["metadata"]["labels"]["app.kubernetes.io/created-by"],
        "volsync"
    );
    assert_eq!(job["metadata"]["ownerReferences"], Value::Null);
    assert_eq!(
        job["metadata"]["labels"]["volsync.backube/cleanup"],
        Value::Null
    );
}

#[test]
fn everything_that_opens_the_repository_is_the_movers() {
    let job = job(json!({"spec": {"restic": {
        "moverServiceAccount": "irsa", "moverPodLabels": {"egress": "s3"}, "moverAffinity": {"nodeAffinity": {}}, "moverResources": {"limits": {"memory": "1Gi"}},
    }}}));
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsUser"], 1000);
    assert_eq!(pod["serviceAccountName"], "irsa");
    assert_eq!(pod["affinity"], json!({"nodeAffinity": {}}));
    assert_eq!(pod["containers"][0]["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(
        pod["containers"][0]["envFrom"][0]["secretRef"]["name"],
        "plex-volsync-secret"
    );
    assert_eq!(
        job["spec"]["template"]["metadata"]["labels"]["egress"],
        "s3"
    );
    let mounts = pod["containers"][0]["volumeMounts"]
        .as_array()
        .expect("mounts");
    for path in ["/customCA", "/mnt/nfs", "/tmp"] {
        assert!(
            mounts.iter().any(|mount| mount["mountPath"] == path),
            "{path}"
        );
    }
    let certificate = json!([{"name": "RESTIC_CACERT", "value": "/customCA/ca.crt"}]);
    assert_eq!(pod["containers"][0]["env"], certificate);
}

#[test]
fn job_ends_by_itself_later_than_anybody_waits_for_it() {
    let job = job(json!({}));
    assert_eq!(job["spec"]["backoffLimit"], 0);
    assert_eq!(job["spec"]["activeDeadlineSeconds"], 60 + REMAINS);
}

#[test]
fn volume_is_mounted_only_where_it_is_asked_for_and_as_that() {
    let source = source(json!({}));
    for (access, read_only) in [(Access::Read, true), (Access::Write, false)] {
        let work = work(&[], Some(access));
        let image = Image {
            name: String::new(),
            pull_secrets: Vec::new(),
        };
        let pod = pod(&Order {
            source: &source,
            name: "x",
            image: &image,
            privileged: false,
            work: &work,
        });
        let of_data = |list: &Value| {
            let mut all = list.as_array().expect("a list").iter();
            all.find(|one| one["name"] == "data")
                .expect("the volume")
                .clone()
        };
        let claim = &of_data(&pod["volumes"])["persistentVolumeClaim"];
        assert_eq!(*claim, json!({"claimName": "plex", "readOnly": read_only}));
        let mount = of_data(&pod["containers"][0]["volumeMounts"]);
        assert_eq!(mount["readOnly"], read_only);
    }
    let pod = &job(json!({}))["spec"]["template"]["spec"];
    let volumes = pod["volumes"].as_array().expect("volumes");
    assert!(volumes.iter().all(|volume| volume["name"] != "data"));
}

#[test]
fn every_mount_has_its_volume() {
    let job = job(
        json!({"spec": {"restic": {"customCA": {"secretName": null, "configMapName": "ca-map"}}}}),
    );
    let pod = &job["spec"]["template"]["spec"];
    let names = |value: &Value| -> Vec<String> {
        let list = value.as_array().expect("a list");
        list.iter()
            .map(|entry| entry["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(
        names(&pod["volumes"]),
        names(&pod["containers"][0]["volumeMounts"])
    );
    assert_eq!(pod["volumes"][2]["configMap"]["name"], "ca-map");
}

#[test]
fn google_credentials_are_mounted_without_reading_the_secret_and_told_only_when_they_are_there() {
    let job = job(json!({}));
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][1]["secret"]["optional"], true);
    let container = &pod["containers"][0];
    let script = container["command"][2].as_str().expect("a script");
    let file = format!("{CREDENTIALS}/{GCS_FILE}");
    assert_eq!(script.matches(&file).count(), 2, "{script}");
    assert!(script.ends_with(r#"exec restic "$@""#), "{script}");
}

#[test]
fn image_is_pulled_with_the_movers_secrets_or_those_of_the_account_that_a_person_gave() {
    let pod = |changes: Value| job(changes)["spec"]["template"]["spec"].clone();
    let own = pod(json!({}));
    assert_eq!(own["imagePullSecrets"], json!([{"name": "volsync-pull-1"}]));
    assert_eq!(own["automountServiceAccountToken"], false);
    let given = pod(json!({"spec": {"restic": {"moverServiceAccount": "irsa"}}}));
    assert_eq!(given["serviceAccountName"], "irsa");
    assert_eq!(given["imagePullSecrets"], Value::Null);
    assert_eq!(given["automountServiceAccountToken"], Value::Null);
}

#[test]
fn failed_list_tells_why_with_its_last_lines() {
    let causes = causes(Some(12), "opening\nFatal: wrong password or no key found\n");
    assert!(causes[0].contains("password"));
    assert_eq!(
        causes.last().map(String::as_str),
        Some("log: Fatal: wrong password or no key found")
    );
}
