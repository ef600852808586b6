//! `volsync.list`: what is in the repository of an app.
//!
//! The only way to a repository that just the cluster can reach is a pod of the cluster. So a Job runs restic (see [`job`]), and its log is
//! the answer. `volsync.restore` calls this operation too,
//! and reads the rows back with [`snapshots_of`].

use agent_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::job::{Printed, Work};
use crate::restic::{self, Snapshot, Summary, cause, selection};
use crate::source::Source;
use crate::{app, job, text};

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

/// `--no-lock`: reading the list needs no lock, so a running or crashed mover does not stand in the way, and none is left behind. `--no-cache`:
/// the list is read once, and the file system is read-only.
const ARGS: [&str; 4] = ["snapshots", "--json", "--no-lock", "--no-cache"];

/// Runs the Job and reads its log. Empty while planning.
fn read(source: &Source, timeout: SignedDuration) -> Result<Vec<Snapshot>> {
    let step = Step::new(format!(
        "List the snapshots of `{}/{}`",
        source.namespace, source.name
    ));
    let work = Work {
        purpose: "list",
        script: r#"exec restic "$@""#,
        args: &ARGS.map(str::to_owned),
        data: None,
        timeout,
        patience: None,
        whole: |log| restic::snapshots(log).is_some(),
    };
    let printed = job::run(&step, source, &work).map_err(|error| not_listed(source, error))?;
    let Some(Printed { end, log }) = printed else {
        step.skip("no Job runs while planning");
        return Ok(Vec::new());
    };
    if end.exit != 0 {
        let what = match end.reason.as_str() {
            "OOMKilled" => "restic ran out of memory: see `moverResources`",
            _ => "restic failed",
        };
        return Err(unreadable(source, what, Some(end.exit), &log));
    }
    let snapshots = restic::snapshots(&log)
        .ok_or_else(|| unreadable(source, "its log has no list of snapshots in it", None, &log))?;
    step.done(format!("{} snapshots", snapshots.len()));
    Ok(snapshots)
}

const LIST_FAILED: &str = "volsync.list-failed";

fn message(source: &Source, what: &str) -> String {
    let (namespace, name) = (&source.namespace, &source.name);
    format!("the repository of `{namespace}/{name}` cannot be listed: {what}")
}

/// Makes the error of a list for which restic was not even run.
fn not_listed(source: &Source, error: Error) -> Error {
    if error.code() != job::FAILED {
        return error;
    }
    let listed = Error::new(error.kind(), LIST_FAILED, message(source, error.message()));
    error.causes().iter().cloned().fold(listed, Error::cause)
}

/// Makes the error of a list that cannot be read.
fn unreadable(source: &Source, what: &str, exit: Option<i64>, log: &str) -> Error {
    let causes = job::causes(exit, log).into_iter();
    let error = Error::failed(LIST_FAILED, message(source, what));
    let error = causes.fold(error, Error::cause);
    match cause::remedy(log, source) {
        Some(remedy) => error.hint(remedy),
        None => error,
    }
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
