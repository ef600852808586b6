//! One object in the table.

use agent_sdk::prelude::*;
use serde::Serialize;

use crate::git;
use crate::kind::{self, Flux};
use crate::readiness::{self, Readiness};

/// What is told of one object.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Row {
    kind: &'static str,
    namespace: String,
    name: String,
    /// `yes`, `no`, `unknown`, `suspended` or `static`.
    ready: &'static str,
    /// Since when, by RFC 3339; empty when nobody says.
    since: String,
    reason: String,
    message: String,
    revision: String,
    suspended: bool,
    /// The field manager that owns `spec.suspend`.
    suspended_by: String,
}

impl Row {
    pub(crate) fn of(kind: Flux, object: &Object) -> Row {
        let suspended = object.flag("/spec/suspend");
        let (by, at) = suspender(object).unwrap_or_default();
        let ready = object.condition("Ready");
        let since = ready.map_or("", |ready| ready.last_transition_time);
        let (word, reason, mut message) = judge(kind, object);
        let going = object.text("/metadata/deletionTimestamp");
        if going.is_some() {
            message = held(object);
        } else if suspended {
            // What the status says is from before.
            message = undone(object, &by);
        }
        Row {
            kind: kind.as_str(),
            namespace: object.namespace().unwrap_or_default().to_owned(),
            name: object.name().to_owned(),
            ready: if suspended { "suspended" } else { word },
            since: match going {
                Some(going) => going.to_owned(),
                None if suspended => at,
                None => since.to_owned(),
            },
            reason,
            message,
            revision: readiness::revision(object),
            suspended,
            suspended_by: if suspended { by } else { String::new() },
        }
    }

    pub(crate) fn needs_attention(&self) -> bool {
        !matches!(self.ready, "yes" | "static")
    }

    pub(crate) fn place(&self) -> (&str, &str, &str) {
        (self.kind, &self.namespace, &self.name)
    }
}

/// Returns the word for the table, the reason and the message.
fn judge(kind: Flux, object: &Object) -> (&'static str, String, String) {
    if kind::is_static(kind.object_type(), object) {
        return ("static", String::new(), String::new());
    }
    let ready = object.condition("Ready");
    let reason = ready.map_or("", |ready| ready.reason).to_owned();
    let message = ready.map_or("", |ready| ready.message).to_owned();
    match readiness::readiness(object) {
        Readiness::Ready(_) => ("yes", reason, message),
        Readiness::Pending(note) => {
            let no = ready.is_some_and(|ready| ready.is_false());
            (if no { "no" } else { "unknown" }, reason, note)
        }
        Readiness::Artifact { reason, message }
        | Readiness::Failing { reason, message }
        | Readiness::Failed { reason, message } => ("no", reason, message),
    }
}

/// Says who keeps an object that is being deleted: its controller prunes or uninstalls first, unless it is not there any more.
fn held(object: &Object) -> String {
    let finalizers: Vec<&str> = object
        .items("/metadata/finalizers")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    format!(
        "it is being deleted, and waits for `{}`",
        finalizers.join("`, `")
    )
}

/// Returns the manager that owns `spec.suspend`, and when it last wrote; the newest when there are several.
fn suspender(object: &Object) -> Option<(String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    object
        .items("/metadata/managedFields")
        .iter()
        .filter(|entry| {
            entry["subresource"].is_null() && !entry["fieldsV1"]["f:spec"]["f:suspend"].is_null()
        })
        .map(|entry| (text(entry, "manager"), text(entry, "time")))
        .max_by(|a, b| a.1.cmp(&b.1))
}

/// Says how long a suspension lasts: that git makes it, or that Flux will undo it, for a Kustomization that applies the object takes over what
/// some managers have set, by their names.
fn undone(object: &Object, manager: &str) -> String {
    if git::is_git(manager) {
        return "it is suspended in git".to_owned();
    }
    let applied = object.label("kustomize.toolkit.fluxcd.io/name").is_some();
    let taken_over = manager.starts_with("kubectl") || manager.starts_with("before-first-apply");
    if applied && taken_over {
        format!("Flux will undo the suspension: it takes over what `{manager}` has set")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspended(manager: &str) -> Object {
        Object(json!({
            "metadata": {
                "name": "plex", "namespace": "media", "generation": 1,
                "labels": { "kustomize.toolkit.fluxcd.io/name": "apps" },
                "managedFields": [
                    { "manager": "kustomize-controller", "time": "2026-01-01T00:00:00Z", "fieldsV1": { "f:spec": { "f:path": {} } } },
                    { "manager": manager, "time": "2026-01-02T00:00:00Z", "fieldsV1": { "f:spec": { "f:suspend": {} } } },
                ],
            },
            "spec": { "suspend": true },
            "status": { "observedGeneration": 1, "conditions": [
                { "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" },
            ] },
        }))
    }

    #[test]
    fn suspended_tells_by_whom_and_since_when() {
        let row = Row::of(Flux::Hr, &suspended("flux"));
        assert_eq!(
            (row.ready, row.suspended_by.as_str(), row.since.as_str()),
            ("suspended", "flux", "2026-01-02T00:00:00Z")
        );
        assert!(row.needs_attention());
    }

    #[test]
    fn suspension_by_a_kubectl_manager_will_be_undone_by_flux() {
        assert!(
            Row::of(Flux::Hr, &suspended("kubectl-patch"))
                .message
                .contains("undo")
        );
        assert!(
            !Row::of(Flux::Hr, &suspended("agent"))
                .message
                .contains("undo")
        );
        let in_git = Row::of(Flux::Hr, &suspended("kustomize-controller"));
        assert_eq!(in_git.message, "it is suspended in git");
    }

    #[test]
    fn failure_tells_why_and_since_when() {
        let object = Object(json!({
            "metadata": { "name": "plex", "namespace": "media", "generation": 2 },
            "status": { "conditions": [{
                "type": "Ready", "status": "False", "reason": "BuildFailed", "message": "no such file",
                "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 2,
            }] },
        }));
        let row = Row::of(Flux::Ks, &object);
        assert_eq!((row.ready, row.reason.as_str()), ("no", "BuildFailed"));
        assert_eq!(row.message, "no such file");
        assert_eq!(row.since, "2026-01-01T00:00:00Z");
    }

    #[test]
    fn object_without_conditions_is_unknown_not_ready() {
        let row = Row::of(
            Flux::Ks,
            &Object(json!({ "metadata": { "generation": 1 } })),
        );
        assert_eq!(row.ready, "unknown");
    }

    #[test]
    fn object_that_is_going_tells_since_when_and_who_keeps_it() {
        let mut object = suspended("agent");
        object.0["metadata"]["deletionTimestamp"] = json!("2026-01-03T00:00:00Z");
        object.0["metadata"]["finalizers"] = json!(["finalizers.fluxcd.io"]);
        let row = Row::of(Flux::Ks, &object);
        assert_eq!(row.since, "2026-01-03T00:00:00Z");
        assert_eq!(
            row.message,
            "it is being deleted, and waits for `finalizers.fluxcd.io`"
        );
        object.0["spec"]["suspend"] = json!(false);
        assert_eq!(Row::of(Flux::Ks, &object).ready, "no");
    }

    #[test]
    fn oci_helm_repository_needs_no_attention() {
        let row = Row::of(
            Flux::HelmRepo,
            &Object(json!({ "spec": { "type": "oci" } })),
        );
        assert_eq!(row.ready, "static");
        assert!(!row.needs_attention());
    }
}
