//! Label and field selectors.

use serde_json::Value;

use crate::object;
use crate::request::Query;
use crate::resource::Resource;
use crate::status::ApiError;

#[derive(Debug, Clone, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
    Greater(String, i64),
    Less(String, i64),
}

#[derive(Debug, Clone)]
struct FieldTerm {
    path: String,
    value: String,
    equal: bool,
}

/// What a list, watch or collection delete is limited to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldTerm>,
}

impl Selector {
    pub(crate) fn parse(
        query: &Query,
        resource: &Resource,
        name: Option<&str>,
    ) -> Result<Self, ApiError> {
        let labels = query
            .get("labelSelector")
            .map_or_else(|| Ok(Vec::new()), parse_labels)?;
        let mut fields = query
            .get("fieldSelector")
            .map_or_else(|| Ok(Vec::new()), parse_fields)?;
        for term in &fields {
            if !is_selectable(resource, &term.path) {
                return Err(unsupported(resource, &term.path));
            }
        }
        fields.extend(name.map(|name| FieldTerm {
            path: "metadata.name".into(),
            value: name.into(),
            equal: true,
        }));
        Ok(Self { labels, fields })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, value: &Value) -> bool {
        self.labels
            .iter()
            .all(|requirement| requirement.holds(&value["metadata"]["labels"]))
            && self
                .fields
                .iter()
                .all(|term| (field(value, &term.path) == term.value) == term.equal)
    }
}

impl Requirement {
    fn holds(&self, labels: &Value) -> bool {
        let get = |key: &String| labels.get(key).and_then(Value::as_str);
        match self {
            Self::In(key, values) => {
                get(key).is_some_and(|value| values.iter().any(|wanted| wanted == value))
            }
            Self::NotIn(key, values) => {
                get(key).is_none_or(|value| values.iter().all(|unwanted| unwanted != value))
            }
            Self::Exists(key) => get(key).is_some(),
            Self::Absent(key) => get(key).is_none(),
            Self::Greater(key, bound) => get(key)
                .and_then(|value| value.parse::<i64>().ok())
                .is_some_and(|value| value > *bound),
            Self::Less(key, bound) => get(key)
                .and_then(|value| value.parse::<i64>().ok())
                .is_some_and(|value| value < *bound),
        }
    }
}

/// Whether a `metav1.LabelSelector` selects `labels`. An empty selector selects everything, an absent one nothing.
pub(crate) fn label_selector_matches(selector: &Value, labels: &Value) -> bool {
    let Some(map) = selector.as_object() else {
        return false;
    };
    let equal = map
        .get("matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .all(|(key, value)| labels.get(key) == Some(value));
    equal
        && object::list(&selector["matchExpressions"])
            .iter()
            .all(|expression| {
                let key = expression["key"].as_str().unwrap_or_default().to_owned();
                let values = object::strings(&expression["values"])
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
                match expression["operator"].as_str() {
                    Some("In") => Requirement::In(key, values).holds(labels),
                    Some("NotIn") => Requirement::NotIn(key, values).holds(labels),
                    Some("Exists") => Requirement::Exists(key).holds(labels),
                    Some("DoesNotExist") => Requirement::Absent(key).holds(labels),
                    _ => false,
                }
            })
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, ApiError> {
    split_outside_parentheses(text)
        .into_iter()
        .map(|term| parse_label(term).ok_or_else(|| cannot_parse(text)))
        .collect()
}

fn cannot_parse(text: &str) -> ApiError {
    ApiError::bad_request(format!(
        "unable to parse requirement: found '{text}', expected: identifier, or a set based requirement"
    ))
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
        .into_iter()
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect()
}

fn parse_label(term: &str) -> Option<Requirement> {
    if let Some((head, list)) = term.strip_suffix(')').and_then(|head| head.split_once('(')) {
        let values = list
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let mut words = head.split_whitespace();
        return match (words.next()?, words.next()?) {
            (key, "in") => Some(Requirement::In(key.to_owned(), values)),
            (key, "notin") => Some(Requirement::NotIn(key.to_owned(), values)),
            _ => None,
        };
    }
    let pair = |separator: &str| {
        term.split_once(separator)
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
    };
    if let Some((key, value)) = pair("!=") {
        return Some(Requirement::NotIn(key, vec![value]));
    }
    if let Some((key, value)) = pair("==").or_else(|| pair("=")) {
        return Some(Requirement::In(key, vec![value]));
    }
    if let Some((key, value)) = pair(">") {
        return value
            .parse()
            .ok()
            .map(|bound| Requirement::Greater(key, bound));
    }
    if let Some((key, value)) = pair("<") {
        return value
            .parse()
            .ok()
            .map(|bound| Requirement::Less(key, bound));
    }
    if let Some(key) = term.strip_prefix('!') {
        return Some(Requirement::Absent(key.trim().to_owned()));
    }
    (!term.contains(char::is_whitespace)).then(|| Requirement::Exists(term.to_owned()))
}

fn parse_fields(text: &str) -> Result<Vec<FieldTerm>, ApiError> {
    let invalid = || {
        ApiError::bad_request(format!(
            "invalid field selector: \"{text}\"; can't understand '{text}'"
        ))
    };
    text.split(',')
        .filter(|term| !term.is_empty())
        .map(|term| {
            let (equal, separator) = if term.contains("!=") {
                (false, "!=")
            } else {
                (true, "=")
            };
            let (path, value) = term.split_once(separator).ok_or_else(invalid)?;
            let value = value.strip_prefix('=').unwrap_or(value);
            Ok(FieldTerm {
                path: path.to_owned(),
                value: value.to_owned(),
                equal,
            })
        })
        .collect()
}

fn is_selectable(resource: &Resource, path: &str) -> bool {
    path == "metadata.name"
        || path == "metadata.namespace"
        || selectable(resource).is_some_and(|fields| fields.contains(&path))
        || resource
            .selectable
            .iter()
            .any(|field| field.trim_start_matches('.') == path)
}

/// The fields of a built-in kind that a selector may name, besides name and namespace.
fn selectable(resource: &Resource) -> Option<&'static [&'static str]> {
    let allowed: &[&str] = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        ("" | "events.k8s.io", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("", "secrets") => &["type"],
        ("", "namespaces") => &["status.phase"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &["status.replicas"],
        ("batch", "jobs") => &["status.successful"],
        _ => return None,
    };
    Some(allowed)
}

fn unsupported(resource: &Resource, path: &str) -> ApiError {
    let known = "only \"metadata.name\", \"metadata.namespace\"";
    ApiError::bad_request(if resource.is_custom || selectable(resource).is_some() {
        format!("field label not supported: {path}")
    } else {
        format!("\"{path}\" is not a known field selector: {known}")
    })
}

/// The text of a field; an absent one reads as "" (or its zero value, as Go prints it).
fn field(value: &Value, path: &str) -> String {
    let path = match path {
        "source" => "source.component",
        "status.successful" => "status.succeeded",
        other => other,
    };
    let found = path.split('.').try_fold(value, |value, key| value.get(key));
    match (found, path) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(Value::Null) | None, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        (Some(Value::Null) | None, "status.replicas" | "status.succeeded") => "0".to_owned(),
        (Some(Value::Null) | None, _) => String::new(),
        (Some(other), _) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(selector: &str, labels: Value) -> bool {
        let labels = json!({ "metadata": { "labels": labels } });
        Selector {
            labels: parse_labels(selector).expect("a selector"),
            fields: Vec::new(),
        }
        .matches(&labels)
    }

    #[test]
    fn set_and_equality_requirements_hold_together() {
        let labels = json!({ "app": "plex", "tier": "web" });
        assert!(matches("app=plex,tier in (web, db)", labels.clone()));
        assert!(matches("app==plex,!gone,tier", labels.clone()));
        assert!(!matches("app!=plex", labels.clone()));
        assert!(matches("other notin (a,b)", labels.clone()));
        assert!(!matches("other in (a,b)", labels));
    }

    #[test]
    fn fields_compare_as_text() {
        let pod = json!({ "metadata": { "name": "a" }, "status": { "phase": "Running" } });
        let fields = parse_fields("status.phase!=Failed,metadata.name==a").expect("a selector");
        assert!(
            Selector {
                labels: Vec::new(),
                fields
            }
            .matches(&pod)
        );
    }
}
