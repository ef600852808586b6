//! How much an operation may ask of the host: the number of its calls, and what they leave on record.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use agent_core::failure::{Failure, Kind};
use agent_core::journal::Answer;
use agent_core::limits::Limits;
use serde_json::Value;

use super::Gate;
use crate::memory::RunMemory;

/// What an entry of the record takes beside its text.
const ENTRY: usize = 64;

/// See the module. Without limits until [`Gate::limit`].
#[derive(Debug, Default)]
pub(super) struct Allowance {
    limits: OnceLock<(u64, u64)>,
    recorded: AtomicU64,
}

impl Gate {
    /// Returns the memory that the operations of the run share.
    pub fn memory(&self) -> RunMemory {
        self.run.memory.clone()
    }

    /// Bounds what the operation may ask of the host.
    pub(crate) fn limit(&self, limits: &Limits) {
        let limits = (limits.calls, limits.record_bytes);
        // An operation has one instance.
        let _ = self.actor.allowance.limits.set(limits);
    }

    /// Charges the operation for text that it puts on record.
    ///
    /// # Errors
    /// `exhausted` (`plugin.record-too-large`).
    pub(crate) fn charge(&self, bytes: usize) -> Result<(), Failure> {
        self.add(bytes);
        self.within_allowance()
    }

    /// Charges the operation for what it was told, which it has by then: its next call is refused when that was too much.
    pub(super) fn spent(&self, answer: &Answer) {
        self.add(match answer {
            Answer::Value(value) => weight(value),
            Answer::Failure(failure) => failure.message.len(),
            Answer::Secret(hash) => hash.len(),
        });
    }

    /// Returns whether the operation may go on.
    ///
    /// # Errors
    /// `exhausted` (`plugin.too-many-calls`, `plugin.record-too-large`).
    pub(super) fn within_allowance(&self) -> Result<(), Failure> {
        let allowance = &self.actor.allowance;
        let Some((calls, bytes)) = allowance.limits.get() else {
            return Ok(());
        };
        let exhausted = |code, what: String| {
            let message = format!("plugin `{}` {what}", self.actor.plugin);
            Err(Failure::new(Kind::Exhausted, code, message))
        };
        if self.actor.calls.load(Ordering::Relaxed) > *calls {
            let what = format!("made more than its limit of {calls} host calls");
            return exhausted("plugin.too-many-calls", what);
        }
        if allowance.recorded.load(Ordering::Relaxed) > *bytes {
            let what = format!("put more than its limit of {bytes} bytes on record");
            return exhausted("plugin.record-too-large", what);
        }
        Ok(())
    }

    fn add(&self, bytes: usize) {
        let bytes = u64::try_from(bytes + ENTRY).unwrap_or(u64::MAX);
        let recorded = &self.actor.allowance.recorded;
        recorded.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Returns about how many bytes a value has as text.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| weight(item) + 1).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + weight(value) + 4)
            .sum(),
        _ => 4,
    }
}
