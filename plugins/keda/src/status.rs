//! `keda.status`: what KEDA scales, and what is paused.

use agent_sdk::diagnosis::look;
use agent_sdk::prelude::*;
use serde::Serialize;

use crate::scaler::Scaler;
use crate::scaler::pause::Pause;
use crate::select;

#[derive(Args)]
pub(crate) struct Status {
    /// Where to look; everywhere when it is not given
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    kind: &'static str,
    namespace: String,
    name: String,
    /// What it scales; `Job` for what makes Jobs.
    target: String,
    /// Whether nothing is scaled at all. A pause of one direction is told in the message.
    paused: bool,
    /// `yes`, `no` or `unknown`.
    ready: &'static str,
    active: &'static str,
    message: String,
}

/// Show what KEDA scales, and what is paused.
#[operation(
    risk = "read",
    columns(kind, namespace, name, target, paused, ready, active, message),
    examples("keda.status", "keda.status media")
)]
pub(crate) fn status(args: Status) -> Result<Vec<Row>> {
    let scalers = select::list(args.namespace.as_deref())?;
    if scalers.is_empty() {
        look::require_namespace(args.namespace.as_deref())?;
    }
    let mut rows: Vec<Row> = scalers.iter().map(row).collect();
    // Stable: of one name, the ScaledObject stays before the ScaledJob.
    rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    Ok(rows)
}

fn row(scaler: &Scaler) -> Row {
    let (object, pause) = (&scaler.object, scaler.pause());
    Row {
        kind: scaler.kind(),
        namespace: object.namespace().unwrap_or_default().to_owned(),
        name: object.name().to_owned(),
        target: target(scaler),
        paused: pause.is_whole(),
        ready: word(object, "Ready"),
        active: word(object, "Active"),
        message: scaler
            .remembered()
            .unwrap_or_else(|| message(object, &pause)),
    }
}

fn target(scaler: &Scaler) -> String {
    if scaler.is_job() {
        return "Job".to_owned();
    }
    let field = |name: &str| scaler.object.text(&format!("/spec/scaleTargetRef/{name}"));
    let kind = field("kind").unwrap_or("Deployment");
    format!("{kind}/{}", field("name").unwrap_or_default())
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
        Pause::OneWay(one_way) => one_way.sentence().to_owned(),
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
    use crate::scaler::PAUSED;
    use crate::scaler::tests::{scaled_job, scaled_object};

    fn object(annotations: Value, paused: &str) -> Scaler {
        let mut scaler = scaled_object(annotations);
        scaler.object.0["spec"] = json!({ "scaleTargetRef": { "name": "plex" } });
        scaler.object.0["status"] = json!({ "conditions": [
            { "type": "Ready", "status": "False", "message": "no such trigger" },
            { "type": "Paused", "status": paused },
        ] });
        scaler
    }

    #[test]
    fn target_without_kind_is_a_deployment() {
        assert_eq!(row(&object(json!({}), "False")).target, "Deployment/plex");
    }

    #[test]
    fn scaled_job_makes_jobs() {
        let row = row(&scaled_job(json!({ PAUSED: "true" })));
        assert_eq!(
            (row.kind, row.target.as_str(), row.paused),
            ("ScaledJob", "Job", true)
        );
    }

    #[test]
    fn annotation_and_condition_that_disagree_are_told() {
        let asked = row(&object(json!({ PAUSED: "true" }), "False"));
        assert!(asked.paused && asked.message.contains("not said yet"));
        let freed = row(&object(json!({}), "True"));
        assert!(!freed.paused && freed.message.contains("not said yet"));
    }

    #[test]
    fn pause_of_one_direction_is_told_as_what_it_is() {
        let annotations = json!({ "autoscaling.keda.sh/paused-scale-out": "true" });
        let row = row(&object(annotations, "True"));
        assert!(!row.paused);
        assert_eq!(row.message, "does not scale out, by `paused-scale-out`");
    }

    #[test]
    fn pause_that_only_keda_remembers_is_told() {
        let mut scaler = object(json!({}), "True");
        scaler.object.0["status"]["pausedReplicaCount"] = json!(0);
        let row = row(&scaler);
        assert!(
            !row.paused && row.message.contains("remembers a pause"),
            "{row:?}"
        );
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
