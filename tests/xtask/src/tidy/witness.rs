//! The tests that SECURITY.md names are there: a sentence about what is defended that no test carries is a hope.

use std::collections::BTreeSet;

use super::Finding;

/// The document whose tables name tests.
pub(super) const DOCUMENT: &str = "SECURITY.md";

/// Returns the names of the functions of a source.
pub(super) fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (_, rest) = line.split_once("fn ")?;
        let end = rest.find(|letter: char| !is_of_name(letter))?;
        Some(&rest[..end])
    })
}

/// Checks that each name in the last column of a table is a function's.
pub(super) fn check(document: &str, functions: &BTreeSet<String>) -> Vec<Finding> {
    let lines = document.lines().enumerate();
    lines
        .flat_map(|(number, line)| names(line).map(move |name| (number, name)))
        .filter(|(_, name)| !functions.contains(*name))
        .map(|(number, name)| Finding {
            place: format!("{DOCUMENT}:{}", number + 1),
            what: format!("there is no test `{name}`"),
        })
        .collect()
}

/// Returns the names in the last column of a row: what stands in backticks, has an underscore, and could be a function's.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let row = line
        .strip_prefix('|')
        .and_then(|row| row.trim_end().strip_suffix('|'));
    let last = row.and_then(|row| row.rsplit('|').next()).unwrap_or("");
    let quoted = last.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.contains('_') && name.chars().all(is_of_name))
}

fn is_of_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_test_that_is_not_there_is_found() {
        let source =
            "#[test]\nfn link_is_refused() {}\nasync fn answer_is_bounded(world: &World) {\n";
        let known = functions(source).map(str::to_owned).collect();
        let document = "| a `not_this` | `link_is_refused`, `answer_is_bounded` |\n| b | `gone_by_now` |\ntext `in_no_table`\n";
        let findings = check(document, &known);
        assert_eq!(
            findings,
            [Finding {
                place: "SECURITY.md:2".to_owned(),
                what: "there is no test `gone_by_now`".to_owned(),
            }]
        );
    }
}
