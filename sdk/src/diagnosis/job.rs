//! Jobs: whether they get a pod, and whether they are over.

use super::{Cause, Outlook, Patience, event};
use crate::Object;

/// Judges a Job by itself, with the events of its namespace. Its pods say more, and are judged by [`super::pod`].
pub fn job(job: &Object, events: &[Object]) -> Outlook {
    let subject = format!("Job `{}`", job.name());
    let blocked = |reason: &str, message: &str, patience| {
        Outlook::Blocked(Cause::new(&subject, reason, message, patience))
    };
    let over = ["Failed", "FailureTarget"]
        .iter()
        .find_map(|of| job.condition(of).filter(super::super::Condition::is_true));
    if let Some(failed) = over {
        return blocked(failed.reason, failed.message, Patience::NOW);
    }
    if job.text("/metadata/deletionTimestamp").is_some() {
        return Outlook::Busy(format!("{subject} is being deleted"));
    }
    if job.flag("/spec/suspend") {
        return blocked("Suspended", "it is suspended", Patience::MINUTE);
    }
    let active = job.integer("/status/active").unwrap_or_default();
    let newest = event::newest(job, events, &["FailedCreate", "SuccessfulCreate"]);
    match newest {
        Some(refused) if active == 0 && event::reason(refused) == "FailedCreate" => {
            let why = event::message(refused).trim_start_matches("Error creating: ");
            blocked("FailedCreate", why, Patience::MINUTE)
        }
        _ => Outlook::Clear,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::event::tests::event;
    use super::*;

    fn of(spec: Value, status: Value) -> Object {
        Object(
            json!({"kind": "Job", "metadata": {"name": "list", "uid": "j"}, "spec": spec, "status": status}),
        )
    }

    #[test]
    fn job_whose_pod_is_refused_says_why_until_it_gets_one() {
        let quota = "Error creating: pods \"list-x\" is forbidden: exceeded quota: small";
        let mut events = vec![
            event("j", 1, "FailedCreate", "Error creating: webhook down"),
            event("j", 2, "FailedCreate", quota),
            event("other", 3, "FailedCreate", "another Job's"),
        ];
        let waiting = of(json!({}), json!({}));
        assert_eq!(
            job(&waiting, &events).note().as_deref(),
            Some("Job `list`: `FailedCreate`: pods \"list-x\" is forbidden: exceeded quota: small")
        );
        events.push(event("j", 3, "SuccessfulCreate", "Created pod: list-y"));
        assert_eq!(job(&waiting, &events), Outlook::Clear);
    }

    #[test]
    fn job_that_has_a_pod_gets_on_whatever_was_refused_before() {
        let events = [event("j", 2, "FailedCreate", "Error creating: quota")];
        assert_eq!(
            job(&of(json!({}), json!({"active": 1})), &events),
            Outlook::Clear
        );
    }

    #[test]
    fn job_that_is_over_is_a_failure_at_once_and_says_which() {
        for of_type in ["FailureTarget", "Failed"] {
            let failed = json!({"conditions": [{"type": of_type, "status": "True", "reason": "DeadlineExceeded", "message": "too long"}]});
            let outlook = job(&of(json!({}), failed), &[]);
            let cause = outlook.cause().expect("a cause");
            assert_eq!(
                (cause.reason.as_str(), cause.patience),
                ("DeadlineExceeded", Patience::NOW)
            );
        }
    }

    #[test]
    fn suspended_job_is_told() {
        let outlook = job(&of(json!({"suspend": true}), json!({})), &[]);
        assert_eq!(
            outlook.note().as_deref(),
            Some("Job `list`: `Suspended`: it is suspended")
        );
    }
}
