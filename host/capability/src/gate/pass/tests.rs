use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_core::call::{Consent, Mode, OnFailure};
use agent_core::effect::Verb;
use agent_core::grant::Grants;
use agent_core::id::{Digest, OperationName, RunId};
use agent_core::journal::{Returned, RunJournal};
use agent_core::object::ObjectRef;
use agent_core::plan::Plan;
use agent_core::undo::Callee;
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::*;
use crate::cluster::client::ClusterClient;
use crate::gate::GateConfig;
use crate::operations::Operations;

/// A record that cannot keep the first announcement.
#[derive(Default)]
struct FullOnce(AtomicBool);

#[async_trait::async_trait]
impl RunJournal for FullOnce {
    fn note(&self, _entry: Entry) {}

    async fn write(&self, entry: Entry, _survives: Survives) -> Result<(), Failure> {
        if matches!(entry, Entry::Intent(_)) && !self.0.swap(true, Ordering::Relaxed) {
            return Err(Failure::new(Kind::Unavailable, "journal.full", "full"));
        }
        Ok(())
    }

    fn note_last(&self, _entry: Entry) {}
}

struct Nobody;

impl Operations for Nobody {
    fn call(
        &self,
        _caller: Gate,
        _call: CallId,
        _operation: OperationName,
        _arguments: Map<String, Value>,
        _scope: Option<agent_core::undo::Scope>,
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

fn target() -> ObjectRef {
    ObjectRef {
        of: "configmaps.v1".parse().expect("a type"),
        namespace: Some("default".to_owned()),
        name: "settings".to_owned(),
    }
}

/// A gate of a run that may patch one object once.
fn gate() -> Gate {
    let operation: OperationName = "volsync.restore".parse().expect("a name");
    let plan = json!({
        "format": 1, "operation": operation, "arguments": {}, "plugin": "volsync 0.1.0",
        "digest": format!("sha256:{}", "0".repeat(64)), "cluster": {}, "who": {"user": "", "host": "", "door": "", "process": 0},
        "made": "2026-11-22T06:00:00Z", "effects": [], "rests-on": [], "stand-ins": [],
    });
    let mut plan: Plan = serde_json::from_value(plan).expect("a plan");
    plan.effects = vec![Effect {
        number: 1,
        by: operation.clone(),
        verb: Verb::Patch,
        target: target(),
        fields: Vec::new(),
        temporary: false,
        recovery: Verb::Patch.recovery(),
    }];
    let connect = || -> BoxFuture<'static, _> { unreachable!("nothing is sent") };
    Gate::new(GateConfig {
        id: RunId::from_random([0; 8]),
        plugin: "volsync 0.1.0".to_owned(),
        operation,
        grants: Grants::to_put_back(),
        mode: Mode::Perform,
        consent: Consent::Given,
        on_failure: OnFailure::Undo,
        begun: jiff::Timestamp::UNIX_EPOCH,
        seed: [0; 32],
        journal: Some(Box::new(FullOnce::default())),
        before: None,
        plan: Some(Box::new(plan)),
        key: [0; 32],
        events: futures::channel::mpsc::unbounded().0,
        client: ClusterClient::new(Box::new(connect), 1 << 20),
        operations: Arc::new(Nobody),
    })
}

async fn patch(gate: &Gate) -> Result<(), Failure> {
    let pass = Pass::new(gate.clone(), gate.next_call(), Patience::Running);
    let announced = Announced {
        effect: gate.effect(Verb::Patch, target(), Vec::new(), false),
        holder: None,
        undo: None,
        uid: None,
    };
    let sent = pass.effect(announced, |_intent| async { Ok(()) }, |()| None);
    sent.await.map_err(Failure::from)
}

#[tokio::test]
async fn effect_that_could_not_be_announced_is_still_in_the_plan() {
    let gate = gate();
    let refused = patch(&gate).await.expect_err("it is not on record");
    assert_eq!(refused.code, "journal.full");
    assert_eq!(patch(&gate).await, Ok(()));
    assert_eq!(gate.violated(), None);
    let twice = patch(&gate).await.expect_err("the plan has it once");
    assert_eq!(twice.code, "plan.not-planned");
}
