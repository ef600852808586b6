//! The rule about arrows: which of our crates may depend on which.
//!
//! ARCHITECTURE.md draws them. Development dependencies of the host are free: a
//! test may look at the whole house. A plugin's are not: its tests must run
//! without the agent, as those of any other author's plugin.

use anyhow::{Context, Result};

use super::Finding;

/// A crate, and the crates of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "agent",
        &[
            "agent-cli",
            "agent-daemon",
            "agent-sandbox",
            "agent-engine",
            "agent-store",
            "agent-journal",
            "agent-kubeconfig",
            "agent-capability",
            "agent-bundle",
            "agent-file",
            "agent-core",
        ],
    ),
    (
        "agent-engine",
        &[
            "agent-capability",
            "agent-store",
            "agent-journal",
            "agent-core",
        ],
    ),
    ("agent-cli", &["agent-core"]),
    ("agent-daemon", &["agent-core"]),
    ("agent-store", &["agent-file", "agent-core"]),
    ("agent-journal", &["agent-file", "agent-core"]),
    ("agent-file", &["agent-core"]),
    ("agent-kubeconfig", &[]),
    ("agent-capability", &["agent-gate", "agent-core"]),
    ("agent-gate", &["agent-core"]),
    ("agent-bundle", &["agent-core"]),
    ("agent-core", &[]),
    (
        "agent-sandbox",
        &[
            "agent-sandbox-controller",
            "agent-sandbox-home",
            "agent-core",
        ],
    ),
    ("agent-sandbox-controller", &["agent-sandbox-home"]),
    ("agent-sandbox-home", &[]),
    ("agent-sdk", &["agent-sdk-macros"]),
    ("agent-sdk-macros", &[]),
];

/// What a plugin may use.
const PLUGIN: &[&str] = &["agent-sdk"];

/// Where plugins are: bundled ones, examples, and those that tests and benchmarks run.
const PLUGINS: &[&str] = &[
    "plugins/",
    "examples/",
    "tests/guests/",
    "tests/bench/guest/",
    "tests/toy/guest/",
];

/// The tables that count.
const TABLES: &[&str] = &["dependencies", "build-dependencies"];
const PLUGIN_TABLES: &[&str] = &["dependencies", "build-dependencies", "dev-dependencies"];

/// Checks the manifest of one crate. Crates below `tests/` that are no plugins may use everything.
pub(super) fn check(place: &str, text: &str) -> Result<Vec<Finding>> {
    let manifest: toml::Table = text.parse().with_context(|| format!("reading `{place}`"))?;
    let Some(name) = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(toml::Value::as_str)
    else {
        return Ok(Vec::new());
    };
    let plugin = PLUGINS.iter().any(|folder| place.starts_with(folder));
    if place.starts_with("tests/") && !plugin {
        return Ok(Vec::new());
    }
    let arrow = ARROWS.iter().find(|(from, _)| *from == name);
    let (allowed, tables) = match arrow {
        _ if plugin => (PLUGIN, PLUGIN_TABLES),
        Some((_, to)) => (*to, TABLES),
        None => {
            return Ok(vec![Finding {
                place: place.to_owned(),
                what: format!("crate `{name}` has no arrows; draw them in xtask's tidy/arrow.rs"),
            }]);
        }
    };
    let forbidden = |used: &&str| used.starts_with("agent") && !allowed.contains(used);
    Ok(uses(&manifest, tables)
        .filter(forbidden)
        .map(|used| Finding {
            place: place.to_owned(),
            what: format!("`{name}` may not depend on `{used}`; known arrows: {allowed:?}"),
        })
        .collect())
}

/// Names in these tables, also in those of one platform.
fn uses<'a>(manifest: &'a toml::Table, tables: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let platforms = manifest
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(toml::Value::as_table));
    std::iter::once(manifest)
        .chain(platforms)
        .flat_map(|table| tables.iter().filter_map(|name| table.get(*name)))
        .filter_map(toml::Value::as_table)
        .flat_map(|table| table.keys().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, table: &str, uses: &str) -> String {
        format!("[package]\nname = \"{name}\"\n[{table}]\n{uses}.workspace = true\n")
    }

    fn count(place: &str, text: &str) -> usize {
        check(place, text).unwrap().len()
    }

    #[test]
    fn arrow_upwards_is_found_wherever_it_is_written() {
        for table in [
            "dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
        ] {
            let text = manifest("agent-core", table, "agent-engine");
            assert_eq!(count("host/core/Cargo.toml", &text), 1, "{table}");
        }
    }

    #[test]
    fn drawn_arrow_and_foreign_crates_are_fine() {
        let engine = manifest("agent-engine", "dependencies", "agent-store");
        assert_eq!(count("host/engine/Cargo.toml", &engine), 0);
        let foreign = manifest("agent-core", "dependencies", "serde");
        assert_eq!(count("host/core/Cargo.toml", &foreign), 0);
    }

    #[test]
    fn tests_may_look_at_everything() {
        let text = manifest("agent-core", "dev-dependencies", "agent-engine");
        assert_eq!(count("host/core/Cargo.toml", &text), 0);
        for name in ["testbed", "bench", "xtask"] {
            let text = manifest(&format!("agent-{name}"), "dependencies", "agent-engine");
            assert_eq!(
                count(&format!("tests/{name}/Cargo.toml"), &text),
                0,
                "{name}"
            );
        }
    }

    #[test]
    fn plugin_uses_only_the_sdk() {
        for place in [
            "plugins/flux",
            "examples/hello",
            "tests/guests",
            "tests/bench/guest",
        ] {
            for table in ["dependencies", "dev-dependencies"] {
                let text = manifest("agent-plugin-flux", table, "agent-core");
                assert_eq!(
                    count(&format!("{place}/Cargo.toml"), &text),
                    1,
                    "{place} {table}"
                );
            }
        }
        let text = manifest("agent-plugin-flux", "dependencies", "agent-sdk");
        assert_eq!(count("plugins/flux/Cargo.toml", &text), 0);
    }

    #[test]
    fn undrawn_crate_is_found() {
        let text = manifest("agent-cellar", "dependencies", "serde");
        assert_eq!(count("host/cellar/Cargo.toml", &text), 1);
    }
}
