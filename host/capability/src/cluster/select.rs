//! Whether a query selects an object, judged without the server: of what exists only in a plan, the server knows nothing.

use serde_json::Value;

use super::client::Query;

/// Returns whether a query selects an object of its type. None when only the server can tell: which fields of a type can be selected by, and what
/// one that is absent stands for, is known to it alone, but for names and namespaces.
pub(super) fn selects(query: &Query, object: &Value) -> Option<bool> {
    let namespace = query.namespace.as_deref();
    let inside = namespace.is_none_or(|namespace| at(object, "/metadata/namespace") == namespace);
    let labels = terms(&query.labels).map(|term| has_label(term, object));
    let fields = terms(&query.fields).map(|term| has_field(term, object));
    let chosen = query.chooses(at(object, "/metadata/name"));
    let judged = [Some(inside), Some(chosen)].into_iter();
    let judged = judged.chain(labels).chain(fields);
    all(judged)
}

/// One no decides, whatever else cannot be judged.
fn all(judged: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for one in judged {
        match one {
            Some(false) => return Some(false),
            None => all = None,
            Some(true) => {}
        }
    }
    all
}

/// Splits a selector at its commas, but for those in parentheses.
fn terms(selector: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let between = move |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    let terms = selector.split(between).map(str::trim);
    terms.filter(|term| !term.is_empty())
}

fn has_label(term: &str, object: &Value) -> Option<bool> {
    let labels = object.pointer("/metadata/labels");
    let value = |key: &str| labels?.get(key.trim())?.as_str();
    if let Some((head, values)) = term.strip_suffix(')').and_then(|it| it.split_once('(')) {
        let (key, operator) = head.trim().split_once(char::is_whitespace)?;
        let among = |value: &str| values.split(',').any(|one| one.trim() == value);
        return match operator.trim() {
            "in" => Some(value(key).is_some_and(among)),
            "notin" => Some(!value(key).is_some_and(among)),
            _ => None,
        };
    }
    if let Some((key, unwanted)) = term.split_once("!=") {
        return Some(value(key) != Some(unwanted.trim()));
    }
    if let Some((key, wanted)) = term.split_once('=') {
        let wanted = wanted.strip_prefix('=').unwrap_or(wanted);
        return Some(value(key) == Some(wanted.trim()));
    }
    if let Some(key) = term.strip_prefix('!') {
        return Some(value(key).is_none());
    }
    // Numbers are compared by hardly anybody.
    let is_key = !term.contains(|letter: char| letter.is_whitespace() || "<>()".contains(letter));
    is_key.then(|| value(term).is_some())
}

fn has_field(term: &str, object: &Value) -> Option<bool> {
    let (field, value) = term.split_once('=')?;
    let (field, wanted) = match field.strip_suffix('!') {
        Some(field) => (field, false),
        None => (field, true),
    };
    let value = value.strip_prefix('=').unwrap_or(value);
    let pointer = match field {
        "metadata.name" => "/metadata/name",
        "metadata.namespace" => "/metadata/namespace",
        _ => return None,
    };
    Some((at(object, pointer) == value) == wanted)
}

fn at<'a>(object: &'a Value, pointer: &str) -> &'a str {
    let found = object.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(namespace: Option<&str>, labels: &str, fields: &str) -> Option<bool> {
        let query = Query {
            of: "configmaps.v1".parse().expect("a type"),
            namespace: namespace.map(str::to_owned),
            labels: labels.to_owned(),
            fields: fields.to_owned(),
            names: Vec::new(),
        };
        let object = json!({"metadata": {
            "name": "plex", "namespace": "media", "labels": { "app": "plex", "tier": "web", "app.kubernetes.io/name": "plex" },
        }});
        selects(&query, &object)
    }

    #[test]
    fn requirements_on_labels_hold_together() {
        let holding = [
            "",
            "app=plex, tier in (web, db)",
            "app.kubernetes.io/name==plex,!gone,tier",
            "app!=emby",
            "gone!=plex",
            "gone notin (a,b)",
        ];
        for labels in holding {
            assert_eq!(judged(None, labels, ""), Some(true), "{labels}");
        }
        let failing = [
            "app=emby",
            "app=plex,gone",
            "tier notin (web,db)",
            "gone in (a,b)",
            "!app",
        ];
        for labels in failing {
            assert_eq!(judged(None, labels, ""), Some(false), "{labels}");
        }
    }

    #[test]
    fn names_and_namespaces_are_judged_and_other_fields_are_not() {
        assert_eq!(judged(Some("media"), "", "metadata.name=plex"), Some(true));
        assert_eq!(judged(Some("games"), "", ""), Some(false));
        assert_eq!(judged(None, "", "metadata.namespace!=media"), Some(false));
        assert_eq!(judged(None, "", "metadata.name==plex,spec.x=1"), None);
        assert_eq!(judged(None, "tier>3", ""), None);
        let named = |names: &[&str]| {
            let query = Query {
                of: "configmaps.v1".parse().expect("a type"),
                namespace: None,
                labels: String::new(),
                fields: String::new(),
                names: names.iter().map(|name| (*name).to_owned()).collect(),
            };
            selects(&query, &json!({"metadata": {"name": "plex"}}))
        };
        assert_eq!(named(&["emby", "plex"]), Some(true));
        assert_eq!(named(&["emby"]), Some(false));
        let one_no = judged(None, "tier>3", "spec.x=1,metadata.name=emby");
        assert_eq!(one_no, Some(false), "one no decides");
    }
}
