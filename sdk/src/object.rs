//! Objects of the cluster: their names, and the fields that every plugin reads.

use std::fmt;

use serde_json::Value;

use crate::bindings::ops::cluster::cluster as wit;
use crate::{Error, Result};

/// A type of object: `PLURAL.VERSION.GROUP`, or `PLURAL.VERSION` for the core group. [`crate::kinds`] has the usual ones. When the server
/// serves another version of the group, the host uses that. A subresource follows a slash, `deployments.v1.apps/scale`: it is read, patched, applied
/// and held, and is a type of its own to rights as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectType(&'static str);

impl ObjectType {
    /// Names a type.
    pub const fn new(of: &'static str) -> ObjectType {
        ObjectType(of)
    }

    /// Returns the full name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// Returns the plural name in lower case, such as `deployments`.
    pub fn plural(self) -> &'static str {
        self.0.split('.').next().unwrap_or(self.0)
    }

    /// Returns the name as people say it: `deployments`, `deployments/scale`.
    pub fn noun(self) -> String {
        match self.0.split_once('/') {
            Some((_, subresource)) => format!("{}/{subresource}", self.plural()),
            None => self.plural().to_owned(),
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Its type.
    pub of: ObjectType,
    /// Its namespace; none for a cluster-scoped object.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// Names an object in a namespace.
    pub fn new(of: ObjectType, namespace: &str, name: &str) -> ObjectRef {
        ObjectRef {
            of,
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        }
    }

    /// Names a cluster-scoped object.
    pub fn cluster_scoped(of: ObjectType, name: &str) -> ObjectRef {
        ObjectRef {
            of,
            namespace: None,
            name: name.to_owned(),
        }
    }

    /// Names an object that was read.
    pub fn to(of: ObjectType, object: &Object) -> ObjectRef {
        ObjectRef {
            of,
            namespace: object.namespace().map(str::to_owned),
            name: object.name().to_owned(),
        }
    }

    /// Returns whether an object that was read, of the same type, is this one.
    pub fn is(&self, object: &Object) -> bool {
        self.name == object.name() && self.namespace.as_deref() == object.namespace()
    }

    pub(crate) fn to_wit(&self) -> wit::ObjectRef {
        wit::ObjectRef {
            of: self.of.as_str().to_owned(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.of.noun(), self.name),
            None => write!(f, "{} {}", self.of.noun(), self.name),
        }
    }
}

/// An object as the server has it, as far as the projection asked for it. What is absent reads as `null`, empty or zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object(pub Value);

/// A condition of an object's status.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition<'a> {
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// One word for machines.
    pub reason: &'a str,
    /// A sentence for people.
    pub message: &'a str,
    /// The generation that it speaks of; 0 when it does not say.
    pub observed_generation: i64,
    /// Since when it has that status (RFC 3339); empty when it does not say.
    pub last_transition_time: &'a str,
}

impl Condition<'_> {
    /// Returns whether its status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }

    /// Returns whether its status is `False`.
    pub fn is_false(&self) -> bool {
        self.status == "False"
    }
}

const NULL: &Value = &Value::Null;

impl Object {
    /// Returns what is at a JSON Pointer, `null` when there is nothing.
    pub fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or(NULL)
    }

    /// Returns the text at a JSON Pointer.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer).as_str()
    }

    /// Returns the whole number at a JSON Pointer.
    pub fn integer(&self, pointer: &str) -> Option<i64> {
        self.at(pointer).as_i64()
    }

    /// Returns whether `true` is at a JSON Pointer.
    pub fn flag(&self, pointer: &str) -> bool {
        self.at(pointer).as_bool().unwrap_or_default()
    }

    /// Returns the elements of the array at a JSON Pointer.
    pub fn items(&self, pointer: &str) -> &[Value] {
        self.at(pointer)
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// Returns its namespace.
    pub fn namespace(&self) -> Option<&str> {
        self.text("/metadata/namespace")
    }

    /// Returns its uid.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid").unwrap_or_default()
    }

    /// Returns its resource version.
    pub fn resource_version(&self) -> &str {
        self.text("/metadata/resourceVersion").unwrap_or_default()
    }

    /// Returns its generation.
    pub fn generation(&self) -> i64 {
        self.integer("/metadata/generation").unwrap_or_default()
    }

    /// Returns an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.at("/metadata/annotations").get(key)?.as_str()
    }

    /// Returns a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.at("/metadata/labels").get(key)?.as_str()
    }

    /// Returns a condition of its status.
    pub fn condition(&self, of: &str) -> Option<Condition<'_>> {
        let condition = self
            .items("/status/conditions")
            .iter()
            .find(|condition| condition["type"] == of)?;
        let text = |key: &str| condition[key].as_str().unwrap_or_default();
        Some(Condition {
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
            observed_generation: condition["observedGeneration"].as_i64().unwrap_or_default(),
            last_transition_time: text("lastTransitionTime"),
        })
    }

    pub(crate) fn parse(json: &str) -> Result<Object> {
        parse(json).map(Object)
    }
}

impl From<Value> for Object {
    fn from(value: Value) -> Object {
        Object(value)
    }
}

pub(crate) fn parse(json: &str) -> Result<Value> {
    serde_json::from_str(json).map_err(|error| {
        Error::internal("run.json", format!("the host's answer is no JSON: {error}"))
    })
}
