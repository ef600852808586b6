//! Secrets' values reach no event and no journal.

use agent_core::effect::FieldChange;
use agent_core::object::ObjectType;
use agent_core::secret::MASK;
use serde_json::{Map, Value};

/// Returns the changes as they may be shown of an object of that type.
pub(crate) fn changes(of: &ObjectType, changes: &[FieldChange]) -> Vec<FieldChange> {
    if !of.is_secret() {
        return changes.to_vec();
    }
    changes.iter().map(change).collect()
}

/// Returns the changes without any value.
pub(in crate::cluster) fn all(changes: &[FieldChange]) -> Vec<FieldChange> {
    let masked = |value: &Option<Value>| value.as_ref().map(|_| Value::from(MASK));
    let masked = |change: &FieldChange| FieldChange {
        path: change.path.clone(),
        before: masked(&change.before),
        after: masked(&change.after),
    };
    changes.iter().map(masked).collect()
}

fn change(change: &FieldChange) -> FieldChange {
    let masked = |value: &Option<Value>| value.as_ref().map(|value| mask(&change.path, value));
    FieldChange {
        path: change.path.clone(),
        before: masked(&change.before),
        after: masked(&change.after),
    }
}

fn mask(path: &str, value: &Value) -> Value {
    let secret = ["/data", "/stringData", "/metadata/annotations"]
        .iter()
        .any(|root| path == *root || path.starts_with(&format!("{root}/")));
    match value {
        Value::Object(fields) => {
            let inside = |key: &String| format!("{path}/{key}");
            Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), mask(&inside(key), value)))
                    .collect::<Map<_, _>>(),
            )
        }
        _ if secret => Value::from(MASK),
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_secrets_are_masked_wherever_they_stand() {
        let manifest = json!({"metadata": {"name": "s"}, "data": {"password": "cGxleA=="}, "stringData": {"a": "b"}, "type": "Opaque"});
        let whole = [FieldChange {
            path: String::new(),
            before: None,
            after: Some(manifest),
        }];
        let one = [FieldChange {
            path: "/data/password".into(),
            before: Some(json!("b2xk")),
            after: Some(json!("bmV3")),
        }];
        let secrets = "secrets.v1".parse().unwrap();
        let shown = format!(
            "{:?}{:?}",
            changes(&secrets, &whole),
            changes(&secrets, &one)
        );
        for value in ["cGxleA", "b2xk", "bmV3", "\"b\""] {
            assert!(!shown.contains(value), "{shown}");
        }
        assert!(shown.contains("Opaque"));
    }

    #[test]
    fn other_objects_are_shown_as_they_are() {
        let one = [FieldChange {
            path: "/data/key".into(),
            before: None,
            after: Some(json!("v")),
        }];
        assert_eq!(changes(&"configmaps.v1".parse().unwrap(), &one), one);
    }
}
