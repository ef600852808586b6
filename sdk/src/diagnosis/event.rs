//! Events of objects: which of them still say how it is.
//!
//! An Event that was written through `events.k8s.io` has its time in `eventTime` and, when it came again, in `series`; one of the core group has it in
//! `lastTimestamp`. Both come through the core group's list. They are kept for an hour, so an old one of a long-lived object may be long untrue.

use jiff::Timestamp;

use crate::Object;

/// The fields that are looked at.
pub const FIELDS: [&str; 10] = [
    "/metadata/creationTimestamp",
    "/involvedObject",
    "/type",
    "/reason",
    "/message",
    "/eventTime",
    "/series",
    "/count",
    "/firstTimestamp",
    "/lastTimestamp",
];

/// Returns when an event came last.
pub fn time(event: &Object) -> Option<Timestamp> {
    [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/metadata/creationTimestamp",
    ]
    .iter()
    .filter_map(|pointer| event.text(pointer)?.parse().ok())
    .max()
}

/// Returns the events of an object, newest first: of its uid, so not of an older one of the same name, and none from before `since`.
/// Events have whole seconds, so one of the same second counts.
pub fn of<'a>(object: &Object, events: &'a [Object], since: Option<Timestamp>) -> Vec<&'a Object> {
    let since = since.map(Timestamp::as_second);
    let mut ours: Vec<(Option<Timestamp>, &Object)> = events
        .iter()
        .filter(|event| is_about(event, object))
        .map(|event| (time(event), event))
        .filter(|(time, _)| {
            since.is_none_or(|since| time.is_some_and(|at| at.as_second() >= since))
        })
        .collect();
    ours.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    ours.into_iter().map(|(_, event)| event).collect()
}

/// Returns the newest event of an object that has one of these reasons.
pub fn newest<'a>(object: &Object, events: &'a [Object], reasons: &[&str]) -> Option<&'a Object> {
    of(object, events, None)
        .into_iter()
        .find(|event| reasons.contains(&reason(event)))
}

/// Returns its reason.
pub fn reason(event: &Object) -> &str {
    event.text("/reason").unwrap_or_default()
}

/// Returns its sentence.
pub fn message(event: &Object) -> &str {
    event.text("/message").unwrap_or_default()
}

/// Returns whether it is a warning.
pub fn is_warning(event: &Object) -> bool {
    event.text("/type") == Some("Warning")
}

/// An event about a part of an object (`fieldPath`) is about the object as well. Some controllers leave the uid out.
fn is_about(event: &Object, object: &Object) -> bool {
    match event
        .text("/involvedObject/uid")
        .filter(|uid| !uid.is_empty())
    {
        Some(uid) => uid == object.uid(),
        None => {
            event.text("/involvedObject/name") == Some(object.name())
                && event.text("/involvedObject/namespace") == object.namespace()
                && object
                    .text("/kind")
                    .is_none_or(|kind| event.text("/involvedObject/kind") == Some(kind))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// An event about the object of that uid, so many seconds after eight o'clock.
    pub(crate) fn event(uid: &str, second: u32, reason: &str, message: &str) -> Object {
        Object(json!({
            "involvedObject": {"uid": uid}, "type": "Warning", "reason": reason, "message": message,
            "lastTimestamp": format!("2026-11-26T08:00:{second:02}Z"),
        }))
    }

    fn pod() -> Object {
        Object(
            json!({"kind": "Pod", "metadata": {"name": "plex", "namespace": "media", "uid": "u-1"}}),
        )
    }

    #[test]
    fn newest_comes_first_in_whatever_field_its_time_is() {
        let mut series = event("u-1", 1, "B", "");
        series.0["series"] = json!({"count": 4, "lastObservedTime": "2026-11-26T08:00:09.123456Z"});
        series.0["lastTimestamp"] = json!(null);
        series.0["eventTime"] = json!("2026-11-26T08:00:01.000001Z");
        let events = [event("u-1", 5, "A", ""), series, event("u-1", 7, "C", "")];
        let reasons: Vec<_> = of(&pod(), &events, None).into_iter().map(reason).collect();
        assert_eq!(reasons, ["B", "C", "A"]);
    }

    #[test]
    fn events_of_an_older_object_of_that_name_do_not_count() {
        let mut nameless = event("", 3, "B", "");
        nameless.0["involvedObject"] = json!({"kind": "Pod", "name": "plex", "namespace": "media"});
        let events = [event("u-0", 5, "A", ""), nameless];
        let reasons: Vec<_> = of(&pod(), &events, None).into_iter().map(reason).collect();
        assert_eq!(reasons, ["B"]);
    }

    #[test]
    fn events_from_before_the_wait_do_not_count() {
        let events = [event("u-1", 5, "A", ""), event("u-1", 7, "B", "")];
        let since = "2026-11-26T08:00:07.9Z".parse().expect("a time");
        let reasons: Vec<_> = of(&pod(), &events, Some(since))
            .into_iter()
            .map(reason)
            .collect();
        assert_eq!(reasons, ["B"]);
    }
}
