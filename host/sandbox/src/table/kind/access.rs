//! Bindings of roles, and disruption budgets.

use serde_json::{Value, json};

use super::{AGE, Layout, NAME, age_of, count, name, number, text, wide};
use crate::object;

pub(super) const BINDING: Layout = Layout {
    headings: &[
        NAME,
        text("Role"),
        AGE,
        wide("Users"),
        wide("Groups"),
        wide("ServiceAccounts"),
    ],
    cells: |value| {
        let role = &value["roleRef"];
        let role = format!(
            "{}/{}",
            role["kind"].as_str().unwrap_or_default(),
            role["name"].as_str().unwrap_or_default()
        );
        let of_kind = |kind: &str| {
            let subjects = object::list(&value["subjects"])
                .iter()
                .filter(|subject| subject["kind"] == kind);
            let shown = subjects.map(|subject| {
                let name = subject["name"].as_str().unwrap_or_default();
                match subject["namespace"].as_str() {
                    Some(namespace) if kind == "ServiceAccount" => format!("{namespace}/{name}"),
                    _ => name.to_owned(),
                }
            });
            json!(shown.collect::<Vec<_>>().join(", "))
        };
        vec![
            name(value),
            json!(role),
            age_of(value),
            of_kind("User"),
            of_kind("Group"),
            of_kind("ServiceAccount"),
        ]
    },
};

pub(super) const BUDGET: Layout = Layout {
    headings: &[
        NAME,
        text("Min Available"),
        text("Max Unavailable"),
        number("Allowed Disruptions"),
        AGE,
    ],
    cells: |value| {
        let bound = |key: &str| match &value["spec"][key] {
            Value::Null => json!("N/A"),
            Value::String(text) => json!(text),
            other => json!(other.to_string()),
        };
        vec![
            name(value),
            bound("minAvailable"),
            bound("maxUnavailable"),
            json!(count(&value["status"]["disruptionsAllowed"])),
            age_of(value),
        ]
    },
};
