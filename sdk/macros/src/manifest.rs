//! `plugin.toml`: read, checked for its keys, and turned into JSON. The host checks it again with `agent_core::manifest`; this check is
//! here so that an author learns of a misspelt key from the compiler.

use std::path::Path;

use syn::{Error, LitStr, Result};
use toml::{Table, Value};

/// A manifest that was read.
pub(crate) struct Manifest {
    pub(crate) json: String,
    pub(crate) id: String,
    /// Where it is, for the compiler to notice changes.
    pub(crate) path: String,
}

const TOP: Keys = Keys {
    required: &[
        "manifest",
        "id",
        "version",
        "description",
        "license",
        "min-agent",
    ],
    optional: &["request", "limits"],
};
const CLUSTER: Keys = Keys {
    required: &["capability", "verbs", "resources", "namespaces", "why"],
    optional: &["fields", "managers", "names", "operations"],
};
const OPERATIONS: Keys = Keys {
    required: &["capability", "call", "why"],
    optional: &["namespaces", "operations"],
};

/// Of any other capability, which knows things by names.
const NAMED: Keys = Keys {
    required: &["capability", "verbs", "names", "why"],
    optional: &["operations"],
};
const LIMITS: Keys = Keys {
    required: &[],
    optional: &["cpu-ms", "wall-ms", "memory-bytes"],
};

struct Keys {
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

#[expect(
    clippy::disallowed_methods,
    reason = "a macro runs in its author's compiler, not in the agent"
)]
pub(crate) fn read(file: &LitStr) -> Result<Manifest> {
    let fail = |message: String| Error::new(file.span(), message);
    let root = std::env::var("CARGO_MANIFEST_DIR")
        .map_err(|error| fail(format!("where the crate is: {error}")))?;
    let path = Path::new(&root).join(file.value());
    let text = std::fs::read_to_string(&path)
        .map_err(|error| fail(format!("reading `{}`: {error}", path.display())))?;
    let (json, id) =
        parse(&text).map_err(|message| fail(format!("`{}`: {message}", file.value())))?;
    Ok(Manifest {
        json,
        id,
        path: path.display().to_string(),
    })
}

/// Returns the manifest as JSON and the plugin's id.
fn parse(text: &str) -> std::result::Result<(String, String), String> {
    let table: Table = text.parse().map_err(|error| format!("{error}"))?;
    TOP.check("the manifest", &table)?;
    if table.get("manifest").and_then(Value::as_integer) != Some(1) {
        return Err("`manifest` is the version of the format: 1".to_owned());
    }
    if let Some(limits) = table.get("limits") {
        LIMITS.check("`limits`", as_table("`limits`", limits)?)?;
    }
    for request in requests(&table)? {
        let request = as_table("`request`", request)?;
        match request.get("capability").and_then(Value::as_str) {
            Some("cluster") => CLUSTER.check("a request for `cluster`", request)?,
            Some("operations") => OPERATIONS.check("a request for `operations`", request)?,
            Some(other) => NAMED.check(&format!("a request for `{other}`"), request)?,
            None => return Err("a request has no `capability`, such as `cluster`".to_owned()),
        }
    }
    let id = table.get("id").and_then(Value::as_str).unwrap_or_default();
    let valid = id.len() <= 40
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !valid {
        return Err(format!(
            "`id` is `{id}`: use lower-case letters, digits and dashes, with a letter first"
        ));
    }
    let json = serde_json::to_string(&table).map_err(|error| error.to_string())?;
    Ok((json, id.to_owned()))
}

fn requests(table: &Table) -> std::result::Result<&[Value], String> {
    match table.get("request") {
        None => Ok(&[]),
        Some(Value::Array(requests)) => Ok(requests),
        Some(_) => Err("write `[[request]]`, with two brackets".to_owned()),
    }
}

fn as_table<'a>(what: &str, value: &'a Value) -> std::result::Result<&'a Table, String> {
    value
        .as_table()
        .ok_or_else(|| format!("{what} is no table"))
}

impl Keys {
    fn check(&self, what: &str, table: &Table) -> std::result::Result<(), String> {
        let known = |key: &&String| {
            self.required.contains(&key.as_str()) || self.optional.contains(&key.as_str())
        };
        if let Some(unknown) = table.keys().find(|key| !known(key)) {
            let known = [self.required, self.optional].concat().join(", ");
            return Err(format!("{what} has no key `{unknown}`; known: {known}"));
        }
        match self.required.iter().find(|key| !table.contains_key(**key)) {
            Some(missing) => Err(format!("{what} needs the key `{missing}`")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        manifest = 1
        id = "hello"
        version = "0.1.0"
        description = "Greet"
        license = "Apache-2.0"
        min-agent = "0.1.0"
        [[request]]
        capability = "cluster"
        verbs = ["get"]
        resources = ["pods"]
        namespaces = ["*"]
        why = "count them"
    "#;

    #[test]
    fn manifest_becomes_json() {
        let (json, id) = parse(GOOD).expect("valid");
        assert_eq!(id, "hello");
        assert!(json.contains(r#""min-agent":"0.1.0""#), "{json}");
    }

    #[test]
    fn misspelt_and_missing_keys_stop_the_compiler() {
        for (from, to, wanted) in [
            ("license", "licence", "has no key `licence`"),
            ("verbs", "verb", "has no key `verb`"),
            ("min-agent = \"0.1.0\"", "", "needs the key `min-agent`"),
            (
                "[[request]]",
                "[limits]\ncpu = 1\n[[request]]",
                "`limits` has no key `cpu`",
            ),
            ("[[request]]", "[request]", "two brackets"),
            ("\"cluster\"", "\"clutser\"", "a request for `clutser`"),
            ("capability = \"cluster\"", "", "no `capability`"),
            ("manifest = 1", "manifest = 2", "version of the format"),
            ("\"hello\"", "\"Hello\"", "lower-case letters"),
        ] {
            let error = parse(&GOOD.replacen(from, to, 1)).expect_err(to);
            assert!(error.contains(wanted), "{error}");
        }
    }
}
