//! Deployments and their kin, Jobs, autoscalers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    AGE, CONTAINERS, IMAGES, Layout, NAME, SELECTOR, age_of, containers, count, labels, name,
    number, or_none, selector, since, text,
};
use crate::object;
use crate::table::age;

pub(super) const DEPLOYMENT: Layout = Layout {
    headings: &[
        NAME,
        text("Ready"),
        text("Up-to-date"),
        text("Available"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let [names, images] = containers(&spec["template"]["spec"]);
        vec![
            name(value),
            json!(format!(
                "{}/{}",
                count(&status["readyReplicas"]),
                count(&spec["replicas"])
            )),
            json!(count(&status["updatedReplicas"])),
            json!(count(&status["availableReplicas"])),
            age_of(value),
            names,
            images,
            selector(&spec["selector"]),
        ]
    },
};

pub(super) const REPLICA_SET: Layout = Layout {
    headings: &[
        NAME,
        number("Desired"),
        number("Current"),
        number("Ready"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let [names, images] = containers(&spec["template"]["spec"]);
        let chosen = if spec["selector"].get("matchLabels").is_some() {
            selector(&spec["selector"])
        } else {
            labels(&spec["selector"])
        };
        let counts = [
            &spec["replicas"],
            &status["replicas"],
            &status["readyReplicas"],
        ]
        .map(|value| json!(count(value)));
        let mut cells = vec![name(value)];
        cells.extend(counts);
        cells.extend([age_of(value), names, images, chosen]);
        cells
    },
};

pub(super) const STATEFUL_SET: Layout = Layout {
    headings: &[NAME, text("Ready"), AGE, CONTAINERS, IMAGES],
    cells: |value| {
        let [names, images] = containers(&value["spec"]["template"]["spec"]);
        let ready = format!(
            "{}/{}",
            count(&value["status"]["readyReplicas"]),
            count(&value["spec"]["replicas"])
        );
        vec![name(value), json!(ready), age_of(value), names, images]
    },
};

pub(super) const DAEMON_SET: Layout = Layout {
    headings: &[
        NAME,
        number("Desired"),
        number("Current"),
        number("Ready"),
        number("Up-to-date"),
        number("Available"),
        text("Node Selector"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let [names, images] = containers(&spec["template"]["spec"]);
        let keys = [
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ];
        let mut cells = vec![name(value)];
        cells.extend(keys.map(|key| json!(count(&status[key]))));
        cells.extend([
            labels(&spec["template"]["spec"]["nodeSelector"]),
            age_of(value),
            names,
            images,
            selector(&spec["selector"]),
        ]);
        cells
    },
};

pub(super) const REVISION: Layout = Layout {
    headings: &[NAME, text("Controller"), number("Revision"), AGE],
    cells: |value| {
        let owner = &value["metadata"]["ownerReferences"][0];
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        let controller = if text("kind").is_empty() {
            String::new()
        } else {
            format!("{}/{}", text("kind").to_lowercase(), text("name"))
        };
        vec![
            name(value),
            or_none(&json!(controller)),
            value["revision"].clone(),
            age_of(value),
        ]
    },
};

pub(super) const JOB: Layout = Layout {
    headings: &[
        NAME,
        text("Status"),
        text("Completions"),
        text("Duration"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let [names, images] = containers(&spec["template"]["spec"]);
        vec![
            name(value),
            json!(job_status(value)),
            json!(completions(spec, status)),
            json!(job_duration(status)),
            age_of(value),
            names,
            images,
            selector(&spec["selector"]),
        ]
    },
};

fn job_status(job: &Value) -> &'static str {
    let has = |kind: &str| {
        object::list(&job["status"]["conditions"])
            .iter()
            .any(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if object::is_terminating(job) => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn completions(spec: &Value, status: &Value) -> String {
    let done = count(&status["succeeded"]);
    match (spec["completions"].as_i64(), count(&spec["parallelism"])) {
        (Some(wanted), _) => format!("{done}/{wanted}"),
        (None, parallel) if parallel > 1 => format!("{done}/1 of {parallel}"),
        (None, _) => format!("{done}/1"),
    }
}

fn job_duration(status: &Value) -> String {
    let time = |key: &str| {
        status[key]
            .as_str()
            .and_then(|text| text.parse::<Timestamp>().ok())
    };
    match (time("startTime"), time("completionTime")) {
        (None, _) => String::new(),
        (Some(start), end) => {
            age::duration(end.unwrap_or_else(Timestamp::now).as_second() - start.as_second())
        }
    }
}

pub(super) const CRON_JOB: Layout = Layout {
    headings: &[
        NAME,
        text("Schedule"),
        text("Timezone"),
        text("Suspend"),
        number("Active"),
        text("Last Schedule"),
        AGE,
        CONTAINERS,
        IMAGES,
        SELECTOR,
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let job = &spec["jobTemplate"]["spec"];
        let [names, images] = containers(&job["template"]["spec"]);
        let last = &status["lastScheduleTime"];
        vec![
            name(value),
            spec["schedule"].clone(),
            or_none(&spec["timeZone"]),
            json!(if spec["suspend"] == true {
                "True"
            } else {
                "False"
            }),
            json!(object::list(&status["active"]).len()),
            if last.is_null() {
                json!("<none>")
            } else {
                since(last)
            },
            age_of(value),
            names,
            images,
            selector(&job["selector"]),
        ]
    },
};

pub(super) const AUTOSCALER: Layout = Layout {
    headings: &[
        NAME,
        text("Reference"),
        text("Targets"),
        text("MinPods"),
        text("MaxPods"),
        number("Replicas"),
        AGE,
    ],
    cells: |value| {
        let (spec, status) = (&value["spec"], &value["status"]);
        let target = &spec["scaleTargetRef"];
        let text = |key: &str| target[key].as_str().unwrap_or_default();
        vec![
            name(value),
            json!(format!("{}/{}", text("kind"), text("name"))),
            json!(targets(spec, status)),
            json!(
                spec["minReplicas"]
                    .as_i64()
                    .map_or_else(|| "<unset>".to_owned(), |least| least.to_string())
            ),
            json!(count(&spec["maxReplicas"])),
            json!(count(&status["currentReplicas"])),
            age_of(value),
        ]
    },
};

/// Two metrics and how many there are beside them.
fn targets(spec: &Value, status: &Value) -> String {
    let metrics = object::list(&spec["metrics"]);
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let shown: Vec<String> = metrics
        .iter()
        .enumerate()
        .map(|(index, metric)| target(metric, &status["currentMetrics"][index]))
        .collect();
    let more = shown.len().saturating_sub(2);
    let list = shown[..shown.len().min(2)].join(", ");
    if more > 0 {
        format!("{list} + {more} more...")
    } else {
        list
    }
}

fn target(metric: &Value, current: &Value) -> String {
    let kind = metric["type"].as_str().unwrap_or_default();
    let key = match kind {
        "ContainerResource" => "containerResource".to_owned(),
        other => other.to_lowercase(),
    };
    let (wanted, now) = (
        &metric[key.as_str()]["target"],
        &current[key.as_str()]["current"],
    );
    let plain = |value: &Value, otherwise: &str| match value {
        Value::Null => otherwise.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let resource = matches!(kind, "Resource" | "ContainerResource");
    let prefix = if resource {
        format!("{}: ", plain(&metric[key.as_str()]["name"], ""))
    } else {
        String::new()
    };
    if resource && wanted.get("averageValue").is_none() {
        let percent = |value: &Value, otherwise: &str| {
            value
                .as_i64()
                .map_or_else(|| otherwise.to_owned(), |part| format!("{part}%"))
        };
        return format!(
            "{prefix}{}/{}",
            percent(&now["averageUtilization"], "<unknown>"),
            percent(&wanted["averageUtilization"], "<auto>")
        );
    }
    let (field, suffix) = if wanted.get("averageValue").is_some() {
        (
            "averageValue",
            if resource || kind == "Pods" {
                ""
            } else {
                " (avg)"
            },
        )
    } else {
        ("value", "")
    };
    format!(
        "{prefix}{}/{}{suffix}",
        plain(&now[field], "<unknown>"),
        plain(&wanted[field], "<unknown>")
    )
}
