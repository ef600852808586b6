//! A snapshot, in the shape in which `restic snapshots --json` prints it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A snapshot of restic 0.18.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the backup started.
    pub time: Timestamp,
    /// The snapshot before it, by id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// What the snapshot holds: the content marker of [`crate::Volumes`].
    pub tree: String,
    /// The paths that were backed up: `/data` for VolSync.
    pub paths: Vec<String>,
    /// The host: `volsync` for VolSync.
    pub hostname: String,
    /// The user. Absent where its number has no name in the mover's image, as is usual.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// Patterns that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
    /// `restic 0.18.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_version: Option<String>,
    /// Counts of files and bytes.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub summary: Value,
    /// 64 hexadecimal digits.
    pub id: String,
    /// The first eight of them.
    pub short_id: String,
}

impl Snapshot {
    /// A snapshot as VolSync's mover makes it of a content, at a time.
    #[must_use]
    pub fn of(repository: &str, tree: &str, time: Timestamp) -> Self {
        let id = hex::encode(Sha256::digest(format!("{repository} {tree} {time}")));
        let end = time + jiff::SignedDuration::from_millis(1_400);
        Self {
            time,
            parent: None,
            tree: tree.to_owned(),
            paths: vec!["/data".to_owned()],
            hostname: "volsync".to_owned(),
            username: String::new(),
            excludes: vec!["lost+found".to_owned()],
            program_version: Some("restic 0.18.1".to_owned()),
            summary: json!({
                "backup_start": time, "backup_end": end, "files_new": 0, "files_changed": 4, "files_unmodified": 1284,
                "dirs_new": 0, "dirs_changed": 2, "dirs_unmodified": 141, "data_blobs": 5, "tree_blobs": 3,
                "data_added": 1_693_696, "data_added_packed": 512_020, "total_files_processed": 1288,
                "total_bytes_processed": 62_098_344,
            }),
            short_id: id[..8].to_owned(),
            id,
        }
    }

    /// The time as restic prints it in its messages, `2026-11-22 06:00:04.1 +0000 UTC`.
    pub(crate) fn printed_time(&self) -> String {
        let nanos = self.time.subsec_nanosecond();
        let seconds = self.time.strftime("%Y-%m-%d %H:%M:%S");
        let fraction = format!("{:09}", nanos.abs());
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        format!("{seconds}{dot}{fraction} +0000 UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_is_restic_s_own_shape() {
        let snapshot = Snapshot::of(
            "/repository/plex",
            "tree",
            "2026-11-22T06:00:04.1Z".parse().unwrap(),
        );
        let value = serde_json::to_value(&snapshot).unwrap();
        assert_eq!(value["time"], "2026-11-22T06:00:04.1Z");
        assert_eq!(value["short_id"].as_str().unwrap().len(), 8);
        assert!(value.get("parent").is_none());
        assert_eq!(serde_json::from_value::<Snapshot>(value).unwrap(), snapshot);
        assert_eq!(snapshot.printed_time(), "2026-11-22 06:00:04.1 +0000 UTC");
    }
}
