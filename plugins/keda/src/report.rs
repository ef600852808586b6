//! The result table: a row per ScaledObject or ScaledJob.

use agent_sdk::prelude::*;
use serde::Serialize;

use crate::scaler::Scaler;

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

    /// Adds to what is said.
    pub(crate) fn remark(&mut self, remark: &str) {
        if !self.message.is_empty() {
            self.message.push_str("; ");
        }
        self.message.push_str(remark);
    }
}

#[derive(Debug, PartialEq, Serialize)]
struct Row {
    kind: &'static str,
    namespace: String,
    name: String,
    result: &'static str,
    message: String,
}

/// Makes the outcome. For what was named, its failure is the failure of the operation.
pub(crate) fn outcome(
    named: bool,
    scalers: &[Scaler],
    results: Vec<Result<Done>>,
) -> Result<Outcome> {
    let mut rows = Vec::with_capacity(scalers.len());
    for (scaler, result) in scalers.iter().zip(results) {
        let Done { result, message } = match result {
            Err(error) if named => return Err(error),
            Err(error) => Done::new("failed", error.to_string()),
            Ok(done) => done,
        };
        rows.push(Row {
            kind: scaler.kind(),
            namespace: scaler.target.namespace.clone().unwrap_or_default(),
            name: scaler.target.name.clone(),
            result,
            message,
        });
    }
    Outcome::rows(&rows, |row| row.result == "failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaler::tests::{scaled_job, scaled_object};

    #[test]
    fn one_failure_of_many_is_a_row_and_is_counted() {
        let scalers = [scaled_object(json!({})), scaled_job(json!({}))];
        let results = || {
            vec![
                Err(Error::timeout("keda.timeout", "slow")),
                Ok(Done::new("paused", "")),
            ]
        };
        let many = outcome(false, &scalers, results()).expect("goes on");
        assert_eq!(
            (many.failed, &many.value[0]["message"]),
            (1, &json!("slow"))
        );
        assert_eq!(many.value[1]["kind"], "ScaledJob");
        assert!(outcome(true, &scalers[..1], results()).is_err());
    }
}
