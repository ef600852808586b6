//! What a patch is to make of an object, whichever of the two languages it is written in.

use agent_core::effect::FieldChange;
use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectRef;
use serde_json::Value;

use crate::cluster::fields::{self, Operations, Patch};

const VERSION: &str = "/metadata/resourceVersion";

/// See the module.
#[derive(Clone, Debug)]
pub(in crate::cluster) enum Edit<'a> {
    /// A JSON merge patch, or a manifest, whose fields are to be there.
    Merge(&'a Value),
    /// A JSON patch. What it has done once, it must not do again.
    Operations(Operations),
}

impl Edit<'_> {
    /// Reads the body of a patch.
    ///
    /// # Errors
    /// `invalid` when it is an array and no JSON patch.
    pub(in crate::cluster) fn read(body: &Value) -> Result<Edit<'_>, Failure> {
        if !body.is_array() {
            return Ok(Edit::Merge(body));
        }
        let operations = Operations::read(body);
        operations.map(Edit::Operations).map_err(|error| {
            Failure::of(Kind::Invalid, "cluster.invalid", &error)
                .while_doing("the plugin's patch is not a JSON patch")
        })
    }

    /// Returns pointers to what it says something of.
    pub(super) fn paths(&self, now: &Value) -> Vec<String> {
        match self {
            Edit::Merge(body) => {
                let touched = fields::touched(now, body).into_iter();
                touched.map(|field| field.path).collect()
            }
            Edit::Operations(operations) => operations.paths().collect(),
        }
    }

    /// Returns the changes that it makes to an object.
    pub(super) fn changes(
        &self,
        now: &Value,
        target: &ObjectRef,
    ) -> Result<Vec<FieldChange>, Failure> {
        match self {
            Edit::Merge(body) => Ok(fields::changes(now, body)),
            Edit::Operations(operations) => {
                operations.changes(now).map_err(|error| error.of(target))
            }
        }
    }

    /// Makes of an object what it is to become.
    pub(super) fn apply(&self, object: &mut Value, target: &ObjectRef) -> Result<(), Failure> {
        match self {
            Edit::Merge(body) => fields::merge(object, body),
            Edit::Operations(operations) => {
                let made = operations.applied(object);
                *object = made.map_err(|error| error.of(target))?;
            }
        }
        Ok(())
    }

    /// Returns what is sent: it rests on the version that the changes were computed on, unless it names one.
    pub(super) fn patch(&self, now: &Value, target: &ObjectRef) -> Result<Patch, Failure> {
        let mut patch = match self {
            Edit::Merge(body) => Patch::Merge((*body).clone()),
            Edit::Operations(operations) => {
                let made = operations.applied(now);
                Patch::operations(now, &made.map_err(|error| error.of(target))?)
            }
        };
        if let (Some(version), false) = (now.pointer(VERSION), self.names_version()) {
            patch.rest_on(version);
        }
        Ok(patch)
    }

    /// Returns whether it is for one version of the object, and never for a later one.
    pub(super) fn names_version(&self) -> bool {
        match self {
            Edit::Merge(body) => body.pointer(VERSION).is_some(),
            // Each look carries them out anew.
            Edit::Operations(_) => false,
        }
    }

    /// Returns whether a second time would be one too many.
    pub(super) fn counts(&self) -> bool {
        matches!(self, Edit::Operations(_))
    }
}
