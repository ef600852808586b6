//! Conditions of custom resources, and of the namespace.

use super::{Cause, Outlook, Patience};
use crate::Object;

/// Judges by one condition: it is not `True`, speaks of the present generation, and has one of these reasons (`Synchronizing` with `Error`
/// is VolSync's way to say that a reconciliation failed; it tries again, so a conflict of a moment looks the same as a Secret that is missing).
pub fn failing(
    object: &Object,
    subject: impl Into<String>,
    of: &str,
    reasons: &[&str],
    patience: Patience,
) -> Outlook {
    let condition = object
        .condition(of)
        .filter(|one| !one.is_true() && reasons.contains(&one.reason))
        .filter(|one| {
            one.observed_generation == 0 || one.observed_generation >= object.generation()
        });
    let cause = condition.map(|one| Cause::new(subject, one.reason, one.message, patience));
    Outlook::from(cause)
}

/// Judges a namespace: nothing can be made in one that is going.
pub fn namespace(namespace: &Object) -> Outlook {
    if namespace.text("/status/phase") != Some("Terminating")
        && namespace.text("/metadata/deletionTimestamp").is_none()
    {
        return Outlook::Clear;
    }
    let remaining: Vec<&str> = ["NamespaceFinalizersRemaining", "NamespaceContentRemaining"]
        .iter()
        .filter_map(|of| {
            namespace
                .condition(of)
                .filter(super::super::Condition::is_true)
        })
        .map(|one| one.message)
        .collect();
    let message = match remaining.first() {
        Some(why) => format!("it is being deleted: {why}"),
        None => "it is being deleted".to_owned(),
    };
    let subject = format!("namespace `{}`", namespace.name());
    Cause::new(subject, "", &message, Patience::NOW).into()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn source(condition: Value) -> Object {
        Object(
            json!({"metadata": {"name": "plex", "generation": 2}, "status": {"conditions": [condition]}}),
        )
    }

    fn judge(condition: Value) -> Outlook {
        let of = source(condition);
        failing(
            &of,
            "ReplicationSource `plex`",
            "Synchronizing",
            &["Error"],
            Patience::SOON,
        )
    }

    #[test]
    fn reconciliation_that_failed_is_told_with_its_message() {
        let error = json!({"type": "Synchronizing", "status": "False", "reason": "Error", "message": "Secret \"x\" not found"});
        assert_eq!(
            judge(error).note().as_deref(),
            Some("ReplicationSource `plex`: `Error`: Secret \"x\" not found")
        );
    }

    #[test]
    fn other_reasons_and_older_generations_say_nothing() {
        for condition in [
            json!({"type": "Synchronizing", "status": "False", "reason": "WaitingForManual"}),
            json!({"type": "Synchronizing", "status": "True", "reason": "Error"}),
            json!({"type": "Ready", "status": "False", "reason": "Error"}),
            json!({"type": "Synchronizing", "status": "False", "reason": "Error", "observedGeneration": 1}),
        ] {
            assert_eq!(judge(condition.clone()), Outlook::Clear, "{condition}");
        }
    }

    #[test]
    fn namespace_that_is_going_says_what_keeps_it() {
        let going = Object(json!({
            "metadata": {"name": "media", "deletionTimestamp": "2026-11-26T08:00:00Z"},
            "status": {"phase": "Terminating", "conditions": [
                {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: pods. has 1 resource instances"},
            ]},
        }));
        let told = namespace(&going).note().expect("a note");
        assert!(
            told.starts_with("namespace `media`: it is being deleted: Some resources"),
            "{told}"
        );
        assert_eq!(
            namespace(&Object(json!({"status": {"phase": "Active"}}))),
            Outlook::Clear
        );
    }
}
