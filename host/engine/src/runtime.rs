//! What runs are made with: the plugins, the compiler, the journal, the cluster.
//!
//! Everything above it asks it: the agent at the door, what starts a run or takes one up, and operations that operations call.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use agent_capability::{ClusterClient, Gate, Install};
use agent_core::descriptor::Risk;
use agent_core::failure::{Failure, Kind};
use agent_core::id::{Digest, OperationName};
use agent_core::journal::Returned;
use agent_core::limits::Limits;
use agent_core::origin::{Cluster, Who};
use agent_core::record::Retention;
use agent_journal::Journal;
use agent_store::{CodeCache, Found, Store};

use crate::agent::Parts;
use crate::compiler::{Compiler, Elsewhere};
use crate::instance::{self, CallSpec};
use crate::noun::Noun;
use crate::prepare::Prepared;

/// What runs are made with. It knows no run and no door.
pub(crate) struct Runtime {
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    /// What the compiler is made of, once.
    compiles: Mutex<(Option<CodeCache>, Option<Elsewhere>)>,
    compiler: OnceLock<Result<Compiler, Failure>>,
    journal: Result<Journal, Failure>,
    pub(crate) retention: Retention,
    pub(crate) client: ClusterClient,
    /// What plugins can have, and each run is opened with.
    nouns: Vec<Arc<dyn Noun>>,
    pub(crate) cluster: Cluster,
    pub(crate) who: Who,
}

impl Runtime {
    pub(crate) fn new(parts: Parts) -> Runtime {
        let nouns = nouns(&parts);
        Runtime {
            store: parts.store,
            limits: parts.limits,
            compiles: Mutex::new((parts.code, parts.compile)),
            compiler: OnceLock::new(),
            journal: parts.journal,
            retention: parts.retention,
            nouns,
            client: parts.client,
            cluster: parts.cluster,
            who: parts.who,
        }
    }

    /// Returns what a run is opened with.
    pub(crate) fn capabilities(&self) -> Vec<Arc<dyn Install>> {
        let nouns = self.nouns.iter().cloned();
        nouns.map(|noun| noun as Arc<dyn Install>).collect()
    }

    /// Returns where runs are recorded.
    ///
    /// # Errors
    /// Why they cannot be.
    pub(crate) fn journal(&self) -> Result<&Journal, Failure> {
        self.journal.as_ref().map_err(Clone::clone)
    }

    /// Returns the key by which secrets are compared. Without a journal a plan can still be looked at: no run will find that what it rests on is as it
    /// was, where that is a secret.
    ///
    /// # Errors
    /// `unavailable` (`agent.no-randomness`).
    pub(crate) fn plan_key(&self) -> Result<[u8; 32], Failure> {
        if let Ok(key) = self.journal().and_then(|journal| journal.key()) {
            return Ok(key);
        }
        let mut key = [0; 32];
        random(&mut key)?;
        Ok(key)
    }

    /// Finds the plugin that has an operation; with a digest, in that very artifact.
    pub(crate) fn lookup(
        &self,
        operation: &OperationName,
        digest: Option<&Digest>,
    ) -> Result<Arc<Found>, Failure> {
        match digest {
            Some(digest) => self.store.lookup_exact(operation, digest),
            None => self.store.lookup(operation),
        }
    }

    /// Keeps the artifact, if the operation can change something, so that the run can be resumed by it.
    pub(crate) fn keep(&self, prepared: &Prepared) -> Result<(), Failure> {
        if prepared.grants.risk() == Risk::Read {
            return Ok(());
        }
        self.store.keep(&prepared.found)
    }

    /// Calls an operation behind its gate, in a store of its own.
    pub(crate) async fn execute(
        &self,
        prepared: &Prepared,
        gate: Gate,
    ) -> Result<Returned, Failure> {
        let compiler = self.compiler()?;
        let pre = compiler.plugin(&prepared.found).await?;
        let spec = CallSpec {
            plugin: prepared.plugin(),
            limits: prepared.limits.clone(),
            invocation: prepared.invocation()?,
            gate,
        };
        instance::run(compiler, &pre, spec).await
    }

    fn compiler(&self) -> Result<&Compiler, Failure> {
        let made = self.compiler.get_or_init(|| {
            let compiles = self.compiles.lock();
            let (code, elsewhere) =
                std::mem::take(&mut *compiles.unwrap_or_else(PoisonError::into_inner));
            Compiler::new(&self.limits, &self.nouns, code, elsewhere).map_err(|error| {
                let failure = Failure::new(
                    Kind::Internal,
                    "agent.bug",
                    "the WebAssembly engine does not start",
                );
                error
                    .chain()
                    .fold(failure, |failure, cause| failure.because(cause.to_string()))
            })
        });
        made.as_ref().map_err(Clone::clone)
    }
}

/// Returns the cluster, and whatever is installed beside it.
fn nouns(parts: &Parts) -> Vec<Arc<dyn Noun>> {
    let cluster: Arc<dyn Noun> = Arc::new(parts.client.clone());
    std::iter::once(cluster)
        .chain(parts.nouns.iter().cloned())
        .collect()
}

/// Fills bytes by the random numbers of the system.
///
/// # Errors
/// `unavailable` (`agent.no-randomness`).
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| {
        let message = format!("the system has no random numbers: {error}");
        Failure::new(Kind::Unavailable, "agent.no-randomness", message)
    })
}
