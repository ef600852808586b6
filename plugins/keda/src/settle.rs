//! The wait for KEDA: one watcher for the ScaledObjects and their autoscalers.
//!
//! KEDA is paused when it says so and its autoscaler is gone, and resumed when it is ready, no longer says so, and the autoscaler is
//! there. Its conditions have no generation, so both halves are needed: a condition alone may be from before.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::report::Done;
use crate::scaler;

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

/// Waits for the changed objects, and replaces the results of those that failed.
///
/// # Errors
/// Only of the wait as a whole.
pub(crate) fn settle(
    wanted: Wanted,
    changed: &[(usize, ObjectRef, Object)],
    results: &mut [Result<Done>],
    timeout: SignedDuration,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let step = Step::new(title(wanted, changed));
    let mut targets: Vec<ObjectRef> = changed
        .iter()
        .map(|(_, target, _)| target.clone())
        .collect();
    targets.extend(
        changed
            .iter()
            .map(|(_, target, object)| scaler::autoscaler(target, object)),
    );
    let waited = wait::until(
        &step,
        &targets,
        &FIELDS,
        Deadline::after(timeout),
        |at, object| look(wanted, &targets[at], object),
    )?;
    let mut failed = 0;
    for (at, (index, target, _)) in changed.iter().enumerate() {
        let both = [&waited[at], &waited[at + changed.len()]];
        if let Some(error) = both.into_iter().find_map(|end| failure(end, target)) {
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

fn title(wanted: Wanted, changed: &[(usize, ObjectRef, Object)]) -> String {
    let word = match wanted {
        Wanted::Paused => "has paused",
        Wanted::Running => "has resumed",
    };
    match changed {
        [(_, one, _)] => format!("Wait until KEDA {word} {one}"),
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
    match wanted {
        Wanted::Paused if is("Paused") => Verdict::Done(()),
        Wanted::Paused => Verdict::Pending("waiting for its condition `Paused`".to_owned()),
        Wanted::Running if is("Ready") && !is("Paused") => Verdict::Done(()),
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

    fn scaled(conditions: &[(&str, &str)]) -> Object {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(of, status)| json!({ "type": of, "status": status, "message": "trigger is broken" }))
            .collect();
        Object(json!({ "status": { "conditions": conditions } }))
    }

    fn target() -> ObjectRef {
        ObjectRef::new(kinds::SCALED_OBJECT, "media", "plex")
    }

    fn autoscaler() -> ObjectRef {
        scaler::autoscaler(&target(), &Object::default())
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
