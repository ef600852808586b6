//! The newest warning about an object, added to its failure: it often says more than the condition.

use agent_sdk::prelude::*;

use crate::report::Done;

const FIELDS: [&str; 7] = [
    "/involvedObject",
    "/message",
    "/reason",
    "/lastTimestamp",
    "/eventTime",
    "/firstTimestamp",
    "/type",
];

/// Adds the newest warning to each failure. One request, however many failed; when it fails, the failures stay as they are.
pub(crate) fn explain(targets: &[ObjectRef], results: Vec<Result<Done>>) -> Vec<Result<Done>> {
    let failed: Vec<&ObjectRef> = targets
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_err())
        .map(|(target, _)| target)
        .collect();
    let Some(query) = query(&failed) else {
        return results;
    };
    let events = cluster::list(&query, &FIELDS).unwrap_or_else(|error| {
        debug!("events cannot be read: {error}");
        Vec::new()
    });
    targets
        .iter()
        .zip(results)
        .map(|(target, result)| result.map_err(|error| with(error, newest(target, &events))))
        .collect()
}

fn query(failed: &[&ObjectRef]) -> Option<Query> {
    let first = failed.first()?;
    let together = failed
        .iter()
        .all(|target| target.namespace == first.namespace);
    let namespace = first.namespace.as_deref().filter(|_| together);
    let fields = match failed {
        [one] => format!("type=Warning,involvedObject.name={}", one.name),
        _ => "type=Warning".to_owned(),
    };
    Some(
        Query::all(kinds::EVENT)
            .namespace(namespace)
            .fields(&fields),
    )
}

fn with(error: Error, event: Option<&Object>) -> Error {
    let Some(event) = event else { return error };
    let message = event.text("/message").unwrap_or_default().trim();
    if message.is_empty() || error.to_string().contains(message) {
        return error;
    }
    let reason = event.text("/reason").unwrap_or("Warning");
    error.cause(format!("newest warning `{reason}`: {message}"))
}

fn newest<'a>(target: &ObjectRef, events: &'a [Object]) -> Option<&'a Object> {
    events
        .iter()
        .filter(|event| concerns(event, target))
        .max_by_key(|event| time(event).to_owned())
}

fn concerns(event: &Object, target: &ObjectRef) -> bool {
    // The plural of all kinds that Flux has is the kind in lower case with an ending.
    let kind = event
        .text("/involvedObject/kind")
        .unwrap_or_default()
        .to_lowercase();
    let stem = kind.trim_end_matches('y');
    event.text("/involvedObject/name") == Some(target.name.as_str())
        && event.text("/involvedObject/namespace") == target.namespace.as_deref()
        && !kind.is_empty()
        && target.of.plural().starts_with(stem)
}

fn time(event: &Object) -> &str {
    ["/lastTimestamp", "/eventTime", "/firstTimestamp"]
        .iter()
        .find_map(|pointer| event.text(pointer))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, name: &str, at: &str, message: &str) -> Object {
        Object(json!({
            "involvedObject": { "kind": kind, "namespace": "media", "name": name },
            "lastTimestamp": at, "message": message, "reason": "Broken", "type": "Warning",
        }))
    }

    #[test]
    fn newest_warning_of_the_same_kind_is_chosen() {
        let target = ObjectRef::new(kinds::OCI_REPOSITORY, "media", "plex");
        let events = [
            event("OCIRepository", "plex", "2026-01-01T00:00:01Z", "old"),
            event("OCIRepository", "plex", "2026-01-01T00:00:02Z", "new"),
            event("HelmRelease", "plex", "2026-01-01T00:00:03Z", "other kind"),
            event(
                "OCIRepository",
                "sonarr",
                "2026-01-01T00:00:03Z",
                "other name",
            ),
        ];
        let found = newest(&target, &events).and_then(|event| event.text("/message"));
        assert_eq!(found, Some("new"));
    }

    #[test]
    fn warning_that_the_failure_tells_already_is_not_repeated() {
        let error = Error::failed("flux.not-ready", "broken").cause("no space left");
        let told = with(error.clone(), Some(&event("A", "a", "", "no space left")));
        assert_eq!(told, error);
        let more = with(error, Some(&event("A", "a", "", "disk full")));
        assert_eq!(more.causes()[1], "newest warning `Broken`: disk full");
    }

    #[test]
    fn warnings_of_many_failures_cost_one_request() {
        let (a, b) = (
            ObjectRef::new(kinds::KUSTOMIZATION, "media", "a"),
            ObjectRef::new(kinds::KUSTOMIZATION, "home", "b"),
        );
        assert_eq!(query(&[]), None);
        assert_eq!(
            query(&[&a, &b]),
            Some(Query::all(kinds::EVENT).fields("type=Warning"))
        );
    }
}
