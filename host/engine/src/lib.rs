//! Runs operations: looks the plugin up, decides what it may do, instantiates it behind its gate, calls it, and puts back what it held.
//!
//! It is the bottom of the U: doors hand down a [`agent_core::Call`], and events go back up to the same door. Each run, and each operation
//! that an operation calls, has a store of its own that is dropped at its end, so nothing of one run can reach another and a trap poisons
//! nothing.
//!
//! Invariants: no guest code runs before the decision. Whatever ends a run (return, error, trap, limit, cancel, deadline, a panic of ours), what
//! it held is put back, newest first, after writes under way are finished. This crate opens nothing and decides nothing itself. Unsafe code is
//! in `code.rs` alone.

mod agent;
mod clock;
mod code;
mod compiler;
mod follow;
mod instance;
mod limiter;
mod lock;
mod namespace;
mod nested;
mod noun;
mod open;
mod plan;
mod prepare;
mod resume;
mod runtime;
mod secret;
mod start;
mod stdio;
mod supervise;
mod ticker;
mod trap;

pub use agent::{LocalAgent, Parts};
pub use compiler::{Elsewhere, LONGEST as LONGEST_COMPILATION, NotCompiled, compile};
pub use instance::State;
pub use noun::Noun;
