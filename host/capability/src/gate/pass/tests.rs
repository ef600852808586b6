use std::sync::atomic::{AtomicBool, Ordering};

use agent_core::effect::Verb;
use agent_core::id::OperationName;
use agent_core::journal::{RunJournal, Survives};
use agent_core::object::ObjectRef;
use agent_core::plan::Plan;
use serde_json::json;

use super::*;
use crate::gate::scene;

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
        hashes: Default::default(),
        temporary: false,
        recovery: Verb::Patch.recovery(),
    }];
    scene::gate(scene::nobody(), Box::new(FullOnce::default()), Some(plan))
}

async fn patch(gate: &Gate) -> Result<(), Failure> {
    let pass = Pass::new(gate.clone(), gate.next_call(), Patience::Running);
    let announced = Announced {
        effect: gate.effect(Verb::Patch, target(), Vec::new(), false),
        holder: None,
        undo: None,
        uid: None,
        learns: None,
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
