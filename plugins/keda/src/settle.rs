//! The wait for KEDA: one watcher for all that was changed and for their autoscalers.
//!
//! A ScaledObject is paused when KEDA says so and its autoscaler is gone, and resumed when it is ready, KEDA no longer says so, and the
//! autoscaler is there. KEDA's conditions have no generation, so both halves are needed: a condition alone may be from before. A ScaledJob
//! has no autoscaler, so its condition is all there is.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::report::Done;
use crate::scaler::{Scaler, pause};

const FIELDS: [&str; 3] = [
    "/metadata/deletionTimestamp",
    "/metadata/annotations",
    "/status/conditions",
];

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
    let waited = wait::until(
        &step,
        &targets,
        &FIELDS,
        Deadline::after(timeout),
        |at, object| look(wanted, &targets[at], object),
    )?;
    let mut failed = 0;
    for (at, (index, scaler)) in changed.iter().enumerate() {
        let mut ends = owners
            .iter()
            .zip(&waited)
            .filter(|(owner, _)| **owner == at);
        if let Some(error) = ends.find_map(|(_, end)| failure(end, &scaler.target)) {
            results[*index] = Err(error);
            failed += 1;
        }
    }
    match failed {
        0 if run::planning() => step.skip("this run only plans"),
        0 => step.done(""),
        // Dropped, the step is shown as failed.
        _ if changed.len() == 1 => {}
        failed => step.done(format!("{failed} of {} failed", changed.len())),
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

fn look(wanted: Wanted, target: &ObjectRef, object: Option<&Object>) -> Verdict<()> {
    if target.of == kinds::HORIZONTAL_POD_AUTOSCALER {
        return look_at_autoscaler(wanted, object);
    }
    let Some(object) = object else {
        return Verdict::Failed(Error::not_found(
            "keda.gone",
            format!("{target} was deleted meanwhile"),
        ));
    };
    let is = |condition: &str| object.condition(condition).is_some_and(|one| one.is_true());
    // KEDA says `Paused` of what is paused in one direction too. That it took the other pause away is told by the autoscaler alone.
    let one_way = || pause::left(target.of, object).is_some();
    match wanted {
        Wanted::Paused if is("Paused") => Verdict::Done(()),
        Wanted::Paused => Verdict::Pending("waiting for its condition `Paused`".to_owned()),
        Wanted::Running if is("Ready") && (!is("Paused") || one_way()) => Verdict::Done(()),
        Wanted::Running => Verdict::Pending(
            object
                .condition("Ready")
                .filter(|ready| ready.is_false() && !ready.message.is_empty())
                .map_or("waiting until it is ready", |ready| ready.message)
                .to_owned(),
        ),
    }
}

fn look_at_autoscaler(wanted: Wanted, object: Option<&Object>) -> Verdict<()> {
    match (wanted, object) {
        (Wanted::Paused, None) | (Wanted::Running, Some(_)) => Verdict::Done(()),
        (Wanted::Paused, Some(_)) => {
            Verdict::Pending("waiting until its autoscaler is gone".to_owned())
        }
        (Wanted::Running, None) => {
            Verdict::Pending("waiting for its autoscaler to be made".to_owned())
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

    #[test]
    fn pause_is_done_only_when_the_autoscaler_is_gone_too() {
        let paused = scaled(&[("Paused", "True"), ("Ready", "True")]);
        assert_eq!(
            look(Wanted::Paused, &target(), Some(&paused)),
            Verdict::Done(())
        );
        let there = look(Wanted::Paused, &autoscaler(), Some(&Object::default()));
        assert!(matches!(there, Verdict::Pending(_)));
        assert_eq!(look(Wanted::Paused, &autoscaler(), None), Verdict::Done(()));
    }

    #[test]
    fn resume_is_done_only_when_the_autoscaler_is_there_and_ready() {
        let still = scaled(&[("Paused", "True"), ("Ready", "True")]);
        assert!(matches!(
            look(Wanted::Running, &target(), Some(&still)),
            Verdict::Pending(_)
        ));
        let running = scaled(&[("Paused", "False"), ("Ready", "True")]);
        assert_eq!(
            look(Wanted::Running, &target(), Some(&running)),
            Verdict::Done(())
        );
        assert!(matches!(
            look(Wanted::Running, &autoscaler(), None),
            Verdict::Pending(_)
        ));
    }

    #[test]
    fn resume_of_what_stays_paused_in_one_direction_ends() {
        let mut one_way = scaled(&[("Paused", "True"), ("Ready", "True")]);
        one_way.0["metadata"] =
            json!({ "annotations": { "autoscaling.keda.sh/paused-scale-in": "true" } });
        assert_eq!(
            look(Wanted::Running, &target(), Some(&one_way)),
            Verdict::Done(())
        );
        let job = scaled_job(json!({})).target;
        assert!(matches!(
            look(Wanted::Running, &job, Some(&one_way)),
            Verdict::Pending(_)
        ));
    }

    #[test]
    fn object_that_is_not_ready_tells_why() {
        let broken = scaled(&[("Ready", "False")]);
        assert_eq!(
            look(Wanted::Running, &target(), Some(&broken)),
            Verdict::Pending("trigger is broken".to_owned())
        );
    }

    #[test]
    fn object_deleted_while_waiting_is_a_failure() {
        assert!(matches!(
            look(Wanted::Paused, &target(), None),
            Verdict::Failed(_)
        ));
    }
}
