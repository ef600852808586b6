//! What a server answers: objects, lists, pages, errors and the lines of a watch, through the host functions that a plugin calls.
//!
//! The client is the real one; instead of a socket it has a function that gives the bytes to every request.

use std::sync::Arc;
use std::time::Duration;

use agent_capability::bindings::ops::cluster::cluster::{self as wit, Host as _, HostWatcher};
use agent_capability::{
    ClusterClient, Connected, Gate, GateConfig, Operations, Outbox, PluginCtx, outbox,
};
use agent_core::call::{Consent, Mode, OnFailure};
use agent_core::descriptor::Risk;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Grants;
use agent_core::id::{CallId, Digest, OperationName, RunId};
use agent_core::journal::Returned;
use agent_core::limits::Limits;
use agent_core::undo::{Callee, Scope};
use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use jiff::Timestamp;
use kube::client::Body;
use serde_json::{Map, Value};
use wasmtime::component::Resource;

/// The first byte says with which status.
const STATUS: [u16; 8] = [200, 201, 400, 403, 404, 409, 410, 503];
/// How long a call may take. It is a real clock: one that stands still while there is something to do would never end a client that asks without a pause.
const PATIENCE: Duration = Duration::from_millis(10);

pub(crate) fn run(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else {
        return;
    };
    let status = STATUS[usize::from(first % 8)];
    let body = Bytes::copy_from_slice(body);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.expect("a runtime").block_on(calls(status, body));
}

async fn calls(status: u16, body: Bytes) {
    let client = client(status, body);
    let limits = Limits::TERMINAL;
    let (events, _seen) = outbox();
    let ctx = PluginCtx::new(gate(client.clone(), events), &limits);
    let mut ctx = ctx.expect("the ctx");
    ask(&mut ctx).await;
    let of = "pods.v1".parse().expect("a type");
    drop(tokio::time::timeout(PATIENCE, client.names(&of, Some("media"))).await);
}

/// A guest must not be told that the host has a bug, whatever the server says.
async fn ask(ctx: &mut PluginCtx) {
    let target = || wit::ObjectRef {
        of: "pods.v1".to_owned(),
        namespace: Some("media".to_owned()),
        name: "plex".to_owned(),
    };
    let query = || wit::Query {
        of: "pods.v1".to_owned(),
        namespace: Some("media".to_owned()),
        labels: String::new(),
        fields: String::new(),
        names: Vec::new(),
    };
    let projection = || {
        vec![
            "/metadata/name".to_owned(),
            "/spec".to_owned(),
            "/status/x~1y".to_owned(),
        ]
    };
    // Who is not answered in the end has waited, which is as it should be.
    if let Ok(got) = tokio::time::timeout(PATIENCE, ctx.get(target(), projection())).await {
        drop(got.expect("no trap"));
    }
    if let Ok(got) = tokio::time::timeout(PATIENCE, ctx.list(query(), projection())).await {
        for object in got.expect("no trap").into_iter().flatten() {
            serde_json::from_str::<Value>(&object).expect("a guest is given JSON");
        }
    }
    let patch = wit::Change::Patch(wit::Patch {
        target: target(),
        body: r#"{"spec": {"x": 1}}"#.to_owned(),
    });
    let done = tokio::time::timeout(PATIENCE, ctx.commit(vec![patch], projection())).await;
    drop(done.map(|done| done.expect("no trap")));
    let watcher = ctx.watch(vec![query()], projection()).await;
    if let Ok(watcher) = watcher.expect("no trap") {
        for _ in 0..2 {
            let lent = Resource::new_borrow(watcher.rep());
            let seen = tokio::time::timeout(PATIENCE, ctx.next(lent, 10)).await;
            if let Ok(seen) = seen {
                drop(seen.expect("no trap"));
            }
        }
        HostWatcher::drop(ctx, watcher).await.expect("no trap");
    }
}

fn client(status: u16, body: Bytes) -> ClusterClient {
    let connect = move || {
        let body = body.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .body(Body::from(body.to_vec()));
            async move { answer }
        });
        let connected = Connected {
            client: kube::Client::new(service, "default"),
            server: "https://fuzz".to_owned(),
            context: None,
        };
        async { Ok(connected) }.boxed()
    };
    ClusterClient::new(Box::new(connect), 1 << 20)
}

fn gate(client: ClusterClient, events: Outbox) -> Gate {
    let rights = ["get", "list", "watch", "patch"].map(|verb| {
        let right = format!("cluster:{verb}:pods:*");
        right.parse().expect("a right")
    });
    Gate::new(GateConfig {
        id: RunId::from_random([7; 8]),
        plugin: "fuzz 0.1.0".to_owned(),
        operation: "fuzz.all".parse().expect("a name"),
        grants: Grants::new(rights.to_vec(), Risk::Change),
        mode: Mode::Perform,
        consent: Consent::Given,
        on_failure: OnFailure::Keep,
        begun: Timestamp::UNIX_EPOCH,
        seed: [7; 32],
        journal: None,
        before: None,
        plan: None,
        key: [7; 32],
        events,
        capabilities: vec![Arc::new(client)],
        operations: Arc::new(NoOperations),
    })
}

/// There is no plugin that could be called.
struct NoOperations;

fn none() -> Failure {
    Failure::new(Kind::NotFound, "operations.unknown", "there are none")
}

impl Operations for NoOperations {
    fn call(
        &self,
        _: Gate,
        _: CallId,
        _: OperationName,
        _: Map<String, Value>,
        _: Option<Scope>,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        async { Err(none()) }.boxed()
    }

    fn find(&self, _: &Gate, _: &OperationName, _: &Map<String, Value>) -> Result<Digest, Failure> {
        Err(none())
    }

    fn compensate(
        &self,
        _: Gate,
        _: CallId,
        _: Callee,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        async { Err(none()) }.boxed()
    }
}
