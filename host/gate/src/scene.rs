//! What a gate of a run is made from in tests, also in those of capabilities (feature `test-util`).

use std::sync::Arc;

use agent_core::call::{Consent, Mode, OnFailure};
use agent_core::failure::Failure;
use agent_core::grant::Grants;
use agent_core::id::{CallId, Digest, OperationName, RunId};
use agent_core::journal::{Returned, RunJournal};
use agent_core::undo::{Callee, Scope};
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{Gate, GateConfig, Install, Operations};

struct Nobody;

impl Operations for Nobody {
    fn call(
        &self,
        _caller: Gate,
        _call: CallId,
        _operation: OperationName,
        _arguments: Map<String, Value>,
        _scope: Option<Scope>,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        unreachable!("nothing is called")
    }

    fn find(
        &self,
        _caller: &Gate,
        _operation: &OperationName,
        _arguments: &Map<String, Value>,
    ) -> Result<Digest, Failure> {
        unreachable!("nothing is called")
    }

    fn compensate(
        &self,
        _run: Gate,
        _call: CallId,
        _callee: Callee,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        unreachable!("nothing is undone")
    }
}

/// A run of `volsync.restore` to which everything was agreed. It has no rights but to put back, and no other operations.
pub fn config(capability: Arc<dyn Install>, journal: Box<dyn RunJournal>) -> GateConfig {
    GateConfig {
        id: RunId::from_random([0; 8]),
        plugin: "volsync 0.1.0".to_owned(),
        operation: "volsync.restore".parse().expect("a name"),
        grants: Grants::to_put_back(),
        mode: Mode::Perform,
        consent: Consent::Given,
        on_failure: OnFailure::Undo,
        begun: jiff::Timestamp::UNIX_EPOCH,
        seed: [0; 32],
        journal: Some(journal),
        before: None,
        plan: None,
        key: [0; 32],
        events: crate::outbox().0,
        capabilities: vec![capability],
        operations: Arc::new(Nobody),
    }
}
