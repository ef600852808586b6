//! The patch languages. (A JSON merge patch needs no room: the `json_patch` crate does it.)

pub(crate) mod apply;
pub(crate) mod json;
pub(crate) mod strategic;
