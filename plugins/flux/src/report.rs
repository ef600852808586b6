//! The result table: a row per object.

use agent_sdk::prelude::*;
use serde::Serialize;

use crate::kind;

/// How it ended for one object, when it did not fail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Done {
    /// One word, such as `reconciled`.
    pub(crate) result: &'static str,
    /// What else is worth knowing; may be empty.
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
    kind: &'static str,
    namespace: String,
    name: String,
    result: &'static str,
    message: String,
}

/// Makes the outcome. For one object that was named, its failure is the failure of the operation.
pub(crate) fn outcome(
    single: bool,
    targets: &[ObjectRef],
    mut results: Vec<Result<Done>>,
) -> Result<Outcome> {
    if single && results.iter().any(Result::is_err) {
        return Err(results.remove(0).err().unwrap_or_else(no_result));
    }
    let rows: Vec<Row> = targets
        .iter()
        .zip(results)
        .map(|(target, result)| row(target, result))
        .collect();
    Outcome::rows(&rows, |row| row.result == "failed")
}

fn no_result() -> Error {
    Error::internal("flux.no-result", "the operation ended without a result")
}

fn row(target: &ObjectRef, result: Result<Done>) -> Row {
    let Done { result, message } =
        result.unwrap_or_else(|error| Done::new("failed", error.to_string()));
    Row {
        kind: kind::word(target.of),
        namespace: target.namespace.clone().unwrap_or_default(),
        name: target.name.clone(),
        result,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> Vec<ObjectRef> {
        ["plex", "sonarr"]
            .iter()
            .map(|name| ObjectRef::new(kinds::HELM_RELEASE, "media", name))
            .collect()
    }

    fn failure() -> Result<Done> {
        Err(Error::timeout("flux.timeout", "too slow").cause("why"))
    }

    #[test]
    fn one_failure_of_many_is_a_row_and_is_counted() {
        let results = vec![failure(), Ok(Done::new("reconciled", ""))];
        let outcome = outcome(false, &targets(), results).expect("goes on");
        assert_eq!(outcome.failed, 1);
        assert_eq!(
            outcome.value[0],
            json!({ "kind": "hr", "namespace": "media", "name": "plex", "result": "failed", "message": "too slow: why" })
        );
        assert_eq!(outcome.value[1]["result"], "reconciled");
    }

    #[test]
    fn failure_of_the_one_that_was_named_is_the_operations() {
        let error = outcome(true, &targets()[..1], vec![failure()]).expect_err("failed");
        assert_eq!(error.code(), "flux.timeout");
    }
}
