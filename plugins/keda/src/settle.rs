//! The wait for KEDA: one watcher for all that was changed and for their autoscalers.
//!
//! A ScaledObject is paused when KEDA says so and its autoscaler is gone. It is resumed when its autoscaler is there: that is what scales. Of KEDA's
//! conditions, which have no generation, `Paused` may stay although KEDA has resumed, and `Ready` may tell of a trigger that was broken before: they
//! are given a moment, and are a remark then. A ScaledJob has no autoscaler, so its conditions are all there is.

use std::cell::RefCell;
use std::time::Duration;

use agent_sdk::diagnosis::{Cause, Patience};
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::report::Done;
use crate::scaler::{Scaler, pause};

const FIELDS: [&str; 3] = [
    "/metadata/deletionTimestamp",
    "/metadata/annotations",
    "/status/conditions",
];

/// KEDA writes its conditions in the reconciliation that makes the autoscaler.
const AFTER_AUTOSCALER: Duration = Duration::from_secs(10);

/// Without an autoscaler, KEDA's word that something is wrong must have stood for so long: it may be from before.
const WITHOUT_AUTOSCALER: Duration = Duration::from_secs(20);

/// What ends a wait well, with a remark.
const REMARK: &str = "keda.remark";

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wanted {
    Paused,
    Running,
}

/// Waits for what was changed, and replaces the results of those that failed.
///
/// # Errors
/// Only of the wait as a whole.
pub(crate) fn settle(
    wanted: Wanted,
    changed: &[(usize, &Scaler)],
    results: &mut [Result<Done>],
    timeout: SignedDuration,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let step = Step::new(title(wanted, changed));
    // Each target with the place of what it belongs to.
    let (owners, targets): (Vec<usize>, Vec<ObjectRef>) = changed
        .iter()
        .enumerate()
        .flat_map(|(at, (_, scaler))| {
            let all = [Some(scaler.target.clone()), scaler.autoscaler()];
            all.into_iter().flatten().map(move |target| (at, target))
        })
        .unzip();
    let views = RefCell::new(vec![View::default(); changed.len()]);
    let waited = wait::until(
        &step,
        &targets,
        &FIELDS,
        Deadline::after(timeout),
        |at, object| {
            let mut views = views.borrow_mut();
            look(wanted, &targets[at], object, &mut views[owners[at]])
        },
    )?;
    let views = views.into_inner();
    let mut failed = 0;
    for (at, (index, scaler)) in changed.iter().enumerate() {
        let mut ends = owners
            .iter()
            .zip(&waited)
            .filter(|(owner, _)| **owner == at);
        let error = ends.find_map(|(_, end)| failure(end, &scaler.target));
        match (error, &views[at].remark) {
            (None, _) => {}
            (Some(error), Some(remark))
                if matches!(error.kind(), Kind::Timeout) || error.code() == REMARK =>
            {
                if let Ok(done) = &mut results[*index] {
                    done.remark(remark);
                }
            }
            (Some(error), _) => {
                results[*index] = Err(error);
                failed += 1;
            }
        }
    }
    match failed {
        0 if run::planning() => step.skip("this run only plans"),
        0 => step.done(""),
        // Dropped, the step is shown as failed.
        _ if changed.len() == 1 => {}
        failed => step.fail(format!("{failed} of {} failed", changed.len())),
    }
    Ok(())
}

fn title(wanted: Wanted, changed: &[(usize, &Scaler)]) -> String {
    let word = match wanted {
        Wanted::Paused => "has paused",
        Wanted::Running => "has resumed",
    };
    match changed {
        [(_, one)] => format!("Wait until KEDA {word} {}", one.target),
        all => format!("Wait until KEDA {word} {} objects", all.len()),
    }
}

fn failure(end: &Waited<()>, target: &ObjectRef) -> Option<Error> {
    end.clone()
        .into_result("keda.timeout", &format!("KEDA to act on {target}"))
        .err()
        .map(|error| match error.kind() {
            Kind::Timeout => error.hint("kubectl --namespace keda logs deployment/keda-operator"),
            _ => error,
        })
}

/// What was seen of a ScaledObject and its autoscaler, which come one by one.
#[derive(Clone, Debug, Default)]
struct View {
    /// Whether the autoscaler is there; none when it has not been looked for, or there is never one.
    autoscaler: Option<bool>,
    /// What is to be said, when KEDA has resumed but does not say that all is well.
    remark: Option<String>,
}

fn look(
    wanted: Wanted,
    target: &ObjectRef,
    object: Option<&Object>,
    view: &mut View,
) -> Verdict<()> {
    if target.of == kinds::HORIZONTAL_POD_AUTOSCALER {
        let there = object.is_some_and(|one| one.text("/metadata/deletionTimestamp").is_none());
        view.autoscaler = Some(there);
        return look_at_autoscaler(wanted, target, object.is_some(), there, view);
    }
    let Some(object) = object else {
        return Verdict::Failed(Error::not_found(
            "keda.gone",
            format!("{target} was deleted meanwhile"),
        ));
    };
    match wanted {
        Wanted::Paused => look_at_pause(object),
        Wanted::Running => look_at_resumption(target, object, view),
    }
}

fn is(object: &Object, condition: &str) -> bool {
    object.condition(condition).is_some_and(|one| one.is_true())
}

/// Returns what KEDA says when something is wrong.
fn report(object: &Object) -> Option<&str> {
    let ready = object.condition("Ready").filter(|ready| ready.is_false())?;
    [ready.message, ready.reason]
        .into_iter()
        .find(|text| !text.is_empty())
}

fn look_at_pause(object: &Object) -> Verdict<()> {
    if is(object, "Paused") {
        return Verdict::Done(());
    }
    let waiting = "waiting for its condition `Paused`";
    Verdict::Pending(match report(object) {
        Some(report) => format!("{waiting}; KEDA reports: {report}"),
        None => waiting.to_owned(),
    })
}

fn look_at_resumption(target: &ObjectRef, object: &Object, view: &mut View) -> Verdict<()> {
    // KEDA says `Paused` of what is paused in one direction too. That it took the other pause away is told by the autoscaler alone.
    let paused = is(object, "Paused") && pause::left(target.of, object).is_none();
    view.remark = None;
    if is(object, "Ready") && !paused {
        return Verdict::Done(());
    }
    let report = report(object).map(|report| format!("KEDA reports: {report}"));
    let (remark, patience) = match (view.autoscaler, paused, report) {
        (Some(true), true, report) => {
            let still = "KEDA's condition `Paused` still says that it is paused, but its autoscaler is there";
            (
                report.map_or(still.to_owned(), |report| format!("{still}; {report}")),
                AFTER_AUTOSCALER,
            )
        }
        (Some(true), false, report) => {
            let unready =
                "KEDA does not say that it is ready, but its autoscaler is there".to_owned();
            (report.unwrap_or(unready), AFTER_AUTOSCALER)
        }
        (None, false, Some(report)) => (report, WITHOUT_AUTOSCALER),
        (Some(false), false, Some(report)) => (
            format!("{report}; it has not made its autoscaler yet"),
            WITHOUT_AUTOSCALER,
        ),
        (_, _, report) => {
            let waiting = "waiting until it is ready".to_owned();
            // Its autoscaler is another object, so this one is to be looked at again although it does not change.
            let cause = cause(target, &report.unwrap_or(waiting), Patience::DEADLINE);
            let error = cause.error(REMARK, "KEDA has not resumed");
            return Verdict::Blocked(cause, error);
        }
    };
    let cause = cause(target, &remark, Patience::of(patience));
    view.remark = Some(remark);
    let error = cause.error(REMARK, "KEDA has resumed");
    Verdict::Blocked(cause, error)
}

fn cause(target: &ObjectRef, message: &str, patience: Patience) -> Cause {
    Cause::new(target.to_string(), "", message, patience)
}

fn look_at_autoscaler(
    wanted: Wanted,
    target: &ObjectRef,
    exists: bool,
    there: bool,
    view: &View,
) -> Verdict<()> {
    match wanted {
        Wanted::Paused if !exists => Verdict::Done(()),
        Wanted::Running if there => Verdict::Done(()),
        Wanted::Paused => Verdict::Pending("waiting until its autoscaler is gone".to_owned()),
        Wanted::Running => {
            // KEDA may never make it, when it has told what is wrong.
            let patience = match view.remark {
                Some(_) => Patience::of(WITHOUT_AUTOSCALER),
                None => Patience::DEADLINE,
            };
            let cause = cause(target, "waiting for its autoscaler to be made", patience);
            let error = cause.error(REMARK, "KEDA has not made its autoscaler");
            Verdict::Blocked(cause, error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaler::tests::{scaled_job, scaled_object};

    fn scaled(conditions: &[(&str, &str)]) -> Object {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(of, status)| json!({ "type": of, "status": status, "message": "trigger is broken" }))
            .collect();
        Object(json!({ "status": { "conditions": conditions } }))
    }

    fn target() -> ObjectRef {
        scaled_object(json!({})).target
    }

    fn autoscaler() -> ObjectRef {
        let autoscaler = scaled_object(json!({})).autoscaler();
        autoscaler.expect("an autoscaler")
    }

    fn seen(wanted: Wanted, target: &ObjectRef, object: Option<&Object>) -> Verdict<()> {
        look(wanted, target, object, &mut View::default())
    }

    /// Looks at a ScaledObject whose autoscaler is there or not; returns the verdict and the remark.
    fn resumed(
        autoscaler: Option<bool>,
        conditions: &[(&str, &str)],
    ) -> (Verdict<()>, Option<String>) {
        let mut view = View {
            autoscaler,
            remark: None,
        };
        let verdict = look(
            Wanted::Running,
            &target(),
            Some(&scaled(conditions)),
            &mut view,
        );
        (verdict, view.remark)
    }

    fn patience(verdict: &Verdict<()>) -> Option<Patience> {
        match verdict {
            Verdict::Blocked(cause, _) => Some(cause.patience),
            _ => None,
        }
    }

    #[test]
    fn pause_is_done_only_when_the_autoscaler_is_gone_too() {
        let paused = scaled(&[("Paused", "True"), ("Ready", "True")]);
        assert_eq!(
            seen(Wanted::Paused, &target(), Some(&paused)),
            Verdict::Done(())
        );
        let there = seen(Wanted::Paused, &autoscaler(), Some(&Object::default()));
        assert!(matches!(there, Verdict::Pending(_)));
        let going = Object(json!({"metadata": {"deletionTimestamp": "2026-11-26T08:00:00Z"}}));
        assert!(matches!(
            seen(Wanted::Paused, &autoscaler(), Some(&going)),
            Verdict::Pending(_)
        ));
        assert_eq!(seen(Wanted::Paused, &autoscaler(), None), Verdict::Done(()));
    }

    #[test]
    fn pause_that_does_not_come_tells_what_keda_reports() {
        let broken = scaled(&[("Ready", "False")]);
        assert_eq!(
            seen(Wanted::Paused, &target(), Some(&broken)),
            Verdict::Pending(
                "waiting for its condition `Paused`; KEDA reports: trigger is broken".to_owned()
            )
        );
    }

    #[test]
    fn resumption_is_done_when_keda_says_so_and_the_autoscaler_is_there() {
        let running = [("Paused", "False"), ("Ready", "True")];
        assert_eq!(resumed(Some(true), &running), (Verdict::Done(()), None));
        let none = seen(Wanted::Running, &autoscaler(), None);
        assert_eq!(patience(&none), Some(Patience::DEADLINE));
        let there = seen(Wanted::Running, &autoscaler(), Some(&Object::default()));
        assert_eq!(there, Verdict::Done(()));
    }

    #[test]
    fn condition_that_still_says_paused_is_a_remark_once_the_autoscaler_is_there() {
        let still = [("Paused", "True"), ("Ready", "True")];
        let (verdict, remark) = resumed(Some(true), &still);
        assert_eq!(patience(&verdict), Some(Patience::of(AFTER_AUTOSCALER)));
        assert!(remark.is_some_and(|remark| remark.contains("`Paused` still says")));
        let (verdict, remark) = resumed(Some(false), &still);
        assert_eq!(
            (patience(&verdict), remark),
            (Some(Patience::DEADLINE), None)
        );
    }

    #[test]
    fn broken_trigger_is_a_remark_and_no_failure() {
        let (verdict, remark) = resumed(Some(true), &[("Ready", "False")]);
        assert_eq!(patience(&verdict), Some(Patience::of(AFTER_AUTOSCALER)));
        assert_eq!(remark.as_deref(), Some("KEDA reports: trigger is broken"));
        let (verdict, remark) = resumed(Some(false), &[("Paused", "False"), ("Ready", "False")]);
        assert_eq!(patience(&verdict), Some(Patience::of(WITHOUT_AUTOSCALER)));
        let remark = remark.expect("a remark");
        assert!(
            remark.ends_with("it has not made its autoscaler yet"),
            "{remark}"
        );
        let mut view = View {
            autoscaler: None,
            remark: Some(remark),
        };
        let autoscaler = look(Wanted::Running, &autoscaler(), None, &mut view);
        assert_eq!(
            patience(&autoscaler),
            Some(Patience::of(WITHOUT_AUTOSCALER))
        );
    }

    #[test]
    fn autoscaler_that_is_going_is_not_there() {
        let going = Object(json!({"metadata": {"deletionTimestamp": "2026-11-26T08:00:00Z"}}));
        assert!(patience(&seen(Wanted::Running, &autoscaler(), Some(&going))).is_some());
    }

    #[test]
    fn resume_of_what_stays_paused_in_one_direction_ends() {
        let mut one_way = scaled(&[("Paused", "True"), ("Ready", "True")]);
        one_way.0["metadata"] =
            json!({ "annotations": { "autoscaling.keda.sh/paused-scale-in": "true" } });
        assert_eq!(
            seen(Wanted::Running, &target(), Some(&one_way)),
            Verdict::Done(())
        );
        let job = scaled_job(json!({})).target;
        assert_eq!(
            patience(&seen(Wanted::Running, &job, Some(&one_way))),
            Some(Patience::DEADLINE)
        );
    }

    #[test]
    fn object_deleted_while_waiting_is_a_failure() {
        assert!(matches!(
            seen(Wanted::Paused, &target(), None),
            Verdict::Failed(_)
        ));
    }
}
