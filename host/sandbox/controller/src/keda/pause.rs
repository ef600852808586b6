//! The annotations that pause a ScaledObject, or one direction of it.

use crate::object::Object;

/// Whether a ScaledObject is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It scales.
    None,
    /// It stands at what runs.
    Here,
    /// It stands at a number.
    At(i64),
}

impl Pause {
    /// `paused-replicas` pauses by being there, whatever `paused` says. `paused` is a Go bool; what is none counts as true.
    pub(super) fn of(item: &Object) -> Self {
        if let Some(text) = item.annotation("autoscaling.keda.sh/paused-replicas") {
            return text.parse().map_or(Pause::Here, Pause::At);
        }
        if is_true(item, "paused") {
            Pause::Here
        } else {
            Pause::None
        }
    }
}

/// Reads one of KEDA's annotations as a Go bool; what is none counts as true.
pub(super) fn is_true(item: &Object, name: &str) -> bool {
    match item.annotation(&format!("autoscaling.keda.sh/{name}")) {
        None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => false,
        Some(_) => true,
    }
}

/// Whether it does not scale in, and whether it does not scale out. KEDA calls either paused, but goes on.
pub(super) fn one_way(item: &Object) -> (bool, bool) {
    (
        is_true(item, "paused-scale-in"),
        is_true(item, "paused-scale-out"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(annotations: Value) -> Pause {
        Pause::of(&Object(json!({"metadata": {"annotations": annotations}})))
    }

    #[test]
    fn paused_is_a_go_bool_and_anything_else_is_true() {
        assert_eq!(of(json!({})), Pause::None);
        assert_eq!(
            of(json!({"autoscaling.keda.sh/paused": "false"})),
            Pause::None
        );
        assert_eq!(
            of(json!({"autoscaling.keda.sh/paused": "true"})),
            Pause::Here
        );
        assert_eq!(
            of(json!({"autoscaling.keda.sh/paused": "please"})),
            Pause::Here
        );
    }

    #[test]
    fn paused_replicas_pauses_by_being_there() {
        let both = json!({"autoscaling.keda.sh/paused": "false", "autoscaling.keda.sh/paused-replicas": "0"});
        assert_eq!(of(both), Pause::At(0));
    }
}
