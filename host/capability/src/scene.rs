//! A gate of a run for tests, and API servers that answer as they are told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use agent_core::call::{Consent, Mode, OnFailure};
use agent_core::failure::Failure;
use agent_core::grant::Grants;
use agent_core::id::{CallId, Digest, OperationName, RunId};
use agent_core::journal::{Entry as Note, Returned, RunJournal, Survives};
use agent_core::plan::Plan;
use agent_core::undo::{Callee, Scope};
use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use serde_json::{Map, Value};

use agent_gate::{Gate, GateConfig, Operations, outbox};

use crate::cluster::client::{ClusterClient, Connect, Connected};

/// A record that keeps nothing.
pub(crate) struct Nothing;

#[async_trait::async_trait]
impl RunJournal for Nothing {
    fn note(&self, _entry: Note) {}

    async fn write(&self, _entry: Note, _survives: Survives) -> Result<(), Failure> {
        Ok(())
    }

    fn note_last(&self, _entry: Note) {}
}

struct Nobody;

impl Operations for Nobody {
    fn call(
        &self,
        _caller: Gate,
        _call: CallId,
        _operation: OperationName,
        _arguments: Map<String, Value>,
        _scope: Option<Scope>,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        unreachable!("nothing is called")
    }

    fn find(
        &self,
        _caller: &Gate,
        _operation: &OperationName,
        _arguments: &Map<String, Value>,
    ) -> Result<Digest, Failure> {
        unreachable!("nothing is called")
    }

    fn compensate(
        &self,
        _run: Gate,
        _call: CallId,
        _callee: Callee,
    ) -> BoxFuture<'static, Result<Returned, Failure>> {
        unreachable!("nothing is undone")
    }
}

pub(crate) fn gate(
    client: ClusterClient,
    journal: Box<dyn RunJournal>,
    plan: Option<Plan>,
) -> Gate {
    within(Grants::to_put_back(), client, journal, plan)
}

/// A gate of a run with these rights.
pub(crate) fn within(
    grants: Grants,
    client: ClusterClient,
    journal: Box<dyn RunJournal>,
    plan: Option<Plan>,
) -> Gate {
    Gate::new(GateConfig {
        id: RunId::from_random([0; 8]),
        plugin: "volsync 0.1.0".to_owned(),
        operation: "volsync.restore".parse().expect("a name"),
        grants,
        mode: Mode::Perform,
        consent: Consent::Given,
        on_failure: OnFailure::Undo,
        begun: jiff::Timestamp::UNIX_EPOCH,
        seed: [0; 32],
        journal: Some(journal),
        before: None,
        plan: plan.map(Box::new),
        key: [0; 32],
        events: outbox().0,
        capabilities: vec![Arc::new(client)],
        operations: Arc::new(Nobody),
    })
}

/// A client that sends nothing.
pub(crate) fn nobody() -> ClusterClient {
    let connect = || -> BoxFuture<'static, _> { unreachable!("nothing is sent") };
    ClusterClient::new(Box::new(connect), 1 << 20)
}

/// What was asked of a server: method, path and query.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// A client of a server that answers with a code and a document, or never.
pub(crate) fn served(
    answer: impl Fn(&str) -> Option<(u16, Value)> + Send + Sync + 'static,
) -> (ClusterClient, Asked) {
    let asked = Asked::default();
    let (answer, seen) = (Arc::new(answer), asked.clone());
    let connect: Connect = Box::new(move || {
        let (answer, seen) = (answer.clone(), seen.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let line = format!("{} {}", request.method(), request.uri());
            let answer = answer(&line);
            seen.lock().expect("a log").push(line);
            async move {
                let Some((code, document)) = answer else {
                    return std::future::pending().await;
                };
                let body = Body::from(document.to_string().into_bytes());
                let response = Response::builder().status(code).body(body);
                Ok::<_, Infallible>(response.expect("a response"))
            }
        });
        let connected = Connected {
            client: kube::Client::new(service, "default"),
            server: "https://k".to_owned(),
            context: None,
        };
        Box::pin(async { Ok(connected) })
    });
    (ClusterClient::new(connect, 1 << 20), asked)
}
