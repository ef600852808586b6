//! What restic says: its list of snapshots and its complaints, found in the text of a pod's log.
//!
//! Everything here is pure. It stands between the list Job, whose log is the only way to a repository that just the cluster can reach, and
//! `restore`, which chooses. It never asks the cluster and never decides what to do about what it read.

pub(crate) mod cause;
pub(crate) mod compare;
pub(crate) mod forget;
pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod selection;

use agent_sdk::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The path that VolSync's mover backs up, whatever volume is mounted there.
pub(crate) const DATA: &str = "/data";
/// The host name under which VolSync's mover files every snapshot.
pub(crate) const HOST: &str = "volsync";
/// How many characters of an id restic prints, and VolSync's mover passes on.
const SHORT: usize = 8;

/// One snapshot, as `restic snapshots --json` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The whole id: 64 hexadecimal digits.
    pub(crate) id: String,
    /// When the backup began.
    pub(crate) time: Timestamp,
    /// The host that it is filed under.
    #[serde(default)]
    pub(crate) hostname: String,
    /// What was backed up.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
    /// Sizes; absent before restic 0.17.
    #[serde(default)]
    pub(crate) summary: Option<Summary>,
}

/// The part of a snapshot's summary that people look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    #[serde(default)]
    pub(crate) total_files_processed: u64,
    #[serde(default)]
    pub(crate) total_bytes_processed: u64,
}

impl Snapshot {
    /// Returns the part of the id that restic prints.
    pub(crate) fn short(&self) -> &str {
        self.id.get(..SHORT).unwrap_or(&self.id)
    }

    /// Says whether it is one that VolSync made of a volume.
    pub(crate) fn eligible(&self) -> bool {
        self.hostname == HOST && self.paths.iter().any(|path| path == DATA)
    }
}

/// Finds the list of snapshots in a log in which other lines stand before, after and around it. None when there is no list at all, which is
/// not the same as an empty one.
pub(crate) fn snapshots(log: &str) -> Option<Vec<Snapshot>> {
    let starts = log.match_indices('[').map(|(at, _)| &log[at..]);
    let lists = starts.filter_map(list_at);
    lists.max_by_key(Vec::len).or_else(|| empty_list(log))
}

fn list_at(text: &str) -> Option<Vec<Snapshot>> {
    let list = serde_json::Deserializer::from_str(text)
        .into_iter()
        .next()?
        .ok()?;
    Some(list).filter(|list: &Vec<Snapshot>| !list.is_empty())
}

/// Some versions print `null` where there is nothing. Neither word counts in the middle of a sentence.
fn empty_list(log: &str) -> Option<Vec<Snapshot>> {
    log.lines()
        .any(|line| matches!(line.trim(), "[]" | "null"))
        .then(Vec::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = concat!(
        "Starting container\n",
        "[0:00] 100.00%  1 / 1 index files loaded\n",
        "Fatal-looking text with [brackets] and a list []\n",
        r#"[{"time":"2026-11-22T06:00:04.123456789Z","tree":"ff","paths":["/data"],"hostname":"volsync","username":"","program_version":"restic 0.18.1","summary":{"total_files_processed":12,"total_bytes_processed":3400},"id":"ab12cd34ef00000000000000000000000000000000000000000000000000000a","short_id":"ab12cd34"}]"#,
        "\nrepository 9f8e opened (version 2, compression level auto)\n",
    );

    #[test]
    fn list_is_found_among_other_lines() {
        let list = snapshots(LOG).expect("a list");
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].short(), "ab12cd34");
        assert_eq!(
            list[0]
                .summary
                .as_ref()
                .map(|summary| summary.total_files_processed),
            Some(12)
        );
    }

    #[test]
    fn list_is_found_behind_text_on_the_same_line() {
        let glued = LOG.replace("list []\n", "list ");
        assert_eq!(snapshots(&glued).map(|list| list.len()), Some(1));
    }

    #[test]
    fn no_list_is_not_an_empty_list() {
        assert_eq!(snapshots("Fatal: wrong password or no key found"), None);
        assert_eq!(snapshots("paths [] are empty\n"), None);
        assert_eq!(snapshots("opened\n[]\n"), Some(Vec::new()));
        assert_eq!(snapshots("null\n"), Some(Vec::new()));
        assert_eq!(snapshots(&LOG[..LOG.len() - 200]), None);
    }

    #[test]
    fn snapshots_of_others_in_the_same_repository_are_not_eligible() {
        let mut snapshot = snapshots(LOG).expect("a list").remove(0);
        assert!(snapshot.eligible());
        snapshot.hostname = "laptop".to_owned();
        assert!(!snapshot.eligible());
        snapshot.hostname = HOST.to_owned();
        snapshot.paths = vec!["/data/photos".to_owned()];
        assert!(!snapshot.eligible());
    }
}
