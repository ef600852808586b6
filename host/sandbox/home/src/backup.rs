//! VolSync: the repositories' secrets, a ReplicationSource and a dormant ReplicationDestination per app, and the history of
//! snapshots that the repositories hold.

use crate::app::{App, Backup};
use crate::clock::{Clock, text};
use crate::meta::{hex_id, kustomized, managed, object};
use crate::table::apps;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A restic repository and its history.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// Its address, as `RESTIC_REPOSITORY` in the Secret.
    pub url: String,
    /// Its password, as `RESTIC_PASSWORD` in the Secret.
    pub password: String,
    /// Its snapshots as `restic snapshots --json` prints them, oldest first.
    pub snapshots: Vec<Value>,
}

/// The repositories of all apps that are backed up.
#[must_use]
pub fn repositories() -> Vec<Repository> {
    repositories_at(Timestamp::now())
}

/// [`repositories`] as they are at a given time.
#[must_use]
pub fn repositories_at(now: Timestamp) -> Vec<Repository> {
    apps()
        .iter()
        .filter_map(|app| repository(&Clock::new(now), app))
        .collect()
}

fn repository(clock: &Clock, app: &App) -> Option<Repository> {
    let backup = app.backup?;
    let mut parent = String::new();
    let mut snapshots = Vec::new();
    for time in backup_times(clock, &backup).into_iter().rev() {
        let snapshot = snapshot(app, time, &parent);
        parent = snapshot["id"].as_str().unwrap_or_default().to_owned();
        snapshots.push(snapshot);
    }
    Some(Repository {
        url: address(app, &backup),
        password: password(app),
        snapshots,
    })
}

/// The eight newest backups by schedule and one a day before them, as the retention policy leaves them, newest first.
fn backup_times(clock: &Clock, backup: &Backup) -> Vec<Timestamp> {
    let hours = if backup.schedule.contains("*/4") {
        4
    } else {
        6
    };
    let period = hours * 3600;
    let newest = (clock.now() - SignedDuration::from_mins(2)).as_second() / period * period;
    let recent = (0..8).map(|index| newest - index * period);
    let oldest_recent = newest - 7 * period;
    let daily = (1..=5).map(|day| (oldest_recent / 86_400 - day) * 86_400 + 18 * 3600);
    recent
        .chain(daily)
        .filter_map(|second| Timestamp::from_second(second).ok())
        .collect()
}

fn snapshot(app: &App, slot: Timestamp, parent: &str) -> Value {
    let seed = format!("{}/{}/{slot}", app.namespace, app.name);
    let id = hex_id(&seed);
    let byte = |at: usize| i64::from(u8::from_str_radix(&id[at..at + 2], 16).unwrap_or(1));
    let start = slot
        + SignedDuration::new(
            8 + byte(0) % 40,
            i32::try_from(byte(2) * 3_906_251 + 17).unwrap_or(17),
        );
    let end = start + SignedDuration::new(1 + byte(4) % 9, 512_044_113);
    let files = 400 + byte(6) * 31;
    let size = files * 48_213;
    let mut snapshot = json!({
        "time": start.to_string(), "tree": hex_id(&format!("{seed} tree")), "paths": ["/data"], "hostname": "volsync",
        "excludes": ["lost+found"], "program_version": "restic 0.18.1",
        "summary": {
            "backup_start": start.to_string(), "backup_end": end.to_string(), "files_new": byte(8) % 7,
            "files_changed": byte(10) % 40, "files_unmodified": files, "dirs_new": 0, "dirs_changed": byte(12) % 9,
            "dirs_unmodified": files / 9, "data_blobs": byte(14) % 50, "tree_blobs": byte(16) % 9 + 1,
            "data_added": byte(18) * 40_961, "data_added_packed": byte(18) * 12_289,
            "total_files_processed": files, "total_bytes_processed": size,
        },
        "id": id, "short_id": id[..8],
    });
    if !parent.is_empty() {
        snapshot["parent"] = json!(parent);
    }
    snapshot
}

fn address(app: &App, backup: &Backup) -> String {
    if backup.suffix.is_empty() {
        format!("/repository/{}", app.name)
    } else {
        format!(
            "s3:https://s3.eu-central-003.backblazeb2.example/home-volsync/{}",
            app.name
        )
    }
}

fn password(app: &App) -> String {
    hex_id(&format!("{} password", app.name))[..32].to_owned()
}

pub(crate) fn objects(clock: &Clock, app: &App) -> Vec<Value> {
    let (Some(backup), Some(secret), Some(source)) =
        (app.backup, app.repository_secret(), app.source())
    else {
        return Vec::new();
    };
    vec![
        repository_secret(clock, app, &backup, &secret),
        replication_source(clock, app, &backup, &source, &secret),
        replication_destination(clock, app, &backup, &secret),
    ]
}

fn repository_secret(clock: &Clock, app: &App, backup: &Backup, name: &str) -> Value {
    let mut secret = object(clock, "v1", "Secret", app.namespace, name);
    secret["metadata"]["labels"] = json!({"reconcile.external-secrets.io/managed": "true"});
    secret["type"] = json!("Opaque");
    let mut data = json!({
        "RESTIC_REPOSITORY": base64(&address(app, backup)), "RESTIC_PASSWORD": base64(&password(app)),
    });
    if !backup.suffix.is_empty() {
        data["AWS_ACCESS_KEY_ID"] = json!(base64(&hex_id("access key")[..25]));
        data["AWS_SECRET_ACCESS_KEY"] = json!(base64(&hex_id("secret access key")[..31]));
    }
    secret["data"] = data;
    secret
}

fn mover(backup: &Backup, secret: &str) -> Value {
    json!({
        "repository": secret, "storageClassName": "ceph-ssd", "accessModes": ["ReadWriteOnce"],
        "volumeSnapshotClassName": "ceph-rbd-snapshot", "cacheCapacity": backup.cache,
        "cacheStorageClassName": "openebs-hostpath", "cacheAccessModes": ["ReadWriteOnce"],
        "moverSecurityContext": {"runAsUser": backup.user, "runAsGroup": backup.group, "fsGroup": backup.group},
    })
}

fn replication_source(
    clock: &Clock,
    app: &App,
    backup: &Backup,
    name: &str,
    secret: &str,
) -> Value {
    let mut source = object(
        clock,
        "volsync.backube/v1alpha1",
        "ReplicationSource",
        app.namespace,
        name,
    );
    let mut restic = mover(backup, secret);
    restic["copyMethod"] = json!("Snapshot");
    restic["pruneIntervalDays"] = json!(14);
    restic["retain"] = json!({"hourly": 8, "daily": 7, "weekly": 4, "monthly": 1});
    source["metadata"]["generation"] = json!(1);
    source["spec"] =
        json!({"sourcePVC": app.name, "trigger": {"schedule": backup.schedule}, "restic": restic});
    source["status"] = source_status(clock, app, backup);
    kustomized(&mut source, app.namespace, app.name);
    managed(&mut source, "kustomize-controller", "manager");
    source
}

fn source_status(clock: &Clock, app: &App, backup: &Backup) -> Value {
    let times = backup_times(clock, backup);
    let newest = times.first().copied().unwrap_or(clock.now());
    let hours = if backup.schedule.contains("*/4") {
        4
    } else {
        6
    };
    let end = newest + SignedDuration::from_secs(52);
    let id_of = |time: Option<&Timestamp>| {
        let time = time.copied().unwrap_or(newest);
        hex_id(&format!("{}/{}/{time}", app.namespace, app.name))[..8].to_owned()
    };
    json!({
        "lastSyncTime": text(end), "lastSyncDuration": "52.204871337s", "restic": {"lastPruned": clock.days_ago(3)},
        "nextSyncTime": text(newest + SignedDuration::from_hours(hours)),
        "latestMoverStatus": {"result": "Successful", "logs": format!(
            "using parent snapshot {}\nAdded to the repository: 2.114 MiB (512.020 KiB stored)\nprocessed 1288 files, 59.222 MiB in 0:01\n\
             snapshot {} saved\nRestic completed in 7s",
            id_of(times.get(1)), id_of(times.first()),
        )},
        "conditions": [{
            "type": "Synchronizing", "status": "False", "reason": "WaitingForSchedule",
            "message": "Waiting for next scheduled synchronization", "lastTransitionTime": text(end),
        }],
    })
}

fn replication_destination(clock: &Clock, app: &App, backup: &Backup, secret: &str) -> Value {
    let name = format!("{}-dst", app.name);
    let mut item = object(
        clock,
        "volsync.backube/v1alpha1",
        "ReplicationDestination",
        app.namespace,
        &name,
    );
    let mut restic = mover(backup, secret);
    for (field, value) in [
        ("copyMethod", json!("Snapshot")),
        ("capacity", json!(backup.capacity)),
        ("enableFileDeletion", json!(true)),
        ("cleanupCachePVC", json!(true)),
        ("cleanupTempPVC", json!(true)),
    ] {
        restic[field] = value;
    }
    let created = clock.days_ago(60);
    item["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"});
    item["metadata"]["generation"] = json!(1);
    item["spec"] = json!({"trigger": {"manual": "restore-once"}, "restic": restic});
    item["status"] = json!({
        "lastManualSync": "restore-once", "lastSyncTime": created, "lastSyncDuration": "41.117806202s",
        "latestImage": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot",
                        "name": format!("volsync-{name}-dest-{}", &hex_id(&name)[..14])},
        "conditions": [{
            "type": "Synchronizing", "status": "False", "reason": "WaitingForManual",
            "message": "Waiting for manual trigger", "lastTransitionTime": created,
        }],
    });
    kustomized(&mut item, app.namespace, app.name);
    managed(&mut item, "kustomize-controller", "manager");
    item
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
