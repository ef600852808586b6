//! The door as people and scripts see it: a scripted agent behind, streams of memory in front, and snapshots of what comes out.

mod completion;
mod damaged;
mod directory;
mod failing;
mod listing;
mod past;
mod planning;
pub(crate) mod plugins;
mod remembering;
mod running;
mod scene;
mod secret;
mod taking_up;
mod usage;
mod writing;
