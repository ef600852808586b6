//! How much memory a run has, whoever holds it for the run: the memories of its guests, and what the host keeps or works on at their wish. Each
//! operation has a store of its own, so no store can know.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use agent_core::effect::FieldChange;
use agent_core::failure::{Failure, Kind};
use serde_json::Value;

/// What a value takes in a tree, with its share of what a growing array has in reserve.
const VALUE: usize = 64;
/// What a field of an object takes beside its value: its key, and its share of a node that is half full.
const FIELD: usize = 128;
/// How often a document is in memory at the same time while it is worked on: as the guest wrote it, in what is recorded, and in what is sent.
const COPIES: usize = 3;

/// The memory of one run. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RunMemory(Arc<State>);

#[derive(Debug, Default)]
struct State {
    used: AtomicUsize,
    most: OnceLock<usize>,
    /// What the run had when it began to be taken back: it may have as much again as `most` beside that.
    before: OnceLock<usize>,
}

/// What is held for a run until this is dropped.
#[derive(Debug)]
pub struct Charge {
    of: RunMemory,
    bytes: usize,
}

impl RunMemory {
    /// Takes some bytes, unless the run would have more than `most` then. Returns whether it took them.
    pub fn take(&self, bytes: usize, most: usize) -> bool {
        let most = most.saturating_add(self.before());
        let taken = self
            .0
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= most)
            });
        taken.is_ok()
    }

    /// Gives the run as much room again, once: what undoes its work must not find that it has used up everything.
    pub(crate) fn take_back(&self) {
        let used = self.0.used.load(Ordering::Relaxed);
        let _ = self.0.before.set(used);
    }

    /// Gives back what was taken.
    pub fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Says how much the run may have. Without limit before; the first one counts.
    pub(crate) fn limit(&self, most: usize) {
        let _ = self.0.most.set(most);
    }

    /// Charges the run for what the host works on, before it does.
    ///
    /// # Errors
    /// `exhausted` (`plugin.out-of-memory`).
    pub fn hold(&self, bytes: usize) -> Result<Charge, Failure> {
        let most = self.most();
        if !self.take(bytes, most) {
            return Err(exhausted(most));
        }
        let of = self.clone();
        Ok(Charge { of, bytes })
    }

    /// Charges the run for a document that a guest has written, while it is read and worked on.
    ///
    /// # Errors
    /// `exhausted` (`plugin.out-of-memory`).
    pub fn hold_document(&self, text: &str) -> Result<Charge, Failure> {
        self.hold(weight_of_text(text).saturating_mul(COPIES))
    }

    /// Charges the run for what is there already: the next wish of a guest is refused when that was too much.
    pub fn hold_anyway(&self, bytes: usize) -> Charge {
        self.add(bytes);
        let of = self.clone();
        Charge { of, bytes }
    }

    /// Charges the run for what stays until its end, or until it is given back.
    pub fn add(&self, bytes: usize) {
        self.0.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns whether the run has no more than it may have.
    ///
    /// # Errors
    /// `exhausted` (`plugin.out-of-memory`).
    pub fn within(&self) -> Result<(), Failure> {
        let most = self.most();
        if self.0.used.load(Ordering::Relaxed) <= most.saturating_add(self.before()) {
            Ok(())
        } else {
            Err(exhausted(most))
        }
    }

    fn before(&self) -> usize {
        self.0.before.get().copied().unwrap_or_default()
    }

    fn most(&self) -> usize {
        self.0.most.get().copied().unwrap_or(usize::MAX)
    }
}

impl Charge {
    /// Changes how much is held, whether or not there is room for it.
    pub fn set(&mut self, bytes: usize) {
        if bytes > self.bytes {
            self.of.add(bytes - self.bytes);
        } else {
            self.of.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.of.give_back(self.bytes);
    }
}

fn exhausted(most: usize) -> Failure {
    let message = format!(
        "the operations of the run, and what the host holds for them, wanted more than {most} bytes of memory together"
    );
    Failure::new(Kind::Exhausted, "plugin.out-of-memory", message)
}

/// Returns about how much memory a value takes.
pub fn weight(value: &Value) -> usize {
    VALUE
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| FIELD + name.len() + weight(value))
                .sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

/// Returns about how much memory the fields of an effect take.
pub fn weight_of_fields(fields: &[FieldChange]) -> usize {
    let of = |field: &FieldChange| {
        let values = field.before.iter().chain(&field.after);
        field.path.len() + values.map(weight).sum::<usize>()
    };
    fields.iter().map(of).sum()
}

/// Returns how much memory the value of a JSON text takes at most, without reading it.
pub fn weight_of_text(json: &str) -> usize {
    let of = |byte: u8| match byte {
        b',' | b'[' | b'{' => VALUE,
        b':' => FIELD,
        _ => 0,
    };
    VALUE + json.len() + json.bytes().map(of).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back_and_what_is_too_much_is_refused() {
        let memory = RunMemory::default();
        memory.limit(100);
        let one = memory.hold(60).expect("there is room");
        let over = memory.hold(60).expect_err("there is none");
        assert_eq!(over.code, "plugin.out-of-memory");
        drop(one);
        drop(memory.hold(60).expect("there is room again"));
        let mut more = memory.hold_anyway(300);
        assert!(memory.within().is_err());
        more.set(90);
        assert!(memory.within().is_ok());
        drop(more);
        assert!(memory.take(100, 100));
    }

    #[test]
    fn no_text_weighs_less_than_its_value() {
        for text in [
            "1",
            "[0,0,0,0]",
            "[[],[],[[]]]",
            r#"{"a":1,"b":{"c":[{}]},"d":"x,:[{"}"#,
            "{}",
        ] {
            let value = serde_json::from_str(text).expect("JSON");
            assert!(weight_of_text(text) >= weight(&value), "{text}");
        }
    }
}
