//! Schemas: what a kind's fields are, built-in and custom alike.
//!
//! A [`Schema`] is a view of an OpenAPI v3 node. References resolve into the one document of built-in schemas, so a custom
//! resource's `metadata` is the same schema as a Deployment's. A schema never changes an object; `prune`, `default` and
//! `validate` do, or say what is wrong.

pub(crate) mod default;
pub(crate) mod prune;
pub(crate) mod validate;

use std::sync::LazyLock;

use serde_json::Value;

use crate::object;

const REFERENCE: &str = "#/components/schemas/";
pub(crate) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("resource/builtin.json"))
        .expect("the built-in schemas are JSON")
});

static ANYTHING: LazyLock<Value> =
    LazyLock::new(|| serde_json::json!({ "x-kubernetes-preserve-unknown-fields": true }));

/// The built-in schemas by name.
pub(crate) fn builtin() -> &'static Value {
    &DOCUMENT["components"]["schemas"]
}

/// The schema of a built-in type, by its name in the document.
pub(crate) fn named(name: &str) -> Schema<'static> {
    Schema {
        node: builtin().get(name).unwrap_or(&ANYTHING),
        structural: false,
    }
}

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ListType<'a> {
    Atomic,
    Set,
    Map(Vec<&'a str>),
}

/// What may stand in an object beside its named properties.
pub(crate) enum Rest<'a> {
    Nothing,
    Anything,
    Each(Schema<'a>),
}

/// A node of a schema.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    node: &'a Value,
    /// Whether an object without properties is closed, as in custom resources.
    structural: bool,
}

impl<'a> Schema<'a> {
    pub(crate) fn structural(node: &'a Value) -> Self {
        Self {
            node,
            structural: true,
        }
    }

    /// Of a value about which nothing is known.
    pub(crate) fn anything() -> Schema<'static> {
        Schema {
            node: &ANYTHING,
            structural: false,
        }
    }

    /// The node that says what the fields are, behind references.
    fn target(self) -> Self {
        let direct = self
            .node
            .get("$ref")
            .or_else(|| self.node.get("allOf")?.get(0)?.get("$ref"));
        match direct
            .and_then(Value::as_str)
            .and_then(|path| path.strip_prefix(REFERENCE))
        {
            Some(name) => named(name).target(),
            None => self,
        }
    }

    /// A keyword of the node itself or of what it refers to.
    pub(crate) fn keyword(self, key: &str) -> Option<&'a Value> {
        self.node.get(key).or_else(|| self.target().node.get(key))
    }

    fn is_true(self, key: &str) -> bool {
        self.keyword(key).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn is_structural(self) -> bool {
        self.structural
    }

    pub(crate) fn type_name(self) -> &'a str {
        self.keyword("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn default_value(self) -> Option<&'a Value> {
        self.node.get("default")
    }

    /// A Go struct that is not a pointer: it is always there, and nobody owns it as such.
    pub(crate) fn is_always_present(self) -> bool {
        !self.structural
            && self
                .default_value()
                .and_then(Value::as_object)
                .is_some_and(serde_json::Map::is_empty)
    }

    pub(crate) fn is_int_or_string(self) -> bool {
        self.is_true("x-kubernetes-int-or-string")
            || self
                .keyword("format")
                .is_some_and(|format| format == "int-or-string")
    }

    pub(crate) fn is_nullable(self) -> bool {
        self.is_true("nullable")
    }

    pub(crate) fn is_embedded_resource(self) -> bool {
        self.is_true("x-kubernetes-embedded-resource")
    }

    pub(crate) fn preserves_unknown(self) -> bool {
        self.is_true("x-kubernetes-preserve-unknown-fields")
    }

    pub(crate) fn is_atomic_map(self) -> bool {
        self.keyword("x-kubernetes-map-type")
            .is_some_and(|kind| kind == "atomic")
    }

    /// The named field, if the schema declares it.
    pub(crate) fn property(self, name: &str) -> Option<Schema<'a>> {
        let target = self.target();
        let node = target.node.get("properties")?.get(name)?;
        Some(Schema {
            node,
            structural: target.structural,
        })
    }

    pub(crate) fn properties(self) -> impl Iterator<Item = (&'a String, Schema<'a>)> {
        let target = self.target();
        let map = target.node.get("properties").and_then(Value::as_object);
        map.into_iter().flatten().map(move |(name, node)| {
            (
                name,
                Schema {
                    node,
                    structural: target.structural,
                },
            )
        })
    }

    pub(crate) fn required(self) -> Vec<&'a str> {
        self.keyword("required")
            .map(object::strings)
            .unwrap_or_default()
    }

    /// What fields may have besides the declared ones.
    pub(crate) fn rest(self) -> Rest<'a> {
        let target = self.target();
        match target.node.get("additionalProperties") {
            Some(Value::Bool(true)) => return Rest::Anything,
            Some(node @ Value::Object(_)) => {
                return Rest::Each(Schema {
                    node,
                    structural: target.structural,
                });
            }
            _ => {}
        }
        let open = !target.structural && target.node.get("properties").is_none();
        if self.preserves_unknown() || open {
            Rest::Anything
        } else {
            Rest::Nothing
        }
    }

    /// The schema of a field, declared or not.
    pub(crate) fn field(self, name: &str) -> Schema<'a> {
        self.property(name).unwrap_or_else(|| match self.rest() {
            Rest::Each(schema) => schema,
            Rest::Anything | Rest::Nothing => Schema::anything(),
        })
    }

    pub(crate) fn items(self) -> Schema<'a> {
        let target = self.target();
        match target.node.get("items") {
            Some(node) => Schema {
                node,
                structural: target.structural,
            },
            None => Schema::anything(),
        }
    }

    pub(crate) fn list_type(self) -> ListType<'a> {
        match self
            .keyword("x-kubernetes-list-type")
            .and_then(Value::as_str)
        {
            Some("map") => ListType::Map(
                self.keyword("x-kubernetes-list-map-keys")
                    .map(object::strings)
                    .unwrap_or_default(),
            ),
            Some("set") => ListType::Set,
            _ => ListType::Atomic,
        }
    }

    /// The key by which a strategic merge patch tells items apart.
    pub(crate) fn merge_key(self) -> Option<&'a str> {
        self.keyword("x-kubernetes-patch-merge-key")?.as_str()
    }

    pub(crate) fn patch_strategy(self) -> Vec<&'a str> {
        self.keyword("x-kubernetes-patch-strategy")
            .and_then(Value::as_str)
            .map(|text| text.split(',').collect())
            .unwrap_or_default()
    }
}

/// Appends a field to a path as error texts write it.
pub(crate) fn join(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}
