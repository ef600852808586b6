//! The agent in this process: the doors call it, and it starts runs.

use std::sync::{Arc, OnceLock};

use agent_capability::operations::Returned;
use agent_capability::{ClusterClient, Gate, GateConfig};
use agent_core::agent::{Agent, Completion, Plugin, Run};
use agent_core::call::{Call, Mode};
use agent_core::descriptor::Names;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Right;
use agent_core::id::{PluginId, RunId};
use agent_core::journal::Journal;
use agent_core::limits::Limits;
use agent_store::{CodeCache, Store};
use async_trait::async_trait;
use futures::StreamExt as _;
use futures::channel::mpsc;
use serde_json::Value;

use crate::compiler::Compiler;
use crate::instance::{self, Errand};
use crate::namespace;
use crate::nested::Nested;
use crate::prepare::{Prepared, prepare};
use crate::supervise::supervise;

/// What an agent is made of. `wire.rs` opens all of it.
pub struct Parts {
    /// The plugins.
    pub store: Store,
    /// Where compiled code is kept; without it, plugins are compiled in every process.
    pub code: Option<CodeCache>,
    /// Where runs are recorded.
    pub journal: Arc<dyn Journal>,
    /// The cluster.
    pub client: ClusterClient,
    /// The bounds of each run.
    pub limits: Limits,
}

/// Runs operations in this process. Clones are the same agent.
#[derive(Clone)]
pub struct LocalAgent(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) limits: Limits,
    code: std::sync::Mutex<Option<CodeCache>>,
    compiler: OnceLock<Result<Compiler, Failure>>,
    journal: Arc<dyn Journal>,
    pub(crate) client: ClusterClient,
}

impl LocalAgent {
    /// Makes an agent. Nothing is read, compiled or connected before it is needed.
    pub fn new(parts: Parts) -> LocalAgent {
        LocalAgent(Arc::new(Inner {
            store: parts.store,
            limits: parts.limits,
            code: std::sync::Mutex::new(parts.code),
            compiler: OnceLock::new(),
            journal: parts.journal,
            client: parts.client,
        }))
    }
}

#[async_trait]
impl Agent for LocalAgent {
    async fn plugins(&self) -> Result<Vec<Plugin>, Failure> {
        self.0.store.plugins()
    }

    async fn run(&self, mut call: Call) -> Result<Run, Failure> {
        let inner = self.0.clone();
        let given = std::mem::take(&mut call.arguments);
        let prepared = prepare(&inner.store, &inner.limits, &call.operation, given)?;
        call.arguments = prepared.arguments.clone();
        let id = new_id()?;
        let (events, seen) = mpsc::unbounded();
        let (control, said) = mpsc::unbounded();
        let gate = Gate::new(GateConfig {
            id: id.clone(),
            plugin: prepared.plugin(),
            operation: call.operation.clone(),
            grants: prepared.grants.clone(),
            mode: call.mode,
            consent: call.consent,
            journal: inner.journal.begin(&id, &call, &prepared.found.digest)?,
            events,
            client: inner.client.clone(),
            operations: Arc::new(Nested(inner.clone())),
        });
        let (run, planning) = (id.clone(), call.mode == Mode::Plan);
        // A task of its own: whoever started the run may go away, and it still puts back what it holds.
        tokio::spawn(async move { supervise(&inner, run, prepared, gate, planning, said).await });
        Ok(Run::new(id, seen.boxed(), control))
    }

    async fn complete(&self, completion: Completion) -> Result<Vec<String>, Failure> {
        let argument = |name: &str| completion.arguments.get(name).and_then(Value::as_str);
        let of = match &completion.names {
            Names::Namespace => Some(namespace::object_type()),
            Names::Object(of) => Some(of.clone()),
            Names::ObjectBy { parameter, of } => {
                argument(parameter).and_then(|value| of.get(value)).cloned()
            }
        };
        let Some(of) = of else {
            return Ok(Vec::new());
        };
        let namespace = match &completion.names {
            Names::Namespace => None,
            _ => argument("namespace"),
        };
        let mut names = self.0.client.names(&of, namespace).await?;
        names.retain(|name| name.starts_with(&completion.prefix));
        Ok(names)
    }

    async fn grant(&self, plugin: &PluginId, rights: Vec<Right>) -> Result<Vec<Right>, Failure> {
        self.0.store.grant(plugin, rights)
    }
}

impl Inner {
    /// Calls an operation behind its gate, in a store of its own.
    pub(crate) async fn execute(
        &self,
        prepared: &Prepared,
        gate: Gate,
    ) -> Result<Returned, Failure> {
        let compiler = self.compiler()?;
        let pre = compiler.plugin(&prepared.found).await?;
        let errand = Errand {
            plugin: prepared.plugin(),
            limits: prepared.limits.clone(),
            invocation: prepared.invocation()?,
            gate,
        };
        instance::run(compiler, &pre, errand).await
    }

    fn compiler(&self) -> Result<&Compiler, Failure> {
        let made = self.compiler.get_or_init(|| {
            let code = self.code.lock().ok().and_then(|mut code| code.take());
            Compiler::new(&self.limits, code).map_err(|error| {
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

fn new_id() -> Result<RunId, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("the system has no random numbers: {error}");
        Failure::new(Kind::Unavailable, "agent.no-randomness", message)
    })?;
    Ok(RunId::from_random(bytes))
}
