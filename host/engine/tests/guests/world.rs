//! An agent with the guests in it, alone or in front of a simulated API server.

use std::sync::OnceLock;
use std::time::Duration;

use agent_capability::{ClusterClient, Connected};
use agent_core::agent::{Agent as _, Run};
use agent_core::call::{Call, Consent, Mode, OnFailure};
use agent_core::event::{Event, Level, Outcome, TakeBack};
use agent_core::failure::{Failure, Kind};
use agent_core::limits::Limits;
use agent_core::record::{Cluster, Retention, Who};
use agent_engine::{LocalAgent, Parts};
use agent_journal::Journal;
use agent_sandbox::{ApiServer, Config, Handle};
use agent_store::{Bundled, CodeCache, Sources, Store};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, PermissionsExt as _};
use futures::StreamExt as _;
use serde_json::{Map, Value, json};

use crate::artifact;

/// Low enough to be tripped soon, high enough for whoever behaves on a busy machine.
pub(crate) const LIMITS: Limits = Limits {
    cpu_ms: 1_000,
    wall_ms: 60_000,
    memory_bytes: 128 << 20,
    host_call_bytes: 8 << 20,
    table_entries: 5_000,
    log_bytes: 64 << 10,
    watches: 4,
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

    /// An agent in front of an API server, in which the object `settings` has the mode `before`.
    pub(crate) async fn with_cluster(limits: Limits) -> World {
        let server = ApiServer::start(Config::any_port()).await.expect("starts");
        let settings = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings", "namespace": "default" },
            "data": { "mode": "before" }
        });
        server.load(vec![settings]).expect("loads");
        let client = server.client().await.expect("a client");
        let url = server.url();
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
        let client = ClusterClient::new(Box::new(connect), 1 << 20);
        World::with(limits, vec![], Some(server), client)
    }

    fn with(
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
        let journal = Journal::in_memory().expect("a journal");
        let store = Store::new(Sources {
            bundled,
            directory: None,
            given: vec![],
            config: None,
            kept: None,
            agent: semver::Version::new(0, 1, 0),
        });
        let agent = LocalAgent::new(Parts {
            store,
            code: Some(shared_cache()),
            journal: Ok(journal.clone()),
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
        mode: Mode::Perform,
        consent,
        on_failure: OnFailure::Undo,
    }
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

    pub(crate) fn put_back(&self) -> &[TakeBack] {
        match &self.outcome {
            Outcome::Failed { put_back, .. } => put_back,
            Outcome::Done { value, .. } => panic!("it came to its end: {value}"),
            Outcome::Undone { .. } => panic!("it was taken back"),
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
fn shared_cache() -> CodeCache {
    static SHARED: OnceLock<tempfile::TempDir> = OnceLock::new();
    let shared = SHARED.get_or_init(|| tempfile::tempdir().expect("a directory"));
    cache(shared)
}

pub(crate) fn cache(at: &tempfile::TempDir) -> CodeCache {
    let dir = Dir::open_ambient_dir(at.path(), ambient_authority()).expect("opens");
    let ours_alone = cap_std::fs::Permissions::from_mode(0o700);
    dir.set_permissions(".", ours_alone).expect("sets");
    CodeCache::new(dir).expect("ours alone")
}
