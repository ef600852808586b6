//! The operations of a JSON patch (RFC 6902) that a plugin wrote, and what they make of an object. They are carried out here and never sent: what goes to
//! the server is the difference that the gate has judged, so that nothing can mean something else there.

use agent_core::effect::FieldChange;
use agent_core::failure::{Failure, Kind};
use agent_core::limits::DOCUMENT;
use agent_core::object::ObjectRef;
use agent_gate::weight;
use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::{Value, json};

use super::{IDENTITY, at, difference_of, is_identity};

/// How many operations a patch has at most: as many as the API server takes.
const MOST: usize = 10_000;
/// How deep they may build: every look at a document goes as deep as it is.
const DEEPEST: usize = 256;
/// How much they may copy and move, as it is in memory. A few copies of copies would be more than any machine has.
const COPIED: usize = 4 * DOCUMENT;

const VERSION: &str = "/metadata/resourceVersion";

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Operations(Vec<PatchOperation>);

/// Why operations make nothing of an object, with the number of the one that does not, from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unapplied {
    /// A `test` does not hold.
    Test(usize),
    /// They name another version of the object than there is.
    Version,
    /// A pointer leads nowhere.
    Pointer(usize, String),
    /// They copy or build more than anybody needs.
    TooMuch(usize),
    /// What is left is another object, or none.
    Identity,
}

impl Unapplied {
    /// Says so of an object. No value is repeated.
    pub(crate) fn of(self, target: &ObjectRef) -> Failure {
        let conflict = |why: String| {
            let message = format!("{target} is not as the patch wants it");
            Failure::new(Kind::Conflict, "cluster.conflict", message).because(why)
        };
        let invalid = |why: String| {
            let message = format!("the patch cannot be applied to {target}");
            Failure::new(Kind::Invalid, "cluster.invalid", message).because(why)
        };
        match self {
            Unapplied::Test(number) => {
                conflict(format!("operation {number} tests for another value"))
            }
            Unapplied::Version => conflict("it has changed since".to_owned()),
            Unapplied::Pointer(number, why) => invalid(format!("operation {number}: {why}")),
            Unapplied::TooMuch(number) => invalid(format!(
                "operation {number} makes more of it than an API server takes"
            )),
            Unapplied::Identity => invalid("it changes what identifies the object".to_owned()),
        }
    }
}

impl Operations {
    /// Reads them from a document, which is an array.
    ///
    /// # Errors
    /// When it is none of RFC 6902, or has more operations than an API server takes.
    pub(crate) fn read(document: &Value) -> serde_json::Result<Operations> {
        use serde::de::{Deserialize as _, Error as _};
        let operations = Vec::<PatchOperation>::deserialize(document)?;
        if operations.len() > MOST {
            let message = format!("more than {MOST} operations");
            return Err(serde_json::Error::custom(message));
        }
        Ok(Operations(operations))
    }

    /// Returns what they make of an object.
    pub(crate) fn applied(&self, object: &Value) -> Result<Value, Unapplied> {
        let mut made = object.clone();
        let mut room = COPIED;
        for (index, operation) in self.0.iter().enumerate() {
            let number = index + 1;
            let depth = match operation {
                PatchOperation::Add(add) => depth(&add.value),
                PatchOperation::Replace(replace) => depth(&replace.value),
                PatchOperation::Copy(copy) => taken(&made, copy.from.as_str(), &mut room),
                PatchOperation::Move(moved) => taken(&made, moved.from.as_str(), &mut room),
                PatchOperation::Remove(_) | PatchOperation::Test(_) => Some(0),
            };
            let path = operation.path().as_str().matches('/').count();
            if depth.is_none_or(|depth| depth + path > DEEPEST) {
                return Err(Unapplied::TooMuch(number));
            }
            let done = json_patch::patch_unsafe(&mut made, std::slice::from_ref(operation));
            done.map_err(|error| match error.kind {
                PatchErrorKind::TestFailed => Unapplied::Test(number),
                why => Unapplied::Pointer(number, why.to_string()),
            })?;
        }
        let version = at(&made, VERSION);
        if version.is_some() && version != at(object, VERSION) {
            return Err(Unapplied::Version);
        }
        let mut identity = IDENTITY.iter().filter(|path| **path != VERSION);
        if identity.any(|path| at(&made, path) != at(object, path)) {
            return Err(Unapplied::Identity);
        }
        Ok(made)
    }

    /// Returns the changes that they make to an object.
    pub(crate) fn changes(&self, object: &Value) -> Result<Vec<FieldChange>, Unapplied> {
        let made = self.applied(object)?;
        Ok(difference_of(object, &made, is_identity))
    }

    /// Returns pointers to what they look at, set or remove, but for what identifies the object.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> + '_ {
        let pointers = self.0.iter().flat_map(|operation| {
            let from = match operation {
                PatchOperation::Copy(copy) => Some(copy.from.as_str()),
                PatchOperation::Move(moved) => Some(moved.from.as_str()),
                _ => None,
            };
            from.into_iter().chain([operation.path().as_str()])
        });
        let pointers = pointers.filter(|pointer| !is_identity(pointer));
        pointers.map(str::to_owned)
    }

    /// Returns whether values go from one field to another, unseen.
    pub(crate) fn move_values(&self) -> bool {
        let moves =
            |it: &PatchOperation| matches!(it, PatchOperation::Copy(_) | PatchOperation::Move(_));
        self.0.iter().any(moves)
    }

    /// Returns what they write, as a document of its fields.
    pub(crate) fn written(&self) -> Value {
        let mut document = json!({});
        for operation in &self.0 {
            let value = match operation {
                PatchOperation::Add(add) => &add.value,
                PatchOperation::Replace(replace) => &replace.value,
                PatchOperation::Test(test) => &test.value,
                _ => continue,
            };
            super::merge_at(&mut document, operation.path().as_str(), value);
        }
        document
    }
}

/// Returns how deep what is copied or moved is, if there is room for it.
fn taken(from: &Value, pointer: &str, room: &mut usize) -> Option<usize> {
    let Some(value) = from.pointer(pointer) else {
        return Some(0);
    };
    *room = room.checked_sub(weight(value))?;
    depth(value)
}

/// Returns how deep a value is; none when that is deeper than any may be.
fn depth(value: &Value) -> Option<usize> {
    let mut level: Vec<&Value> = vec![value];
    for depth in 1..=DEEPEST {
        level = level
            .into_iter()
            .flat_map(|value| -> Box<dyn Iterator<Item = &Value>> {
                match value {
                    Value::Array(items) => Box::new(items.iter()),
                    Value::Object(fields) => Box::new(fields.values()),
                    _ => Box::new(std::iter::empty()),
                }
            })
            .collect();
        if level.is_empty() {
            return Some(depth);
        }
    }
    None
}

#[cfg(test)]
mod tests;
