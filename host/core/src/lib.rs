//! The words of the agent, and its decisions.
//!
//! Every other room speaks in these types: the doors (`cli`) turn arguments into a [`Call`] and an [`Event`] into ink, the engine turns
//! a call into a run, the gate turns a plugin's wish into an [`Effect`]. Decisions that need no input or output are made here:
//! what a plugin may do ([`policy`]), whether arguments fit an operation ([`arguments`]), which name was meant ([`suggest`]), what of a
//! text may reach a terminal ([`text`]).
//!
//! Invariants: this crate opens nothing and waits for nothing. It depends on no runtime, no wasmtime, no Kubernetes client, no
//! command-line parser.

pub mod agent;
pub mod arguments;
pub mod call;
pub mod code;
pub mod descriptor;
pub mod document;
pub mod effect;
pub mod event;
pub mod exit;
pub mod failure;
pub mod grant;
pub mod hint;
pub mod id;
pub mod journal;
pub mod limits;
pub mod manifest;
pub mod name;
pub mod object;
pub mod origin;
pub mod plan;
pub mod policy;
pub mod record;
pub mod secret;
pub mod settings;
pub mod size;
pub mod suggest;
pub mod text;
pub mod undo;

pub use agent::{Agent, Completion, Origin, Plugin, Run};
pub use call::{Call, Consent, Mode, OnFailure, Resumption};
pub use descriptor::{Descriptor, Operation, Parameter, Risk};
pub use effect::{Effect, FieldChange, Recovery, Target, Verb};
pub use event::{Event, Outcome, UndoReport};
pub use failure::{Failure, Hint, Kind};
pub use grant::{Grants, Right};
pub use hint::Remedy;
pub use id::{CallId, Digest, OperationName, PluginId, RunId};
pub use journal::RunJournal;
pub use limits::Limits;
pub use manifest::Manifest;
pub use object::{ObjectRef, ObjectType};
pub use settings::Settings;
