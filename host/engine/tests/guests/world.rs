//! An agent with the guests in it, alone or in front of a simulated API server.

use std::sync::OnceLock;
use std::time::Duration;

use agent_capability::{ClusterClient, Connected};
use agent_core::agent::{Agent as _, Run};
use agent_core::call::{Call, Consent, Goal, Mode, OnFailure, Resumption};
use agent_core::event::{Event, Level, Outcome, UndoReport};
use agent_core::failure::{Failure, Kind};
use agent_core::id::RunId;
use agent_core::journal::{Entry, RunJournal as _, Survives};
use agent_core::limits::Limits;
use agent_core::origin::{Cluster, Who};
use agent_core::plan::Plan;
use agent_core::record::{Filter, Record, Retention, RunHeader};
use agent_core::secret::Secrets;
use agent_engine::{LocalAgent, Parts};
use agent_file::{Folder, Whose};
use agent_journal::Journal;
use agent_sandbox::{ApiServer, Config, Handle};
use agent_store::{Bundled, CodeCache, Sources, Store};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, PermissionsExt as _};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Map, Value, json};

use crate::artifact;

/// Low enough to be tripped soon, high enough for whoever behaves on a busy machine.
pub(crate) const LIMITS: Limits = Limits {
    cpu_ms: 1_000,
    wall_ms: 60_000,
    memory_bytes: 128 << 20,
    run_memory_bytes: 512 << 20,
    host_call_bytes: 8 << 20,
    table_entries: 5_000,
    log_bytes: 64 << 10,
    watches: 4,
    calls: 2_000,
    record_bytes: 1 << 20,
    call_depth: 4,
    stack_bytes: 512 << 10,
};

pub(crate) struct World {
    pub(crate) agent: LocalAgent,
    pub(crate) journal: Journal,
    server: Option<ApiServer>,
}

/// How a run went.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) events: Vec<Event>,
    pub(crate) outcome: Outcome,
}

impl World {
    /// An agent without a cluster.
    pub(crate) fn new() -> World {
        World::with(LIMITS, vec![], None, nobody())
    }

    pub(crate) fn limited(limits: Limits) -> World {
        World::with(limits, vec![], None, nobody())
    }

    /// An agent with one more plugin.
    pub(crate) fn and(limits: Limits, name: &'static str, wasm: Vec<u8>) -> World {
        World::with(
            limits,
            vec![Bundled {
                name,
                wasm: wasm.leak(),
            }],
            None,
            nobody(),
        )
    }

    /// An agent whose cluster client panics.
    pub(crate) fn broken() -> World {
        World::with(
            LIMITS,
            vec![],
            None,
            ClusterClient::new(Box::new(|| panic!("on purpose")), 1 << 20),
        )
    }

    /// An agent with a client of a cluster.
    pub(crate) fn before(client: ClusterClient) -> World {
        World::with(LIMITS, vec![], None, client)
    }

    /// An agent in front of an API server, in which the object `settings` has the mode `before`, and the Secret `login` a password.
    pub(crate) async fn with_cluster(limits: Limits) -> World {
        let (server, client) = cluster().await;
        World::with(limits, vec![], Some(server), client)
    }

    /// The same, with one more plugin.
    pub(crate) async fn with_cluster_and(name: &'static str, wasm: Vec<u8>) -> World {
        let (server, client) = cluster().await;
        let wasm = wasm.leak();
        World::with(LIMITS, vec![Bundled { name, wasm }], Some(server), client)
    }

    /// The same, where no run can be recorded.
    pub(crate) async fn without_journal() -> World {
        let (server, client) = cluster().await;
        let full = Failure::new(Kind::Unavailable, "journal.full", "there is no room");
        let journal = Journal::in_memory().expect("a journal");
        World::recorded_in(Err(full), journal, LIMITS, vec![], Some(server), client)
    }

    fn with(
        limits: Limits,
        more: Vec<Bundled>,
        server: Option<ApiServer>,
        client: ClusterClient,
    ) -> World {
        let journal = Journal::in_memory().expect("a journal");
        World::recorded_in(Ok(journal.clone()), journal, limits, more, server, client)
    }

    fn recorded_in(
        used: Result<Journal, Failure>,
        journal: Journal,
        limits: Limits,
        more: Vec<Bundled>,
        server: Option<ApiServer>,
        client: ClusterClient,
    ) -> World {
        let mut bundled = more;
        bundled.push(Bundled {
            name: "guests",
            wasm: artifact::guests(),
        });
        let store = Store::new(Sources {
            bundled,
            directory: Ok(None),
            given: vec![],
            config: Ok(None),
            kept: Ok(None),
            agent: semver::Version::new(0, 1, 0),
        });
        let agent = LocalAgent::new(Parts {
            store,
            code: Some(shared_cache()),
            compile: None,
            nouns: Vec::new(),
            journal: used,
            retention: FOREVER,
            client,
            cluster: Cluster::default(),
            who: Who::default(),
            limits,
        });
        World {
            agent,
            journal,
            server,
        }
    }

    /// Puts objects into the cluster as they are.
    pub(crate) fn load(&self, objects: Vec<Value>) {
        let server = self.server.as_ref().expect("a cluster");
        server.load(objects).expect("loads");
    }

    pub(crate) fn cluster(&self) -> Handle {
        self.server.as_ref().expect("a cluster").handle()
    }

    /// A client beside the agent's, for what others do meanwhile.
    pub(crate) async fn client(&self) -> kube::Client {
        self.server
            .as_ref()
            .expect("a cluster")
            .client()
            .await
            .expect("a client")
    }

    /// The mode of the object `settings`.
    pub(crate) fn mode(&self) -> String {
        let settings = self
            .cluster()
            .object("", "configmaps", "default", "settings");
        settings.expect("there")["data"]["mode"]
            .as_str()
            .expect("text")
            .to_owned()
    }

    pub(crate) async fn start(&self, operation: &str) -> Run {
        self.start_with(operation, json!({}), Consent::Given).await
    }

    pub(crate) async fn start_with(
        &self,
        operation: &str,
        arguments: Value,
        consent: Consent,
    ) -> Run {
        let call = call(operation, arguments, consent);
        self.agent.run(call).await.expect("starts")
    }

    pub(crate) async fn run(&self, operation: &str) -> Ended {
        finish(self.start(operation).await).await
    }

    pub(crate) async fn run_with(&self, operation: &str, arguments: Value) -> Ended {
        finish(self.start_with(operation, arguments, Consent::Given).await).await
    }

    /// Plans an operation.
    pub(crate) async fn plan(&self, operation: &str) -> Ended {
        let call = Call {
            mode: Mode::Plan,
            ..call(operation, json!({}), Consent::Given)
        };
        finish(self.agent.run(call).await.expect("starts")).await
    }

    /// Applies a plan.
    pub(crate) async fn apply(&self, plan: &Plan) -> Result<Ended, Failure> {
        self.apply_with(plan, &Secrets::default()).await
    }

    /// Applies a plan with secrets.
    pub(crate) async fn apply_with(
        &self,
        plan: &Plan,
        secrets: &Secrets,
    ) -> Result<Ended, Failure> {
        let applied = self.agent.apply(
            plan.clone(),
            Consent::Given,
            OnFailure::Undo,
            secrets.clone(),
        );
        Ok(finish(applied.await?).await)
    }

    /// Changes a ConfigMap as somebody else would.
    pub(crate) async fn set_map(&self, name: &str, mode: &str) {
        let maps: kube::Api<ConfigMap> = kube::Api::namespaced(self.client().await, "default");
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "mode": mode }
        });
        let by = kube::api::PatchParams::apply("somebody-else").force();
        let patch = kube::api::Patch::Apply(&map);
        maps.patch(name, &by, &patch).await.expect("applies");
    }

    /// The record of the last run.
    pub(crate) fn last_record(&self) -> Record {
        let runs = self.journal.runs(Filter::All).expect("reads");
        self.journal.record(&runs[0].run).expect("reads")
    }

    /// Takes up a run of which there are only these entries, as if its process had been killed after the last of them.
    pub(crate) async fn resume(&self, begun: &RunHeader, entries: Vec<Entry>, to: Goal) -> Run {
        let taken_up = self.resume_with(begun, entries, to, Secrets::default());
        taken_up.await.expect("is taken up")
    }

    /// The same, with secrets.
    pub(crate) async fn resume_with(
        &self,
        begun: &RunHeader,
        entries: Vec<Entry>,
        to: Goal,
        secrets: Secrets,
    ) -> Result<Run, Failure> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).expect("random numbers");
        let run = RunId::from_random(id);
        let begun = RunHeader {
            run: run.clone(),
            ..begun.clone()
        };
        let open = self.journal.begin(begun).expect("begins");
        for entry in entries {
            open.write(entry, Survives::Process).await.expect("writes");
        }
        drop(open);
        let how = Resumption {
            to,
            consent: Consent::Given,
            give_up: false,
            leave_data: false,
            secrets,
        };
        self.agent.resume(run.as_str(), how).await
    }

    /// Runs a guest that misbehaves, and one that behaves while the other one is at it.
    pub(crate) async fn beside(&self, operation: &str) -> Ended {
        let bad = self.start(operation).await;
        let good = self.run("guests.greet").await;
        assert_eq!(good.value()["greeting"], "hello, world");
        finish(bad).await
    }
}

pub(crate) fn call(operation: &str, arguments: Value, consent: Consent) -> Call {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object");
    };
    let arguments: Map<String, Value> = arguments;
    Call {
        operation: operation.parse().expect("a name"),
        arguments,
        secrets: Secrets::default(),
        mode: Mode::Perform,
        consent,
        on_failure: OnFailure::Undo,
    }
}

/// An API server with its objects, and a client for the agent.
async fn cluster() -> (ApiServer, ClusterClient) {
    let server = server().await;
    let client = client_of(&server).await;
    let url = server.url();
    (server, connected(client, url))
}

/// A client of the agent that is connected.
pub(crate) fn connected(client: kube::Client, url: String) -> ClusterClient {
    let connect = move || -> futures::future::BoxFuture<'static, Result<Connected, Failure>> {
        let (client, server) = (client.clone(), url.clone());
        Box::pin(async move {
            Ok(Connected {
                client,
                server,
                context: None,
            })
        })
    };
    ClusterClient::new(Box::new(connect), 1 << 20)
}

/// An API server with its objects.
pub(crate) async fn server() -> ApiServer {
    let server = ApiServer::start(Config::any_port()).await.expect("starts");
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings", "namespace": "default" },
        "data": { "mode": "before" }
    });
    let login = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "login", "namespace": "default" },
        "type": "Opaque", "data": { "password": "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", "hint": "dHJ1ZQ==" }
    });
    server.load(vec![settings, login]).expect("loads");
    server
}

/// A client as the agent has it: by itself kube would try again what is answered with 429.
async fn client_of(server: &ApiServer) -> kube::Client {
    client_by(&server.kubeconfig()).await
}

pub(crate) async fn client_by(kubeconfig: &str) -> kube::Client {
    let config = kube::config::Kubeconfig::from_yaml(kubeconfig).expect("a kubeconfig");
    let options = Default::default();
    let config = kube::Config::from_custom_kubeconfig(config, &options);
    let mut config = config.await.expect("a config");
    config.default_retry = false;
    kube::Client::try_from(config).expect("a client")
}

/// Nothing is forgotten during a test.
pub(crate) const FOREVER: Retention = Retention {
    days: 1_000,
    bytes: u64::MAX,
};

/// Waits for the end of a run.
pub(crate) async fn finish(mut run: Run) -> Ended {
    let mut events = Vec::new();
    let collect = async {
        while let Some(event) = run.events.next().await {
            if let Event::Finished { outcome } = event {
                return outcome;
            }
            events.push(event);
        }
        panic!("a run without an end: {events:?}");
    };
    let outcome = tokio::time::timeout(Duration::from_secs(60), collect)
        .await
        .expect("it ends");
    assert!(
        run.events.next().await.is_none(),
        "something came after the end"
    );
    Ended { events, outcome }
}

impl Ended {
    /// The plan that was drawn.
    pub(crate) fn plan(&self) -> &Plan {
        let drawn = self.events.iter().find_map(|event| match event {
            Event::Drawn { plan } => Some(plan.as_ref()),
            _ => None,
        });
        drawn.expect("a plan")
    }

    pub(crate) fn value(&self) -> &Value {
        match &self.outcome {
            Outcome::Done {
                value,
                not_put_back,
                ..
            } => {
                assert_eq!(not_put_back, &[]);
                value
            }
            Outcome::Failed { failure, .. } => panic!("it failed: {failure:?}"),
            Outcome::Undone { .. } => panic!("it was taken back"),
        }
    }

    pub(crate) fn failure(&self) -> &Failure {
        match &self.outcome {
            Outcome::Failed { failure, .. } => failure,
            Outcome::Done { value, .. } => panic!("it came to its end: {value}"),
            Outcome::Undone { .. } => panic!("it was taken back"),
        }
    }

    pub(crate) fn put_back(&self) -> &[UndoReport] {
        match &self.outcome {
            Outcome::Failed { put_back, .. } | Outcome::Undone { put_back, .. } => put_back,
            Outcome::Done { value, .. } => panic!("it came to its end: {value}"),
        }
    }

    pub(crate) fn lines(&self) -> Vec<(Level, &str)> {
        let lines = self.events.iter().filter_map(|event| match event {
            Event::Logged { level, message } => Some((*level, message.as_str())),
            _ => None,
        });
        lines.collect()
    }

    pub(crate) fn dropped(&self) -> u64 {
        let dropped = self.events.iter().map(|event| match event {
            Event::LogsDropped { lines } => *lines,
            _ => 0,
        });
        dropped.sum()
    }
}

pub(crate) fn nobody() -> ClusterClient {
    let connect = || -> futures::future::BoxFuture<'static, Result<Connected, Failure>> {
        Box::pin(async {
            Err(Failure::new(
                Kind::Unavailable,
                "cluster.unreachable",
                "there is no cluster",
            ))
        })
    };
    ClusterClient::new(Box::new(connect), 1 << 20)
}

/// The guests are compiled once for all tests of a process.
pub(crate) fn shared_cache() -> CodeCache {
    static SHARED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let shared = SHARED.get_or_init(|| tempfile::tempdir().expect("a directory"));
    cache(shared)
}

pub(crate) fn cache(at: &tempfile::TempDir) -> CodeCache {
    let dir = Dir::open_ambient_dir(at.path(), ambient_authority()).expect("opens");
    let ours_alone = cap_std::fs::Permissions::from_mode(0o700);
    dir.set_permissions(".", ours_alone).expect("sets");
    let folder = Folder::of(dir, at.path(), Whose::Alone);
    CodeCache::new(folder.expect("ours alone"))
}
