//! Snapshots in the tables of restic 0.18.1, as `restic snapshots` and `restic forget` print them, and sizes in its words.

use super::Snapshot;

/// Columns with their least widths. Restic pads two titles.
const HEAD: [(&str, usize); 7] = [
    ("ID", 8),
    ("Time", 19),
    ("Host", 10),
    ("Tags", 10),
    ("Reasons", 7),
    ("Paths", 5),
    ("Size", 4),
];
const REASONS: usize = 4;

/// A table of snapshots. Where one has reasons there is a column for them, with a line for each.
pub(crate) fn list(rows: &[(&Snapshot, &[String])]) -> String {
    let with_reasons = rows.iter().any(|(_, reasons)| !reasons.is_empty());
    let lines: Vec<_> = rows.iter().flat_map(|row| cells(row.0, row.1)).collect();
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            let cells = lines.iter().map(|line| line[column].len());
            cells.max().unwrap_or(0).max(HEAD[column].1)
        })
        .collect();
    let shown = |column: &usize| with_reasons || *column != REASONS;
    let line = |cells: &[String; 7]| {
        let padded = (0..HEAD.len()).filter(shown);
        let padded = padded.map(|column| format!("{:<1$}", cells[column], widths[column]));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let columns = (0..HEAD.len()).filter(shown).count();
    let wide: usize = (0..HEAD.len()).filter(shown).map(|one| widths[one]).sum();
    let rule = "-".repeat(wide + 2 * (columns - 1));
    let mut text = format!("{}\n{rule}\n", line(&HEAD.map(|one| one.0.to_owned())));
    for cells in &lines {
        text.push_str(&line(cells));
        text.push('\n');
    }
    text + &format!("{rule}\n{} snapshots\n", rows.len())
}

fn cells(snapshot: &Snapshot, reasons: &[String]) -> Vec<[String; 7]> {
    let reason = |index: usize| reasons.get(index).cloned().unwrap_or_default();
    let bytes = snapshot.summary["total_bytes_processed"].as_u64();
    let first = [
        snapshot.short_id.clone(),
        snapshot.time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        snapshot.hostname.clone(),
        String::new(),
        reason(0),
        snapshot.paths.join(","),
        bytes.map(size).unwrap_or_default(),
    ];
    let more = (1..reasons.len()).map(|index| {
        let mut line: [String; 7] = Default::default();
        line[REASONS] = reason(index);
        line
    });
    std::iter::once(first).chain(more).collect()
}

/// A size as restic prints it, `59.222 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.iter().find(|(power, _)| bytes >> power > 0);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(power, name)| {
            let thousandths = (u128::from(bytes) * 1000) >> power;
            format!("{}.{:03} {name}", thousandths / 1000, thousandths % 1000)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Printed by restic 0.18.1 in a mover's pod.
    const REAL: &str = "\
ID        Time                 Host        Tags        Reasons                 Paths  Size
-----------------------------------------------------------------------------------------------
d3ef1254  2026-11-30 09:29:15  volsync                 oldest hourly snapshot  /data  2.861 MiB
                                                       oldest daily snapshot
bddd8eb2  2026-11-30 09:29:17  volsync                 hourly snapshot         /data  2.861 MiB
-----------------------------------------------------------------------------------------------
2 snapshots
";

    fn snapshot(id: &str, time: &str) -> Snapshot {
        let mut snapshot = Snapshot::of("/r", id, time.parse().unwrap());
        snapshot.short_id = id.to_owned();
        snapshot.summary = json!({"total_bytes_processed": 3_000_004});
        snapshot
    }

    #[test]
    fn table_is_the_one_that_restic_prints() {
        let old = snapshot("d3ef1254", "2026-11-30T09:29:15Z");
        let new = snapshot("bddd8eb2", "2026-11-30T09:29:17Z");
        let reasons = |texts: &[&str]| texts.iter().map(|one| (*one).to_owned()).collect();
        let of_old: Vec<String> = reasons(&["oldest hourly snapshot", "oldest daily snapshot"]);
        let of_new: Vec<String> = reasons(&["hourly snapshot"]);
        assert_eq!(list(&[(&old, &of_old), (&new, &of_new)]), REAL);
        let bare = list(&[(&old, &[])]);
        assert!(
            bare.starts_with(
                "ID        Time                 Host        Tags        Paths  Size\n-"
            )
        );
    }

    #[test]
    fn size_is_in_the_words_of_restic() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_216), "1.187 KiB");
        assert_eq!(size(3_000_004), "2.861 MiB");
    }
}
