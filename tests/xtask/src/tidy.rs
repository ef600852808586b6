//! `cargo xtask tidy`: the house rules that no compiler or linter checks.
//!
//! Every rule is a function from text to findings, without IO; this file walks
//! the tree and reports all findings at once.

mod arrow;
mod code;
mod domain;
mod file;
mod witness;

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// The rooms whose sources are ours to keep small.
const ROOMS: &[&str] = &["host", "plugins", "sdk"];

/// Where Rust sources and manifests are at all.
const HOUSE: &[&str] = &["host", "plugins", "sdk", "tests", "examples"];

/// A rule that is broken, and where.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Checks the whole tree; fails with the number of findings after listing them.
pub(crate) fn run() -> Result<()> {
    let findings = check(&workspace::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} house rules are broken, see above"),
    }
}

fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut functions = BTreeSet::new();
    let mut codes = code::Codes::default();
    for path in files(root, HOUSE, is_source)? {
        let place = path.strip_prefix(root).unwrap_or(&path);
        let place = place.to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&path).with_context(|| format!("reading `{place}`"))?;
        if place.ends_with("Cargo.toml") {
            findings.extend(arrow::check(&place, &text)?);
        } else {
            let ours = ROOMS
                .iter()
                .any(|room| place.starts_with(&format!("{room}/")));
            findings.extend(file::check(&place, &text, ours));
            findings.extend(domain::check(&place, &text));
            functions.extend(witness::functions(&text).map(str::to_owned));
            codes.source(&place, &text);
        }
    }
    if let Ok(document) = fs::read_to_string(root.join(witness::DOCUMENT)) {
        findings.extend(witness::check(&document, &functions));
    }
    for path in files(root, &["wit"], |name| name.ends_with(".wit"))? {
        let place = path.strip_prefix(root).unwrap_or(&path).to_string_lossy();
        let text = fs::read_to_string(&path).with_context(|| format!("reading `{place}`"))?;
        codes.contract(&place, &text);
    }
    findings.extend(codes.check());
    Ok(findings)
}

fn is_source(name: &str) -> bool {
    name == "Cargo.toml" || name.ends_with(".rs")
}

/// Returns the files in some rooms whose names are wanted, but for what was built.
fn files(root: &Path, rooms: &[&str], is_wanted: fn(&str) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = rooms.iter().map(|room| root.join(room)).collect();
    folders.retain(|folder| folder.is_dir());
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("listing `{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if is_wanted(&name) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walk_finds_a_broken_rule_and_skips_build_output() {
        let root = tempfile::tempdir().unwrap();
        let room = root.path().join("host/core/src");
        let output = root.path().join("host/target");
        fs::create_dir_all(&room).unwrap();
        fs::create_dir_all(&output).unwrap();
        fs::write(room.join("lib.rs"), "pub fn a() {}\n").unwrap();
        fs::write(output.join("lib.rs"), "pub fn a() {}\n").unwrap();
        let findings = check(root.path()).unwrap();
        let places: Vec<_> = findings.iter().map(|finding| &finding.place).collect();
        assert_eq!(places, ["host/core/src/lib.rs"]);
    }
}
