//! What the lines of a mover's log mean: what was restored or saved, and what is worth showing while it runs. What went wrong: see [`super::cause`].

use serde_json::Value;

/// What a restore mover says that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Restored {
    /// It restored the snapshot whose id begins so.
    Snapshot(String),
    /// It found nothing to restore, and calls that a success.
    Nothing,
    /// It does not say.
    Silent,
}

/// What restic says before it restores: before 0.17, since then, and what VolSync's mover says before that. VolSync keeps the first two in
/// `latestMoverStatus.logs` and drops the last one; the pod has all.
const RESTORING: [&str; 3] = [
    "restoring <Snapshot ",
    "restoring snapshot ",
    "Selected restic snapshot with id: ",
];

/// Finds out what was restored.
pub(crate) fn restored(log: &str) -> Restored {
    let nothing = ["No eligible snapshots found", "No data will be restored"];
    if nothing.iter().any(|text| log.contains(text)) {
        return Restored::Nothing;
    }
    let named = |line: &str| {
        let id = RESTORING
            .iter()
            .find_map(|before| line.trim().strip_prefix(before));
        id.map(hexadecimal).filter(|id| !id.is_empty())
    };
    let id = log.lines().find_map(named);
    id.map_or(Restored::Silent, Restored::Snapshot)
}

fn hexadecimal(text: &str) -> String {
    text.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// Says whether a backup mover found no file, and therefore made no snapshot although it succeeded.
pub(crate) fn skipped_empty(log: &str) -> bool {
    log.contains("Directory is empty skipping backup")
}

/// Returns the id of the snapshot that a backup mover made.
pub(crate) fn saved(log: &str) -> Option<String> {
    let line = log.lines().rev().find(|line| {
        line.trim_start().starts_with("snapshot ") && line.trim_end().ends_with(" saved")
    })?;
    Some(hexadecimal(line.trim_start().strip_prefix("snapshot ")?)).filter(|id| !id.is_empty())
}

/// Returns the last lines that say something, oldest first.
pub(crate) fn tail(log: &str, lines: usize) -> Vec<String> {
    let said: Vec<_> = log.lines().map(said).collect();
    let all = said.iter().flat_map(|text| text.lines()).map(str::trim);
    let mut tail: Vec<_> = all.filter(|line| !line.is_empty()).collect();
    tail.drain(..tail.len().saturating_sub(lines));
    tail.into_iter().map(str::to_owned).collect()
}

/// Returns what a line says. Asked for JSON, restic 0.18 ends with an object that has the message.
fn said(line: &str) -> String {
    let object = serde_json::from_str::<Value>(line).unwrap_or_default();
    let message = object["message"].as_str();
    let message = message.filter(|_| object["message_type"] == "exit_error");
    message.unwrap_or(line).to_owned()
}

/// Returns the last line that tells a person how far a mover is, without the noise that it begins with.
pub(crate) fn progress(log: &str) -> Option<String> {
    let last = log.lines().rev().map(str::trim).find(|line| {
        !line.is_empty()
            && !NOISE.iter().any(|noise| line.starts_with(noise))
            && !is_directory(line)
    })?;
    Some(last.trim_matches('=').trim().to_owned())
}

const NOISE: [&str; 4] = [
    "Starting container",
    "VolSync restic container version",
    "Testing mandatory env variables",
    "=== Done",
];

/// The shell's `pushd` prints its stack of directories.
fn is_directory(line: &str) -> bool {
    line.split(' ').all(|word| word.starts_with(['/', '~']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESTORE: &str = "Starting container\nVolSync restic container version: v0.16.0\nrestore\nrestic 0.18.1 compiled with go1.25 on linux/amd64\n\
        Testing mandatory env variables\n=== Check for dir initialized ===\ndir is initialized\n=== Starting restore ===\n/data /\n\
        Selected restic snapshot with id: ab12cd34\nrepository 9f8e opened (version 2)\n\
        restoring <Snapshot ab12cd34 of [/data] at 2026-11-22 06:00:04.1 +0000 UTC by @volsync> to .\n/\nRestic completed in 2s\n=== Done ===\n";

    #[test]
    fn no_eligible_snapshots_is_a_failure_although_the_mover_succeeds() {
        let log = "No eligible snapshots found\n=== No data will be restored ===\nRestic completed in 1s\n=== Done ===\n";
        assert_eq!(restored(log), Restored::Nothing);
    }

    #[test]
    fn restored_snapshot_is_named_in_the_filtered_log_too() {
        assert_eq!(restored(RESTORE), Restored::Snapshot("ab12cd34".to_owned()));
        let filtered: String = RESTORE
            .lines()
            .filter(|line| line.starts_with("restoring") || line.starts_with("Restic"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(
            restored(&filtered),
            Restored::Snapshot("ab12cd34".to_owned())
        );
    }

    #[test]
    fn success_without_a_named_snapshot_is_not_a_restore() {
        assert_eq!(
            restored("Restic completed in 2s\n=== Done ===\n"),
            Restored::Silent
        );
        assert_eq!(
            restored("Selected restic snapshot with id: \n"),
            Restored::Silent
        );
    }

    #[test]
    fn empty_directory_is_a_success_without_a_snapshot() {
        let log =
            "== Checking directory for content ===\n== Directory is empty skipping backup ===\n";
        assert!(skipped_empty(log));
        assert_eq!(saved(log), None);
        assert_eq!(
            saved("processed 12 files\nsnapshot 98fe76dc saved\nApplying Policy\n"),
            Some("98fe76dc".to_owned())
        );
    }

    #[test]
    fn progress_is_the_last_line_that_says_something() {
        assert_eq!(progress(RESTORE).as_deref(), Some("Restic completed in 2s"));
        assert_eq!(progress("Starting container\n/data /\n"), None);
        assert_eq!(
            progress("=== Starting restore ===\n~/x /\n").as_deref(),
            Some("Starting restore")
        );
    }

    #[test]
    fn tail_keeps_order_and_drops_blank_lines() {
        assert_eq!(tail("a\n\nb\nc\n\n", 2), ["b", "c"]);
    }

    /// Printed by restic 0.18.1 for `snapshots --json`.
    #[test]
    fn message_is_taken_out_of_its_object() {
        let log = r#"{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist\nIs there a repository at the following location?\n/r"}"#;
        assert_eq!(
            tail(log, 2),
            ["Is there a repository at the following location?", "/r"]
        );
    }
}
