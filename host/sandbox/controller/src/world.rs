//! What every controller has in its hands: the API, the cache that the watches fill, the queue, and the worlds outside the API.

use crate::container::Outcome;
use crate::event::Outbox;
use crate::fault::Faults;
use crate::flux::{Applied, Attempts};
use crate::kind::Kind;
use crate::object::{Object, merge};
use crate::options::Options;
use crate::queue::{Key, Queue};
use crate::restic::Repositories;
use crate::volumes::Volumes;
use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Why a request to the API failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("building the request for `{path}`")]
    Request { path: String, source: http::Error },
    #[error("requesting `{path}`")]
    Api { path: String, source: kube::Error },
    #[error("setting the log of pod `{pod}`: {message}")]
    Log { pod: String, message: String },
}

impl Error {
    pub(crate) fn code(&self) -> u16 {
        self.refusal().map_or(0, |(code, _)| code)
    }

    /// The code and the sentence with which the server refused a request.
    pub(crate) fn refusal(&self) -> Option<(u16, &str)> {
        match self {
            Error::Api {
                source: kube::Error::Api(status),
                ..
            } => Some((status.code, &status.message)),
            _ => None,
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Objects by namespace and name.
type ByName = BTreeMap<(String, String), Arc<Object>>;

/// See the module.
pub(crate) struct World {
    client: Client,
    pub(crate) options: Options,
    pub(crate) queue: Queue,
    pub(crate) faults: Faults,
    pub(crate) repositories: Repositories,
    pub(crate) volumes: Volumes,
    pub(crate) applied: Applied,
    pub(crate) attempts: Attempts,
    pub(crate) events: Outbox,
    cache: RwLock<HashMap<Kind, ByName>>,
    memory: Mutex<Memory>,
}

/// What a controller of the real cluster would keep in its process or outside of the API.
#[derive(Default)]
pub(crate) struct Memory {
    /// Revisions that were pushed to sources since they were last fetched, by kind, namespace and name.
    pub(crate) pushed: BTreeMap<(String, String, String), String>,
    /// What the triggers of a ScaledObject say; absent means 1.
    pub(crate) triggers: BTreeMap<(String, String), f64>,
    /// How the containers of pods ended, by the pod's uid.
    pub(crate) ended: BTreeMap<String, Outcome>,
    /// The generation for which the mover's Job of a replication object was made, and the Job's uid; by the object's uid.
    pub(crate) movers: BTreeMap<String, (i64, String)>,
    /// What claims wait for that have no volume: the reasons that were told, by the claim's uid.
    pub(crate) waiting_claims: BTreeMap<String, BTreeSet<&'static str>>,
    /// What the log of a pod has been set to, by the pod's uid.
    pub(crate) logged: BTreeMap<String, String>,
}

impl World {
    pub(crate) fn new(client: Client, options: Options) -> Self {
        Self {
            client,
            options,
            queue: Queue::default(),
            faults: Faults::default(),
            repositories: Repositories::default(),
            volumes: Volumes::default(),
            applied: Applied::default(),
            attempts: Attempts::default(),
            events: Outbox::default(),
            cache: RwLock::default(),
            memory: Mutex::default(),
        }
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object as the watch last saw it.
    pub(crate) fn cached(&self, key: &Key) -> Option<Arc<Object>> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        cache
            .get(&key.kind)?
            .get(&(key.namespace.clone(), key.name.clone()))
            .cloned()
    }

    /// All objects of a kind as the watch last saw them, of one namespace or, when it is empty, of all.
    pub(crate) fn cached_all(&self, kind: Kind, namespace: &str) -> Vec<Arc<Object>> {
        let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
        let Some(objects) = cache.get(&kind) else {
            return Vec::new();
        };
        objects
            .iter()
            .filter(|((of, _), _)| namespace.is_empty() || of == namespace)
            .map(|(_, object)| object.clone())
            .collect()
    }

    /// Remembers an object, and returns what was remembered of it before.
    pub(crate) fn remember(&self, kind: Kind, object: Arc<Object>) -> Option<Arc<Object>> {
        self.applied.learn(kind, &object);
        let place = (object.namespace().to_owned(), object.name().to_owned());
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache.entry(kind).or_default().insert(place, object)
    }

    pub(crate) fn forget(&self, kind: Kind, namespace: &str, name: &str) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        cache
            .entry(kind)
            .or_default()
            .remove(&(namespace.to_owned(), name.to_owned()));
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let bytes = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, media)
            .body(bytes)
            .map_err(|source| Error::Request {
                path: path.to_owned(),
                source,
            })?;
        let answer = self.client.request::<Value>(request).await;
        answer.map_err(|source| Error::Api {
            path: path.to_owned(),
            source,
        })
    }

    /// The object as it is now; none when it does not exist.
    pub(crate) async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Object>> {
        let path = kind.path(namespace, name, "");
        absent_is_none(self.send(Method::GET, &path, JSON, None).await, &[404])
    }

    /// The objects of a namespace as they are now.
    pub(crate) async fn list(
        &self,
        kind: Kind,
        namespace: &str,
        query: &str,
    ) -> Result<Vec<Object>> {
        let mark = if query.is_empty() { "" } else { "?" };
        let path = format!("{}{mark}{query}", kind.path(namespace, "", ""));
        let list = self.send(Method::GET, &path, JSON, None).await?;
        let complete = |mut item: Value| {
            item["kind"] = json!(kind.name());
            item["apiVersion"] = json!(kind.api_version());
            Object(item)
        };
        Ok(list["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .map(complete)
            .collect())
    }

    /// Creates an object; none when one of that name exists, or when its namespace is going.
    pub(crate) async fn create(
        &self,
        kind: Kind,
        manager: &str,
        mut object: Value,
    ) -> Result<Option<Object>> {
        object["apiVersion"] = json!(kind.api_version());
        object["kind"] = json!(kind.name());
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let path = format!("{}?fieldManager={manager}", kind.path(namespace, "", ""));
        absent_is_none(
            self.send(Method::POST, &path, JSON, Some(&object)).await,
            &[409, 404],
        )
    }

    /// Merges a patch into an object; none when it does not exist.
    pub(crate) async fn patch(
        &self,
        key: &Key,
        manager: &str,
        patch: &Value,
    ) -> Result<Option<Object>> {
        let path = format!(
            "{}?fieldManager={manager}",
            key.kind.path(&key.namespace, &key.name, "")
        );
        absent_is_none(
            self.send(Method::PATCH, &path, MERGE, Some(patch)).await,
            &[404],
        )
    }

    /// Merges a patch into an object's status; none when it does not exist. With `resourceVersion` in `seen` the patch fails
    /// with a conflict when the object has changed since, and the key is tried again.
    pub(crate) async fn patch_status(
        &self,
        seen: &Object,
        manager: &str,
        status: Value,
    ) -> Result<Option<Object>> {
        let Some(kind) = Kind::named(seen.kind()) else {
            return Ok(None);
        };
        let path = format!(
            "{}?fieldManager={manager}",
            kind.path(seen.namespace(), seen.name(), "status")
        );
        let version = &seen["metadata"]["resourceVersion"];
        let mut patch = json!({"status": status});
        if version.is_string() {
            patch["metadata"]["resourceVersion"] = version.clone();
        }
        absent_is_none(
            self.send(Method::PATCH, &path, MERGE, Some(&patch)).await,
            &[404],
        )
    }

    /// [`World::patch_status`] when it would change anything. Says whether it did.
    pub(crate) async fn settle_status(
        &self,
        seen: &Object,
        manager: &str,
        status: Value,
    ) -> Result<bool> {
        let mut merged = seen["status"].clone();
        merge(&mut merged, &status);
        if merged == seen["status"] {
            return Ok(false);
        }
        self.patch_status(seen, manager, status).await.map(|_| true)
    }

    /// Deletes an object, what it owns in the background. One that does not exist is deleted.
    pub(crate) async fn delete(&self, key: &Key, grace: Option<u64>) -> Result<()> {
        let path = key.kind.path(&key.namespace, &key.name, "");
        let mut options =
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"});
        if let Some(seconds) = grace {
            options["gracePeriodSeconds"] = json!(seconds);
        }
        absent_is_none(
            self.send(Method::DELETE, &path, JSON, Some(&options)).await,
            &[404],
        )
        .map(drop)
    }

    /// Sets the log text of a pod, unless it is that already.
    pub(crate) async fn set_log(&self, pod: &Object, text: &str) -> Result<()> {
        if self
            .memory()
            .logged
            .get(pod.uid())
            .is_some_and(|old| old == text)
        {
            return Ok(());
        }
        if let Some(sink) = &self.options.logs {
            let sent = sink(
                pod.namespace().to_owned(),
                pod.name().to_owned(),
                text.to_owned(),
            )
            .await;
            sent.map_err(|message| Error::Log {
                pod: pod.name().to_owned(),
                message,
            })?;
        } else {
            self.put_log(pod, text).await?;
        }
        self.memory()
            .logged
            .insert(pod.uid().to_owned(), text.to_owned());
        Ok(())
    }

    /// What a path answers, as text.
    pub(crate) async fn read_text(&self, method: Method, path: &str) -> Result<String> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Vec::new())
            .map_err(|source| Error::Request {
                path: path.to_owned(),
                source,
            })?;
        let answer = self.client.request_text(request).await;
        answer.map_err(|source| Error::Api {
            path: path.to_owned(),
            source,
        })
    }

    async fn put_log(&self, pod: &Object, text: &str) -> Result<()> {
        let path = Kind::Pod.path(pod.namespace(), pod.name(), "log");
        let request = Request::builder()
            .method(Method::PUT)
            .uri(&path)
            .header(http::header::CONTENT_TYPE, "text/plain")
            .body(text.as_bytes().to_vec())
            .map_err(|source| Error::Request {
                path: path.clone(),
                source,
            })?;
        self.client
            .request_text(request)
            .await
            .map(drop)
            .map_err(|source| Error::Api { path, source })
    }
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

fn absent_is_none(answer: Result<Value>, codes: &[u16]) -> Result<Option<Object>> {
    match answer {
        Ok(object) => Ok(Some(Object(object))),
        Err(err) if codes.contains(&err.code()) => Ok(None),
        Err(err) => Err(err),
    }
}
