//! `watch`: a stream of changes, from a revision on or from the present state.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream;
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch as signal;
use tokio::time::{Instant, sleep_until};

use super::list::invalid_revision;
use crate::request::Request;
use crate::respond::accept::{Accept, Shape};
use crate::respond::{Answer, shaped};
use crate::route::Target;
use crate::select::Selector;
use crate::status::ApiError;
use crate::store::{Bucket, Change, Happened, Inner};
use crate::world::World;

const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
const DEFAULT_TIMEOUT: u64 = 1_800;

struct Watch {
    world: Arc<World>,
    target: Target,
    bucket: Bucket,
    selector: Selector,
    accept: Accept,
    bookmarks: bool,
    cursor: u64,
    expiries: u64,
    wake: signal::Receiver<u64>,
    ready: VecDeque<Bytes>,
    deadline: Instant,
    next_bookmark: Instant,
    ended: bool,
}

pub(crate) fn watch(
    world: &Arc<World>,
    target: &Target,
    request: &Request,
    accept: &Accept,
) -> Result<Answer, ApiError> {
    let query = &request.query;
    let selector = Selector::parse(query, &target.resource, target.name.as_deref())?;
    let since = query
        .get("resourceVersion")
        .map(|text| text.parse::<u64>().map_err(|_| invalid_revision(text)))
        .transpose()?;
    let initial = query.get("sendInitialEvents").map(|text| text == "true");
    if initial.is_some() && query.get("resourceVersionMatch") != Some("NotOlderThan") {
        return Err(ApiError::new(
            422,
            "Invalid",
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ));
    }
    let bucket = target.resource.bucket();
    let timeout = Duration::from_secs(
        query
            .number("timeoutSeconds")
            .filter(|seconds| *seconds > 0)
            .unwrap_or(DEFAULT_TIMEOUT),
    );
    let now = Instant::now();

    let mut store = world.store.lock();
    let mut wake = store.subscribe(&bucket);
    let expiries = *wake.borrow_and_update();
    let mut watch = Watch {
        world: Arc::clone(world),
        target: target.clone(),
        bucket,
        selector,
        accept: accept.clone(),
        bookmarks: query.is_true("allowWatchBookmarks"),
        cursor: store.revision(),
        expiries,
        wake,
        ready: VecDeque::new(),
        deadline: now + timeout,
        next_bookmark: now + BOOKMARK_EVERY,
        ended: false,
    };
    watch.begin(&store, since, initial);
    drop(store);
    let chunks = Box::pin(stream::unfold(watch, |mut watch| async move {
        watch.next().await.map(|bytes| (bytes, watch))
    }));
    Ok(Answer::Chunks {
        chunks,
        media_type: "application/json",
    })
}

impl Watch {
    /// Queues the present state where the client wants it, or goes back to the revision it names.
    fn begin(&mut self, store: &Inner, since: Option<u64>, initial: Option<bool>) {
        let from_present = match initial {
            Some(wanted) => wanted,
            None => since.unwrap_or(0) == 0,
        };
        if from_present {
            for object in store.list(&self.bucket, self.target.namespace.as_deref(), None) {
                if self.selector.matches(&object) {
                    self.push("ADDED", &object);
                }
            }
            if initial == Some(true) && self.bookmarks {
                self.push_bookmark(true);
            }
        } else if let Some(since) = since.filter(|since| *since > 0) {
            self.cursor = since;
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.drain() {
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            if self.collect() {
                continue;
            }
            tokio::select! {
                changed = self.wake.changed() => self.ended |= changed.is_err(),
                () = sleep_until(self.next_bookmark.min(self.deadline)) => self.tick(),
            }
        }
    }

    fn drain(&mut self) -> Option<Bytes> {
        let first = self.ready.pop_front()?;
        if self.ready.is_empty() {
            return Some(first);
        }
        let mut all = first.to_vec();
        self.ready
            .drain(..)
            .for_each(|bytes| all.extend_from_slice(&bytes));
        Some(Bytes::from(all))
    }

    /// Queues what happened since the cursor; says whether there is anything to send, or the watch is over.
    fn collect(&mut self) -> bool {
        let expiries = *self.wake.borrow_and_update();
        let world = Arc::clone(&self.world);
        let store = world.store.lock();
        let changes = store.changes(&self.bucket, self.cursor);
        let revision = store.revision();
        drop(store);
        match changes {
            Ok(changes) if expiries == self.expiries => {
                for change in &changes {
                    self.tell(change);
                }
                self.cursor = changes
                    .last()
                    .map_or(self.cursor, |change| change.revision)
                    .max(self.cursor);
            }
            Ok(_) => self.expire(revision),
            Err(too_old) => self.expire(too_old.oldest),
        }
        self.ended || !self.ready.is_empty()
    }

    fn expire(&mut self, oldest: u64) {
        let err = ApiError::expired(format!(
            "too old resource version: {} ({oldest})",
            self.cursor
        ));
        self.ready.push_back(line("ERROR", &err.to_status()));
        self.ended = true;
    }

    /// A change, as it looks through the selector.
    fn tell(&mut self, change: &Change) {
        let space = self.target.namespace.as_deref();
        if space.is_some_and(|space| crate::object::namespace(&change.object) != space) {
            return;
        }
        let before = change
            .before
            .as_ref()
            .is_some_and(|object| self.selector.matches(object));
        let after = change.happened != Happened::Deleted && self.selector.matches(&change.object);
        match (before, after) {
            (false, true) => self.push("ADDED", &change.object),
            (true, true) => self.push("MODIFIED", &change.object),
            (true, false) => self.push("DELETED", &change.object),
            (false, false) => {}
        }
    }

    fn push(&mut self, kind: &str, object: &Arc<Value>) {
        let value = shaped(object, &self.target.resource, &self.accept);
        self.ready.push_back(line(kind, &value));
    }

    fn push_bookmark(&mut self, ends_initial: bool) {
        let mut metadata = json!({ "resourceVersion": self.cursor.to_string() });
        if ends_initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let resource = &self.target.resource;
        let (kind, version) = match self.accept.shape {
            Shape::Metadata => ("PartialObjectMetadata", "meta.k8s.io/v1".to_owned()),
            Shape::Full => (resource.kind.as_str(), resource.api_version()),
            Shape::Table => {
                let bookmark = Arc::new(
                    json!({ "kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata }),
                );
                return self.push("BOOKMARK", &bookmark);
            }
        };
        self.ready.push_back(line(
            "BOOKMARK",
            &json!({ "kind": kind, "apiVersion": version, "metadata": metadata }),
        ));
    }

    /// The time of a bookmark, or the end, has come.
    fn tick(&mut self) {
        let now = Instant::now();
        self.ended = now >= self.deadline;
        self.next_bookmark = now + BOOKMARK_EVERY;
        if self.bookmarks {
            // Everything of this kind up to now has been told: the revision of the whole store is a safe place to resume.
            if !self.ended && self.collect() {
                return;
            }
            self.push_bookmark(false);
        }
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut text = json!({ "type": kind, "object": object }).to_string();
    text.push('\n');
    Bytes::from(text)
}
