//! The codes of what fails: those in the host's sources, those in the contract, and the one list of them are the same.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;

/// The list.
pub(super) const LIST: &str = "host/core/src/code.rs";

/// What looks like a code and is a right, or the name of a file.
const OTHERS: &[&str] = &["operations.call", "journal.key"];
const FILES: &[&str] = &["toml", "wit", "db", "db-shm", "db-wal", "rs"];

/// Where each code stands.
#[derive(Default)]
pub(super) struct Codes {
    used: BTreeMap<String, String>,
    listed: BTreeSet<String>,
}

impl Codes {
    /// Takes the codes of a source, without those of its tests.
    pub(super) fn source(&mut self, place: &str, text: &str) {
        let is_test = place.contains("/tests/") || place.ends_with("/tests.rs");
        if !place.starts_with("host/") || place.starts_with("host/sandbox/") || is_test {
            return;
        }
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let found = text.split('"').skip(1).filter(|word| is_code(word));
        for code in found.map(str::to_owned) {
            if place == LIST {
                self.listed.insert(code);
            } else {
                self.used.entry(code).or_insert_with(|| place.to_owned());
            }
        }
    }

    /// Takes the codes of a document of the contract: what stands in backticks and is none of its functions.
    pub(super) fn contract(&mut self, place: &str, text: &str) {
        let functions: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.trim().trim_start_matches('%').split_once(": func"))
            .map(|(name, _)| name)
            .collect();
        let quoted = text.split('`').skip(1).step_by(2);
        let quoted = quoted.filter(|word| is_code(word));
        for code in quoted {
            let name = code.split_once('.').map_or(code, |(_, name)| name);
            if !functions.contains(name) && !is_function(name) {
                self.used
                    .entry(code.to_owned())
                    .or_insert_with(|| place.to_owned());
            }
        }
    }

    /// Returns what is used and not listed, and what is listed and not used.
    pub(super) fn check(&self) -> Vec<Finding> {
        let roots: BTreeSet<&str> = self.listed.iter().map(|code| root(code)).collect();
        let unlisted = self
            .used
            .iter()
            .filter(|(code, _)| roots.contains(root(code)) && !self.listed.contains(*code));
        let unlisted = unlisted.map(|(code, place)| Finding {
            place: place.clone(),
            what: format!("the code `{code}` is not in {LIST}"),
        });
        let unused = self
            .listed
            .iter()
            .filter(|code| !self.used.contains_key(*code));
        let unused = unused.map(|code| Finding {
            place: LIST.to_owned(),
            what: format!("nothing fails with `{code}`"),
        });
        unlisted.chain(unused).collect()
    }
}

/// Functions of one interface that another one's comments name.
fn is_function(name: &str) -> bool {
    matches!(
        name,
        "confirm" | "planning" | "placeholder" | "token" | "id" | "held"
    )
}

/// What a code begins with.
fn root(code: &str) -> &str {
    code.split_once('.').map_or(code, |(root, _)| root)
}

fn is_code(word: &str) -> bool {
    let Some((root, name)) = word.split_once('.') else {
        return false;
    };
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    !root.is_empty()
        && root.chars().all(plain)
        && !name.is_empty()
        && name.chars().all(plain)
        && !FILES.contains(&name)
        && !OTHERS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_in_one_place_only_is_found() {
        let mut codes = Codes::default();
        codes.source(LIST, r#"&["cluster.invalid", "run.gone"]"#);
        codes.source(
            "host/engine/src/a.rs",
            "f(\"cluster.invalid\", \"cluster.new\", \"plugin.toml\");\n#[cfg(test)]\n\"run.test\"",
        );
        codes.contract(
            "wit/a.wit",
            "/// `cluster.lost`, see `run.sleep`\nsleep: func();",
        );
        let found: Vec<String> = codes.check().iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "wit/a.wit: the code `cluster.lost` is not in host/core/src/code.rs",
                "host/engine/src/a.rs: the code `cluster.new` is not in host/core/src/code.rs",
                "host/core/src/code.rs: nothing fails with `run.gone`",
            ]
        );
    }
}
