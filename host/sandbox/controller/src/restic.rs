//! Restic repositories, kept outside the API as the real ones are: what the movers and `restic` itself read and write.

mod forget;
mod repository;
mod snapshot;
mod table;

pub(crate) use forget::Policy;
pub(crate) use repository::{Access, Repository};
pub use repository::{Lock, Repositories};
pub use snapshot::Snapshot;
pub(crate) use table::{list, size};
