//! Which fields of an object a guest gets.

use serde_json::{Map, Value};

use super::fields::{self, IDENTITY};

/// JSON Pointers; empty for everything but `metadata.managedFields`.
#[derive(Clone, Debug)]
pub(crate) struct Projection(Vec<String>);

impl Projection {
    pub(crate) fn new(pointers: Vec<String>) -> Projection {
        Projection(pointers)
    }

    /// Returns whether only metadata is wanted, which the API server can send alone.
    pub(crate) fn is_metadata_only(&self) -> bool {
        !self.0.is_empty()
            && self
                .0
                .iter()
                .all(|pointer| pointer.starts_with("/metadata/"))
    }

    /// Returns the pointers; none for the whole object.
    pub(crate) fn pointers(&self) -> &[String] {
        &self.0
    }

    /// Returns the object with what was asked for, and what identifies it.
    pub(crate) fn of(&self, mut object: Value) -> Value {
        if self.0.is_empty() {
            if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
                metadata.remove("managedFields");
            }
            return object;
        }
        let mut kept = Value::Object(Map::new());
        for pointer in IDENTITY
            .into_iter()
            .chain(self.0.iter().map(String::as_str))
        {
            let (pointer, value) = reach(&object, pointer);
            if let Some(value) = value {
                fields::set(&mut kept, pointer, value.clone());
            }
        }
        kept
    }
}

/// Follows a pointer as far as objects go: an array on the way is returned whole.
fn reach<'a, 'p>(object: &'a Value, pointer: &'p str) -> (&'p str, Option<&'a Value>) {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return (pointer, None);
    }
    let (mut at, mut end) = (object, 0);
    for key in pointer.split('/').skip(1) {
        let Value::Object(fields) = at else { break };
        end += 1 + key.len();
        match fields.get(&*fields::unescape(key)) {
            Some(value) => at = value,
            None => return (&pointer[..end], None),
        }
    }
    (&pointer[..end], Some(at))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn project(pointers: &[&str]) -> Value {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "plex", "uid": "u", "annotations": {"a/b": "c"}, "managedFields": [1]},
            "spec": {"volumes": [{"name": "config"}], "nodeName": "m01"}
        });
        Projection::new(
            pointers
                .iter()
                .map(|pointer| (*pointer).to_owned())
                .collect(),
        )
        .of(object)
    }

    #[test]
    fn identity_comes_with_whatever_was_asked_for() {
        let wanted = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plex", "uid": "u"}, "spec": {"nodeName": "m01"}});
        assert_eq!(
            project(&["/spec/nodeName", "/spec/absent", "/status"]),
            wanted
        );
    }

    #[test]
    fn an_array_comes_whole() {
        assert_eq!(
            project(&["/spec/volumes/0/name"])["spec"],
            json!({"volumes": [{"name": "config"}]})
        );
    }

    #[test]
    fn what_is_no_pointer_reaches_nothing() {
        assert!(project(&["spec", "spec/nodeName"]).get("spec").is_none());
    }

    #[test]
    fn keys_with_slashes_are_escaped() {
        assert_eq!(
            project(&["/metadata/annotations/a~1b"])["metadata"]["annotations"],
            json!({"a/b": "c"})
        );
    }

    #[test]
    fn nothing_asked_for_is_all_but_managed_fields() {
        let whole = project(&[]);
        assert!(
            whole["metadata"].get("managedFields").is_none() && whole["spec"]["nodeName"] == "m01"
        );
        assert_eq!(
            project(&["/metadata/managedFields"])["metadata"]["managedFields"],
            json!([1])
        );
    }
}
