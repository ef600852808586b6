//! What all operations of one run share.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use agent_core::call::{Consent, Mode};
use agent_core::event::Event;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::{OperationName, RunId};
use agent_core::journal::RunJournal;
use agent_core::object::ObjectRef;
use futures::channel::{mpsc, oneshot};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ledger::{Ledger, Undone};
use crate::cluster::client::ClusterClient;
use crate::operations::Operations;

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
    /// The run's record.
    pub journal: Box<dyn RunJournal>,
    /// Where events go. A receiver that is gone is no error.
    pub events: mpsc::UnboundedSender<Event>,
    /// The cluster.
    pub client: ClusterClient,
    /// How operations are called.
    pub operations: Arc<dyn Operations>,
}

/// See the module.
pub(crate) struct Shared {
    pub(crate) id: RunId,
    pub(crate) journal: Box<dyn RunJournal>,
    pub(crate) client: ClusterClient,
    pub(crate) operations: Arc<dyn Operations>,
    pub(crate) ledger: Ledger,
    pub(crate) undone: Undone,
    pub(crate) writes: TaskTracker,
    /// Objects that a plan would have made: later reads see them.
    imagined: Mutex<BTreeMap<ObjectRef, Value>>,
    mode: Mode,
    consent: Consent,
    taking_back: AtomicBool,
    events: mpsc::UnboundedSender<Event>,
    numbers: AtomicU64,
    questions: Mutex<HashMap<u64, oneshot::Sender<bool>>>,
    stop: CancellationToken,
    why_stopped: OnceLock<Failure>,
}

impl Shared {
    pub(super) fn new(config: GateConfig) -> Shared {
        Shared {
            id: config.id,
            journal: config.journal,
            client: config.client,
            operations: config.operations,
            ledger: Ledger::default(),
            undone: Undone::default(),
            writes: TaskTracker::new(),
            imagined: Mutex::default(),
            mode: config.mode,
            consent: config.consent,
            taking_back: AtomicBool::new(false),
            events: config.events,
            numbers: AtomicU64::new(0),
            questions: Mutex::default(),
            stop: CancellationToken::new(),
            why_stopped: OnceLock::new(),
        }
    }

    /// Returns the next number; effects, steps, questions and actors share one sequence.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns a text that is unique for an effect, by which an object that it made is known again.
    pub(crate) fn marker(&self, effect: u64) -> String {
        format!("{}-{effect}", self.id)
    }

    pub(crate) fn planning(&self) -> bool {
        self.mode == Mode::Plan
    }

    /// Returns an object that exists only in the plan.
    pub(crate) fn imagined(&self, target: &ObjectRef) -> Option<Value> {
        lock(&self.imagined).get(target).cloned()
    }

    pub(crate) fn imagine(&self, target: ObjectRef, object: Value) {
        lock(&self.imagined).insert(target, object);
    }

    /// Removes an object that exists only in the plan, and returns whether there was one.
    pub(crate) fn forget_imagined(&self, target: &ObjectRef) -> bool {
        lock(&self.imagined).remove(target).is_some()
    }

    pub(crate) fn emit(&self, event: Event) {
        // Whoever listened may be gone; the journal has the record.
        drop(self.events.unbounded_send(event));
    }

    /// Notes that the guest is gone, and everything that is held goes back.
    pub(super) fn take_back(&self) {
        self.taking_back.store(true, Ordering::Release);
    }

    pub(super) fn taking_back(&self) -> bool {
        self.taking_back.load(Ordering::Acquire)
    }

    /// Asks the person. Returns when they agreed.
    pub(super) async fn ask(
        &self,
        text: String,
        facts: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        self.stopped()?;
        let declined = |why: &str| {
            Failure::new(Kind::Denied, "run.declined", format!("not agreed: {text}")).because(why)
        };
        let agreed = match self.consent {
            _ if self.planning() => true,
            Consent::Given => true,
            Consent::Withheld => {
                return Err(declined("there is no terminal to ask at")
                    .hinted("add --yes to agree beforehand"));
            }
            Consent::Ask => {
                self.until_stopped(self.answered(text.clone(), facts))
                    .await?
            }
        };
        if !agreed {
            return Err(declined("the answer was no"));
        }
        Ok(())
    }

    async fn answered(&self, text: String, facts: Vec<(String, String)>) -> Result<bool, Failure> {
        let (tx, rx) = oneshot::channel();
        let question = self.number();
        lock(&self.questions).insert(question, tx);
        self.emit(Event::Asked {
            question,
            text,
            facts,
        });
        Ok(rx.await.unwrap_or(false))
    }

    pub(super) fn answer(&self, question: u64, yes: bool) {
        if let Some(tx) = lock(&self.questions).remove(&question) {
            // Whoever asked may have been stopped meanwhile.
            let _ = tx.send(yes);
        }
    }

    pub(super) fn stop(&self, why: Failure) {
        // The first reason counts.
        drop(self.why_stopped.set(why));
        self.stop.cancel();
    }

    /// Fails with the reason once the run was stopped.
    pub(crate) fn stopped(&self) -> Result<(), Failure> {
        if self.stop.is_cancelled() {
            Err(self.reason())
        } else {
            Ok(())
        }
    }

    fn reason(&self) -> Failure {
        self.why_stopped
            .get()
            .cloned()
            .unwrap_or_else(Failure::cancelled)
    }

    pub(crate) async fn until_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(self.reason()),
            result = super::guarded(work) => result,
        }
    }

    pub(super) async fn finish_even_if_abandoned<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        self.writes
            .spawn(super::guarded(work))
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
