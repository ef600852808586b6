//! Where plugins come from, and what is kept about them.
//!
//! The engine asks here first: which artifact has this operation, what does its author say of it, what have people granted it. Everything is
//! read from the artifact's own bytes (custom sections and the component's type); no guest code runs and nothing is compiled. The code
//! that the engine compiles is kept here too, in a directory of its own.
//!
//! Invariants: this crate opens no path; it is handed directories and bytes. It never executes, compiles or maps code. A precompiled file
//! is never taken as a plugin. One bad artifact never hides the others. Nothing here grants a right unless a person asked for it.

mod artifact;
mod bytes;
mod code;
mod contract;
#[cfg(test)]
mod fixture;
mod grants;
mod kept;
mod refusal;
mod store;
mod whole;

pub use bytes::Bytes;
pub use code::{Code, CodeCache};
pub use contract::{Difference, Way};
pub use grants::GrantsError;
pub use refusal::{Problem, Refusal};
pub use store::{Bundled, Found, Given, Sources, Store};
