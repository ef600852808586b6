//! Operations that an operation calls: each has a gate of its own onto the same run.

use std::sync::Arc;

use agent_core::descriptor::Risk;
use agent_core::failure::Failure;
use agent_core::grant::Grants;
use agent_core::id::{CallId, Digest, OperationName};
use agent_core::journal::Entry as Note;
use agent_core::undo::Scope;

use crate::gate::Actor;
use crate::quota::Quota;
use crate::{Gate, denial};

impl Gate {
    /// Opens the gate of an operation that this one calls, at the place of the call: it has rights of its own, where this one lets it use them, and
    /// shares everything else. With a scope, whatever it changes is held by that scope.
    ///
    /// # Errors
    /// `denied` when the operation can do more harm than the one that calls it: otherwise a `read` operation could change things by calling
    /// others.
    pub fn child(
        &self,
        call: CallId,
        plugin: String,
        operation: OperationName,
        grants: Grants,
        scope: Option<Scope>,
    ) -> Result<Gate, Failure> {
        self.may_call_later(&operation, grants.risk())?;
        let grants = grants.under(&self.actor.grants, &operation);
        // Not what the caller's clock shows by now: other calls of the same batch may have been answered meanwhile.
        let begun = self.run.begins_at(&call);
        let begun = begun.unwrap_or_else(|| self.actor.clock.shows());
        let actor = Actor {
            depth: self.actor.depth + 1,
            scope: scope.or_else(|| self.actor.scope.clone()),
            compensating: self.actor.compensating,
            quota: Quota::below(&self.actor.quota),
            ..Actor::new(call, plugin, operation, grants, begun)
        };
        Ok(Gate {
            run: self.run.clone(),
            actor: Arc::new(actor),
        })
    }

    /// Checks that an operation which is to be called later can do no more harm than this one.
    ///
    /// # Errors
    /// `denied`.
    pub fn may_call_later(&self, operation: &OperationName, risk: Risk) -> Result<(), Failure> {
        if risk > self.actor.grants.risk() {
            return Err(denial::riskier(self, operation, risk));
        }
        Ok(())
    }

    /// Returns how many operations are above this one.
    pub fn depth(&self) -> u32 {
        self.actor.depth
    }

    /// Returns the artifact that an operation was taken from before the run was cut off, where the record tells.
    pub fn called_before(&self, call: &CallId) -> Option<Digest> {
        self.run
            .replay
            .called(call)
            .map(|called| called.digest.clone())
    }

    /// Records which artifact an operation that is called is taken from.
    pub fn note_called(&self, call: &CallId, operation: &OperationName, digest: &Digest) {
        if self.run.replay.called(call).is_none() {
            let at = self.actor.clock.shows();
            self.run.begins(call, at);
            self.run.note(Note::Called {
                call: call.clone(),
                operation: operation.clone(),
                digest: digest.clone(),
                at: Some(at),
            });
        }
    }
}
