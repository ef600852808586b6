//! Sets of fields: which parts of an object somebody owns.
//!
//! The algebra of server-side apply, as sigs.k8s.io/structured-merge-diff defines it. A set is a tree of path elements; its wire
//! form is `FieldsV1`. Nothing here knows about managers: that is `managed`.

pub(crate) mod compare;
pub(crate) mod managed;
pub(crate) mod walk;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::schema::{ListType, Schema};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field of an object.
    Field(String),
    /// An item of a list-map, by its keys in canonical JSON.
    Key(String),
    /// An item of a set, in canonical JSON.
    Value(String),
    /// An item of a plain list.
    Index(usize),
}

impl Element {
    fn text(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => format!("k:{keys}"),
            Self::Value(value) => format!("v:{value}"),
            Self::Index(index) => format!("i:{index}"),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.split_at_checked(2)? {
            ("f:", name) => Some(Self::Field(name.to_owned())),
            ("k:", keys) => Some(Self::Key(canonical(keys)?)),
            ("v:", value) => Some(Self::Value(canonical(value)?)),
            ("i:", index) => index.parse().ok().map(Self::Index),
            _ => None,
        }
    }

    /// As error texts write it: `.spec`, `[name="x"]`.
    fn display(&self) -> String {
        match self {
            Self::Field(name) => format!(".{name}"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let pairs: Vec<String> = keys
                    .iter()
                    .map(|(key, value)| format!("{key}={value}"))
                    .collect();
                format!("[{}]", pairs.join(","))
            }
            Self::Value(value) => format!("[={value}]"),
            Self::Index(index) => format!("[{index}]"),
        }
    }
}

fn canonical(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text)
        .ok()
        .map(|value| value.to_string())
}

/// A path from the root.
pub(crate) type Path = Vec<Element>;

/// As error texts write it: `.spec.template.spec.containers[name="x"].image`.
pub(crate) fn display(path: &[Element]) -> String {
    path.iter().map(Element::display).collect()
}

/// A set of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    member: bool,
    children: BTreeMap<Element, FieldSet>,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Self::is_empty)
    }

    pub(crate) fn insert(&mut self, path: &[Element]) {
        let node = path.iter().fold(self, |node, element| {
            node.children.entry(element.clone()).or_default()
        });
        node.member = true;
    }

    pub(crate) fn remove(&mut self, path: &[Element]) {
        match path {
            [] => *self = Self::default(),
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(first);
                    }
                }
            }
        }
    }

    /// What is at `path` and below.
    pub(crate) fn at(&self, path: &[Element]) -> Option<&FieldSet> {
        path.iter()
            .try_fold(self, |node, element| node.children.get(element))
    }

    pub(crate) fn contains(&self, path: &[Element]) -> bool {
        self.at(path).is_some_and(|node| node.member)
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.member |= other.member;
        for (element, child) in &other.children {
            let merged = union
                .children
                .get(element)
                .map_or_else(|| child.clone(), |mine| mine.union(child));
            union.children.insert(element.clone(), merged);
        }
        union
    }

    /// Members of this set that are not members of `other`.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        let mut rest = Self {
            member: self.member && !other.member,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let left = other
                .children
                .get(element)
                .map_or_else(|| child.clone(), |theirs| child.difference(theirs));
            if !left.is_empty() {
                rest.children.insert(element.clone(), left);
            }
        }
        rest
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut common = Self {
            member: self.member && other.member,
            children: BTreeMap::new(),
        };
        for (element, child) in &self.children {
            let both = other
                .children
                .get(element)
                .map(|theirs| child.intersection(theirs))
                .unwrap_or_default();
            if !both.is_empty() {
                common.children.insert(element.clone(), both);
            }
        }
        common
    }

    /// Every member, parents before children.
    pub(crate) fn paths(&self) -> Vec<Path> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Path, paths: &mut Vec<Path>) {
        if self.member {
            paths.push(prefix.clone());
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect(prefix, paths);
            prefix.pop();
        }
    }

    /// The wire form, `FieldsV1`.
    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        for (element, child) in &self.children {
            let mut inner = child.to_json();
            if child.member && !child.children.is_empty() {
                inner["."] = json!({});
            }
            map.insert(element.text(), inner);
        }
        Value::Object(map)
    }

    /// From the wire form; what cannot be read is left out.
    pub(crate) fn from_json(value: &Value) -> Self {
        let mut set = Self::default();
        for (key, inner) in value.as_object().into_iter().flatten() {
            if key == "." {
                set.member = true;
            } else if let Some(element) = Element::parse(key) {
                let mut child = Self::from_json(inner);
                child.member |= inner.as_object().is_none_or(Map::is_empty);
                set.children.insert(element, child);
            }
        }
        set
    }
}

/// How a list's items are addressed: `None` where the list is one value.
pub(crate) fn item_element(
    schema: Schema<'_>,
    list_type: &ListType<'_>,
    item: &Value,
) -> Option<Element> {
    match list_type {
        ListType::Atomic => None,
        ListType::Set => Some(Element::Value(item.to_string())),
        ListType::Map(keys) => {
            let mut map = Map::new();
            for key in keys {
                let default = || {
                    schema
                        .items()
                        .property(key)
                        .and_then(Schema::default_value)
                        .cloned()
                };
                if let Some(value) = item.get(*key).cloned().or_else(default) {
                    map.insert((*key).to_owned(), value);
                }
            }
            Some(Element::Key(Value::Object(map).to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_goes_there_and_back() {
        let wire = json!({"f:metadata":{"f:labels":{".":{},"f:app":{}}},
            "f:spec":{"f:containers":{"k:{\"name\":\"x\"}":{".":{},"f:image":{}}},"f:replicas":{}}});
        let set = FieldSet::from_json(&wire);
        assert_eq!(set.to_json(), wire);
        let texts: Vec<String> = set.paths().iter().map(|path| display(path)).collect();
        assert!(
            texts.contains(&".spec.containers[name=\"x\"].image".to_owned()),
            "{texts:?}"
        );
        assert!(texts.contains(&".metadata.labels".to_owned()));
        assert!(!texts.contains(&".spec".to_owned()));
    }

    #[test]
    fn difference_and_intersection_speak_of_members() {
        let all = FieldSet::from_json(&json!({"f:a":{".":{},"f:b":{}},"f:c":{}}));
        let some = FieldSet::from_json(&json!({"f:a":{"f:b":{}}}));
        assert_eq!(all.difference(&some).to_json(), json!({"f:a":{},"f:c":{}}));
        assert_eq!(all.intersection(&some).to_json(), json!({"f:a":{"f:b":{}}}));
        assert_eq!(some.union(&all), all);
    }
}
