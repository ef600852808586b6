//! A namespace that does not exist, as the reason why a thing in it was not found.
//!
//! It is looked up for the person, when the run has failed already: a guest cannot learn from it which namespaces there are.

use std::time::Duration;

use agent_capability::ClusterClient;
use agent_core::descriptor::{Names, Operation};
use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectType;
use agent_core::suggest;
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::prepare::Prepared;

/// How long the person waits for a better hint.
const PATIENCE: Duration = Duration::from_secs(2);

/// The type of namespaces.
pub(crate) fn object_type() -> ObjectType {
    ObjectType {
        plural: "namespaces".to_owned(),
        version: "v1".to_owned(),
        group: String::new(),
        subresource: None,
    }
}

/// Adds to a failure that something does not exist that its very namespace does not, and which one was meant. What cannot be looked up is left
/// out.
pub(crate) async fn explain(
    client: &ClusterClient,
    prepared: &Prepared,
    failure: Failure,
) -> Failure {
    let operation = prepared.operation.operation();
    let Some(descriptor) = prepared.found.descriptor.operation(operation) else {
        return failure;
    };
    let given = given(descriptor, &prepared.arguments);
    if failure.kind != Kind::NotFound || given.is_empty() {
        return failure;
    }
    match timeout(PATIENCE, client.names(&object_type(), None)).await {
        Ok(Ok(known)) => given
            .into_iter()
            .fold(failure, |failure, name| doubt(failure, name, &known)),
        _ => failure,
    }
}

/// Returns the namespaces that a call names.
fn given<'a>(operation: &Operation, arguments: &'a Map<String, Value>) -> Vec<&'a str> {
    let parameters = operation.parameters.iter();
    parameters
        .filter(|parameter| matches!(parameter.names, Some(Names::Namespace)))
        .filter_map(|parameter| {
            arguments
                .get(parameter.name.as_str())
                .and_then(Value::as_str)
        })
        .collect()
}

fn doubt(failure: Failure, given: &str, known: &[String]) -> Failure {
    if known.iter().any(|name| name == given) {
        return failure;
    }
    let helps = failure
        .hint
        .as_deref()
        .is_some_and(|hint| names(hint, known));
    let failure = failure.because(format!("there is no namespace `{given}`"));
    match suggest::sentence(given, known.iter().map(String::as_str)) {
        Some(hint) if !helps => failure.hinted(hint),
        _ => failure,
    }
}

/// Returns whether a hint leads to a namespace that exists.
fn names(hint: &str, known: &[String]) -> bool {
    let mut words = hint.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.any(|word| known.iter().any(|name| name == word))
}

#[cfg(test)]
mod tests {
    use agent_core::hint::Remedy;
    use serde_json::json;

    use super::*;

    fn failure(hint: Option<&str>) -> Failure {
        let failure = Failure::new(Kind::NotFound, "cluster.not-found", "it does not exist");
        match hint {
            Some(hint) => failure.hinted(Remedy::of_stranger(hint)),
            None => failure,
        }
    }

    #[test]
    fn hint_that_names_a_namespace_stays_and_others_give_way() {
        let known = ["default".to_owned(), "media".to_owned()];
        let ours = "did you mean media? known: default, media";
        let table = [
            (None, ours),
            (Some("agent run flux.status ks --all"), ours),
            (Some("kubectl get ks -n medai"), ours),
            (
                Some("it is in namespace `media`"),
                "it is in namespace `media`",
            ),
            (
                Some("known everywhere: media/plex"),
                "known everywhere: media/plex",
            ),
        ];
        for (hint, wanted) in table {
            let doubted = doubt(failure(hint), "medai", &known);
            assert_eq!(doubted.hint.as_deref(), Some(wanted), "{hint:?}");
            assert_eq!(
                doubted.causes,
                ["there is no namespace `medai`"],
                "{hint:?}"
            );
        }
    }

    #[test]
    fn namespace_that_exists_and_a_cluster_that_shows_none_change_nothing() {
        let known = ["media".to_owned()];
        assert_eq!(doubt(failure(None), "media", &known), failure(None));
        assert_eq!(doubt(failure(None), "medai", &[]).hint, None);
    }

    #[test]
    fn only_parameters_that_name_a_namespace_count() {
        let parameter = |name: &str, names: Value| json!({ "name": name, "summary": "x", "style": "flag", "schema": { "type": "string" }, "names": names });
        let operation = json!({
            "name": "look", "summary": "Look", "risk": "read",
            "parameters": [parameter("where", json!("namespace")), parameter("what", json!({ "object": "pods.v1" })), parameter("to", json!("namespace"))],
        });
        let operation: Operation = serde_json::from_value(operation).expect("an operation");
        let arguments = json!({ "where": "media", "what": "plex" });
        let arguments = arguments.as_object().expect("an object");
        assert_eq!(given(&operation, arguments), ["media"]);
    }
}
