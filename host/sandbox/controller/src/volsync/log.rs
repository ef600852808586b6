//! What of a mover's log VolSync keeps in `latestMoverStatus.logs`.

/// The lines of a successful mover that are kept.
pub(super) fn of_success(log: &str) -> String {
    let kept: Vec<&str> = log
        .lines()
        .map(str::trim)
        .filter(|line| matters(line))
        .collect();
    tail(&kept.join("\n"))
}

fn matters(line: &str) -> bool {
    let starts = [
        "== Initialize Dir",
        "=== Initialize Dir",
        "created restic repository",
        "created new cache",
        "no parent snapshot found",
        "using parent snapshot",
        "Added to the repository",
        "processed ",
        "successfully removed",
        "== Directory is empty",
        "No eligible snapshots found",
        "=== No data will be restored",
        "restoring ",
        "Restic completed in",
        "Fatal:",
        "ERROR:",
    ];
    starts.iter().any(|start| line.starts_with(start))
        || (line.starts_with("repository ") && line.contains(" opened"))
        || (line.starts_with("snapshot ") && line.ends_with(" saved"))
}

/// The end of a failed mover's log.
pub(super) fn of_failure(log: &str) -> String {
    tail(log.trim_end())
}

/// The last 1024 bytes, from the start of a line.
fn tail(log: &str) -> String {
    const LIMIT: usize = 1024;
    let Some(mut start) = log.len().checked_sub(LIMIT) else {
        return log.to_owned();
    };
    while !log.is_char_boundary(start) {
        start += 1;
    }
    let rest = &log[start..];
    rest.find('\n')
        .map_or(rest, |end| &rest[end + 1..])
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_keeps_the_line_that_names_the_snapshot() {
        let log = "Starting container\nrestore\n=== Starting restore ===\nSelected restic snapshot with id: 0ff74383\n\
            repository f5bccd54 opened (version 2, compression level auto)\nrestoring <Snapshot 0ff74383 of [/data] at \
            2022-12-15 11:10:01 -0500 EST by root@volsync> to .\nRestic completed in 9s\n=== Done ===";
        let kept = of_success(log);
        assert_eq!(kept.lines().count(), 3);
        assert!(kept.contains("restoring <Snapshot 0ff74383") && !kept.contains("Selected"));
    }

    #[test]
    fn an_empty_restore_keeps_its_excuse() {
        let log = "restore\nNo eligible snapshots found\n=== No data will be restored ===\nRestic completed in 4s\n=== Done ===";
        assert!(of_success(log).starts_with("No eligible snapshots found\n=== No data"));
    }

    #[test]
    fn a_long_log_loses_its_beginning_by_whole_lines() {
        let log = (0..200)
            .map(|number| format!("line {number}"))
            .collect::<Vec<_>>()
            .join("\n");
        let kept = of_failure(&log);
        assert!(kept.len() <= 1024 && kept.starts_with("line ") && kept.ends_with("line 199"));
    }
}
