//! One page of a list. Of its objects only what is wanted becomes a tree: all of them whole would take many times what they take as text.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::cluster::projection::Projection;

/// The answer to a list request, as far as it is looked at.
#[derive(Debug, Default)]
pub(super) struct Page {
    kind: Option<String>,
    version: Option<String>,
    next: Option<String>,
    items: Vec<Value>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

impl Page {
    /// Reads as much of each object as `projection` asks for, or all of it.
    pub(super) fn read(answer: &[u8], projection: Option<&Projection>) -> serde_json::Result<Page> {
        let mut json = serde_json::Deserializer::from_slice(answer);
        let page = List(projection).deserialize(&mut json)?;
        json.end()?;
        Ok(page)
    }

    /// Returns the objects.
    pub(super) fn take_items(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.items)
    }

    /// Returns what to ask for the next page with.
    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref().filter(|token| !token.is_empty())
    }

    /// Gives an object the kind and version that in a list only the list itself has.
    pub(super) fn name_type(&self, item: &mut Value) {
        let Value::Object(fields) = item else { return };
        let kind = self
            .kind
            .as_deref()
            .and_then(|kind| kind.strip_suffix("List"));
        for (key, value) in [("kind", kind), ("apiVersion", self.version.as_deref())] {
            if let (false, Some(value)) = (fields.contains_key(key), value) {
                fields.insert(key.to_owned(), Value::from(value));
            }
        }
    }
}

/// Reads a list.
struct List<'a>(Option<&'a Projection>);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Page, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "kind" => page.kind = map.next_value()?,
                "apiVersion" => page.version = map.next_value()?,
                "metadata" => {
                    let metadata: Option<Metadata> = map.next_value()?;
                    page.next = metadata.and_then(|it| it.next);
                }
                "items" => page.items = map.next_value_seed(Items(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

/// Reads the objects of a list.
struct Items<'a>(Option<&'a Projection>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Value>, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Value>, A::Error> {
        let mut items = Vec::new();
        match self.0 {
            Some(projection) => {
                while let Some(item) = seq.next_element_seed(projection)? {
                    items.push(item);
                }
            }
            None => {
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
            }
        }
        Ok(items)
    }

    /// What a server written in Go says where there are none.
    fn visit_unit<E>(self) -> Result<Vec<Value>, E> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> serde_json::Result<Page> {
        Page::read(text.as_bytes(), None)
    }

    fn named(mut page: Page) -> Vec<Value> {
        let mut items = page.take_items();
        items.iter_mut().for_each(|item| page.name_type(item));
        items
    }

    #[test]
    fn objects_get_the_type_of_their_list_unless_they_have_one() {
        let list = json!({
            "kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "abc\"d", "resourceVersion": "7"},
            "items": [{"metadata": {"name": "a"}}, {"kind": "Other", "apiVersion": "x/v2"}],
        });
        let page = read(&list.to_string()).expect("a list");
        assert_eq!(page.next(), Some("abc\"d"));
        assert_eq!(
            named(page),
            [
                json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}),
                json!({"kind": "Other", "apiVersion": "x/v2"}),
            ]
        );
    }

    #[test]
    fn objects_are_read_as_far_as_they_are_wanted() {
        let list =
            json!({"items": [{"metadata": {"name": "a", "labels": {}}, "spec": {"a": 1, "b": 2}}]});
        let projection = Projection::new(vec!["/spec/a".to_owned()]);
        let page = Page::read(list.to_string().as_bytes(), Some(&projection)).expect("a list");
        assert_eq!(
            named(page),
            [json!({"metadata": {"name": "a"}, "spec": {"a": 1}})]
        );
    }

    #[test]
    fn list_without_objects_may_say_so_in_any_way() {
        for text in [
            r#"{"items":[]}"#,
            r#"{"items":null,"kind":null,"metadata":null}"#,
            r#"{"metadata":{"continue":""}}"#,
        ] {
            let page = read(text).expect("a list");
            assert_eq!(page.next(), None, "{text}");
            assert_eq!(named(page), Vec::<Value>::new(), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in [
            "",
            "<html>",
            r#"{"items":{}}"#,
            r#"{"items":[{]}"#,
            r#"{"items":[]}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    /// Some features of serde_json give keys a meaning, and whoever writes an object chooses its keys.
    #[test]
    fn no_key_means_anything() {
        for key in [
            "$serde_json::private::RawValue",
            "$serde_json::private::Number",
        ] {
            let list = json!({"items": [{"spec": {key: "1"}}]});
            let page = read(&list.to_string()).expect("a list");
            assert_eq!(named(page), [json!({"spec": {key: "1"}})]);
        }
    }
}
