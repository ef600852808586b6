//! What a watch hears of the server. `kube`'s watcher says nothing when it has a watch again in which nothing happens, and would wait for ever for
//! the beginning of an answer.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use kube::client::Body;

use super::lock;
use crate::cluster::reply::ATTEMPT;

/// When the server last began to answer. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Option<Instant>>>);

impl Heard {
    /// Returns when that was; none when it never did.
    pub(crate) fn last(&self) -> Option<Instant> {
        *lock(&self.0)
    }

    /// Returns a client that notes it here, and gives up an answer that does not begin in time.
    pub(super) fn by(&self, client: &kube::Client) -> kube::Client {
        let (client, heard) = (client.clone(), self.clone());
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let (client, heard) = (client.clone(), heard.clone());
            async move {
                let answer = tokio::time::timeout(ATTEMPT, client.send(request)).await;
                let silent = |_elapsed| Err(kube::Error::Service(Box::new(silence())));
                let answer = answer.unwrap_or_else(silent)?;
                if answer.status().is_success() {
                    *lock(&heard.0) = Some(Instant::now());
                }
                Ok::<_, kube::Error>(answer)
            }
        });
        // Every request of a watch names its namespace.
        kube::Client::new(service, "default")
    }
}

fn silence() -> io::Error {
    let message = "it accepted the request and gave no answer";
    io::Error::new(io::ErrorKind::TimedOut, message)
}
