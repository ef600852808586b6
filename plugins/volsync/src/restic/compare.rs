//! What a dry run of a restore says: where a volume is not as the snapshot. Pure.
//!
//! `restic restore --dry-run --json -vv`, since 0.17, reads every file that is there, and says of each what it would do (restic 0.18.1,
//! `internal/ui/restore/json.go`): `unchanged`; `updated` when its content differs; `restored` when it is missing, and always, with a size of 0, for
//! folders and second links; `deleted` when it is too many. What files say of themselves (owner, times, attributes) is not compared.

use serde_json::Value;

use super::{DATA, cause, log};

/// Compares a volume with a snapshot, the id of which is the first argument. Of the lines only those are printed that say something.
pub(crate) const SCRIPT: &str = r#"{ restic restore "$1" --target /data --delete --dry-run --json -vv --no-lock --no-cache 2>&1; echo "exit $?"; } | grep -v -e '"message_type":"status"' -e '"action":"unchanged"' -e '"action":"restored".*"size":0}' | tail -n 500"#;

/// Restores a snapshot, the id of which is the first argument, once the paths are removed that are the lines of the second one, which is [`encoded`].
///
/// restic 0.17 to 0.18.1 leaves zeros in a file with several links that it restores over what is there (`internal/restorer/fileswriter.go`: it makes
/// a new file, and skips what was right in the old one). Into nothing it restores it well.
pub(crate) const MEND: &str = r#"cd /data || exit; printf '%b\n' "$(printf '%s' "$2" | sed 's/.../\\0&/g')" | while IFS= read -r path; do rm -f -- ".$path" || exit; done || exit; id=$1; set --; if restic restore --help | grep -q -e --include-xattr; then set -- --include-xattr 'user.*'; fi; exec restic restore "$id" --target . --delete --no-cache "$@""#;

/// What VolSync's mover leaves alone.
const LOST_AND_FOUND: &str = "/lost+found";

/// How many paths are named.
const NAMED: usize = 200;

/// So long the encoded paths may be: a plan leaves no more digits open, and a system takes no argument that is much longer.
const LONGEST: usize = 64 << 10;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Every file has the content that it has in the snapshot, and there are no others.
    Same,
    /// These paths differ, from the root of the volume; with more than [`NAMED`] of them not all are given.
    Differs(Vec<String>),
    /// It could not be compared: why.
    Unknown(String),
}

/// Says whether a log has all that [`SCRIPT`] prints.
pub(crate) fn is_whole(log: &str) -> bool {
    log.lines()
        .next_back()
        .is_some_and(|last| last.starts_with("exit "))
}

/// Reads what [`SCRIPT`] has printed.
pub(crate) fn compared(log: &str) -> Compared {
    let exit = log
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("exit "));
    let exit: Option<i64> = exit.and_then(|exit| exit.trim().parse().ok());
    let lines: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let differs = |line: &&Value| {
        let missing = line["action"] == "restored" && line["size"] != 0;
        missing || line["action"] == "updated" || line["action"] == "deleted"
    };
    let paths: Vec<_> = lines.iter().filter(differs).filter_map(path).collect();
    // What differs does so, whatever else restic could not look at.
    if !paths.is_empty() {
        return Compared::Differs(paths);
    }
    let summary = lines.iter().find(|line| line["message_type"] == "summary");
    match (exit, summary) {
        (Some(0), Some(summary)) if summary["bytes_restored"].as_u64().unwrap_or_default() == 0 => {
            Compared::Same
        }
        (Some(0), Some(_)) => Compared::Differs(Vec::new()),
        _ => Compared::Unknown(why(exit, log)),
    }
}

/// Returns the path of a line, from the root of the volume. restic names what it would delete by where it stands.
fn path(line: &Value) -> Option<String> {
    let item = line["item"].as_str()?;
    let path = match line["action"] == "deleted" {
        true => item.strip_prefix(DATA).unwrap_or(item),
        false => item,
    };
    (!is_lost_and_found(path)).then(|| path.to_owned())
}

/// Writes paths, a line each, as three octal digits for each byte: nothing in them means anything to whatever hands them on, and a plan can leave them
/// open, for they can be nothing but digits.
pub(crate) fn encoded(paths: &[String]) -> String {
    let bytes = paths.join("\n").into_bytes();
    bytes.iter().map(|byte| format!("{byte:03o}")).collect()
}

/// Says whether [`MEND`] can mend it: all that differs is named, a line each.
pub(crate) fn can_be_mended(paths: &[String]) -> bool {
    let all = encoded(paths);
    (1..=NAMED).contains(&paths.len())
        && all.len() <= LONGEST
        && !paths.iter().any(|path| path.contains('\n'))
}

fn is_lost_and_found(path: &str) -> bool {
    let rest = path.strip_prefix(LOST_AND_FOUND);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn why(exit: Option<i64>, text: &str) -> String {
    if text.contains("unknown flag") {
        return "the restic of this VolSync is older than 0.17".to_owned();
    }
    let text = text.lines().filter(|line| !line.starts_with("exit "));
    let text = text.collect::<Vec<_>>().join("\n");
    match (cause::why(exit, &text), log::tail(&text, 1).pop()) {
        (Some(why), _) => why.to_owned(),
        (None, Some(line)) => line,
        (None, None) => "restic said nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What restic 0.18.1 prints of a volume with a spoilt file that has two links.
    const SPOILT: &str = r#"{"message_type":"verbose_status","action":"updated","item":"/b","size":6000000}
{"message_type":"summary","total_files":3,"files_restored":3,"files_skipped":1,"total_bytes":6000000,"bytes_restored":6000000,"bytes_skipped":3}
exit 0
"#;
    const INTACT: &str = r#"{"message_type":"summary","total_files":2,"files_restored":2,"files_skipped":2,"bytes_skipped":6000003}
exit 0
"#;

    /// The shell is the one of the machine that tests; the mover's is another.
    #[test]
    fn paths_are_handed_on_whatever_is_in_them() {
        let paths = ["/a$(b) \\n'c\"", "/-rf", "/ö/%s", "/1"].map(str::to_owned);
        let digits = encoded(&paths);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
        let (decode, _) = MEND.split_once(" | while").expect("a loop");
        let (_, decode) = decode.split_once("; ").expect("a command");
        #[expect(clippy::disallowed_methods, reason = "the script is for a shell")]
        let out = std::process::Command::new("sh")
            .args(["-c", decode, "sh", "id", &digits])
            .output()
            .expect("a shell");
        let out = String::from_utf8(out.stdout).expect("text");
        assert_eq!(out.lines().collect::<Vec<_>>(), paths);
    }

    #[test]
    fn file_with_other_content_is_named() {
        assert_eq!(compared(SPOILT), Compared::Differs(vec!["/b".to_owned()]));
        assert_eq!(compared(INTACT), Compared::Same);
    }

    #[test]
    fn file_that_is_too_many_differs_and_what_the_mover_leaves_alone_does_not() {
        let deleted = |path: &str| {
            format!(
                "{{\"message_type\":\"verbose_status\",\"action\":\"deleted\",\"item\":\"/data{path}\",\"size\":0}}\n{INTACT}"
            )
        };
        assert_eq!(
            compared(&deleted("/new")),
            Compared::Differs(vec!["/new".to_owned()])
        );
        assert_eq!(compared(&deleted("/lost+found")), Compared::Same);
        assert_eq!(compared(&deleted("/lost+found/#12")), Compared::Same);
    }

    #[test]
    fn file_that_differs_does_so_whatever_could_not_be_read_after_it() {
        let broken = SPOILT.replace("exit 0", "exit 1");
        assert_eq!(compared(&broken), Compared::Differs(vec!["/b".to_owned()]));
    }

    #[test]
    fn what_was_not_read_to_its_end_proves_nothing() {
        let unknown = |log: &str| matches!(compared(log), Compared::Unknown(_));
        assert!(unknown(""));
        assert!(unknown(&INTACT.replace("exit 0", "exit 1")));
        assert!(unknown("exit 0\n"));
        assert!(!is_whole(INTACT.trim_end_matches("exit 0\n")));
        assert!(is_whole(INTACT));
    }

    #[test]
    fn restic_that_cannot_compare_says_why() {
        let old = compared("unknown flag: --dry-run\nexit 1\n");
        assert_eq!(
            old,
            Compared::Unknown("the restic of this VolSync is older than 0.17".to_owned())
        );
        let wrong = r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}"#;
        let Compared::Unknown(why) = compared(&format!("{wrong}\nexit 12\n")) else {
            panic!("it was compared");
        };
        assert!(why.contains("password"), "{why}");
    }
}
