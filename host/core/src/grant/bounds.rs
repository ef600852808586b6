//! What those above an operation let it do.
//!
//! An operation that is called has the rights of its own plugin: that is what it is called for. But a plugin that was trusted with one namespace must not
//! reach another one through it, so each call bounds what is called, and whatever that calls, to the places of the caller.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::cluster::lacking;
use super::{Right, Wish};
use crate::name::Namespace;

/// What one caller lets the operation do that it calls. It is on record where an operation is to be called later, when its caller is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Bound {
    /// Everywhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) everywhere: bool,
    /// In these namespaces, whatever its rights allow there. The caller has rights there that are for no object or field alone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) namespaces: BTreeSet<Namespace>,
    /// What the caller may do itself, wherever that is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rights: Vec<Right>,
}

impl Bound {
    /// Returns whether this caller lets something be done.
    pub(super) fn allows(&self, wish: &Wish<'_>) -> bool {
        let named = || {
            wish.namespace
                .is_some_and(|name| self.namespaces.contains(name))
        };
        let own = || self.rights.iter().filter_map(Right::as_cluster);
        self.everywhere || named() || lacking(own(), wish).is_none()
    }

    /// Returns whether this caller lets something be done with what a capability knows by that name. It is in no namespace, so the right to call in all of
    /// them does not open it.
    pub(super) fn allows_named(&self, capability: &str, verb: &str, name: &str) -> bool {
        let mut own = self.rights.iter().filter_map(Right::as_named);
        own.any(|right| right.allows(capability, verb, name))
    }
}
