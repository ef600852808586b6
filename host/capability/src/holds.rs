//! Changes for a time, whatever made them: the WIT interface `ops:types/holds`, implemented.

use std::fmt;

use agent_core::failure::Failure;
use agent_core::undo::Scope;
use agent_gate::{Access, Awaited, Entry, Gate, Request};
use wasmtime::component::Resource;

use crate::bindings::ops::types::holds as wit;
use crate::bindings::ops::types::types::Error;
use crate::ctx::PluginCtx;

/// What a guest holds. Dropping it writes nothing: it is put back when it is released, or when the operation ends.
pub struct Held {
    /// Whether anything was to be changed at all.
    pub(crate) changed: bool,
    pub(crate) what: What,
}

/// Where the ledger has it.
pub(crate) enum What {
    /// Under these numbers.
    Changes(Vec<u64>),
    /// As whatever was changed inside of this.
    Scope(Scope),
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl wit::Host for PluginCtx {
    async fn release_all(&mut self, holds: Vec<Resource<Held>>) -> Answer<Vec<String>> {
        let mut numbers = Vec::new();
        for held in &holds {
            numbers.extend(self.table.get(held)?.numbers(&self.gate));
        }
        Ok(release(&self.gate, numbers)
            .await
            .map_err(|failure| self.told(failure)))
    }
}

impl wit::HostHeld for PluginCtx {
    fn changed(&mut self, held: Resource<Held>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&held)?.changed)
    }

    async fn release(&mut self, held: Resource<Held>) -> Answer<Vec<String>> {
        let numbers = self.table.get(&held)?.numbers(&self.gate);
        Ok(release(&self.gate, numbers)
            .await
            .map_err(|failure| self.told(failure)))
    }

    fn keep(&mut self, held: Resource<Held>) -> Answer<()> {
        let numbers = self.table.get(&held)?.numbers(&self.gate);
        Ok(self
            .gate
            .keep(&numbers)
            .map_err(|failure| self.told(failure)))
    }

    fn drop(&mut self, held: Resource<Held>) -> wasmtime::Result<()> {
        self.table.delete(held)?;
        Ok(())
    }
}

impl Held {
    /// A hold over changes that the ledger has under these numbers; none when nothing had to be changed.
    pub fn changes(numbers: Vec<u64>) -> Held {
        Held {
            changed: !numbers.is_empty(),
            what: What::Changes(numbers),
        }
    }

    fn numbers(&self, gate: &Gate) -> Vec<u64> {
        match &self.what {
            What::Changes(numbers) => numbers.clone(),
            What::Scope(scope) => gate.held_in(scope),
        }
    }
}

/// To put back what is held.
struct Release;

impl Request for Release {
    fn capability(&self) -> &'static str {
        "run"
    }

    fn access(&self) -> Access {
        Access::Release
    }

    fn allowed(&self, _gate: &Gate) -> Result<(), Failure> {
        Ok(())
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("release")
    }
}

/// Puts back what is held under these numbers, newest first, and says what was left to others. What cannot be put back keeps nothing else from it; the
/// first such is the error.
pub(crate) async fn release(gate: &Gate, numbers: Vec<u64>) -> Result<Vec<String>, Failure> {
    let of = gate.clone();
    gate.admit(gate.next_call(), Release, |_pass| async move {
        let mut put_back = of.put_back_before(&numbers);
        put_back.retain(|before| before.failure.is_none());
        let these = move |entry: &Entry| numbers.contains(&entry.number);
        let now = of.release(these, Awaited::ByPlugin);
        put_back.extend(now.await);
        let mut left = Vec::new();
        for take_back in put_back {
            if let Some(failure) = take_back.failure {
                return Err(failure.while_doing(format!("putting back {}", take_back.target)));
            }
            let target = take_back.target;
            let said = take_back.left.into_iter();
            let said = said.map(|sentence| format!("{target}: {sentence}"));
            left.extend(said.map(|sentence| of.secrets().text(sentence)));
        }
        Ok(left)
    })
    .await
}

/// Puts back what a hold that failed half-way has changed, and returns why it failed.
pub(crate) async fn given_up(gate: &Gate, numbers: Vec<u64>, failure: Failure) -> Failure {
    match release(gate, numbers).await {
        Ok(_) => failure,
        Err(stuck) => failure.because(stuck.message),
    }
}
