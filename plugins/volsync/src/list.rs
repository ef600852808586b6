//! `volsync.list`: what is in the repository of an app.
//!
//! The only way to a repository that just the cluster can reach is a pod of the cluster. So a Job runs restic (see [`job`]), and its log is
//! the answer. The Job is held: it is gone when the list is read, or when anything else happens. `volsync.restore` calls this operation too,
//! and reads the rows back with [`snapshots_of`].

pub(crate) mod image;
mod job;
mod wait;

use agent_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::restic::{self, Snapshot, Summary, selection};
use crate::source::Source;
use crate::{app, operator, text};
use image::Image;

/// Arguments of `volsync.list`.
#[derive(Args)]
pub(crate) struct List {
    /// Namespace of the app
    #[arg(positional, names(namespace))]
    namespace: String,
    /// The app, or its ReplicationSource
    #[arg(
        positional,
        names(object = "replicationsources.v1alpha1.volsync.backube")
    )]
    app: String,
    /// How long the Job may take
    #[arg(default = "5m")]
    timeout: SignedDuration,
}

/// A snapshot as people see it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Row {
    /// What `--previous` selects it with; none when VolSync cannot restore it.
    previous: Option<usize>,
    snapshot: String,
    time: Timestamp,
    age: String,
    size: Option<String>,
    files: Option<u64>,
    paths: String,
    hostname: String,
    id: String,
    bytes: Option<u64>,
}

/// List the snapshots of an app.
///
/// Runs restic in a Job beside VolSync's own movers, with the same secret, volumes and user, and removes the Job afterwards. It needs no
/// lock, so it works while a backup runs. The number in the first column is what `--previous` of `volsync.restore` takes; snapshots without
/// a number were made by others, and VolSync does not restore them.
#[operation(
    risk = "change",
    columns(previous, snapshot, time, age, size, files, paths),
    examples("volsync.list media plex")
)]
pub(crate) fn list(args: List) -> Result<Vec<Row>> {
    let source = app::source(&args.namespace, &args.app)?;
    app::require_restic(&source)?;
    let snapshots = read(&source, args.timeout)?;
    Ok(rows(&snapshots, run::now()))
}

/// Runs the Job and reads its log. Empty while planning.
fn read(source: &Source, timeout: SignedDuration) -> Result<Vec<Snapshot>> {
    let step = Step::new(format!(
        "List the snapshots of `{}/{}`",
        source.namespace, source.name
    ));
    let name = format!("volsync-agent-list-{}", text::hash(&run::token()));
    run::stand_in("name of the Job", &name);
    let image = image();
    let manifest = job::manifest(&job::Order {
        source,
        name: &name,
        image: &image,
        privileged: privileged(&source.namespace)?,
        seconds: text::seconds(timeout),
    });
    let held = cluster::hold(&[Change::create(kinds::JOB, manifest)], &["/metadata/name"])?;
    if run::planning() {
        step.skip("no Job runs while planning");
        return Ok(Vec::new());
    }
    let log = wait::log(&step, source, &name, timeout)?;
    held.release()?;
    let snapshots = restic::snapshots(&log).ok_or_else(|| {
        wait::unreadable(source, "its log has no list of snapshots in it", None, &log)
    })?;
    step.done(format!("{} snapshots", snapshots.len()));
    Ok(snapshots)
}

/// The image of the movers, as VolSync is told it; where that may not be read, a known one will do.
fn image() -> Image {
    let deployment = operator::find(None).unwrap_or_else(|error| {
        debug!("VolSync's Deployment cannot be read: {error}");
        None
    });
    Image::of(deployment.as_ref().map(|deployment| &deployment.0))
}

fn privileged(namespace: &str) -> Result<bool> {
    let target = ObjectRef::cluster_scoped(kinds::NAMESPACE, namespace);
    let object = cluster::find(&target, &["/metadata/annotations"])?;
    let annotation =
        |object: &Object| object.annotation("volsync.backube/privileged-movers") == Some("true");
    Ok(object.as_ref().is_some_and(annotation))
}

fn rows(snapshots: &[Snapshot], now: Timestamp) -> Vec<Row> {
    let eligible = selection::eligible(snapshots);
    let mut sorted: Vec<_> = snapshots.iter().collect();
    sorted.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
    let previous = |snapshot: &Snapshot| eligible.iter().position(|one| one.id == snapshot.id);
    sorted
        .into_iter()
        .map(|snapshot| row(snapshot, previous(snapshot), now))
        .collect()
}

fn row(snapshot: &Snapshot, previous: Option<usize>, now: Timestamp) -> Row {
    let summary = snapshot.summary.as_ref();
    let bytes = summary.map(|summary| summary.total_bytes_processed);
    Row {
        previous,
        snapshot: snapshot.short().to_owned(),
        time: snapshot.time,
        age: text::ago(now, snapshot.time),
        size: bytes.map(text::bytes),
        files: summary.map(|summary| summary.total_files_processed),
        paths: snapshot.paths.join(", "),
        hostname: snapshot.hostname.clone(),
        id: snapshot.id.clone(),
        bytes,
    }
}

/// Reads the rows of this operation back.
///
/// # Errors
///
/// `internal` when they are not such rows.
pub(crate) fn snapshots_of(rows: &Value) -> Result<Vec<Snapshot>> {
    let rows: Vec<Row> = Deserialize::deserialize(rows).map_err(|error| {
        Error::internal(
            "volsync.list-format",
            format!("the list of `volsync.list` cannot be read: {error}"),
        )
    })?;
    Ok(rows.into_iter().map(snapshot).collect())
}

fn snapshot(row: Row) -> Snapshot {
    Snapshot {
        id: row.id,
        time: row.time,
        hostname: row.hostname,
        paths: row.paths.split(", ").map(str::to_owned).collect(),
        summary: row.bytes.map(|bytes| Summary {
            total_files_processed: row.files.unwrap_or_default(),
            total_bytes_processed: bytes,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<Snapshot> {
        let snapshot = |id: &str, time: &str, hostname: &str| Snapshot {
            id: id.repeat(64),
            time: time.parse().expect("a time"),
            hostname: hostname.to_owned(),
            paths: vec!["/data".to_owned()],
            summary: Some(Summary {
                total_files_processed: 3,
                total_bytes_processed: 2048,
            }),
        };
        vec![
            snapshot("a", "2026-11-20T06:00:00.25Z", "volsync"),
            snapshot("b", "2026-11-21T06:00:00Z", "laptop"),
            snapshot("c", "2026-11-22T06:00:00Z", "volsync"),
        ]
    }

    #[test]
    fn rows_are_newest_first_and_numbered_as_previous_counts() {
        let now = "2026-11-22T08:00:00Z".parse().expect("a time");
        let rows = rows(&example(), now);
        let numbers: Vec<_> = rows.iter().map(|row| row.previous).collect();
        assert_eq!(numbers, [Some(0), None, Some(1)]);
        assert_eq!(rows[0].age, "2h ago");
        assert_eq!(rows[0].size.as_deref(), Some("2.0 KiB"));
    }

    #[test]
    fn restore_reads_back_what_list_wrote() {
        let now = "2026-11-22T08:00:00Z".parse().expect("a time");
        let value = serde_json::to_value(rows(&example(), now)).expect("json");
        let mut expected = example();
        expected.reverse();
        assert_eq!(snapshots_of(&value), Ok(expected));
    }
}
