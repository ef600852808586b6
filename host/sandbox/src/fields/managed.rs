//! `metadata.managedFields`: who owns what, and how that changes with each write.

use serde_json::{Value, json};

use super::compare::{Comparison, compare};
use super::{Element, FieldSet, walk};
use crate::object;
use crate::schema::Schema;

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) manager: String,
    /// `Apply` or `Update`.
    pub(crate) operation: String,
    pub(crate) api_version: String,
    pub(crate) sub: String,
    pub(crate) time: String,
    pub(crate) fields: FieldSet,
}

impl Entry {
    fn parse(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            manager: text("manager"),
            operation: text("operation"),
            api_version: text("apiVersion"),
            sub: text("subresource"),
            time: text("time"),
            fields: FieldSet::from_json(&value["fieldsV1"]),
        }
    }

    fn to_json(&self) -> Value {
        let mut value = json!({
            "manager": self.manager, "operation": self.operation, "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_json(),
        });
        if !self.time.is_empty() {
            value["time"] = json!(self.time);
        }
        if !self.sub.is_empty() {
            value["subresource"] = json!(self.sub);
        }
        value
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.api_version == other.api_version
            && self.sub == other.sub
    }

    /// As conflict texts name a manager.
    pub(crate) fn display(&self) -> String {
        let mut text = format!("\"{}\"", self.manager);
        if !self.sub.is_empty() {
            text.push_str(&format!(" with subresource \"{}\"", self.sub));
        }
        if self.operation == "Update" {
            text.push_str(&format!(" using {}", self.api_version));
            if !self.time.is_empty() {
                text.push_str(&format!(" at {}", self.time));
            }
        }
        text
    }
}

/// The entries of an object.
pub(crate) fn entries(value: &Value) -> Vec<Entry> {
    object::list(&value["metadata"]["managedFields"])
        .iter()
        .map(Entry::parse)
        .collect()
}

/// As they are stored: without empty ones, those that applied first, then by time and name.
pub(crate) fn to_json(entries: &[Entry]) -> Value {
    let mut kept: Vec<&Entry> = entries
        .iter()
        .filter(|entry| !entry.fields.is_empty())
        .collect();
    kept.sort_by_key(|entry| {
        (
            &entry.operation,
            &entry.time,
            &entry.manager,
            &entry.api_version,
            &entry.sub,
        )
    });
    kept.into_iter().map(Entry::to_json).collect()
}

/// Who writes.
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    pub(crate) api_version: &'a str,
    pub(crate) sub: Option<&'a str>,
    /// Whether the status has a subresource of its own, so that only its writers own it.
    pub(crate) has_status: bool,
}

/// The entries after `writer` turned `old` into `new` by an update or a patch. A writer that sends other entries than there
/// were sets them; one that sends an empty list resets them.
pub(crate) fn after_update(
    schema: Schema<'_>,
    old: &Value,
    new: &Value,
    writer: &Writer<'_>,
) -> Value {
    let sent = new["metadata"]
        .get("managedFields")
        .filter(|sent| sent.as_array().is_some_and(|list| !list.is_empty()));
    let reset = new["metadata"]["managedFields"]
        .as_array()
        .is_some_and(|list| list.is_empty() || list == &[json!({})]);
    let mut entries = match sent {
        _ if reset => Vec::new(),
        Some(_) => entries(new),
        None => entries(old),
    };
    let comparison = compare(schema, &bare(old), &bare(new));
    let mut touched = comparison.added.union(&comparison.modified);
    walk::strip(&mut touched);
    if writer.sub != Some("status") && writer.has_status {
        touched.remove(&[Element::Field("status".to_owned())]);
    }
    let me = Entry {
        manager: writer.manager.to_owned(),
        operation: "Update".to_owned(),
        api_version: writer.api_version.to_owned(),
        sub: writer.sub.unwrap_or_default().to_owned(),
        // The real server keeps no time for what was done by way of `scale`.
        time: if writer.sub == Some("scale") {
            String::new()
        } else {
            object::now()
        },
        fields: touched.clone(),
    };
    disown(&mut entries, &me, &touched, &comparison);
    if !touched.is_empty() {
        match entries.iter_mut().find(|entry| entry.is(&me)) {
            Some(mine) => {
                let fields = mine.fields.union(&touched);
                if fields != mine.fields || !comparison.modified.is_empty() {
                    mine.time.clone_from(&me.time);
                }
                mine.fields = fields;
            }
            None => entries.push(me),
        }
    }
    to_json(&entries)
}

/// Takes from everybody else what changed, and from everybody what is gone.
pub(crate) fn disown(
    entries: &mut [Entry],
    me: &Entry,
    touched: &FieldSet,
    comparison: &Comparison,
) {
    for entry in entries.iter_mut() {
        if !entry.is(me) {
            entry.fields = entry.fields.difference(touched);
        }
        entry.fields = entry.fields.difference(&comparison.removed);
    }
}

/// The object without its `managedFields`, which nobody owns.
pub(crate) fn bare(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    value
}

/// Whether two states differ in nothing but the times of their entries.
pub(crate) fn same_but_for_times(old: &Value, new: &Value) -> bool {
    let timeless = |value: &Value| {
        let mut value = value.clone();
        if let Some(list) = value["metadata"]
            .get_mut("managedFields")
            .and_then(Value::as_array_mut)
        {
            list.iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|entry| drop(entry.remove("time")));
        }
        value
    };
    timeless(old) == timeless(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn a_change_takes_ownership_from_the_former_owner() {
        let schema = schema::named("io.k8s.api.apps.v1.Deployment");
        let old = json!({"metadata":{"labels":{"a":"1"},"managedFields":[{"manager":"one","operation":"Update","apiVersion":"apps/v1",
            "fieldsV1":{"f:spec":{"f:replicas":{}},"f:metadata":{"f:labels":{".":{},"f:a":{}}}}}]},"spec":{"replicas":1}});
        let mut new = old.clone();
        new["spec"]["replicas"] = json!(2);
        let writer = Writer {
            manager: "two",
            api_version: "apps/v1",
            sub: None,
            has_status: true,
        };
        let after = after_update(schema, &old, &new, &writer);
        assert_eq!(
            after[0]["fieldsV1"],
            json!({"f:metadata":{"f:labels":{".":{},"f:a":{}}}})
        );
        assert_eq!(after[1]["manager"], "two");
        assert_eq!(after[1]["fieldsV1"], json!({"f:spec":{"f:replicas":{}}}));
    }
}
