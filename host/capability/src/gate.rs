//! The gate: the one function that every host call passes.
//!
//! `Gate::admit` checks a wish against the run's rights, and then performs it. What it hands to the performer is a [`Pass`], which is what
//! clients want for reading; to write they want an [`Intent`], which a pass gives out only for an effect that was journaled (or, while
//! planning, only as a dry-run). A write that has begun is finished even when the guest is gone, because what it did must be known to be put
//! back.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_core::descriptor::Risk;
use agent_core::effect::{Effect, Verb};
use agent_core::event::Event;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::OperationName;
use agent_core::manifest::ClusterVerb;
use agent_core::object::{ObjectRef, ObjectType};
use futures::FutureExt as _;
use tokio_util::task::TaskTracker;

use crate::cluster;

mod denial;
pub(crate) mod ledger;
mod pass;
mod shared;

pub use pass::{Intent, Pass};
pub use shared::GateConfig;

pub(crate) use ledger::{Entry, Undo};
pub(crate) use pass::Patience;
use shared::Shared;

/// The gate of one operation in a run. Clones are the same gate; [`Gate::child`] makes that of an operation it calls.
#[derive(Clone)]
pub struct Gate {
    pub(crate) run: Arc<Shared>,
    pub(crate) actor: Arc<Actor>,
}

/// Who acts: one operation of one plugin in a run.
pub(crate) struct Actor {
    /// Unique in the run.
    pub(crate) id: u64,
    /// Id and version of the plugin, such as `volsync 0.1.0`.
    pub(crate) plugin: String,
    pub(crate) operation: OperationName,
    pub(crate) grants: Grants,
    /// How many operations are above it.
    pub(crate) depth: u32,
    /// The hold that keeps what it changes, when it is called as a hold.
    pub(crate) scope: Option<Scope>,
    /// Whether the person has agreed to what it asked.
    agreed: AtomicBool,
    /// Its writes that are under way.
    writes: TaskTracker,
}

/// A hold over whatever an operation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Unique in the run.
    pub(crate) id: u64,
    /// The actor that holds.
    pub(crate) opener: u64,
}

impl Actor {
    fn new(id: u64, plugin: String, operation: OperationName, grants: Grants) -> Actor {
        Actor {
            id,
            plugin,
            operation,
            grants,
            depth: 0,
            scope: None,
            agreed: AtomicBool::new(false),
            writes: TaskTracker::new(),
        }
    }
}

/// What a host call wishes to do.
pub(crate) enum Ask {
    /// To read objects of the cluster.
    Look(ClusterVerb, ObjectType, Option<String>),
    /// To change an object of the cluster.
    Change(Verb, ObjectRef),
    /// To call an operation.
    Call(OperationName),
}

impl Gate {
    /// Opens the gate of a run.
    pub fn new(config: GateConfig) -> Gate {
        let (plugin, operation, grants) = (
            config.plugin.clone(),
            config.operation.clone(),
            config.grants.clone(),
        );
        Gate {
            run: Arc::new(Shared::new(config)),
            actor: Arc::new(Actor::new(0, plugin, operation, grants)),
        }
    }

    /// Opens the gate of an operation that this one calls: it has rights of its own, and shares everything else. With a scope, whatever it
    /// changes is held by that scope.
    ///
    /// # Errors
    /// `denied` when the operation can do more harm than the one that calls it: otherwise a `read` operation could change things by calling
    /// others.
    pub fn child(
        &self,
        plugin: String,
        operation: OperationName,
        grants: Grants,
        scope: Option<Scope>,
    ) -> Result<Gate, Failure> {
        if grants.risk() > self.actor.grants.risk() {
            return Err(denial::riskier(self, &operation, grants.risk()));
        }
        let actor = Actor {
            depth: self.actor.depth + 1,
            scope: scope.or(self.actor.scope),
            ..Actor::new(self.run.number(), plugin, operation, grants)
        };
        Ok(Gate {
            run: self.run.clone(),
            actor: Arc::new(actor),
        })
    }

    /// Returns how many operations are above this one.
    pub fn depth(&self) -> u32 {
        self.actor.depth
    }

    /// Checks the wish and performs it.
    ///
    /// # Errors
    /// `denied` when the wish is outside the rights; why the run was stopped, once it was; whatever performing fails with.
    pub(crate) async fn admit<T, F>(
        &self,
        ask: Ask,
        perform: impl FnOnce(Pass) -> F,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        self.check(&ask)?;
        let work = perform(Pass::new(self.clone(), Patience::Running));
        match ask {
            Ask::Change(..) => {
                let work = self.actor.writes.track_future(work);
                self.run.finish_even_if_abandoned(work).await
            }
            Ask::Look(..) => self.run.until_stopped(work).await,
            // The callee hears of a stop by itself. Were it dropped here, what it holds would be put back after what is older.
            Ask::Call(_) => guarded(work).await,
        }
    }

    fn check(&self, ask: &Ask) -> Result<(), Failure> {
        self.run.stopped()?;
        let grants = &self.actor.grants;
        match ask {
            Ask::Look(verb, of, namespace) => {
                let allowed = grants.allow_cluster(*verb, of, namespace.as_deref());
                if allowed {
                    Ok(())
                } else {
                    Err(denial::cluster(self, *verb, of, namespace.as_deref()))
                }
            }
            Ask::Call(operation) => {
                if grants.allow_call(operation) {
                    Ok(())
                } else {
                    Err(denial::call(self, operation))
                }
            }
            Ask::Change(verb, target) => {
                let right = right_for(*verb);
                if !grants.allow_cluster(right, &target.of, target.namespace.as_deref()) {
                    return Err(denial::cluster(
                        self,
                        right,
                        &target.of,
                        target.namespace.as_deref(),
                    ));
                }
                match grants.risk() {
                    Risk::Read => Err(denial::read_only(self, *verb, target)),
                    Risk::Destroy if !self.agreed() => Err(denial::not_asked(self, *verb, target)),
                    _ => Ok(()),
                }
            }
        }
    }

    fn agreed(&self) -> bool {
        self.run.planning() || self.actor.agreed.load(Ordering::Acquire)
    }

    /// Asks the person, and remembers that they agreed to what this operation does.
    pub(crate) async fn ask(
        &self,
        text: String,
        facts: Vec<(String, String)>,
    ) -> Result<(), Failure> {
        self.run.ask(text, facts).await?;
        self.actor.agreed.store(true, Ordering::Release);
        Ok(())
    }

    /// Sends an event to whoever watches the run.
    pub fn emit(&self, event: Event) {
        self.run.emit(event);
    }

    /// Closes the run's record and sends its last event.
    pub fn finish(&self, outcome: agent_core::Outcome) {
        self.run.journal.finish(&outcome);
        self.run.emit(Event::Finished { outcome });
    }

    /// Stops the run: every host call fails with this from now on, and writes that have begun are finished.
    pub fn stop(&self, why: Failure) {
        self.run.stop(why);
    }

    /// Hands over the answer to a question. An answer to a question that nobody waits for is lost.
    pub fn answer(&self, question: u64, yes: bool) {
        self.run.answer(question, yes);
    }

    /// Waits until no write is under way.
    pub async fn settle(&self) {
        self.run.settle().await;
    }

    /// Finishes this operation's writes and puts back what it still holds, newest first: its own holds, and those over operations that it
    /// called. What others hold of it stays. The engine calls it when the operation is over, with whether it came to its good end.
    pub async fn close(&self, well: bool) {
        let id = self.actor.id;
        self.actor.writes.close();
        self.actor.writes.wait().await;
        let dropped = self.release(move |entry| entry.is_held_by(id)).await;
        self.run.undone.add(id, dropped);
        if well {
            self.run.undone.forget(id);
        }
    }

    /// Puts back what the guest let go of without saying so. When its operation fails in the end, this belongs to what was undone.
    pub(crate) async fn release_dropped(&self, numbers: Vec<u64>) {
        let dropped = self
            .release(move |entry| numbers.contains(&entry.number))
            .await;
        self.run.undone.add(self.actor.id, dropped);
    }

    /// Puts back everything that the run still holds, newest first, whoever holds it. Returns whatever was put back since the operations that
    /// failed began to fail.
    pub async fn release_all(&self) -> Vec<agent_core::TakeBack> {
        self.run.take_back();
        let released = self.release(|_| true).await;
        self.run.undone.add(self.actor.id, released);
        self.run.undone.take()
    }

    /// Returns how many changes the run holds.
    pub fn held(&self) -> u64 {
        self.run.ledger.len()
    }

    /// Puts back the entries that `which` names, newest first. Once begun it is finished, even when nobody waits for it any more.
    pub(crate) async fn release(
        &self,
        which: impl Fn(&Entry) -> bool + Send + 'static,
    ) -> Vec<agent_core::TakeBack> {
        let gate = self.clone();
        let work = async move {
            let mut done = Vec::new();
            for entry in gate.run.ledger.take(which) {
                done.extend(gate.put_back(entry).await);
            }
            done
        };
        self.run.writes.spawn(work).await.unwrap_or_default()
    }

    async fn put_back(&self, entry: Entry) -> Option<agent_core::TakeBack> {
        if self.run.planning() {
            return None;
        }
        let thorough = self.run.stopped().is_err() || self.run.taking_back();
        let pass = Pass::to_put_back(self.clone(), thorough);
        let work = cluster::undo::put_back(&self.run.client, &pass, &entry);
        let take_back = match guarded(work.map(Ok)).await {
            Ok(take_back) => take_back,
            Err(failure) => ledger::unsettled(&entry, failure),
        };
        self.run.journal.put_back(entry.number, &take_back);
        self.run.emit(Event::PutBack(take_back.clone()));
        if take_back.failure.is_some() {
            self.run.ledger.put(entry);
        }
        Some(take_back)
    }

    /// Makes what is held permanent; inside a scope, leaves it to that scope.
    pub(crate) fn keep(&self, numbers: &[u64]) {
        for number in self.run.ledger.keep(numbers, self.actor.scope) {
            self.run.journal.kept(number);
        }
    }

    pub(crate) fn effect(
        &self,
        verb: Verb,
        target: ObjectRef,
        fields: Vec<agent_core::FieldChange>,
        temporary: bool,
    ) -> Effect {
        let recovery = verb.recovery();
        let by = self.actor.operation.clone();
        Effect {
            number: self.run.number(),
            by,
            verb,
            target,
            fields,
            temporary,
            recovery,
        }
    }
}

/// Returns the right that a change needs.
fn right_for(verb: Verb) -> ClusterVerb {
    match verb {
        Verb::Create => ClusterVerb::Create,
        Verb::Patch | Verb::Signal => ClusterVerb::Patch,
        Verb::Apply => ClusterVerb::Apply,
        Verb::Delete => ClusterVerb::Delete,
    }
}

/// Runs a future and turns a panic of it into a failure.
pub(crate) async fn guarded<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
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
