//! Whether VolSync is suspended; if so, since when and by whom, as far as the API server knows. Reads only.

use agent_sdk::prelude::*;

use crate::operator;
use crate::text;

/// A VolSync that stands still: its Deployment is at 0.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Suspended {
    deployment: ObjectRef,
    /// The field manager that set the replicas; none when nobody says.
    pub(crate) by: Option<String>,
    /// When that manager last wrote.
    pub(crate) since: Option<Timestamp>,
}

/// Looks at VolSync. None when it runs, and when that cannot be told: who may read sources need not see VolSync.
pub(crate) fn look() -> Option<Suspended> {
    match operator::find(None) {
        Ok(found) => found.as_ref().and_then(of),
        Err(error) => {
            debug!("whether VolSync runs cannot be told: {error}");
            None
        }
    }
}

fn of(deployment: &Object) -> Option<Suspended> {
    if deployment.integer("/spec/replicas") != Some(0) {
        return None;
    }
    let (by, since) = setter(deployment).unzip();
    Some(Suspended {
        deployment: ObjectRef::to(kinds::DEPLOYMENT, deployment),
        by,
        since: since.and_then(|since| since.parse().ok()),
    })
}

/// Returns the manager that owns `spec.replicas`, and when it last wrote; the newest when there are several. Scaling is a subresource.
fn setter(deployment: &Object) -> Option<(String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    deployment
        .items("/metadata/managedFields")
        .iter()
        .filter(|entry| matches!(entry["subresource"].as_str(), None | Some("" | "scale")))
        .filter(|entry| !entry["fieldsV1"]["f:spec"]["f:replicas"].is_null())
        .map(|entry| (text(entry, "manager"), text(entry, "time")))
        .max_by(|a, b| a.1.cmp(&b.1))
}

impl Suspended {
    /// Says it in a sentence, with what mends it.
    pub(crate) fn sentence(&self, now: Timestamp) -> String {
        let mut sentence = format!(
            "VolSync is suspended, so nothing is backed up: {} is at 0",
            self.deployment
        );
        if let Some(since) = self.since {
            sentence.push_str(&format!(" since {since} ({})", text::ago(now, since)));
        }
        if let Some(by) = &self.by {
            sentence.push_str(&format!(", set by `{by}`"));
        }
        sentence + "; it starts again by agent run volsync.resume"
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn deployment(replicas: i64, fields: Value) -> Object {
        Object(json!({
            "metadata": {"name": "volsync", "namespace": "volsync-system", "managedFields": fields},
            "spec": {"replicas": replicas},
        }))
    }

    fn owner(manager: &str, time: &str, field: &str, subresource: Value) -> Value {
        json!({"manager": manager, "time": time, "subresource": subresource, "fieldsV1": {"f:spec": {field: {}}}})
    }

    /// A VolSync that was suspended at 8 by somebody.
    pub(crate) fn suspended() -> Suspended {
        let fields = json!([
            owner(
                "helm-controller",
                "2026-11-20T08:00:00Z",
                "f:replicas",
                Value::Null
            ),
            owner("agent", "2026-11-23T08:00:00Z", "f:replicas", Value::Null),
            owner(
                "kubectl-edit",
                "2026-11-23T09:00:00Z",
                "f:paused",
                Value::Null
            ),
            owner(
                "kube-controller-manager",
                "2026-11-23T10:00:00Z",
                "f:replicas",
                json!("status")
            ),
        ]);
        of(&deployment(0, fields)).expect("suspended")
    }

    #[test]
    fn volsync_at_zero_is_suspended_by_the_last_who_set_its_replicas() {
        let now = "2026-11-23T11:00:00Z".parse().expect("a time");
        assert_eq!(
            suspended().sentence(now),
            "VolSync is suspended, so nothing is backed up: deployments volsync-system/volsync is at 0 since 2026-11-23T08:00:00Z (3h ago), \
             set by `agent`; it starts again by agent run volsync.resume"
        );
    }

    #[test]
    fn scaling_by_the_subresource_counts() {
        let scaled = json!([owner(
            "kubectl",
            "2026-11-23T08:00:00Z",
            "f:replicas",
            json!("scale")
        )]);
        let suspended = of(&deployment(0, scaled)).expect("suspended");
        assert_eq!(suspended.by.as_deref(), Some("kubectl"));
    }

    #[test]
    fn volsync_that_runs_is_not_suspended_and_one_that_nobody_owns_is() {
        assert_eq!(of(&deployment(1, json!([]))), None);
        let unknown = of(&deployment(0, json!(null))).expect("suspended");
        assert_eq!((unknown.by, unknown.since), (None, None));
    }
}
