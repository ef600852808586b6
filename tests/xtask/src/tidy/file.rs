//! Rules about one Rust file: its size, its name, its first line, its words.

use super::Finding;

/// Lines that a file may have without its tests.
const LIMIT: usize = 500;

/// Checks one file. Size is a rule only for `ours`.
pub(super) fn check(place: &str, text: &str, ours: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |what: String| {
        found.push(Finding {
            place: place.to_owned(),
            what,
        });
    };
    let lines = without_tests(text);
    if ours && !is_test(place) && lines > LIMIT {
        add(format!(
            "{lines} lines without tests, over {LIMIT}; split the room"
        ));
    }
    if place.ends_with("/mod.rs") {
        add("`mod.rs`; name the file after its module, beside its folder".into());
    }
    if is_root(place) && !text.starts_with("//!") {
        add("does not open with `//!`; say what the crate is for".into());
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(word) = banned(line) {
            add(format!("line {}: {word}", index + 1));
        }
    }
    found
}

fn is_test(place: &str) -> bool {
    place.ends_with("/tests.rs") || place.contains("/tests/")
}

fn is_root(place: &str) -> bool {
    place.ends_with("/src/lib.rs") || place.ends_with("/src/main.rs")
}

fn banned(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    if line.starts_with("#[allow(") || line.starts_with("#![allow(") {
        return Some("bare `allow`; write `expect` with a reason");
    }
    let unfinished = line.contains(concat!("todo", "!(")) && !line.starts_with("//");
    unfinished.then_some("unfinished code; finish it or leave it out")
}

/// Counts lines that are not inside a `#[cfg(test)]` block.
///
/// Relies on rustfmt: a block ends at a `}` as far left as it began.
fn without_tests(text: &str) -> usize {
    let mut count = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            count += 1;
            continue;
        }
        let end = format!("{}}}", indent(line));
        for inner in lines.by_ref() {
            let one_line = inner.trim_end().ends_with(';') && indent(inner) == indent(line);
            if inner == end || one_line {
                break;
            }
        }
    }
    count
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whats(place: &str, text: &str) -> Vec<String> {
        let findings = check(place, text, true);
        findings.into_iter().map(|finding| finding.what).collect()
    }

    #[test]
    fn tests_do_not_count_as_lines() {
        let text = "a\n#[cfg(test)]\nmod tests {\n    fn x() {\n    }\n}\nb\n";
        assert_eq!(without_tests(text), 2);
        assert_eq!(without_tests("#[cfg(test)]\nmod tests;\nb\nc\n"), 2);
    }

    #[test]
    fn long_file_is_found_and_a_long_test_is_not() {
        let long = "x\n".repeat(501);
        assert_eq!(whats("host/a/src/b.rs", &long).len(), 1);
        assert!(whats("host/a/src/b/tests.rs", &long).is_empty());
        assert!(whats("host/a/tests/b.rs", &long).is_empty());
        assert!(whats("host/a/src/b.rs", &"x\n".repeat(500)).is_empty());
        assert!(check("tests/a/src/b.rs", &long, false).is_empty());
    }

    #[test]
    fn names_first_lines_and_words_are_checked() {
        assert_eq!(whats("host/a/src/b/mod.rs", "").len(), 1);
        assert_eq!(whats("host/a/src/lib.rs", "fn a() {}").len(), 1);
        assert!(whats("host/a/src/lib.rs", "//! What for.").is_empty());
        assert_eq!(whats("host/a/src/b.rs", "    #[allow(x)]").len(), 1);
        assert_eq!(whats("host/a/src/b.rs", "#![allow(x)]").len(), 1);
        assert!(whats("host/a/src/b.rs", "#[expect(x, reason = \"y\")]").is_empty());
        let unfinished = concat!("let a = todo", "!();");
        assert_eq!(whats("host/a/src/b.rs", unfinished).len(), 1);
    }
}
