//! One page of a list. Its objects are read one after the other: as a tree, all of a page would take many times what they take as text.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::cluster::projection::Projection;

/// The answer to a list request, as far as it is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    /// Absent, and by old servers `null`, where there are none.
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default, rename = "continue")]
    next: Option<Cow<'a, str>>,
}

impl<'a> Page<'a> {
    pub(super) fn read(answer: &'a [u8]) -> serde_json::Result<Page<'a>> {
        serde_json::from_slice(answer)
    }

    /// Returns the objects: as much of them as `projection` asks for, or all.
    pub(super) fn items(
        &self,
        projection: Option<&Projection>,
    ) -> impl Iterator<Item = serde_json::Result<Value>> {
        let items = self.items.iter().flatten().map(|item| item.get());
        items.map(move |item| match projection {
            Some(projection) => projection.read(item.as_bytes()),
            None => serde_json::from_str(item),
        })
    }

    /// Returns what to ask for the next page with.
    pub(super) fn next(&self) -> Option<&str> {
        self.metadata
            .next
            .as_deref()
            .filter(|token| !token.is_empty())
    }

    /// Gives an object the kind and version that in a list only the list itself has.
    pub(super) fn name_type(&self, item: &mut Value) {
        let Value::Object(fields) = item else { return };
        let kind = self.kind.strip_suffix("List").unwrap_or_default();
        for (key, value) in [("kind", kind), ("apiVersion", &*self.api_version)] {
            if !value.is_empty() && !fields.contains_key(key) {
                fields.insert(key.to_owned(), Value::from(value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(page: &Page<'_>) -> Vec<Value> {
        let named = page.items(None).map(|item| {
            let mut item = item.expect("an object");
            page.name_type(&mut item);
            item
        });
        named.collect()
    }

    #[test]
    fn objects_get_the_type_of_their_list_unless_they_have_one() {
        let text = json!({
            "kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "abc\"d", "resourceVersion": "7"},
            "items": [{"metadata": {"name": "a"}}, {"kind": "Other", "apiVersion": "x/v2"}],
        });
        let text = text.to_string();
        let page = Page::read(text.as_bytes()).expect("a list");
        assert_eq!(page.next(), Some("abc\"d"));
        assert_eq!(
            named(&page),
            [
                json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}),
                json!({"kind": "Other", "apiVersion": "x/v2"}),
            ]
        );
    }

    #[test]
    fn list_without_objects_may_say_so_in_any_way() {
        for text in [
            r#"{"items":[]}"#,
            r#"{"items":null}"#,
            r#"{"metadata":{"continue":""}}"#,
        ] {
            let page = Page::read(text.as_bytes()).expect("a list");
            assert_eq!((named(&page), page.next()), (Vec::new(), None), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in ["", "<html>", r#"{"items":{}}"#, r#"{"items":[{]}"#] {
            assert!(Page::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
