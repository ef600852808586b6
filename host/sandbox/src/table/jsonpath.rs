//! The little of JSONPath that printer columns use: fields, indices, `[*]` and `[?(@.key=="value")]`.

use serde_json::Value;

/// The first value at `path`.
pub(crate) fn find(path: &str, value: &Value) -> Option<Value> {
    let mut current = vec![value];
    let mut rest = path.trim_start_matches('$');
    while !rest.is_empty() {
        let (step, after) = step(rest)?;
        current = current
            .into_iter()
            .flat_map(|value| step.select(value))
            .collect();
        rest = after;
    }
    current.into_iter().next().cloned()
}

enum Step<'a> {
    Field(String),
    Index(usize),
    All,
    Where { key: &'a str, equals: &'a str },
}

impl Step<'_> {
    fn select<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => value.get(*index).into_iter().collect(),
            Self::All => value.as_array().into_iter().flatten().collect(),
            Self::Where { key, equals } => value
                .as_array()
                .into_iter()
                .flatten()
                .filter(|item| matches(item, key, equals))
                .collect(),
        }
    }
}

fn matches(item: &Value, key: &str, wanted: &str) -> bool {
    let found = key.split('.').try_fold(item, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => text == wanted,
        Some(other) => format!("{other}") == wanted,
        None => false,
    }
}

fn step(path: &str) -> Option<(Step<'_>, &str)> {
    if let Some(rest) = path.strip_prefix('.') {
        return field(rest);
    }
    let inner = path.strip_prefix('[')?;
    let (inner, rest) = inner.split_at(closing(inner)?);
    let rest = &rest[1..];
    if inner == "*" {
        return Some((Step::All, rest));
    }
    if let Some(filter) = inner
        .strip_prefix("?(@.")
        .and_then(|filter| filter.strip_suffix(')'))
    {
        let (key, wanted) = filter.split_once("==")?;
        return Some((
            Step::Where {
                key: key.trim(),
                equals: wanted.trim().trim_matches(['"', '\'']),
            },
            rest,
        ));
    }
    match inner.parse() {
        Ok(index) => Some((Step::Index(index), rest)),
        Err(_) => Some((
            Step::Field(inner.trim_matches(['"', '\'']).to_owned()),
            rest,
        )),
    }
}

/// A name, in which a backslash keeps the next letter from meaning anything.
fn field(path: &str) -> Option<(Step<'_>, &str)> {
    let mut name = String::new();
    let mut letters = path.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
            '.' | '[' => return Some((Step::Field(name), &path[at..])),
            other => name.push(other),
        }
    }
    Some((Step::Field(name), ""))
}

fn closing(inner: &str) -> Option<usize> {
    let mut quoted = false;
    inner.char_indices().find_map(|(at, letter)| {
        quoted ^= letter == '"' || letter == '\'';
        (letter == ']' && !quoted).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::find;

    #[test]
    fn printer_columns_find_their_values() {
        let value = json!({"status":{"conditions":[{"type":"A","status":"False"},{"type":"Ready","status":"True","message":"ok"}]},
            "spec":{"list":[{"n":1}],"a.b":2}});
        assert_eq!(
            find(".status.conditions[?(@.type==\"Ready\")].status", &value),
            Some(json!("True"))
        );
        assert_eq!(find(".spec.list[0].n", &value), Some(json!(1)));
        assert_eq!(find(".spec.a\\.b", &value), Some(json!(2)));
        assert_eq!(find(".spec.none", &value), None);
    }
}
