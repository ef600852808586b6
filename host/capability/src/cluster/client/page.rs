//! One page of a list. Of its objects only what is wanted becomes a tree: all of them whole would take many times what they take as text.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use crate::cluster::projection::Projection;

/// How many pages a list may have. Those of 500 objects hold more than any API server does.
const PAGES: usize = 1000;

/// How long what leads to the next page may be. The API server's are a few hundred bytes.
const TOKEN: usize = 4096;

/// The answer to a list request, as far as it is looked at.
#[derive(Debug, Default)]
pub(super) struct Page {
    kind: Option<String>,
    version: Option<String>,
    next: Option<String>,
    /// None when there is no such field.
    items: Option<Vec<Value>>,
}

/// The pages of one list so far.
#[derive(Debug, Default)]
pub(super) struct Pages(HashSet<String>);

impl Pages {
    /// Returns what leads to the page after this one, or none when it is the last.
    ///
    /// # Errors
    /// When the list does not come to an end: it begins to repeat itself, or has more pages than any.
    pub(super) fn turn(&mut self, page: &Page) -> Result<Option<String>, String> {
        let Some(token) = page.next() else {
            return Ok(None);
        };
        if token.len() > TOKEN {
            return Err(format!(
                "what leads to the next page of the list is longer than {TOKEN} bytes"
            ));
        }
        if self.0.len() >= PAGES {
            return Err(format!("the list has more than {PAGES} pages"));
        }
        match self.0.insert(token.to_owned()) {
            true => Ok(Some(token.to_owned())),
            false => Err("a page of the list leads to one that was there before".to_owned()),
        }
    }
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

impl Page {
    /// Reads as much of each object as `projection` asks for, or all of it.
    ///
    /// # Errors
    /// When it is no list. A document that says nothing of objects, such as `{}`, does not say that there are none.
    pub(super) fn read(answer: &[u8], projection: Option<&Projection>) -> serde_json::Result<Page> {
        let mut json = serde_json::Deserializer::from_slice(answer);
        let page = List(projection).deserialize(&mut json)?;
        json.end()?;
        if !page
            .kind
            .as_deref()
            .is_some_and(|kind| kind.ends_with("List"))
        {
            return Err(serde_json::Error::custom(
                "its `kind` is not that of a list",
            ));
        }
        if page.items.is_none() {
            return Err(serde_json::Error::custom("a list without `items`"));
        }
        Ok(page)
    }

    /// Returns the objects.
    pub(super) fn take_items(&mut self) -> Vec<Value> {
        self.items.take().unwrap_or_default()
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
            .and_then(|kind| kind.strip_suffix("List"))
            .filter(|kind| !kind.is_empty());
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
                "items" => page.items = Some(map.next_value_seed(Items(self.0))?),
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
        let items = json!([{"metadata": {"name": "a", "labels": {}}, "spec": {"a": 1, "b": 2}}]);
        let list = json!({"kind": "List", "items": items});
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
            r#"{"kind":"PodList","items":[]}"#,
            r#"{"items":null,"kind":"List","metadata":null}"#,
            r#"{"kind":"PartialObjectMetadataList","metadata":{"continue":""},"items":[]}"#,
        ] {
            let page = read(text).expect("a list");
            assert_eq!(page.next(), None, "{text}");
            assert_eq!(named(page), Vec::<Value>::new(), "{text}");
        }
    }

    #[test]
    fn document_that_says_nothing_of_objects_does_not_say_that_there_are_none() {
        for text in [
            "{}",
            r#"{"kind":"PodList"}"#,
            r#"{"kind":"PodList","metadata":{"resourceVersion":"1"}}"#,
            r#"{"items":[]}"#,
            r#"{"kind":null,"items":[]}"#,
            r#"{"kind":"Pod","items":[]}"#,
            r#"{"kind":"Status","status":"Success","code":200}"#,
            r#"{"error":"login required","items":[]}"#,
            "[]",
            "null",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn list_that_does_not_come_to_an_end_is_none() {
        let leading_to = |token: &str| {
            let list = json!({"kind": "PodList", "metadata": {"continue": token}, "items": []});
            read(&list.to_string()).expect("a list")
        };
        let mut pages = Pages::default();
        assert_eq!(pages.turn(&leading_to("a")), Ok(Some("a".to_owned())));
        assert_eq!(pages.turn(&leading_to("b")), Ok(Some("b".to_owned())));
        assert_eq!(pages.turn(&leading_to("")), Ok(None));
        assert!(pages.turn(&leading_to("a")).is_err(), "in a circle");
        let mut pages = Pages::default();
        let turned =
            (0..2000).take_while(|page| pages.turn(&leading_to(&page.to_string())).is_ok());
        assert_eq!(turned.count(), PAGES);
        let long = leading_to(&"x".repeat(TOKEN + 1));
        assert!(Pages::default().turn(&long).is_err());
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
            let list = json!({"kind": "List", "items": [{"spec": {key: "1"}}]});
            let page = read(&list.to_string()).expect("a list");
            assert_eq!(named(page), [json!({"spec": {key: "1"}})]);
        }
    }
}
