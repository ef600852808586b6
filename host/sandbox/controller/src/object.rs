//! A Kubernetes object as JSON, with names for what every controller asks of it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::ops::Deref;

/// An object as the API served it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object(pub(crate) Value);

impl Deref for Object {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Object {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn int(&self, pointer: &str) -> Option<i64> {
        self.0.pointer(pointer).and_then(Value::as_i64)
    }

    pub(crate) fn flag(&self, pointer: &str) -> bool {
        self.0
            .pointer(pointer)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        self.0
            .pointer(pointer)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    pub(crate) fn time(&self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer).parse().ok()
    }

    pub(crate) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    pub(crate) fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    pub(crate) fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub(crate) fn generation(&self) -> i64 {
        self.int("/metadata/generation").unwrap_or(0)
    }

    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.0["metadata"]["labels"][name].as_str()
    }

    pub(crate) fn annotation(&self, name: &str) -> Option<&str> {
        self.0["metadata"]["annotations"][name].as_str()
    }

    /// Whether a controller still has to act before the object goes.
    pub(crate) fn has_finalizer(&self, name: &str) -> bool {
        self.list("/metadata/finalizers")
            .iter()
            .any(|one| one == name)
    }

    /// The patch by which a controller lets the object go: others may still keep it.
    pub(crate) fn without_finalizer(&self, name: &str) -> Value {
        let mut left = self.list("/metadata/finalizers").to_vec();
        left.retain(|one| one != name);
        json!({"metadata": {"finalizers": left, "resourceVersion": self["metadata"]["resourceVersion"]}})
    }

    pub(crate) fn is_going(&self) -> bool {
        self.0["metadata"]["deletionTimestamp"].is_string()
    }

    /// Kind and name of the controlling owner.
    pub(crate) fn owner(&self) -> Option<(&str, &str)> {
        let owner = self
            .list("/metadata/ownerReferences")
            .iter()
            .find(|owner| owner["controller"] == true)?;
        Some((owner["kind"].as_str()?, owner["name"].as_str()?))
    }

    pub(crate) fn is_owned_by(&self, uid: &str) -> bool {
        self.list("/metadata/ownerReferences")
            .iter()
            .any(|owner| owner["uid"] == uid)
    }

    /// The reference with which a new object says that this one controls it.
    pub(crate) fn as_owner(&self) -> Value {
        json!([{
            "apiVersion": self["apiVersion"], "kind": self["kind"], "name": self.name(), "uid": self.uid(),
            "controller": true, "blockOwnerDeletion": true,
        }])
    }

    pub(crate) fn condition(&self, kind: &str) -> Option<&Value> {
        self.list("/status/conditions")
            .iter()
            .find(|condition| condition["type"] == kind)
    }

    pub(crate) fn is_true(&self, condition: &str) -> bool {
        self.condition(condition)
            .is_some_and(|condition| condition["status"] == "True")
    }

    /// The names of the claims that the pod, or the pods of the template, mount.
    pub(crate) fn claims(&self) -> Vec<&str> {
        self.list("/spec/volumes")
            .iter()
            .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
            .collect()
    }
}

/// Now, as the API writes times.
pub(crate) fn now() -> String {
    time_text(Timestamp::now())
}

/// A time with whole seconds, `2026-11-23T06:00:00Z`.
pub(crate) fn time_text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A condition. Its transition time is now, unless [`with_condition`] finds that its status has not changed.
pub(crate) fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": now()})
}

/// The conditions with this one added or replaced.
pub(crate) fn with_condition(conditions: &[Value], mut new: Value) -> Vec<Value> {
    let mut all = conditions.to_vec();
    match all.iter_mut().find(|old| old["type"] == new["type"]) {
        Some(old) => {
            if old["status"] == new["status"] && !old["lastTransitionTime"].is_null() {
                new["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = new;
        }
        None => all.push(new),
    }
    all
}

/// The conditions without those of these types.
pub(crate) fn without_conditions(conditions: &[Value], kinds: &[&str]) -> Vec<Value> {
    conditions
        .iter()
        .filter(|condition| !kinds.iter().any(|kind| condition["type"] == *kind))
        .cloned()
        .collect()
}

/// `target` with a JSON merge patch (RFC 7386) applied.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else {
        return;
    };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_transition_time_while_its_status_stays() {
        let old = vec![
            json!({"type": "Ready", "status": "True", "reason": "A", "lastTransitionTime": "then"}),
        ];
        let same = with_condition(&old, condition("Ready", "True", "B", ""));
        assert_eq!(
            (&same[0]["reason"], &same[0]["lastTransitionTime"]),
            (&json!("B"), &json!("then"))
        );
        let other = with_condition(&old, condition("Ready", "False", "B", ""));
        assert_ne!(other[0]["lastTransitionTime"], "then");
    }
}
