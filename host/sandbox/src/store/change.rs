//! One change of one object, as the ring keeps it and watches tell it.

use std::sync::Arc;

use serde_json::Value;

/// What happened to the object as such; a watch with a selector may tell it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    Added,
    Modified,
    Deleted,
}

/// An entry of the ring.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) happened: Happened,
    pub(crate) object: Arc<Value>,
    /// The object before, for watches whose selector it did or did not match.
    pub(crate) before: Option<Arc<Value>>,
}
