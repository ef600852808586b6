//! What all operations of one run share.

mod conversation;
mod record;

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use agent_core::call::{Consent, Goal, Mode, OnFailure};
use agent_core::descriptor::Risk;
use agent_core::effect::Effect;
use agent_core::event::{Asker, Event};
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::{CallId, OperationName, RunId};
use agent_core::journal::{Entry, RunJournal};
use agent_core::name::shown;
use agent_core::plan::Plan;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tokio_util::task::TaskTracker;

use crate::capability::{Capability, Install, RunParts};
use crate::ending::Ending;
use crate::ledger::{self, Holds, Ledger};
use crate::operations::Operations;
use crate::outbox::Outbox;
use crate::plan::{Placeholders, PlanBuilder};
use crate::plan_guard::PlanGuard;
use crate::quota::Account;
use crate::replay::{self, Replay};
use crate::seal::Seal;
use crate::secrets::Secrets;
use crate::told::Told;

use conversation::Conversation;

/// The record of a run that is taken up again.
pub struct Before {
    /// Its entries, oldest first.
    pub entries: Vec<Entry>,
    /// How long processes were at it.
    pub worked: SignedDuration,
    /// To finish it, or to take it back: then everything that it changed is held, also what was to stay.
    pub to: Goal,
}

/// What a run's gate is made of.
pub struct GateConfig {
    /// The run.
    pub id: RunId,
    /// Id and version of the plugin, such as `volsync 0.1.0`.
    pub plugin: String,
    /// The operation that was called for.
    pub operation: OperationName,
    /// What it may do.
    pub grants: Grants,
    /// Whether it performs or plans.
    pub mode: Mode,
    /// How questions are answered.
    pub consent: Consent,
    /// What becomes of what it holds when it fails.
    pub on_failure: OnFailure,
    /// When it began.
    pub begun: Timestamp,
    /// Where its random numbers come from.
    pub seed: [u8; 32],
    /// The run's record; none for what needs none, such as a plan.
    pub journal: Option<Box<dyn RunJournal>>,
    /// What there is on record of it already; none when it begins.
    pub before: Option<Before>,
    /// The plan that it may not go beyond.
    pub plan: Option<Box<Plan>>,
    /// The key of the hashes by which secrets are compared.
    pub key: [u8; 32],
    /// Where events go. A receiver that is gone is no error.
    pub events: Outbox,
    /// What operations can do something by.
    pub capabilities: Vec<Arc<dyn Install>>,
    /// How operations are called.
    pub operations: Arc<dyn Operations>,
}

/// What the person is asked.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) text: String,
    pub(super) facts: Vec<(String, String)>,
    /// What has to be typed to agree, instead of yes.
    pub(super) phrase: Option<String>,
    /// Who asks; none for the host itself.
    pub(super) by: Option<Asker>,
    /// What a yes opens.
    pub(super) opens: Vec<String>,
}

/// See the module.
pub(crate) struct Shared {
    pub(crate) id: RunId,
    pub(super) replay: Replay,
    pub(super) plan_builder: PlanBuilder,
    pub(super) placeholders: Placeholders,
    pub(super) plan_guard: Option<PlanGuard>,
    pub(crate) secrets: Arc<Secrets>,
    pub(super) told: Told,
    journal: Option<Box<dyn RunJournal>>,
    /// Whether it was told that the record is not whole: once is enough.
    is_told_unrecorded: AtomicBool,
    /// Whether the run changes nothing, so that its beginning and its end are record enough.
    looks_only: bool,
    /// Whether what a guest lets go of stays until its operation has ended: a guest that fails lets go of everything, and that may have to stay.
    pub(super) keeps: bool,
    seed: [u8; 32],
    key: [u8; 32],
    /// None when nothing can be sealed with the key, and then that is withheld.
    seal: Option<Seal>,
    pub(crate) capabilities: Vec<Arc<dyn Capability>>,
    pub(crate) operations: Arc<dyn Operations>,
    pub(crate) holds: Holds,
    pub(crate) writes: TaskTracker,
    pub(crate) account: Account,
    /// How long earlier processes were at the run.
    worked: Duration,
    /// When this one began to be: a run that is taken up is not before the record is at its end.
    since: OnceLock<Instant>,
    mode: Mode,
    pub(crate) conversation: Conversation,
    numbers: AtomicU64,
    /// When operations begin that are being called.
    begins: Mutex<HashMap<CallId, Timestamp>>,
    pub(crate) ending: Ending,
}

impl Shared {
    pub(super) fn new(config: GateConfig) -> Shared {
        let since = match config.before {
            Some(_) => OnceLock::new(),
            None => OnceLock::from(Instant::now()),
        };
        let (entries, undo, worked) = config.before.map_or_else(
            || (Vec::new(), false, SignedDuration::ZERO),
            |before| (before.entries, before.to == Goal::Undo, before.worked),
        );
        let replay = Replay::new(&entries);
        let account = Account::new(&entries);
        let memory = account.memory.clone();
        let planning = config.mode == Mode::Plan;
        let plan_guard = config.plan.map(|plan| PlanGuard::new(&plan, &entries));
        let exceeded = plan_guard
            .as_ref()
            .and_then(|_| replay::violation(&entries));
        let seal = Seal::new(&config.key);
        let held = replay::left(&entries, undo || exceeded.is_some(), seal.as_ref());
        let mut standing = Vec::new();
        if plan_guard.is_some() {
            standing = replay::left(&entries, true, seal.as_ref());
            standing.retain(|entry| held.iter().all(|held| held.number != entry.number));
        }
        let ending = Ending::new(exceeded);
        let secrets = Arc::new(Secrets::new(memory.clone()));
        let sealed = held.iter().chain(&standing).filter(|entry| entry.secret);
        sealed.for_each(|entry| secrets.learn_sealed(&entry.undo));
        let parts = RunParts {
            stopped: ending.stop.flag(),
            secrets: Arc::clone(&secrets),
            memory: memory.clone(),
        };
        let capabilities = config.capabilities.iter();
        let capabilities = capabilities.map(|one| one.of_run(&parts)).collect();
        Shared {
            id: config.id,
            numbers: AtomicU64::new(replay.highest()),
            holds: Holds::new(
                Ledger::new(held, planning, memory.clone()),
                Ledger::new(standing, planning, memory.clone()),
                replay.made(),
            ),
            replay,
            plan_builder: PlanBuilder::new(memory.clone()),
            placeholders: Placeholders::default(),
            plan_guard,
            capabilities,
            secrets,
            told: Told::default(),
            journal: config.journal,
            is_told_unrecorded: AtomicBool::new(false),
            looks_only: config.grants.risk() == Risk::Read,
            keeps: config.on_failure != OnFailure::Undo,
            seed: config.seed,
            key: config.key,
            seal,
            operations: config.operations,
            writes: TaskTracker::new(),
            account,
            worked: Duration::try_from(worked).unwrap_or_default(),
            since,
            mode: config.mode,
            conversation: Conversation::new(config.consent, config.events),
            begins: Mutex::default(),
            ending,
        }
    }

    /// Returns the capability by which a change was made.
    ///
    /// # Errors
    /// `unsupported` (`run.no-capability`): a record may name what this host cannot do.
    pub(crate) fn capability_of(
        &self,
        entry: &ledger::Entry,
    ) -> Result<&Arc<dyn Capability>, Failure> {
        let target = &entry.target;
        let why = format!("{target} was changed by it");
        self.capability_named(&target.capability, &why)
    }

    pub(crate) fn capability_named(
        &self,
        name: &str,
        why: &str,
    ) -> Result<&Arc<dyn Capability>, Failure> {
        let mut all = self.capabilities.iter();
        all.find(|one| one.name() == name).ok_or_else(|| {
            let message = format!("this agent has no capability `{}`", shown(name));
            Failure::new(Kind::Unsupported, "run.no-capability", message)
                .because(why)
                .hinted("use an agent that has it")
        })
    }

    /// Returns what a guest is told in place of a failure that is about a person's connection.
    pub(crate) fn without_details(&self, failure: &Failure) -> Option<&'static str> {
        let mut all = self.capabilities.iter();
        all.find_map(|one| one.without_details(failure))
    }

    /// Returns where the random numbers of the operation at that place come from.
    pub(super) fn seed_of(&self, operation: &CallId) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed);
        hash.update(operation.as_str());
        hash.finalize().into()
    }

    /// Writes down what the clocks of an operation that is called show in the beginning.
    pub(super) fn begins(&self, call: &CallId, at: Timestamp) {
        lock(&self.begins).insert(call.clone(), at);
    }

    /// Returns what the clocks of an operation show in the beginning, where it is known: at a replay the same as before.
    pub(super) fn begins_at(&self, call: &CallId) -> Option<Timestamp> {
        let now = lock(&self.begins).remove(call);
        now.or_else(|| self.replay.called(call)?.at)
    }

    /// Returns how long processes have been at the run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.worked + self.since.get_or_init(Instant::now).elapsed()
    }

    /// Returns the next number; effects and questions share one sequence.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns whether anything was announced or asked yet.
    pub(super) fn has_begun(&self) -> bool {
        self.numbers.load(Ordering::Relaxed) > 0
    }

    /// Returns a text that is unique for an effect, by which an object that it made is known again.
    pub(crate) fn marker(&self, effect: u64) -> String {
        format!("{}-{effect}", self.id)
    }

    pub(crate) fn planning(&self) -> bool {
        self.mode == Mode::Plan
    }

    /// Adds an effect to the plan.
    pub(crate) fn planned(&self, effect: Effect) {
        self.plan_builder.add(&effect);
        self.show(Event::Planned { effect });
    }

    /// Records an event and sends it to whoever watches the run.
    pub(crate) fn emit(&self, event: Event) {
        let told = event.clone();
        self.note(Entry::Told { event: told });
        self.show(event);
    }

    /// Sends an event that the record tells in other words to whoever watches the run.
    pub(crate) fn show(&self, event: Event) {
        // Whoever listened may be gone; the journal has the record.
        self.conversation.events.send(self.secrets.event(event));
    }

    /// Asks the person. Returns when they agreed.
    pub(super) async fn ask(&self, question: Question) -> Result<(), Failure> {
        let text = question.text.clone();
        self.ending.stop.goes_on()?;
        let declined = |why: &str| {
            Failure::new(
                Kind::Declined,
                "run.declined",
                format!("not agreed: {text}"),
            )
            .because(why)
        };
        let agreed = match self.conversation.consent {
            _ if self.planning() => true,
            Consent::Given => true,
            Consent::Withheld => {
                return Err(declined("there is no terminal to ask at")
                    .hinted("add --yes to agree beforehand"));
            }
            Consent::Ask => {
                self.ending
                    .stop
                    .unless_stopped(self.answered(question))
                    .await?
            }
        };
        if !agreed {
            return Err(declined("the answer was no"));
        }
        Ok(())
    }

    async fn answered(&self, question: Question) -> Result<bool, Failure> {
        let number = self.number();
        let answer = self.conversation.expect(number);
        self.emit(Event::Asked {
            question: number,
            text: question.text,
            facts: question.facts,
            phrase: question.phrase,
            by: question.by,
            opens: question.opens,
        });
        Ok(answer.await.unwrap_or(false))
    }

    pub(super) async fn finish_even_if_abandoned<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writes
            .spawn(crate::guarded(work))
            .await
            .unwrap_or_else(|error| Err(Failure::of(Kind::Internal, "agent.bug", &error)))
    }

    pub(super) async fn settle(&self) {
        self.writes.close();
        self.writes.wait().await;
        self.writes.reopen();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
