//! The agent in this process: the doors call it, and it starts runs.

use std::sync::Arc;

use agent_capability::ClusterClient;
use agent_core::agent::{Agent, Completion, Grantee, Plugin, Run};
use agent_core::call::{Call, Consent, Goal, OnFailure, Resumption};
use agent_core::descriptor::Names;
use agent_core::event::Event;
use agent_core::failure::Failure;
use agent_core::grant::Right;
use agent_core::id::{Digest, OperationName, PluginId, RunId};
use agent_core::limits::Limits;
use agent_core::origin::{Cluster, Who};
use agent_core::plan::Plan;
use agent_core::record::{Filter, Pruned, Record, Retention, Summary};
use agent_core::secret::Secrets;
use agent_journal::Journal;
use agent_store::{CodeCache, Store};
use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::compiler::Elsewhere;
use crate::noun::Noun;
use crate::runtime::Runtime;
use crate::{follow, namespace, resume, start};

/// What an agent is made of. `wire.rs` opens all of it.
pub struct Parts {
    /// The plugins.
    pub store: Store,
    /// Where compiled code is kept; without it, plugins are compiled in every process.
    pub code: Option<CodeCache>,
    /// Where plugins are compiled that did not come with the agent; without it, here.
    pub compile: Option<Elsewhere>,
    /// Where runs are recorded, or why they cannot be: then what only looks can be run.
    pub journal: Result<Journal, Failure>,
    /// How long runs that are over are remembered, unless somebody says otherwise.
    pub retention: Retention,
    /// The cluster.
    pub client: ClusterClient,
    /// What plugins can have beside the cluster and operations.
    pub nouns: Vec<Arc<dyn Noun>>,
    /// How the cluster is found again when a run is taken up.
    pub cluster: Cluster,
    /// Who starts runs, and from where.
    pub who: Who,
    /// The bounds of each run.
    pub limits: Limits,
}

/// Runs operations in this process. Clones are the same agent.
#[derive(Clone)]
pub struct LocalAgent(Arc<Runtime>);

impl LocalAgent {
    /// Makes an agent. Nothing is read, compiled or connected before it is needed.
    pub fn new(parts: Parts) -> LocalAgent {
        LocalAgent(Arc::new(Runtime::new(parts)))
    }
}

#[async_trait]
impl Agent for LocalAgent {
    async fn plugins(&self) -> Result<Vec<Plugin>, Failure> {
        self.0.store.plugins()
    }

    async fn plugins_for(&self, operation: &OperationName) -> Result<Vec<Plugin>, Failure> {
        self.0.store.plugins_for(operation)
    }

    async fn plugins_of_runs(
        &self,
        run: Option<(&OperationName, &Digest)>,
    ) -> Result<Vec<Plugin>, Failure> {
        self.0.store.plugins_of_runs(run)
    }

    async fn run(&self, call: Call) -> Result<Run, Failure> {
        start::run(self.0.clone(), call).await
    }

    async fn apply(
        &self,
        plan: Plan,
        consent: Consent,
        on_failure: OnFailure,
        secrets: Secrets,
    ) -> Result<Run, Failure> {
        start::apply(self.0.clone(), plan, consent, on_failure, secrets).await
    }

    async fn doubt(&self) -> Option<Failure> {
        self.0.journal().ok()?.doubt()
    }

    async fn runs(&self, filter: Filter) -> Result<Vec<Summary>, Failure> {
        self.0.journal()?.runs(filter)
    }

    async fn record(&self, run: &str) -> Result<Record, Failure> {
        let run = self.0.journal()?.resolve(run)?;
        self.0.journal()?.record(&run)
    }

    async fn which(&self, run: &str, to: Goal) -> Result<RunId, Failure> {
        self.0.journal()?.which(run, to)
    }

    async fn follow(&self, run: &str) -> Result<BoxStream<'static, Event>, Failure> {
        let run = self.0.journal()?.resolve(run)?;
        Ok(follow::events(self.0.journal()?.clone(), run).boxed())
    }

    async fn resume(&self, run: &str, how: Resumption) -> Result<Run, Failure> {
        resume::resume(self.0.clone(), run, how).await
    }

    async fn prune(&self, retention: Option<Retention>) -> Result<Pruned, Failure> {
        let retention = retention.unwrap_or(self.0.retention);
        let pruned = self.0.journal()?.prune(retention)?;
        let needed = self.0.journal()?.needed()?.into_iter().collect();
        self.0.store.keep_only(&needed);
        Ok(pruned)
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

    async fn inspected(&self, artifact: &Digest) {
        self.0.store.inspected(artifact);
    }

    async fn grant(
        &self,
        plugin: &PluginId,
        artifact: Option<&Digest>,
        rights: Vec<Right>,
    ) -> Result<Grantee, Failure> {
        self.0.store.grant(plugin, artifact, rights)
    }
}
