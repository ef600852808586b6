//! `keda.status`: what KEDA scales, and what is paused.

use agent_sdk::prelude::*;
use serde::Serialize;

use crate::scaler::{self, Pause};

#[derive(Args)]
pub(crate) struct Status {
    /// Where to look; everywhere when it is not given
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    namespace: String,
    name: String,
    /// What it scales.
    target: String,
    paused: bool,
    /// `yes`, `no` or `unknown`.
    ready: &'static str,
    active: &'static str,
    message: String,
}

/// Show what KEDA scales, and what is paused.
#[operation(
    risk = "read",
    columns(namespace, name, target, paused, ready, active, message),
    examples("keda.status", "keda.status media")
)]
pub(crate) fn status(args: Status) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = scaler::list(args.namespace.as_deref())?
        .iter()
        .map(row)
        .collect();
    rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(rows)
}

fn row(object: &Object) -> Row {
    let pause = Pause::of(object);
    let kind = object
        .text("/spec/scaleTargetRef/kind")
        .unwrap_or("Deployment");
    let name = object.text("/spec/scaleTargetRef/name").unwrap_or_default();
    Row {
        namespace: object.namespace().unwrap_or_default().to_owned(),
        name: object.name().to_owned(),
        target: format!("{kind}/{name}"),
        paused: pause != Pause::Running,
        ready: word(object, "Ready"),
        active: word(object, "Active"),
        message: message(object, &pause),
    }
}

fn word(object: &Object, condition: &str) -> &'static str {
    match object.condition(condition).map(|one| one.status) {
        Some("True") => "yes",
        Some("False") => "no",
        _ => "unknown",
    }
}

fn message(object: &Object, pause: &Pause) -> String {
    let told = object.condition("Paused").is_some_and(|one| one.is_true());
    match pause {
        Pause::AtReplicas(replicas) => format!("paused at {replicas} replicas"),
        Pause::Paused if !told => "KEDA has not said yet that it has paused".to_owned(),
        Pause::Running if told => "KEDA has not said yet that it has resumed".to_owned(),
        Pause::Paused => String::new(),
        Pause::Running => object
            .condition("Ready")
            .filter(|ready| !ready.is_true())
            .map(|ready| ready.message.to_owned())
            .unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(annotations: Value, paused: &str) -> Object {
        Object(json!({
            "metadata": { "name": "plex", "namespace": "media", "annotations": annotations },
            "spec": { "scaleTargetRef": { "name": "plex" } },
            "status": { "conditions": [
                { "type": "Ready", "status": "False", "message": "no such trigger" },
                { "type": "Paused", "status": paused },
            ] },
        }))
    }

    #[test]
    fn target_without_kind_is_a_deployment() {
        assert_eq!(row(&object(json!({}), "False")).target, "Deployment/plex");
    }

    #[test]
    fn annotation_and_condition_that_disagree_are_told() {
        let asked = row(&object(json!({ scaler::PAUSED: "true" }), "False"));
        assert!(asked.paused && asked.message.contains("not said yet"));
        let freed = row(&object(json!({}), "True"));
        assert!(!freed.paused && freed.message.contains("not said yet"));
    }

    #[test]
    fn failure_is_told_with_its_message() {
        let broken = row(&object(json!({}), "False"));
        assert_eq!(
            (broken.ready, broken.message.as_str()),
            ("no", "no such trigger")
        );
    }
}
