//! Objects into the store in bulk, past the API: the state that a world begins with.

use serde_json::{Value, json};

use crate::object;
use crate::policy;
use crate::resource::{Resource, crd};
use crate::store::Inner;
use crate::world::World;

/// Why an object is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No such kind is built in or defined by an earlier object.
    #[error("`{kind}` of `{api_version}` is no known kind: load its definition before it")]
    UnknownKind {
        /// The object's kind.
        kind: String,
        /// The object's API version.
        api_version: String,
    },
    /// Every object has a name.
    #[error("an object of kind `{kind}` has no `metadata.name`")]
    Nameless {
        /// The object's kind.
        kind: String,
    },
}

pub(crate) fn load(world: &World, objects: Vec<Value>) -> Result<(), LoadError> {
    let mut store = world.store.lock();
    for object in objects {
        one(world, &mut store, object)?;
    }
    Ok(())
}

fn one(world: &World, store: &mut Inner, mut value: Value) -> Result<(), LoadError> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    if object::name(&value).is_empty() {
        return Err(LoadError::Nameless { kind });
    }
    let resource = world
        .registry
        .by_kind(&api_version, &kind)
        .ok_or(LoadError::UnknownKind { kind, api_version })?;
    if resource.namespaced && object::namespace(&value).is_empty() {
        object::set_metadata(&mut value, "namespace", json!("default"));
    }
    complete(&resource, &mut value);
    find_owners(world, store, &mut value);
    if resource.is(crd::GROUP, crd::PLURAL) {
        crd::establish(&mut value);
        world.registry.define(&value);
    }
    store.put(&resource.bucket(), value);
    Ok(())
}

fn complete(resource: &Resource, value: &mut Value) {
    let metadata = &mut value["metadata"];
    object::default(metadata, "uid", object::new_uid());
    object::default(metadata, "creationTimestamp", object::now());
    if policy::has_generation(resource) {
        object::default(metadata, "generation", 1);
    }
    if resource.is("", "namespaces") {
        object::default(value, "spec", json!({ "finalizers": ["kubernetes"] }));
        object::default(value, "status", json!({ "phase": "Active" }));
        let name = object::name(value).to_owned();
        object::child_mut(&mut value["metadata"], "labels")
            .insert("kubernetes.io/metadata.name".into(), json!(name));
    }
    policy::defaults::fill(resource, value);
}

/// Gives owner references the uid of the owner that they name.
fn find_owners(world: &World, store: &Inner, value: &mut Value) {
    let namespace = object::namespace(value).to_owned();
    let Some(references) = value["metadata"]
        .get_mut("ownerReferences")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    for reference in references {
        let text = |key: &str| reference[key].as_str().unwrap_or_default().to_owned();
        if !text("uid").is_empty() {
            continue;
        }
        let Some(resource) = world.registry.by_kind(&text("apiVersion"), &text("kind")) else {
            continue;
        };
        let space = if resource.namespaced {
            namespace.as_str()
        } else {
            ""
        };
        if let Some(owner) = store.get(&resource.bucket(), space, &text("name")) {
            reference["uid"] = json!(object::uid(&owner));
        }
    }
}
