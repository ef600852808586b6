//! The kinds that the server serves: built in, or defined by a CustomResourceDefinition.
//!
//! A [`Resource`] is one kind in one version. The registry is the only place that knows which exist; it changes only when a
//! CustomResourceDefinition does. Nothing here touches an object of those kinds.

pub(crate) mod builtin;
pub(crate) mod crd;

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::schema::{self, Schema};
use crate::store::Bucket;

pub(crate) const FULL: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];
pub(crate) const REVIEW: &[&str] = &["create"];

/// A column of `kubectl get`, declared by a CustomResourceDefinition.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) path: String,
}

/// Where `scale` reads and writes.
#[derive(Debug, Clone)]
pub(crate) struct ScalePaths {
    pub(crate) spec: String,
    pub(crate) status: String,
    pub(crate) selector: Option<String>,
}

#[derive(Debug, Clone)]
enum SchemaSource {
    Builtin(String),
    Custom(Arc<Value>),
}

/// One kind in one version.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    pub(crate) verbs: &'static [&'static str],
    pub(crate) has_status: bool,
    pub(crate) scale: Option<ScalePaths>,
    /// Subresources besides status and scale, with the kind that they speak.
    pub(crate) others: Vec<builtin::Subresource>,
    /// Printer columns of a custom resource; built-in kinds have theirs in `table`.
    pub(crate) columns: Vec<Column>,
    /// JSON paths that a field selector may name, of a custom resource.
    pub(crate) selectable: Vec<String>,
    pub(crate) is_custom: bool,
    has_rules: bool,
    schema: SchemaSource,
}

impl Resource {
    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::new(&self.group, &self.plural)
    }

    /// `v1`, `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `pods`, `deployments.apps`.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    pub(crate) fn schema(&self) -> Schema<'_> {
        match &self.schema {
            SchemaSource::Builtin(name) => schema::named(name),
            SchemaSource::Custom(node) => Schema::structural(node),
        }
    }

    /// The name of the schema in the OpenAPI document.
    pub(crate) fn schema_name(&self) -> String {
        match &self.schema {
            SchemaSource::Builtin(name) => name.clone(),
            SchemaSource::Custom(_) => {
                let reversed: Vec<&str> = self.group.split('.').rev().collect();
                format!("{}.{}.{}", reversed.join("."), self.version, self.kind)
            }
        }
    }

    /// The schema as the CustomResourceDefinition declares it.
    pub(crate) fn custom_schema(&self) -> Option<&Value> {
        match &self.schema {
            SchemaSource::Builtin(_) => None,
            SchemaSource::Custom(node) => Some(node),
        }
    }

    /// Whether the definition has rules in the expression language (`x-kubernetes-validations`), which are not evaluated here.
    pub(crate) fn has_rules(&self) -> bool {
        self.has_rules
    }

    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.group == group && self.plural == plural
    }
}

/// Every resource that is served at the moment.
pub(crate) struct Registry {
    resources: RwLock<Vec<Arc<Resource>>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            resources: RwLock::new(builtin::resources().into_iter().map(Arc::new).collect()),
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Resource>> {
        self.resources
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        self.search(|resource| {
            resource.group == group && resource.version == version && resource.plural == plural
        })
    }

    pub(crate) fn by_kind(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.search(|resource| resource.kind == kind && resource.api_version() == api_version)
    }

    /// Any served version of what a bucket holds.
    pub(crate) fn by_bucket(&self, bucket: &Bucket) -> Option<Arc<Resource>> {
        self.search(|resource| resource.is(&bucket.group, &bucket.plural))
    }

    fn search(&self, wanted: impl Fn(&Resource) -> bool) -> Option<Arc<Resource>> {
        let resources = self
            .resources
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        resources.iter().find(|resource| wanted(resource)).cloned()
    }

    /// Serves what `crd` defines, in place of what it defined before.
    pub(crate) fn define(&self, crd: &Value) {
        let defined = crd::resources(crd);
        let mut resources = self
            .resources
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        resources.retain(|resource| !crd::defines(crd, resource));
        resources.extend(defined.into_iter().map(Arc::new));
    }

    /// Stops serving what `crd` defined.
    pub(crate) fn undefine(&self, crd: &Value) {
        let mut resources = self
            .resources
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        resources.retain(|resource| !crd::defines(crd, resource));
    }
}
