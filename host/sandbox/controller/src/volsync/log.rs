//! What of a mover's log VolSync keeps in `latestMoverStatus.logs`.

/// The lines of a successful mover that are kept, as they are.
pub(super) fn of_success(log: &str) -> String {
    let kept: Vec<&str> = log.lines().filter(|line| matters(line)).collect();
    tail(&kept.join("\n"))
}

/// The rules of VolSync 0.16.0 (internal/controller/mover/restic/logfilter.go).
fn matters(line: &str) -> bool {
    const BEGINS: [&str; 10] = [
        "No eligible",
        "created",
        "restoring",
        "no parent snapshot",
        "using parent snapshot",
        "added to the repository",
        "successfully",
        "fatal",
        "ERROR",
        "restic completed in",
    ];
    const HOLDS: [&str; 5] = [
        "No data",
        "Directory is empty",
        "RESTORE_OPTIONS",
        "Initialize Dir",
        "initialize dir",
    ];
    const BEGINS_AND_HOLDS: [(&str, &str); 3] = [
        ("processed ", " files"),
        ("snapshot ", " saved"),
        ("repository ", " opened"),
    ];
    let text = line.trim_start();
    // The first letter of most may be small or big.
    let begins = |word: &str| {
        let small = text.get(..1).map(str::to_ascii_lowercase);
        text.starts_with(word)
            || small
                .is_some_and(|small| word.starts_with(&small) && text[1..].starts_with(&word[1..]))
    };
    BEGINS.iter().any(|word| begins(word))
        || HOLDS.iter().any(|word| line.contains(word))
        || BEGINS_AND_HOLDS
            .iter()
            .any(|(word, other)| begins(word) && text.contains(other))
}

/// The end of a failed mover's log.
pub(super) fn of_failure(log: &str) -> String {
    tail(&log.lines().collect::<Vec<_>>().join("\n"))
}

/// The last 1024 bytes, from the middle of a line if it comes so.
fn tail(log: &str) -> String {
    const LIMIT: usize = 1024;
    let mut start = log.len().saturating_sub(LIMIT);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    log[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_keeps_the_line_that_names_the_snapshot() {
        let log = "Starting container\nVolSync restic container version: v0.16.0\nrestore\n\
            restic 0.18.1 compiled with go1.25.1 on linux/amd64\n=== Starting restore ===\nRESTORE_OPTIONS: --delete\n/data /\n\
            Selected restic snapshot with id: 25818a62\n\
            restoring snapshot 25818a62 of [/data] at 2026-11-30 09:29:20.983008536 +0000 UTC by @volsync to .\n\
            Summary: Restored 2 files/dirs (2.861 MiB) in 0:00, skipped 1 files/dirs 4 B, deleted 2 files/dirs\n/\n\
            Restic completed in 3s\n=== Done ===\n";
        let kept = of_success(log);
        let kept: Vec<_> = kept.lines().collect();
        assert!(kept[1].starts_with("restoring snapshot 25818a62 of "));
        assert_eq!(
            [kept[0], kept[2]],
            ["RESTORE_OPTIONS: --delete", "Restic completed in 3s"]
        );
    }

    #[test]
    fn a_backup_keeps_what_was_saved_and_not_what_was_forgotten() {
        let log = "using parent snapshot d3ef1254\n\nFiles:           0 new,     0 changed,     2 unmodified\n\
            Added to the repository: 0 B   (0 B   stored)\n\nprocessed 2 files, 2.861 MiB in 0:00\nsnapshot bddd8eb2 saved\n\
            Applying Policy: keep 2 latest snapshots\nkeep 1 snapshots:\n1 snapshots\n";
        let kept = of_success(log);
        assert_eq!(kept.lines().count(), 4, "{kept}");
        assert!(kept.ends_with("snapshot bddd8eb2 saved"));
    }

    #[test]
    fn an_empty_restore_keeps_its_excuse() {
        let log = "restore\nNo eligible snapshots found\n=== No data will be restored ===\nRestic completed in 4s\n=== Done ===";
        assert!(of_success(log).starts_with("No eligible snapshots found\n=== No data"));
    }

    #[test]
    fn a_long_log_is_cut_to_its_last_bytes() {
        let log: String = (0..200).map(|number| format!("line {number}\n")).collect();
        let kept = of_failure(&log);
        assert_eq!(kept.len(), 1024);
        assert!(kept.ends_with("\nline 199") && !kept.starts_with("line "));
    }
}
