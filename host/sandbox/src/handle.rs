//! What a test can do to a running server: look at its requests, make it misbehave, reach past its API.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::status::ApiError;
use crate::store::Bucket;
use crate::world::World;

/// A request that came in, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PATCH`, ….
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query as it was sent, "" for none.
    pub query: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// 429 with `Retry-After` of so many seconds.
    TooManyRequests(u32),
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// 403, with a text that no rule explains.
    Forbidden,
    /// The connection ends without an answer; nothing was done.
    Drop,
    /// The connection ends without an answer, after the request has been carried out.
    DropAfter,
}

/// Which requests fail. An empty text matches every request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Match {
    /// The method, such as `PATCH`.
    pub method: String,
    /// A part of the path, such as `/kustomizations/`.
    pub path: String,
}

impl Match {
    /// Every request.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests with this method whose path contains `path`.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }

    fn fits(&self, method: &str, path: &str) -> bool {
        (self.method.is_empty() || self.method == method) && path.contains(&self.path)
    }
}

struct Plan {
    matching: Match,
    skip: usize,
    left: usize,
    failure: Failure,
}

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    plans: Vec<Plan>,
}

/// The state behind a [`Handle`].
pub(crate) struct Faults {
    log: Mutex<Log>,
    silent: watch::Sender<bool>,
    cut: Mutex<CancellationToken>,
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            log: Mutex::default(),
            silent: watch::Sender::new(false),
            cut: Mutex::new(CancellationToken::new()),
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request; returns how it is to fail, if it is.
    pub(crate) fn arrive(&self, seen: Seen) -> Option<Failure> {
        let mut log = self.log();
        let mut failure = None;
        for plan in log
            .plans
            .iter_mut()
            .filter(|plan| plan.matching.fits(&seen.method, &seen.path))
        {
            if plan.skip > 0 {
                plan.skip -= 1;
            } else if failure.is_none() && plan.left > 0 {
                plan.left -= 1;
                failure = Some(plan.failure);
            }
        }
        log.plans.retain(|plan| plan.left > 0);
        log.seen.push(seen);
        failure
    }

    /// Returns when the server speaks.
    pub(crate) async fn wait_for_speech(&self) {
        let mut silent = self.silent.subscribe();
        if silent.wait_for(|silent| !silent).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Cancelled when connections that are open now are cut.
    pub(crate) fn cut(&self) -> CancellationToken {
        self.cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Failure {
    /// The answer, for failures that have one.
    pub(crate) fn answer(self) -> Option<ApiError> {
        match self {
            Self::TooManyRequests(seconds) => Some(ApiError::too_many_requests(
                "the server has received too many requests and has asked us to try again later",
                seconds,
            )),
            Self::Internal => Some(ApiError::new(
                500,
                "InternalError",
                "Internal error occurred: etcdserver: request timed out",
            )),
            Self::Unavailable => Some(ApiError::new(
                503,
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            )),
            Self::Forbidden => Some(ApiError::new(
                403,
                "Forbidden",
                "forbidden: admission webhook denied the request",
            )),
            Self::Drop | Self::DropAfter => None,
        }
    }
}

/// Control over a running server. Cheap to clone; it does not keep the server running.
#[derive(Clone)]
pub struct Handle {
    world: Arc<World>,
}

impl Handle {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self { world }
    }

    /// From now on requests are accepted and never answered, until [`Handle::speak`]. Open watches say nothing either way.
    pub fn go_silent(&self) {
        self.world.faults.silent.send_replace(true);
    }

    /// Ends the silence; requests that waited are answered.
    pub fn speak(&self) {
        self.world.faults.silent.send_replace(false);
    }

    /// Makes the next `count` requests that match fail.
    pub fn fail_next(&self, count: usize, matching: Match, failure: Failure) {
        self.fail_after(0, count, matching, failure);
    }

    /// Lets `skip` matching requests pass, then makes `count` fail.
    pub fn fail_after(&self, skip: usize, count: usize, matching: Match, failure: Failure) {
        self.world.faults.log().plans.push(Plan {
            matching,
            skip,
            left: count,
            failure,
        });
    }

    /// Forgets all planned failures.
    pub fn heal(&self) {
        self.world.faults.log().plans.clear();
    }

    /// Ends every watch with 410, and answers 410 to watches from an earlier revision.
    pub fn expire_watches(&self) {
        self.world.store.lock().expire();
    }

    /// Closes every open connection, in the middle of whatever it is doing.
    pub fn cut_connections(&self) {
        let mut cut = self
            .world
            .faults
            .cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *cut, CancellationToken::new()).cancel();
    }

    /// Every request since the start or the last [`Handle::forget_requests`].
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.world.faults.log().seen.clone()
    }

    /// Empties the record of requests.
    pub fn forget_requests(&self) {
        self.world.faults.log().seen.clear();
    }

    /// Makes `text` the whole log of a pod.
    pub fn set_pod_log(&self, namespace: &str, pod: &str, text: &str) {
        self.world.logs.set(namespace, pod, text);
    }

    /// An object as it is stored, without a request. `namespace` is "" for cluster-wide kinds.
    #[must_use]
    pub fn object(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.world
            .store
            .lock()
            .get(&Bucket::new(group, plural), namespace, name)
            .map(|object| Value::clone(&object))
    }

    /// Every stored object, as a `v1` List, in the order of kind, namespace and name.
    #[must_use]
    pub fn dump(&self) -> Value {
        let store = self.world.store.lock();
        let items: Vec<Value> = store
            .buckets()
            .iter()
            .flat_map(|bucket| store.list(bucket, None, None))
            .map(|object| Value::clone(&object))
            .collect();
        json!({ "apiVersion": "v1", "kind": "List", "items": items })
    }
}
