//! The gate: the one function that every host call passes, whatever it is about.
//!
//! A capability says what a host call asks for ([`Request`]): which rights that needs, how it reads in a record, whether it looks, waits or writes. The gate
//! checks it, answers it from the record where it is there already, and otherwise has it performed and records what came of it. What it hands to the
//! performer is a [`Pass`], which is what clients want for reading; to write they want a [`WritePass`], which a pass gives out only for an effect that was
//! journaled (or, while planning, only as a dry-run). A write that has begun is finished even when the guest is gone, because what it did must be known
//! to be put back. How that is done is again a matter of the capability ([`Capability`]): the gate says when, and in which order.
//!
//! Invariants: it knows no noun, and depends on nothing but words: no client, no guest, no format of anybody's objects. It opens nothing and decides no
//! right. A denial is a value.

mod admit;
mod callee;
mod capability;
mod clock;
mod compensate;
pub mod denial;
mod end;
mod ending;
mod gate;
mod keep;
mod ledger;
mod memory;
mod meter;
mod operations;
mod outbox;
mod pass;
mod plan;
mod plan_guard;
mod quota;
mod replay;
mod request;
#[cfg(any(test, feature = "test-util"))]
pub mod scene;
mod seal;
mod secrets;
mod shared;
mod stand;
mod stop;
mod texts;
mod told;

pub use capability::{Capability, Install, PutBack, RunParts};
pub use end::Awaited;
pub use gate::{Draft, Gate, guarded};
pub use ledger::Entry;
pub use memory::{Charge, RunMemory, weight, weight_of_fields, weight_of_text};
pub use meter::Meter;
pub use operations::Operations;
pub use outbox::{Inbox, Outbox, outbox};
pub use pass::{Announced, Learns, Pass, RetryPolicy, WriteError, WritePass};
pub use plan::PlanDraft;
pub use replay::hash_of_secret;
pub use request::{Access, Request, Wait};
pub use secrets::Secrets;
pub use shared::{Before, GateConfig};
