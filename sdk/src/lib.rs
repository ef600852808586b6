//! The guest side of the agent: what a plugin in Rust is written with.
//!
//! A plugin is a library crate of type `cdylib`, built with plain `cargo build --target wasm32-wasip2`. Its operations are functions:
//!
//! ```
//! use agent_sdk::prelude::*;
//!
//! #[derive(Args)]
//! struct Greet {
//!     /// Whom to greet
//!     #[arg(positional)]
//!     name: String,
//! }
//!
//! /// Greet somebody.
//! #[operation(risk = "read", examples("hello.greet world"))]
//! fn greet(args: Greet) -> Result<Value> {
//!     Ok(json!({ "greeting": format!("hello, {}", args.name) }))
//! }
//! # fn main() {}
//! ```
//!
//! and one `plugin! { manifest = "plugin.toml", operations = [greet] }` at the root of the crate embeds the manifest and the descriptor,
//! and exports the plugin. `examples/hello` is a whole one.
//!
//! Everything here is a thin coat over the contract in `wit/`, whose comments are the reference. The coat adds what every plugin needs
//! once: arguments as a struct, objects with their usual fields, and one wait for any number of objects.
//!
//! This crate never reads a clock, a file, the environment or a socket of its own: whatever a plugin does, it asks the host for. It has no
//! async code: the host suspends a plugin that waits.

#[doc(hidden)]
pub mod args;
#[doc(hidden)]
pub mod bindings;
pub mod cluster;
pub mod diagnosis;
#[doc(hidden)]
pub mod document;
mod error;
mod hold;
pub mod kinds;
mod object;
#[doc(hidden)]
pub mod operation;
pub mod operations;
pub mod run;
pub mod wait;

pub use agent_sdk_macros::{Args, Choice, operation, plugin};
pub use args::{Args, Argument, Choice, NoArgs};
pub use error::{Error, Kind, Result};
pub use hold::Held;
pub use jiff;
pub use object::{Condition, Object, ObjectRef, ObjectType};
pub use operation::{IntoOutcome, Operation, Outcome};
pub use serde_json;

/// What most plugins use in every file.
pub mod prelude {
    pub use crate::cluster::{self, Change, Query, Written};
    pub use crate::run::{self, Step};
    pub use crate::wait::{self, Verdict, Waited};
    pub use crate::{
        Args, Choice, Error, Held, Kind, Object, ObjectRef, ObjectType, Outcome, Result, kinds,
        operation, operations,
    };
    pub use crate::{debug, error, info, warn};
    pub use jiff::{SignedDuration, Timestamp};
    pub use serde_json::{Value, json};
}
