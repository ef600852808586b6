//! What create, update, patch and apply have in common: decoding, policy, ownership, and the store.

use std::sync::Arc;

use serde_json::Value;

use crate::fields::managed::{self, Writer as FieldWriter};
use crate::object;
use crate::policy;
use crate::request::{FieldValidation, Request};
use crate::resource::crd;
use crate::route::Target;
use crate::schema::{prune::prune, validate::undecodable};
use crate::status::ApiError;
use crate::store::Inner;
use crate::world::World;

/// Who becomes the owner of what a write changes.
pub(crate) enum Ownership {
    /// The request's manager, of everything that differs.
    Update,
    /// Already computed, by apply.
    Computed(Value),
}

pub(crate) struct Write<'a> {
    world: &'a World,
    pub(crate) target: &'a Target,
    pub(crate) manager: String,
    dry_run: bool,
    validation: FieldValidation,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Write<'a> {
    pub(crate) fn new(
        world: &'a World,
        target: &'a Target,
        request: &Request,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            world,
            target,
            manager: request.manager(),
            dry_run: request.is_dry_run()?,
            validation: request.field_validation()?,
            warnings: Vec::new(),
        })
    }

    /// Checks that `value` is an object of the target's kind and removes what its schema does not know.
    pub(crate) fn decode(&mut self, mut value: Value) -> Result<Value, ApiError> {
        let resource = &self.target.resource;
        if !value.is_object() {
            return Err(ApiError::bad_request(
                "the object provided is unrecognized: it is no JSON object",
            ));
        }
        object::default(&mut value, "apiVersion", resource.api_version());
        object::default(&mut value, "kind", resource.kind.as_str());
        self.check_kind(&value)?;
        self.check_url(&value)?;
        drop_empty_metadata(&mut value);
        let mut unknown = Vec::new();
        prune(resource.schema(), &mut value, "", &mut unknown);
        self.report(unknown)?;
        if !resource.is_custom
            && let Some((path, wanted, found)) = undecodable(resource.schema(), &value, "")
        {
            return Err(self.cannot_decode(&format!(
                "json: cannot unmarshal {found} into Go struct field {}.{path} of type {wanted}",
                resource.kind
            )));
        }
        Ok(value)
    }

    fn check_kind(&self, value: &Value) -> Result<(), ApiError> {
        let resource = &self.target.resource;
        let (version, kind) = (resource.api_version(), resource.kind.as_str());
        if value["apiVersion"] == version.as_str() && value["kind"] == kind {
            return Ok(());
        }
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Err(ApiError::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {kind}: no kind \"{}\" is registered for version \"{}\"",
            text("kind"),
            text("apiVersion"),
            text("kind"),
            text("apiVersion")
        )))
    }

    fn check_url(&self, value: &Value) -> Result<(), ApiError> {
        let mismatch = |what: &str, of_object: &str, of_url: &str| {
            Err(ApiError::bad_request(format!(
                "the {what} of the object ({of_object}) does not match the {what} on the URL ({of_url})"
            )))
        };
        let (name, namespace) = (object::name(value), object::namespace(value));
        if let Some(expected) = self
            .target
            .name
            .as_deref()
            .filter(|expected| !name.is_empty() && *expected != name)
        {
            return mismatch("name", name, expected);
        }
        if self.target.resource.namespaced
            && !namespace.is_empty()
            && namespace != self.target.space()
        {
            return Err(ApiError::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        Ok(())
    }

    fn report(&mut self, unknown: Vec<String>) -> Result<(), ApiError> {
        let lines = unknown
            .into_iter()
            .map(|path| format!("unknown field \"{path}\""));
        match self.validation {
            FieldValidation::Ignore => {}
            FieldValidation::Warn => self.warnings.extend(lines),
            FieldValidation::Strict => {
                let lines: Vec<String> = lines.collect();
                if !lines.is_empty() {
                    return Err(
                        self.cannot_decode(&format!("strict decoding error: {}", lines.join(", ")))
                    );
                }
            }
        }
        Ok(())
    }

    fn cannot_decode(&self, why: &str) -> ApiError {
        let resource = &self.target.resource;
        ApiError::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: {why}",
            resource.kind, resource.version, resource.kind
        ))
    }

    /// Stores a new object.
    pub(crate) fn create(
        &mut self,
        store: &mut Inner,
        mut value: Value,
        ownership: Ownership,
    ) -> Result<Arc<Value>, ApiError> {
        let resource = &self.target.resource;
        policy::create::place(self.target, &mut value, store)?;
        let name = object::name(&value).to_owned();
        policy::create::strip(resource, &mut value);
        policy::defaults::fill(resource, &mut value);
        let empty = policy::skeleton(resource, &value);
        self.own(&empty, &mut value, ownership);
        policy::create::prepare(resource, &mut value, store);
        // The first status has its own zero values.
        policy::defaults::fill(resource, &mut value);
        policy::check(resource, &value, None)?;
        let exists = store.get(&resource.bucket(), self.target.space(), &name);
        if exists.is_some() {
            return Err(ApiError::already_exists(resource, &name));
        }
        policy::quota::check(resource, &value, store)?;
        if resource.is(crd::GROUP, crd::PLURAL) {
            crd::establish(&mut value);
        }
        if self.dry_run {
            return Ok(Arc::new(value));
        }
        let stored = store.put(&resource.bucket(), value);
        self.after(&stored);
        // It may have come after its owner went.
        if stored["metadata"].get("ownerReferences").is_some() {
            self.world.store.announce_deletion();
        }
        Ok(stored)
    }

    /// Stores a new state of `old`. Nothing is written where nothing changed, and the object goes where it was only waiting for
    /// its last finalizer.
    pub(crate) fn update(
        &mut self,
        store: &mut Inner,
        old: &Arc<Value>,
        mut value: Value,
        ownership: Ownership,
    ) -> Result<Arc<Value>, ApiError> {
        let resource = &self.target.resource;
        policy::update::check_preconditions(resource, old, &value)?;
        policy::update::keep(resource, self.target.sub.as_deref(), old, &mut value);
        policy::defaults::fill(resource, &mut value);
        policy::update::generation(resource, old, &mut value);
        policy::check(resource, &value, Some(old))?;
        self.own(old, &mut value, ownership);
        if resource.is(crd::GROUP, crd::PLURAL) {
            crd::establish(&mut value);
        }
        if managed::same_but_for_times(old, &value) {
            return Ok(Arc::clone(old));
        }
        if self.dry_run {
            return Ok(Arc::new(value));
        }
        if object::is_terminating(&value) && policy::delete::may_go(resource, &value) {
            store.put(&resource.bucket(), value);
            let gone = store.remove(&resource.bucket(), self.target.space(), object::name(old));
            self.world.store.announce_deletion();
            return Ok(gone.unwrap_or_else(|| Arc::clone(old)));
        }
        let stored = store.put(&resource.bucket(), value);
        self.after(&stored);
        Ok(stored)
    }

    fn own(&self, old: &Value, value: &mut Value, ownership: Ownership) {
        let entries = match ownership {
            Ownership::Update => {
                let writer = FieldWriter {
                    manager: &self.manager,
                    api_version: &self.target.resource.api_version(),
                    sub: self.target.sub.as_deref(),
                    has_status: self.target.resource.has_status,
                };
                managed::after_update(self.target.resource.schema(), old, value, &writer)
            }
            Ownership::Computed(entries) => entries,
        };
        if entries.as_array().is_some_and(Vec::is_empty) {
            object::remove_metadata(value, "managedFields");
        } else {
            object::set_metadata(value, "managedFields", entries);
        }
    }

    fn after(&self, stored: &Arc<Value>) {
        if self.target.resource.is(crd::GROUP, crd::PLURAL) {
            self.world.registry.define(stored);
        }
        let frees_claims = self.target.resource.is("", "pods") && policy::is_over(stored);
        if object::is_terminating(stored) || frees_claims {
            self.world.store.announce_deletion();
        }
    }
}

/// Go leaves empty maps and lists of the metadata out.
fn drop_empty_metadata(value: &mut Value) {
    let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for key in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let is_empty = match metadata.get(key) {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            _ => false,
        };
        if is_empty {
            metadata.remove(key);
        }
    }
}
