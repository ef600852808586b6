//! The result table: a row per ScaledObject.

use agent_sdk::prelude::*;
use serde::Serialize;

/// How it ended for one object, when it did not fail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) result: &'static str,
    pub(crate) message: String,
}

impl Done {
    pub(crate) fn new(result: &'static str, message: impl Into<String>) -> Done {
        Done {
            result,
            message: message.into(),
        }
    }
}

#[derive(Debug, PartialEq, Serialize)]
struct Row {
    namespace: String,
    name: String,
    result: &'static str,
    message: String,
}

/// Makes the outcome. For one object that was named, its failure is the failure of the operation.
pub(crate) fn outcome(
    single: bool,
    targets: &[ObjectRef],
    results: Vec<Result<Done>>,
) -> Result<Outcome> {
    let mut rows = Vec::with_capacity(targets.len());
    for (target, result) in targets.iter().zip(results) {
        let Done { result, message } = match result {
            Err(error) if single => return Err(error),
            Err(error) => Done::new("failed", error.to_string()),
            Ok(done) => done,
        };
        rows.push(Row {
            namespace: target.namespace.clone().unwrap_or_default(),
            name: target.name.clone(),
            result,
            message,
        });
    }
    Outcome::rows(&rows, |row| row.result == "failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_of_many_is_a_row_and_is_counted() {
        let targets: Vec<_> = ["plex", "sonarr"]
            .iter()
            .map(|name| ObjectRef::new(kinds::SCALED_OBJECT, "media", name))
            .collect();
        let results = || {
            vec![
                Err(Error::timeout("keda.timeout", "slow")),
                Ok(Done::new("paused", "")),
            ]
        };
        let many = outcome(false, &targets, results()).expect("goes on");
        assert_eq!(
            (many.failed, &many.value[0]["message"]),
            (1, &json!("slow"))
        );
        assert!(outcome(true, &targets[..1], results()).is_err());
    }
}
