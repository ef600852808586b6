//! The engine and the gate by themselves, in this process: what a run and a host call cost when nothing outside is slow.

use std::path::Path;
use std::time::{Duration, Instant};

use agent_capability::{ClusterClient, Connected};
use agent_core::agent::Agent as _;
use agent_core::call::{Call, Consent, Mode, OnFailure};
use agent_core::event::{Event, Outcome};
use agent_core::failure::Failure;
use agent_core::limits::Limits;
use agent_core::origin::{Cluster, Who};
use agent_core::record::Retention;
use agent_core::secret::Secrets;
use agent_engine::{LocalAgent, Parts};
use agent_journal::Journal;
use agent_store::{Bundled, Sources, Store};
use anyhow::{Context, Result, bail};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use kube::Client;
use kube::client::Body;
use serde_json::{Map, Value, json};

use crate::program::median;
use crate::table::{Amount, Goal, Table};

const RUNS: usize = 5_000;
const CALLS: u32 = 5_000;
const CALLED: u32 = 500;
const SAMPLES: usize = 20;
const RUN: Amount = Amount::Time(Duration::from_micros(60));
const CALL: Amount = Amount::Time(Duration::from_micros(2));
const SETTINGS: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"default"},"data":{"mode":"on"}}"#;

/// Measures on one thread and without a cluster beside it: what the engine and the gate do, and not what it takes the kernel to wake another
/// thread.
pub(crate) fn measure(guest: &Path, table: &mut Table) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().context("making a runtime")?;
    runtime.block_on(figures(guest, table))
}

async fn figures(guest: &Path, table: &mut Table) -> Result<()> {
    let guest = std::fs::read(guest).context("reading the guest")?;
    let agent = agent(guest.leak());
    for _ in 0..100 {
        run(&agent, "bench.nothing", json!({})).await?;
    }
    let mut runs = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        runs.push(run(&agent, "bench.nothing", json!({})).await?);
    }
    runs.sort_unstable();
    table.tell(
        "run of an empty operation, p50",
        Amount::Time(median(&runs)),
        Goal::Known,
    );
    table.tell(
        "run of an empty operation, p99",
        Amount::Time(runs[RUNS * 99 / 100]),
        Goal::Known,
    );
    let (mut called, mut with, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..SAMPLES {
        called.push(run(&agent, "bench.call", json!({"times": CALLED})).await? / CALLED);
        with.push(run(&agent, "bench.look", json!({"times": CALLS})).await? / CALLS);
        bare.push(requests().await? / CALLS);
    }
    // What a run adds to it is its record, its events and its supervision.
    table.tell(
        "empty operation: instantiate, run, drop",
        Amount::Time(median(&called)),
        Goal::Most(RUN),
    );
    let (with, bare) = (Amount::Time(median(&with)), Amount::Time(median(&bare)));
    table.compare(
        "one gated host call",
        with,
        "the request alone",
        bare,
        Goal::Over(CALL),
    );
    Ok(())
}

fn agent(guest: &'static [u8]) -> LocalAgent {
    let connect = || -> BoxFuture<'static, Result<Connected, Failure>> {
        Box::pin(async {
            Ok(Connected {
                client: client(),
                server: "in memory".to_owned(),
                context: None,
            })
        })
    };
    LocalAgent::new(Parts {
        store: Store::new(Sources {
            bundled: vec![Bundled {
                name: "bench",
                wasm: guest,
            }],
            directory: Ok(None),
            given: Vec::new(),
            config: Ok(None),
            kept: Ok(None),
            agent: semver::Version::new(0, 1, 0),
        }),
        code: None,
        compile: None,
        nouns: Vec::new(),
        journal: Journal::in_memory(),
        retention: Retention {
            days: 1,
            bytes: u64::MAX,
        },
        cluster: Cluster::default(),
        who: Who::default(),
        client: ClusterClient::new(Box::new(connect), 1 << 20),
        limits: Limits::TERMINAL,
    })
}

/// A client of a server that answers at once: what is left is what the client itself does for a request.
fn client() -> Client {
    let server = tower::service_fn(|_request: http::Request<Body>| async {
        anyhow::Ok(http::Response::new(Body::from(
            SETTINGS.as_bytes().to_vec(),
        )))
    });
    Client::new(server, "default")
}

/// Runs an operation to its end and returns how long it took.
async fn run(agent: &LocalAgent, operation: &str, arguments: Value) -> Result<Duration> {
    let arguments: Map<String, Value> = serde_json::from_value(arguments)?;
    let operation = operation.parse().context("reading an operation's name")?;
    let call = Call {
        operation,
        arguments,
        secrets: Secrets::default(),
        mode: Mode::Perform,
        consent: Consent::Given,
        on_failure: OnFailure::Undo,
    };
    let begin = Instant::now();
    let mut run = agent
        .run(call)
        .await
        .map_err(|failure| anyhow::anyhow!("{failure:?}"))?;
    while let Some(event) = run.events.next().await {
        match event {
            Event::Finished {
                outcome: Outcome::Done { .. },
            } => return Ok(begin.elapsed()),
            Event::Finished { outcome } => bail!("the run failed: {outcome:?}"),
            _ => {}
        }
    }
    bail!("the run has no end")
}

/// The same requests by the same client, without an agent.
async fn requests() -> Result<Duration> {
    let client = client();
    let begin = Instant::now();
    for _ in 0..CALLS {
        let request = http::Request::get("/api/v1/namespaces/default/configmaps/settings");
        let request = request
            .header("accept", "application/json")
            .body(Vec::new())?;
        std::hint::black_box(client.request_text(request).await?);
    }
    Ok(begin.elapsed())
}
