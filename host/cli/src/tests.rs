//! The door as people and scripts see it: a scripted agent behind, streams of memory in front, and snapshots of what comes out.

mod completion;
mod failing;
mod listing;
mod running;
pub(crate) mod scene;
mod usage;
