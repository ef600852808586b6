//! The terminal door: arguments in, lines out.
//!
//! It stands at both ends of the U: [`parse`] turns a command line into an [`Invocation`], [`execute`] hands a `Call` to an `Agent` and draws
//! the events that come back. What an operation accepts, and its help, are made at run time from its descriptor.
//!
//! Invariants: this crate opens no file, no socket and no client, and reads no environment; streams, widths and signals come in as a
//! [`Terminal`]. It knows no engine and no Kubernetes. Only `report` turns errors into ink.

mod catalog;
mod clean;
mod command;
mod complete;
mod ink;
mod interrupt;
mod operation;
mod options;
mod parse;
mod render;
mod report;
mod screen;
mod secret;
mod stranger;
mod terminal;
mod usage;

pub use command::apply::Apply;
pub use command::complete::Words;
pub use command::plugin::Plugin;
pub use command::run::Run;
pub use command::runs::Runs;
pub use command::sandbox::Sandbox;
pub use command::take_up::TakeUp;
pub use command::{Command, Invocation, execute};
pub use interrupt::interrupts;
pub use options::{Color, Options, Output, RunOptions, Shell};
pub use parse::parse;
pub use render::time::Clock;
pub use report::{report, warn};
pub use stranger::Stranger;
pub use terminal::{Facts, Forget, Keep, ReadFile, Terminal, Unseen};
pub use usage::Early;

#[cfg(test)]
mod tests;
