use std::sync::atomic::{AtomicBool, Ordering};

use agent_core::effect::{Recovery, Target, Verb};
use agent_core::id::OperationName;
use agent_core::journal::{RunJournal, Survives};
use agent_core::plan::Plan;
use serde_json::json;

use super::*;
use crate::{Capability, Draft, Entry as Held, GateConfig, Install, PutBack, RunParts, scene};
use futures::future::BoxFuture;

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

    fn put_back<'a>(
        &'a self,
        _pass: &'a Pass,
        entry: &'a Held,
    ) -> BoxFuture<'a, Result<PutBack, Failure>> {
        unreachable!("{entry:?} is put back")
    }

    fn lost<'a>(
        &'a self,
        _pass: &'a Pass,
        entry: &'a Held,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        unreachable!("{entry:?} is looked at")
    }
}

/// A gate of a run with the name of a capability.
fn run(journal: Box<dyn RunJournal>, plan: Option<Plan>) -> Gate {
    Gate::new(GateConfig {
        plan: plan.map(Box::new),
        ..scene::config(Arc::new(Named), journal)
    })
}

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

fn target() -> Target {
    Target {
        capability: "cluster".to_owned(),
        of: "configmaps.v1".to_owned(),
        namespace: Some("default".to_owned()),
        name: "settings".to_owned(),
    }
}

/// A gate of a run that may patch one object once.
fn gate() -> Gate {
    let operation: OperationName = "volsync.restore".parse().expect("a name");
    let plan = json!({
        "format": 2, "operation": operation, "arguments": {}, "plugin": "volsync 0.1.0",
        "digest": format!("sha256:{}", "0".repeat(64)), "cluster": {}, "who": {"user": "", "host": "", "door": "", "process": 0},
        "made": "2026-11-22T06:00:00Z", "effects": [], "stand-ins": [],
    });
    let mut plan: Plan = serde_json::from_value(plan).expect("a plan");
    plan.effects = vec![Effect {
        number: 1,
        by: operation.clone(),
        verb: Verb::PATCH,
        target: target(),
        fields: Vec::new(),
        hashes: Default::default(),
        temporary: false,
        recovery: Recovery::Retry,
    }];
    run(Box::new(FullOnce::default()), Some(plan))
}

/// A patch of the target, of which that is learnt.
fn announced(gate: &Gate, learns: Option<Learns>) -> Announced {
    Announced {
        effect: gate.effect(Draft {
            verb: Verb::PATCH,
            recovery: Recovery::Retry,
            target: target(),
            fields: Vec::new(),
            shown: None,
            temporary: false,
        }),
        holder: None,
        undo: None,
        uid: None,
        learns,
        secret: false,
    }
}

/// Writes, of which something came, and takes what is to be learnt of it.
async fn write(
    gate: &Gate,
    learns: Option<Learns>,
    came: Result<(), WriteError>,
) -> Result<(), WriteError> {
    let pass = Pass::new(gate.clone(), gate.next_call(), true);
    pass.effect(announced(gate, learns), |_intent| async { came }, |()| None)
        .await
}

async fn patch(gate: &Gate) -> Result<(), Failure> {
    write(gate, None, Ok(())).await.map_err(Failure::from)
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

/// A record of which somebody looks at the end.
#[derive(Clone, Default)]
struct Kept(Arc<std::sync::Mutex<Vec<Entry>>>);

#[async_trait::async_trait]
impl RunJournal for Kept {
    fn note(&self, entry: Entry) {
        self.0.lock().expect("entries").push(entry);
    }

    async fn write(&self, entry: Entry, _survives: Survives) -> Result<(), Failure> {
        self.note(entry);
        Ok(())
    }

    fn note_last(&self, entry: Entry) {
        self.note(entry);
    }
}

/// What came of a write of a Secret, what is on record of it, and what the run makes of the Secret's value from then on.
async fn wrote(came: Result<(), WriteError>) -> (Option<String>, String, String) {
    let record = Kept::default();
    let gate = run(Box::new(record.clone()), None);
    let learns: Learns = Arc::new(|mask| mask.learn_value("hunter22"));
    let sent = write(&gate, Some(learns), came);
    let failed = sent.await.err().map(|it| it.failure.message);
    let record = serde_json::to_string(&*record.0.lock().expect("entries")).expect("text");
    (
        failed,
        record,
        gate.run.secrets.text("it is hunter22".to_owned()),
    )
}

fn refusal() -> Failure {
    Failure::new(Kind::Invalid, "cluster.invalid", "`hunter22` is too short")
}

/// Else a plugin could write to the mask, without any effect, whatever it likes.
#[tokio::test]
async fn value_that_was_refused_is_hidden_in_its_refusal_alone() {
    let (failed, record, text) = wrote(Err(WriteError::surely(refusal()))).await;
    assert_eq!(failed.as_deref(), Some("`***` is too short"));
    assert!(!record.contains("hunter22"), "{record}");
    assert_eq!(text, "it is hunter22");
}

#[tokio::test]
async fn value_that_went_out_or_may_have_is_masked() {
    let (_, _, text) = wrote(Ok(())).await;
    assert_eq!(text, "it is ***");
    let (_, record, text) = wrote(Err(WriteError {
        uncertain: true,
        ..WriteError::surely(refusal())
    }))
    .await;
    assert!(!record.contains("hunter22"), "{record}");
    assert_eq!(text, "it is ***");
}

/// What was checked is a wish to read, whatever its performer makes of it.
#[tokio::test]
async fn pass_for_reading_writes_nothing() {
    let gate = run(Box::new(Kept::default()), None);
    let pass = gate.again(&gate.next_call());
    let mut sent = false;
    let written = pass.effect(
        announced(&gate, None),
        |_| async {
            sent = true;
            Ok(())
        },
        |()| None,
    );
    let refused = written.await.expect_err("it reads").failure;
    assert_eq!(refused.code, "agent.bug");
    assert!(!sent);
}
