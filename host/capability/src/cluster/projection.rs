//! Which fields of an object a guest gets.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
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
        match self.wanted() {
            Some(wanted) => wanted.of(object).unwrap_or_else(nothing),
            None => {
                self.forget_managed_fields(&mut object);
                object
            }
        }
    }

    /// Reads an object as [`Projection::of`] would return it, and steps over the rest.
    ///
    /// # Errors
    /// That it is no JSON.
    pub(crate) fn read(&self, json: &[u8]) -> serde_json::Result<Value> {
        let mut json = serde_json::Deserializer::from_slice(json);
        let object = self.deserialize(&mut json)?;
        json.end()?;
        Ok(object)
    }

    /// Returns what is wanted; none for everything.
    fn wanted(&self) -> Option<Wanted<'_>> {
        // The pointer to the whole document is the empty one.
        if self.0.is_empty() || self.0.iter().any(String::is_empty) {
            return None;
        }
        let pointers = IDENTITY
            .into_iter()
            .chain(self.0.iter().map(String::as_str));
        Some(Wanted(pointers.filter(|it| it.starts_with('/')).collect()))
    }

    /// Removes what nobody wants who asks for nothing in particular.
    fn forget_managed_fields(&self, object: &mut Value) {
        if let (true, Some(Value::Object(metadata))) =
            (self.0.is_empty(), object.get_mut("metadata"))
        {
            metadata.remove("managedFields");
        }
    }
}

impl<'de> DeserializeSeed<'de> for &Projection {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        if let Some(wanted) = self.wanted() {
            return Ok(wanted.deserialize(json)?.unwrap_or_else(nothing));
        }
        let mut object = Value::deserialize(json)?;
        self.forget_managed_fields(&mut object);
        Ok(object)
    }
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// What is wanted of a value, as pointers that begin there. They lead as far as objects go: an array on the way is returned whole.
struct Wanted<'p>(Vec<&'p str>);

/// What is wanted of a field.
enum Field<'p> {
    Nothing,
    All,
    Part(Wanted<'p>),
}

impl<'p> Wanted<'p> {
    fn field(&self, key: &str) -> Field<'p> {
        let mut part = Vec::new();
        for pointer in &self.0 {
            let Some(rest) = pointer.strip_prefix('/') else {
                continue;
            };
            let end = rest.find('/').unwrap_or(rest.len());
            let (first, rest) = rest.split_at(end);
            if fields::unescape(first) != key {
                continue;
            }
            if rest.is_empty() {
                return Field::All;
            }
            part.push(rest);
        }
        if part.is_empty() {
            return Field::Nothing;
        }
        Field::Part(Wanted(part))
    }

    /// Returns none when there is nothing of what is wanted.
    fn of(&self, value: Value) -> Option<Value> {
        let Value::Object(fields) = value else {
            return Some(value);
        };
        let kept = fields.into_iter().filter_map(|(key, value)| {
            let value = match self.field(&key) {
                Field::Nothing => None,
                Field::All => Some(value),
                Field::Part(wanted) => wanted.of(value),
            };
            Some((key, value?))
        });
        some(kept.collect())
    }
}

fn some(kept: Map<String, Value>) -> Option<Value> {
    (!kept.is_empty()).then_some(Value::Object(kept))
}

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Option<Value>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut kept = Map::new();
        while let Some(Key(key)) = map.next_key()? {
            let value = match self.field(&key) {
                Field::Nothing => {
                    map.next_value::<IgnoredAny>()?;
                    None
                }
                Field::All => Some(map.next_value()?),
                Field::Part(wanted) => map.next_value_seed(wanted)?,
            };
            kept.extend(value.map(|value| (key.into_owned(), value)));
        }
        Ok(some(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Option<Value>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(seq)).map(Some)
    }

    fn visit_str<E>(self, text: &str) -> Result<Option<Value>, E> {
        Ok(Some(Value::from(text)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Option<Value>, E> {
        Ok(Some(Value::from(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Option<Value>, E> {
        Ok(Some(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Option<Value>, E> {
        Ok(Some(Value::from(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Option<Value>, E> {
        Ok(Some(Value::from(value)))
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(Some(Value::Null))
    }
}

/// A key, which is only copied when it has to be.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn projection(pointers: &[&str]) -> Projection {
        Projection::new(pointers.iter().map(|it| (*it).to_owned()).collect())
    }

    /// Whether read or projected afterwards, it is the same.
    fn projected(object: &Value, pointers: &[&str]) -> Value {
        let projection = projection(pointers);
        let read = projection.read(object.to_string().as_bytes());
        let projected = projection.of(object.clone());
        assert_eq!(read.expect("JSON"), projected, "{pointers:?}");
        projected
    }

    fn project(pointers: &[&str]) -> Value {
        let object = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "plex", "uid": "u", "annotations": {"a/b": "c"}, "managedFields": [1]},
            "spec": {"volumes": [{"name": "config"}], "nodeName": "m01"}
        });
        projected(&object, pointers)
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

    #[test]
    fn every_sort_of_value_comes_whole_from_where_a_pointer_leads_no_further() {
        for value in [
            json!(null),
            json!(true),
            json!(-3),
            json!(u64::MAX),
            json!(1.5),
            json!("a \"b\" \u{e9}"),
            json!([{"c": [null]}]),
        ] {
            let object = json!({"spec": {"a": value, "b": 1}, "kind": "K"});
            let wanted = json!({"spec": {"a": value}, "kind": "K"});
            assert_eq!(projected(&object, &["/spec/a/b/c"]), wanted);
            assert_eq!(projected(&object, &["/spec/a"]), wanted);
        }
    }

    #[test]
    fn object_in_which_nothing_was_wanted_is_not_there() {
        let object = json!({"spec": {"a": {"b": {}}}, "kind": "K"});
        let bare = json!({"kind": "K"});
        assert_eq!(projected(&object, &["/spec/a/b/c", "/spec/x"]), bare);
        assert_eq!(projected(&object, &["/spec/a/b"]), object);
        assert_eq!(projected(&json!({"x": 1}), &["/y"]), json!({}));
    }

    #[test]
    fn wider_pointer_wins_in_whichever_order() {
        let object = json!({"spec": {"a": 1, "b": 2}});
        assert_eq!(projected(&object, &["/spec/a", "/spec"]), object);
        assert_eq!(projected(&object, &["/spec", "/spec/a"]), object);
    }

    #[test]
    fn empty_pointer_is_the_whole_object() {
        let object = json!({"metadata": {"managedFields": [1]}, "spec": {"a": 1}});
        assert_eq!(projected(&object, &["/kind", ""]), object);
    }

    #[test]
    fn what_is_no_object_is_left_as_it_is() {
        assert_eq!(projected(&Value::Null, &["/spec"]), Value::Null);
        assert_eq!(projected(&json!([1]), &[]), json!([1]));
    }

    #[test]
    fn what_is_no_json_is_an_error() {
        for text in ["", "{", r#"{"a":}"#, r#"{"a":1}}"#, r#"{"a":{"b":[}}"#] {
            let read = |pointers: &[&str]| projection(pointers).read(text.as_bytes());
            assert!(read(&["/b"]).is_err() && read(&[]).is_err(), "{text}");
        }
    }
}
