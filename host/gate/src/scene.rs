//! A gate of a run for tests.

use std::sync::Arc;

use agent_core::call::{Consent, Mode, OnFailure};
use agent_core::event::UndoReport;
use agent_core::failure::Failure;
use agent_core::grant::Grants;
use agent_core::id::{CallId, Digest, OperationName, RunId};
use agent_core::journal::{Returned, RunJournal};
use agent_core::plan::Plan;
use agent_core::undo::{Callee, Scope};
use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{Capability, Entry, Gate, GateConfig, Install, Operations, Pass, RunParts};

struct Nobody;

/// A capability of which only the name is wanted.
struct Named;

impl Install for Named {
    fn of_run(&self, _run: &RunParts) -> Arc<dyn Capability> {
        Arc::new(Named)
    }
}

impl Capability for Named {
    fn name(&self) -> &'static str {
        "cluster"
    }

    fn put_back<'a>(&'a self, _pass: &'a Pass, entry: &'a Entry) -> BoxFuture<'a, UndoReport> {
        unreachable!("{entry:?} is put back")
    }

    fn lost<'a>(
        &'a self,
        _pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        unreachable!("{entry:?} is looked at")
    }
}

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

/// A gate of a run with the name of a capability.
pub(crate) fn gate(journal: Box<dyn RunJournal>, plan: Option<Plan>) -> Gate {
    Gate::new(GateConfig {
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
        plan: plan.map(Box::new),
        key: [0; 32],
        events: crate::outbox().0,
        capabilities: vec![Arc::new(Named)],
        operations: Arc::new(Nobody),
    })
}
