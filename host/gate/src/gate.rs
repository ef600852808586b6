//! The gate of one operation, and who acts through it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use agent_core::call::Goal;
use agent_core::descriptor::Risk;
use agent_core::effect::{Effect, FieldChange, Recovery, Target, Verb};
use agent_core::event::{Asker, Event, Level};
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::{CallId, OperationName};
use agent_core::journal::{Entry as Note, Survives};
use agent_core::origin::Who;
use agent_core::secret::MASK;
use agent_core::text::plain;
use agent_core::undo::{Holder, Scope};
use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::denial;
use crate::plan::PlanDraft;
use crate::quota::Quota;
use crate::request::{Access, Request, Wait};
use crate::shared::{GateConfig, Question, Shared};

mod run;

/// The gate of one operation in a run. Clones are the same gate; [`Gate::child`] makes that of an operation it calls.
#[derive(Clone)]
pub struct Gate {
    pub(crate) run: Arc<Shared>,
    pub(crate) actor: Arc<Actor>,
}

/// Who acts: one operation of one plugin in a run.
pub(crate) struct Actor {
    /// Where it stands in the run.
    pub(crate) id: CallId,
    /// Id and version of the plugin, such as `volsync 0.1.0`.
    pub(crate) plugin: String,
    pub(crate) operation: OperationName,
    pub(crate) grants: Grants,
    /// How many operations are above it.
    pub(crate) depth: u32,
    /// The hold that keeps what it changes, when it is called as a hold.
    pub(crate) scope: Option<Scope>,
    /// Whether the person has agreed to what it asked.
    pub(crate) agreed: AtomicBool,
    /// Whether it undoes something, or is called by what does.
    pub(crate) compensating: bool,
    /// Its writes that are under way.
    pub(crate) writes: TaskTracker,
    /// How many host calls it has made.
    pub(crate) calls: AtomicU64,
    pub(crate) clock: Clock,
    pub(crate) quota: Quota,
}

impl Actor {
    pub(crate) fn new(
        id: CallId,
        plugin: String,
        operation: OperationName,
        grants: Grants,
        begun: Timestamp,
    ) -> Actor {
        Actor {
            id,
            plugin,
            operation,
            grants,
            depth: 0,
            scope: None,
            agreed: AtomicBool::new(false),
            compensating: false,
            writes: TaskTracker::new(),
            calls: AtomicU64::new(0),
            clock: Clock::new(begun),
            quota: Quota::default(),
        }
    }
}

impl Gate {
    /// Opens the gate of a run.
    pub fn new(config: GateConfig) -> Gate {
        let (plugin, operation, grants) = (
            config.plugin.clone(),
            config.operation.clone(),
            config.grants.clone(),
        );
        let actor = Actor::new(CallId::root(), plugin, operation, grants, config.begun);
        Gate {
            run: Arc::new(Shared::new(config)),
            actor: Arc::new(actor),
        }
    }

    /// Records that the run is taken up again, before anything else is.
    ///
    /// # Errors
    /// `unavailable` when it cannot be kept; the run must not be taken up then.
    pub async fn note_resumed(&self, who: &Who, to: Goal) -> Result<(), Failure> {
        let note = Note::Resumed {
            host: who.host.clone(),
            process: who.process,
            to,
        };
        self.run.must_write(note, Survives::PowerLoss).await
    }

    /// Returns what the clocks of the plugin show: when its last call was answered, so that at a replay they show the same. They never go back.
    pub fn clock(&self) -> Timestamp {
        self.actor.clock.shows()
    }

    /// Has the clocks of the plugin show a time that it has waited for by a timer of its own. Which time that is follows from what they showed before, so at a
    /// replay they show the same.
    pub fn advance_clock(&self, to: Timestamp) {
        self.actor.clock.advance(to);
    }

    /// Returns where this operation's random numbers come from: the same at every replay, and unlike those of every other operation.
    pub fn seed(&self) -> [u8; 32] {
        self.run.seed_of(&self.actor.id)
    }

    /// Names the next host call of this operation. Calls come one after the other, and each takes its name before it waits for anything, so at
    /// every replay it has the same.
    pub fn next_call(&self) -> CallId {
        let number = self.actor.calls.fetch_add(1, Ordering::Relaxed) + 1;
        self.actor.id.nested(number)
    }

    /// Checks what is asked for against the rights.
    ///
    /// # Errors
    /// `denied`; why the run was stopped.
    pub fn check(&self, ask: &dyn Request) -> Result<(), Failure> {
        self.run.ending.stop.goes_on()?;
        ask.allowed(self)?;
        match ask.access() {
            Access::Write => self.may_write(ask),
            Access::Read | Access::Wait | Access::Call | Access::Release => Ok(()),
        }
    }

    /// Checks what an operation's risk says about its writes.
    fn may_write(&self, ask: &dyn Request) -> Result<(), Failure> {
        match self.actor.grants.risk() {
            Risk::Read => Err(denial::read_only(self, ask)),
            Risk::Destroy if !self.agreed() => Err(denial::not_asked(self, ask)),
            _ => Ok(()),
        }
    }

    /// Returns whether the operation may do whatever is within its rights.
    pub fn may_destroy(&self) -> bool {
        self.actor.grants.risk() == Risk::Destroy
    }

    /// Refuses an effect that can do more harm than the operation says of itself.
    ///
    /// # Errors
    /// `denied`, with the code `riskier` of the target's capability.
    pub fn may_harm(&self, target: &Target, (risk, why): (Risk, &str)) -> Result<(), Failure> {
        if self.actor.grants.risk() >= risk {
            return Ok(());
        }
        let refused = denial::harmful(self, target, risk, why);
        self.tell_if_denied(&refused);
        Err(refused)
    }

    fn agreed(&self) -> bool {
        self.run.planning() || self.actor.agreed.load(Ordering::Acquire)
    }

    /// Asks the person, and remembers that they agreed to what this operation does.
    pub async fn ask(
        &self,
        text: String,
        facts: Vec<(String, String)>,
        phrase: Option<String>,
    ) -> Result<(), Failure> {
        let (run, agreed) = (self.run.clone(), self.actor.compensating);
        let question = Question {
            text,
            facts,
            phrase,
            by: Some(self.asker()),
            opens: self.opens(),
        };
        let asked = self.admit(self.next_call(), Wait("confirm"), |_pass| async move {
            match agreed {
                // To the way back whoever agreed to the way there has agreed too, or who takes the run back.
                true => Ok(()),
                false => run.ask(question).await,
            }
        });
        asked.await?;
        self.actor.agreed.store(true, Ordering::Release);
        Ok(())
    }

    /// Asks the person about the run itself, by whoever supervises it.
    ///
    /// # Errors
    /// `denied` (`run.declined`); `cancelled`.
    pub async fn ask_about_run(
        &self,
        text: String,
        facts: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        let question = Question {
            text,
            facts,
            phrase: None,
            by: None,
            opens: Vec::new(),
        };
        self.run.ask(question).await
    }

    fn asker(&self) -> Asker {
        Asker {
            operation: self.actor.operation.clone(),
            plugin: self.actor.plugin.clone(),
            risk: self.actor.grants.risk(),
        }
    }

    /// Returns what a yes opens to this operation: all that it may change, where it could not change anything before.
    fn opens(&self) -> Vec<String> {
        if self.actor.grants.risk() < Risk::Destroy || self.agreed() {
            return Vec::new();
        }
        self.actor.grants.opens()
    }

    /// Sends an event to whoever watches the run.
    pub fn emit(&self, event: Event) {
        self.run.emit(event);
    }

    /// Sends an event that is not recorded: it is about the record itself, or nobody has agreed to it yet.
    pub fn show(&self, event: Event) {
        self.run.show(event);
    }

    /// Records an event that was shown before.
    pub fn note(&self, event: Event) {
        self.run.note(Note::Told { event });
    }

    /// Warns whoever watches the run of something that it goes on without.
    pub fn warn(&self, failure: &Failure) {
        let causes = failure.causes.iter().map(|cause| format!(": {cause}"));
        let message = format!("{}{}", failure.message, causes.collect::<String>());
        let level = Level::Warn;
        self.emit(Event::Logged { level, message });
    }

    /// Sends an event of the operation itself, which came after the call `at`. What was told before the run was cut off is shown again, but not
    /// recorded again.
    pub fn tell(&self, at: &CallId, event: Event) {
        if self.run.replay.is_past(at) {
            self.run.show(event);
        } else {
            self.run.emit(event);
        }
    }

    /// Returns the place of the operation's last host call.
    pub fn here(&self) -> CallId {
        let number = self.actor.calls.load(Ordering::Relaxed);
        self.actor.id.nested(number)
    }

    /// Notes that the host has made `text`, which is another one in each run.
    pub fn stand_in(&self, name: &'static str, text: &str) {
        let bytes = self.run.placeholders.add(name, text);
        self.run.account.memory.add(bytes);
    }

    /// Notes that a plugin says that `text`, where it is the whole of a value, is known only when the run is performed. A text of which nobody could
    /// tell what it stands for is none, and whoever plans is told.
    pub fn declare_stand_in(&self, name: &str, text: &str) {
        match self.run.placeholders.declare(name, text) {
            Ok(bytes) => self.run.account.memory.add(bytes),
            Err(why) if self.run.planning() => {
                let message = format!("the plan cannot leave `{}` open: {why}", plain(name));
                let level = Level::Warn;
                self.emit(Event::Logged { level, message });
            }
            Err(_) => {}
        }
    }

    /// Returns what a run that plans has come to.
    pub fn plan_draft(&self) -> PlanDraft {
        let rests_on = self.run.capabilities.iter().filter_map(|capability| {
            let rests_on = capability.rests_on(self)?;
            // It has left secrets out by itself. What it overlooks makes the plan outdated, and is not told.
            Some((
                capability.name().to_owned(),
                self.run.secrets.value(rests_on),
            ))
        });
        let rests_on = rests_on.collect();
        PlanDraft {
            rests_on,
            ..self.run.plan_builder.finish(&self.run.placeholders)
        }
    }

    /// Stops the run: every host call fails with this from now on, and writes that have begun are finished.
    pub fn stop(&self, why: Failure) {
        self.run.ending.stop.stop(why);
    }

    /// Returns whether an operation was refused anything because the run was stopped. What it says after that is not what it was to come to.
    pub fn refused(&self) -> bool {
        self.run.ending.stop.refused()
    }

    /// Hands over the answer to a question. An answer to a question that nobody waits for is lost.
    pub fn answer(&self, question: u64, yes: bool) {
        self.run.conversation.answer(question, yes);
    }

    /// Gives a change its number, and returns it as people and the record see it.
    pub fn effect(&self, draft: Draft) -> Effect {
        let by = self.actor.operation.clone();
        let (fields, hashes) = self.shown(draft.fields, draft.shown);
        Effect {
            number: self.run.number(),
            by,
            verb: draft.verb,
            target: draft.target,
            fields,
            hashes,
            temporary: draft.temporary,
            recovery: draft.recovery,
        }
    }

    /// Returns fields as they may be shown, and keyed hashes of what is not shown whole.
    fn shown(
        &self,
        fields: Vec<FieldChange>,
        shown: Option<Vec<FieldChange>>,
    ) -> (Vec<FieldChange>, BTreeMap<String, String>) {
        let run = &self.run;
        if shown.is_none() && run.secrets.is_empty() {
            return (fields, BTreeMap::new());
        }
        let shown = shown.map_or_else(|| fields.clone(), |shown| matching(&fields, shown));
        let shown = run.secrets.fields(shown);
        let pairs = fields.iter().zip(&shown);
        let hidden = pairs.filter(|(real, shown)| real.after != shown.after);
        let hash = |(real, _): (&FieldChange, &FieldChange)| {
            let value = real.after.as_ref().unwrap_or(&Value::Null);
            let value = run.placeholders.general_value(value);
            (real.path.clone(), run.keyed_hash_to_the_byte(&value))
        };
        let hashes = hidden.map(hash).collect();
        (shown, hashes)
    }

    /// Returns who puts back what this operation changes. With `own`, it does so itself.
    pub fn holder(&self, own: bool) -> Holder {
        Holder {
            actor: self.actor.id.clone(),
            own,
            scope: self.actor.scope.clone(),
        }
    }
}

/// Returns what may be shown of fields. Where a capability has left one out, nothing of any is: each must have its hash.
fn matching(fields: &[FieldChange], shown: Vec<FieldChange>) -> Vec<FieldChange> {
    let mut pairs = fields.iter().zip(&shown);
    if fields.len() == shown.len() && pairs.all(|(field, shown)| field.path == shown.path) {
        return shown;
    }
    let hidden = |field: &FieldChange| FieldChange {
        path: field.path.clone(),
        before: None,
        after: field.after.as_ref().map(|_| MASK.into()),
    };
    fields.iter().map(hidden).collect()
}

/// A change that a capability is about to make, before it has a number.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What is done.
    pub verb: Verb,
    /// What to do about it when a crash left it without a result.
    pub recovery: Recovery,
    /// To what.
    pub target: Target,
    /// Which fields get which values.
    pub fields: Vec<FieldChange>,
    /// The same fields as anybody may see them, where that is something else. What the run masks is masked in any case.
    pub shown: Option<Vec<FieldChange>>,
    /// Whether it is put back at the end.
    pub temporary: bool,
}

/// Runs a future and turns a panic of it into a failure.
///
/// # Errors
/// What it fails with; `internal` (`agent.bug`).
pub async fn guarded<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    std::panic::AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| {
            Err(Failure::new(
                Kind::Internal,
                "agent.bug",
                "the host panicked during a host call",
            ))
        })
}
