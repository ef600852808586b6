//! HTTP to the API server. It tries again what can be tried again safely, and falls back to the version that the server prefers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use agent_core::failure::{Failure, Kind};
use agent_core::object::{ObjectRef, ObjectType};
use agent_gate::{RetryPolicy, Secrets, WriteError};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::failure::{self, RequestContext};
use super::projection::Projection;
use super::reply::{self, Fault, Part};

mod heard;
mod known;
mod lease;
mod pace;
mod page;
mod read;
mod request;
mod waits;
mod write;

pub(crate) use heard::{Heard, Strange};
pub use known::ConnectionSecrets;
pub(crate) use read::{LogQuery, Query, Reading, Seen, Sightings};
pub(crate) use request::{Wanted, root};
use waits::Waits;
pub(crate) use write::Removal;
pub(crate) use write::{Body, is_marked, target_of};

/// Of how many types it is remembered what the server says of them.
const TYPES: usize = 256;
/// How long the name of a kind may be: a label, as the API server has it.
const LONGEST_KIND: usize = 63;

/// A connection to one API server, made by `wire.rs`.
pub struct Connected {
    /// The client, with credentials.
    pub client: kube::Client,
    /// The server's URL, for messages.
    pub server: String,
    /// The context of the kubeconfig that led there, by which it is found again; none in a pod and for the simulated cluster.
    pub context: Option<String>,
}

/// How a connection is made when the first request needs it, so that a run which needs no cluster needs no kubeconfig.
pub type Connect = Box<dyn Fn() -> BoxFuture<'static, Result<Connected, Failure>> + Send + Sync>;

/// A client of one API server. Clones share everything.
#[derive(Clone)]
pub struct ClusterClient {
    inner: Arc<Inner>,
    /// Whether the run that it is for is stopped.
    stopped: Arc<AtomicBool>,
    /// What the run masks, which learns what is secret in the connection; none outside of runs.
    mask: Option<Arc<Secrets>>,
    /// How much of it that has learnt.
    learnt: Arc<AtomicUsize>,
}

struct Inner {
    connect: Connect,
    connected: OnceCell<Connected>,
    /// Whether the server has ever answered. One that has is waited for; one that has not may be the wrong one.
    answered: AtomicBool,
    answer_limit: usize,
    secrets: Arc<ConnectionSecrets>,
    /// Types whose wished version is not served, and what is served instead.
    served: Mutex<HashMap<ObjectType, ObjectType>>,
    /// What the server says of types, learnt from discovery.
    known: Mutex<HashMap<ObjectType, Known>>,
}

/// The code of a write of which nobody knows whether it happened.
pub(crate) const ANSWER_LOST: &str = "cluster.answer-lost";

/// What the server says of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    kind: String,
    /// Whether its status is changed by a subresource only.
    has_status: bool,
    /// The `apiVersion` of its documents, where that is another one than the type's: that of a scale is `autoscaling/v1`.
    spoken: Option<String>,
}

impl Known {
    /// What is done with a subresource that is an object to read and to change.
    const VERBS: [&str; 2] = ["get", "patch"];

    /// Finds a type in the list of what a version of its group has.
    fn among(list: &Value, of: &ObjectType) -> Option<Known> {
        let resources = list.get("resources")?.as_array()?;
        let named = |name: &str| resources.iter().find(|one| one["name"] == name);
        let found = named(&of.noun())?;
        let verbs = found["verbs"].as_array();
        let has = |verb: &&str| verbs.is_some_and(|verbs| verbs.iter().any(|one| one == verb));
        if of.subresource.is_some() && !Known::VERBS.iter().all(has) {
            return None;
        }
        let text = |key: &str| {
            found[key]
                .as_str()
                .filter(|text| text.len() <= LONGEST_KIND)
        };
        Some(Known {
            kind: text("kind")?.to_owned(),
            has_status: named(&of.whole().part(Some("status")).noun()).is_some(),
            spoken: match (text("group"), text("version")) {
                (Some(group), Some(version)) => Some(format!("{group}/{version}")),
                (None, Some(version)) => Some(version.to_owned()),
                (_, None) => None,
            },
        })
    }
}

/// Returns what a write failed with. What cannot be reached, and may have done it before, is told as that: whoever hears `unavailable` may do it once
/// more.
pub(crate) fn of_write(error: WriteError) -> Failure {
    let mut failure = error.failure;
    if error.uncertain && failure.kind == Kind::Unavailable {
        failure.kind = Kind::Uncertain;
        ANSWER_LOST.clone_into(&mut failure.code);
    }
    failure
}

impl ClusterClient {
    /// Makes a client that connects at its first request and reads answers of up to `answer_limit` bytes.
    pub fn new(connect: Connect, answer_limit: usize) -> ClusterClient {
        ClusterClient::knowing(connect, answer_limit, Arc::default())
    }

    /// Makes a client of a connection in which something is secret. What becomes known while it is made or renewed is added to `secrets`.
    pub fn knowing(
        connect: Connect,
        answer_limit: usize,
        secrets: Arc<ConnectionSecrets>,
    ) -> ClusterClient {
        let inner = Inner {
            connect,
            connected: OnceCell::new(),
            answered: AtomicBool::new(false),
            answer_limit,
            secrets,
            served: Mutex::default(),
            known: Mutex::default(),
        };
        ClusterClient {
            inner: Arc::new(inner),
            stopped: Arc::default(),
            mask: None,
            learnt: Arc::default(),
        }
    }

    /// Returns the client for a run: once that is stopped, nothing waits any longer for a server that is away, but what is put back. What is secret in
    /// the connection is masked in all that the run tells.
    pub(crate) fn of_run(self, stopped: Arc<AtomicBool>, mask: Arc<Secrets>) -> ClusterClient {
        ClusterClient {
            stopped,
            mask: Some(mask),
            learnt: Arc::default(),
            ..self
        }
    }

    /// Returns the URL of the server.
    ///
    /// # Errors
    /// When there is no kubeconfig that says which one it is.
    pub async fn server(&self) -> Result<String, Failure> {
        agent_gate::guarded(async { Ok(self.connected().await?.server.clone()) }).await
    }

    /// Returns the context that leads to the server, where one does.
    ///
    /// # Errors
    /// As for [`ClusterClient::server`].
    pub async fn context(&self) -> Result<Option<String>, Failure> {
        agent_gate::guarded(async { Ok(self.connected().await?.context.clone()) }).await
    }

    async fn connected(&self) -> Result<&Connected, Failure> {
        let connecting = || (self.inner.connect)();
        let connected = self.inner.connected.get_or_try_init(connecting).await;
        self.learn();
        connected.map_err(|failure| self.inner.secrets.hide(failure))
    }

    /// Has the run mask what has become known of the connection's secrets.
    fn learn(&self) {
        if let Some(mask) = &self.mask {
            let learnt = self.learnt.load(Ordering::Acquire);
            let all = self
                .inner
                .secrets
                .since(learnt, |one| mask.learn_value(one));
            self.learnt.fetch_max(all, Ordering::AcqRel);
        }
    }

    /// Sends a request for a JSON document; see [`Self::send_for`].
    async fn send(
        &self,
        context: &RequestContext,
        retry_policy: RetryPolicy,
        build: impl Fn(&ObjectType) -> Result<http::Request<Vec<u8>>, Failure>,
    ) -> Result<Value, WriteError> {
        let bytes = self
            .send_for(Part::Whole, context, retry_policy, build)
            .await?;
        let named = match (&context.name, context.verb) {
            // The API server answers either with the object or with that it is done.
            (_, "delete" | "evict") | (None, _) => Ok(()),
            (Some(name), _) => read::is_named(&bytes, name),
        };
        let answer = named.and_then(|()| serde_json::from_slice(&bytes));
        answer.map_err(|error| self.nonsense(&error, context))
    }

    fn nonsense(&self, error: &serde_json::Error, context: &RequestContext) -> WriteError {
        let what = error.to_string();
        self.write_error(&Fault::Nonsense { what }, context, true)
    }

    /// Sends a request, again and again as long as the retry policy allows and the fault may pass. `build` gets the type as the server serves it.
    async fn send_for(
        &self,
        part: Part,
        context: &RequestContext,
        retry_policy: RetryPolicy,
        build: impl Fn(&ObjectType) -> Result<http::Request<Vec<u8>>, Failure>,
    ) -> Result<Vec<u8>, WriteError> {
        let connected = self.connected().await.map_err(WriteError::surely)?;
        // Whatever else the server has below an object may do something when it is asked.
        if context.of.subresource.is_some() {
            self.must_serve(&context.of, retry_policy).await?;
        }
        let mut of = self.served_as(&context.of);
        let mut uncertain = false;
        let mut waits = Waits::new(retry_policy);
        let mut rediscovered = false;
        loop {
            let request = build(&of).map_err(WriteError::surely)?;
            let fault = match self.exchange(connected, request, part).await {
                Ok(bytes) => return Ok(bytes),
                Err(fault) => fault,
            };
            uncertain |= fault.is_uncertain();
            // Once: a server could name another version each time.
            if fault.is_no_such_type()
                && !std::mem::replace(&mut rediscovered, true)
                && let Some(other) = self.rediscovered(&context.of, &of).await
            {
                of = other;
                continue;
            }
            match waits.after(&fault, self.waits_for_it()) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(self.write_error(&fault, context, uncertain)),
            }
        }
    }

    /// Sends a request once.
    async fn exchange(
        &self,
        connected: &Connected,
        request: http::Request<Vec<u8>>,
        part: Part,
    ) -> Result<Vec<u8>, Fault> {
        let exchange = reply::exchange(&connected.client, request, part, self.inner.answer_limit);
        let answer = exchange.await;
        self.learn();
        if answer
            .as_ref()
            .err()
            .is_none_or(|fault| !fault.is_no_word())
        {
            self.inner.answered.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Returns whether the server is waited for while it is away: it has answered before, and the run goes on.
    fn waits_for_it(&self) -> bool {
        self.inner.answered.load(Ordering::Relaxed) && !self.stopped.load(Ordering::Acquire)
    }

    fn write_error(&self, fault: &Fault, context: &RequestContext, uncertain: bool) -> WriteError {
        let server = self
            .inner
            .connected
            .get()
            .map_or("?", |connected| connected.server.as_str());
        WriteError {
            failure: self.inner.secrets.hide(failure::of(fault, context, server)),
            uncertain,
            unrehearsed: fault.is_no_rehearsal(),
        }
    }

    /// Returns the failure that a fault of a watch means.
    pub(crate) fn failure(&self, fault: &Fault, context: &RequestContext) -> Failure {
        self.write_error(fault, context, false).failure
    }

    fn served_as(&self, of: &ObjectType) -> ObjectType {
        let served = lock(&self.inner.served).get(&of.whole()).cloned();
        served.map_or_else(|| of.clone(), |other| other.part(of.subresource.as_deref()))
    }

    /// Asks the server which version of a group it prefers, and remembers it for the type. None when the group is not served.
    async fn discover(&self, of: &ObjectType) -> Option<ObjectType> {
        let connected = self.connected().await.ok()?;
        let request = http::Request::get(format!("/apis/{}", of.group))
            .body(Vec::new())
            .ok()?;
        let group = self.exchange(connected, request, Part::Whole).await.ok()?;
        let group: Value = serde_json::from_slice(&group).ok()?;
        let version = group.pointer("/preferredVersion/version")?.as_str()?;
        let other = of.in_version(version).ok()?;
        keep(&self.inner.served, &of.whole(), other.whole());
        Some(other)
    }

    /// Returns the kind of a type, such as `Deployment`.
    pub(crate) async fn kind(&self, of: &ObjectType) -> Option<String> {
        self.known(of).await.map(|known| known.kind)
    }

    /// Returns whether the status of a type is changed by its subresource only. Where the server does not say, it is taken to be so: it would leave it out
    /// without a word.
    pub(crate) async fn has_status(&self, of: &ObjectType) -> bool {
        self.known(of).await.is_none_or(|known| known.has_status)
    }

    /// Asks the server once.
    async fn known(&self, of: &ObjectType) -> Option<Known> {
        if let Some(known) = lock(&self.inner.known).get(of).cloned() {
            return Some(known);
        }
        let connected = self.connected().await.ok()?;
        let root = request::root(&self.served_as(of));
        let request = http::Request::get(root).body(Vec::new()).ok()?;
        let list = self.exchange(connected, request, Part::Whole).await.ok()?;
        let list: Value = serde_json::from_slice(&list).ok()?;
        let known = Known::among(&list, of)?;
        keep(&self.inner.known, of, known.clone());
        Some(known)
    }

    /// Returns what the server says of a subresource, or refuses it: only what it serves as an object to read and to change is asked for.
    async fn must_serve(
        &self,
        of: &ObjectType,
        retry_policy: RetryPolicy,
    ) -> Result<Known, WriteError> {
        if let Some(known) = lock(&self.inner.known).get(of).cloned() {
            return Ok(known);
        }
        let context = RequestContext {
            verb: "discover",
            of: of.whole(),
            namespace: None,
            name: None,
        };
        let list = Box::pin(self.send_for(Part::Whole, &context, retry_policy, |of| {
            let request = http::Request::get(request::root(of));
            request::body(request, Wanted::Whole, Vec::new())
        }));
        let surely = |error: WriteError| WriteError::surely(error.failure);
        let list = list.await.map_err(surely)?;
        let list: Value = serde_json::from_slice(&list)
            .map_err(|error| surely(self.nonsense(&error, &context)))?;
        let known =
            Known::among(&list, of).ok_or_else(|| WriteError::surely(failure::no_such_type(of)))?;
        keep(&self.inner.known, of, known.clone());
        Ok(known)
    }

    /// Returns the type as the server serves it, when that is another version than the one that was tried.
    pub(crate) async fn rediscovered(
        &self,
        of: &ObjectType,
        tried: &ObjectType,
    ) -> Option<ObjectType> {
        if of.group.is_empty() {
            return None;
        }
        self.discover(of).await.filter(|other| other != tried)
    }

    /// Returns the names of all objects of a type, for completion and for hints to a person. Not for guests: it passes no gate.
    ///
    /// # Errors
    /// As every request.
    pub async fn names(
        &self,
        of: &ObjectType,
        namespace: Option<&str>,
    ) -> Result<Vec<String>, Failure> {
        let query = Query {
            of: of.clone(),
            namespace: namespace.map(str::to_owned),
            labels: String::new(),
            fields: String::new(),
            names: Vec::new(),
        };
        let name = Projection::new(vec!["/metadata/name".to_owned()]);
        let keep = |names: &mut Vec<String>, item: Value| {
            let name = item.pointer("/metadata/name").and_then(Value::as_str);
            names.extend(name.map(str::to_owned));
            Ok(())
        };
        let (read, retry_policy) = (Reading::Part(&name), RetryPolicy::Call);
        let mut names = self
            .pages(&query, retry_policy, read, Vec::new, keep)
            .await?;
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// Remembers something of a type: of as many types as a run has to do with, for each is a plugin's to name.
fn keep<T>(known: &Mutex<HashMap<ObjectType, T>>, of: &ObjectType, what: T) {
    let mut known = lock(known);
    if known.len() < TYPES || known.contains_key(of) {
        known.insert(of.clone(), what);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn context(verb: &'static str, target: &ObjectRef) -> RequestContext {
    RequestContext {
        verb,
        of: target.of.clone(),
        namespace: target.namespace.clone(),
        name: Some(target.name.clone()),
    }
}

fn bug(error: &http::Error) -> Failure {
    Failure::of(Kind::Invalid, "cluster.invalid", error)
        .while_doing("making a request of the plugin's words")
}

#[cfg(test)]
mod tests;
