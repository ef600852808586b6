//! A gate of a run for tests, and API servers that answer as they are told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use agent_core::failure::Failure;
use agent_core::grant::Grants;
use agent_core::journal::{Entry as Note, RunJournal, Survives};
use agent_core::plan::Plan;
use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;

use agent_gate::scene::config;
use agent_gate::{Gate, GateConfig};

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
        grants,
        plan: plan.map(Box::new),
        ..config(Arc::new(client), journal)
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
