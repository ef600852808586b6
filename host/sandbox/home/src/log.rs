//! What the pods of the settled cluster have printed.

use crate::objects_at;
use jiff::Timestamp;
use serde_json::Value;

/// The log of every running pod: namespace, pod and text.
#[must_use]
pub fn logs() -> Vec<(String, String, String)> {
    logs_at(Timestamp::now())
}

fn logs_at(now: Timestamp) -> Vec<(String, String, String)> {
    objects_at(now)
        .iter()
        .filter(|object| object["kind"] == "Pod")
        .map(log)
        .collect()
}

fn log(pod: &Value) -> (String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let container = &pod["spec"]["containers"][0];
    let since = text(&pod["status"]["startTime"]);
    let image = text(&container["image"]);
    let app = text(&pod["metadata"]["labels"]["app.kubernetes.io/name"]);
    let mut lines = vec![format!("{since} INFO {app} starting, image {image}")];
    for volume in pod["spec"]["volumes"].as_array().unwrap_or(&Vec::new()) {
        let claim = text(&volume["persistentVolumeClaim"]["claimName"]);
        lines.push(format!(
            "{since} INFO {app} opened /config on volume {claim}"
        ));
    }
    if let Some(port) = container["ports"][0]["containerPort"].as_i64() {
        lines.push(format!("{since} INFO {app} listening on 0.0.0.0:{port}"));
    }
    lines.push(format!("{since} INFO {app} ready\n"));
    (
        text(&pod["metadata"]["namespace"]),
        text(&pod["metadata"]["name"]),
        lines.join("\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plex_says_where_it_listens() {
        let logs = logs_at("2026-11-23T15:00:00Z".parse().unwrap());
        let plex = logs
            .iter()
            .find(|(space, pod, _)| space == "media" && pod.starts_with("plex-"))
            .unwrap();
        assert!(plex.2.contains("listening on 0.0.0.0:32400"), "{}", plex.2);
    }
}
