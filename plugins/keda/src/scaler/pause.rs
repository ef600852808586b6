//! How annotations pause a ScaledObject or a ScaledJob, read as KEDA reads them.

use agent_sdk::prelude::*;

use super::{PAUSED, PAUSED_REPLICAS};

const PAUSED_SCALE_IN: &str = "autoscaling.keda.sh/paused-scale-in";
const PAUSED_SCALE_OUT: &str = "autoscaling.keda.sh/paused-scale-out";

/// What the annotations pause.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pause {
    /// Nothing.
    Running,
    /// One direction, by `paused-scale-in`, or by `paused-scale-out`, or each by its own. KEDA calls that paused too (condition `Paused`), but
    /// the autoscaler stays and so does the loop.
    OneWay(OneWay),
    /// Everything, by `paused`: the replicas stay as they are.
    Paused,
    /// Everything, by `paused-replicas`, whatever `paused` says: the replicas are that many.
    AtReplicas(String),
}

/// Which directions are paused.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OneWay {
    In,
    Out,
    InAndOut,
}

impl OneWay {
    /// Says it, with the annotation that does it.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            OneWay::In => "does not scale in, by `paused-scale-in`",
            OneWay::Out => "does not scale out, by `paused-scale-out`",
            OneWay::InAndOut => {
                "scales neither in nor out, by `paused-scale-in` and `paused-scale-out`"
            }
        }
    }

    fn of(object: &Object) -> Option<OneWay> {
        let (inwards, outwards) = (
            is_true(object, PAUSED_SCALE_IN),
            is_true(object, PAUSED_SCALE_OUT),
        );
        match (inwards, outwards) {
            (true, true) => Some(OneWay::InAndOut),
            (true, false) => Some(OneWay::In),
            (false, true) => Some(OneWay::Out),
            (false, false) => None,
        }
    }
}

impl Pause {
    /// The presence of `paused-replicas` pauses. A ScaledJob knows nothing but `paused`.
    pub(crate) fn of(of: ObjectType, object: &Object) -> Pause {
        let paused = is_true(object, PAUSED);
        if of == kinds::SCALED_JOB {
            return if paused {
                Pause::Paused
            } else {
                Pause::Running
            };
        }
        match object.annotation(PAUSED_REPLICAS) {
            Some(replicas) => Pause::AtReplicas(replicas.to_owned()),
            None if paused => Pause::Paused,
            None => OneWay::of(object).map_or(Pause::Running, Pause::OneWay),
        }
    }

    /// Returns whether nothing is scaled at all, which is what `keda.pause` does and `keda.resume` undoes.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Pause::Paused | Pause::AtReplicas(_))
    }
}

/// Reads an annotation as a Go bool; what is none counts as true.
fn is_true(object: &Object, key: &str) -> bool {
    object
        .annotation(key)
        .is_some_and(|value| !matches!(value, "false" | "False" | "FALSE" | "f" | "F" | "0"))
}

/// Returns the directions that are still paused once `paused` and `paused-replicas` are gone.
pub(crate) fn left(of: ObjectType, object: &Object) -> Option<OneWay> {
    (of != kinds::SCALED_JOB)
        .then(|| OneWay::of(object))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaler::tests::{scaled_job, scaled_object};

    #[test]
    fn paused_that_is_no_bool_counts_as_true() {
        for (value, wanted) in [
            ("true", Pause::Paused),
            ("yes", Pause::Paused),
            ("", Pause::Paused),
            ("no", Pause::Paused),
            ("fALSE", Pause::Paused),
            ("false", Pause::Running),
            ("0", Pause::Running),
        ] {
            let object = scaled_object(json!({ PAUSED: value }));
            assert_eq!(object.pause(), wanted, "{value}");
        }
    }

    #[test]
    fn paused_replicas_pauses_by_its_presence_whatever_paused_says() {
        let object = scaled_object(json!({ PAUSED: "false", PAUSED_REPLICAS: "0" }));
        assert_eq!(object.pause(), Pause::AtReplicas("0".to_owned()));
    }

    #[test]
    fn paused_in_one_direction_is_not_paused() {
        for (annotations, wanted) in [
            (json!({ PAUSED_SCALE_IN: "true" }), OneWay::In),
            (json!({ PAUSED_SCALE_OUT: "yes" }), OneWay::Out),
            (
                json!({ PAUSED_SCALE_IN: "1", PAUSED_SCALE_OUT: "1", PAUSED: "false" }),
                OneWay::InAndOut,
            ),
        ] {
            let pause = scaled_object(annotations).pause();
            assert!(!pause.is_whole());
            assert_eq!(pause, Pause::OneWay(wanted));
        }
        let neither = scaled_object(json!({ PAUSED_SCALE_IN: "false" }));
        assert_eq!(neither.pause(), Pause::Running);
    }

    #[test]
    fn scaled_job_knows_nothing_but_paused() {
        let others = json!({ PAUSED_REPLICAS: "0", PAUSED_SCALE_IN: "true" });
        assert_eq!(scaled_job(others).pause(), Pause::Running);
        let paused = json!({ PAUSED: "true", PAUSED_REPLICAS: "0" });
        assert_eq!(scaled_job(paused).pause(), Pause::Paused);
    }

    #[test]
    fn pause_of_one_direction_is_left_when_the_whole_one_goes() {
        let annotations = json!({ PAUSED: "true", PAUSED_SCALE_IN: "true" });
        let object = scaled_object(annotations.clone());
        assert_eq!(object.pause(), Pause::Paused);
        assert_eq!(left(object.target.of, &object.object), Some(OneWay::In));
        let job = scaled_job(annotations);
        assert_eq!(left(job.target.of, &job.object), None);
    }
}
