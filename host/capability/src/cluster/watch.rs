//! Watching any number of queries with one watcher. `kube`'s watcher handles lost connections and expired versions; what is added here is the
//! merging of states, the noticing of objects that went while nobody looked, and an end when the server stays away.
//!
//! Of Secrets the record has no values, so a watch of them is told again by looking what they are now: see `again`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent_core::failure::Failure;
use agent_core::manifest::ClusterVerb;
use agent_gate::Charge;
use futures::FutureExt as _;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, Event};
use serde_json::Value;
use tokio_stream::{StreamExt as _, StreamMap};

use super::ask::Ask;
use super::cause::Cause;
use super::client::{Query, Seen, Sightings, Strange};
use super::failure::{self, RequestContext};
use super::projection::Projection;
use super::reply::Fault;
use super::sealed::Sealed;
use super::{AWAY, Cluster, secret};
use crate::bindings::ops::cluster::cluster as wit;
use agent_gate::{Gate, Pass};

mod again;
mod batch;
mod outage;

use batch::{Batch, Sight, Sighting};
use outage::Outage;

/// How long a server may stay away without a word.
const WORDLESS: Duration = Duration::from_secs(8);

/// What a query takes beside its selectors, with the connection that watches it.
const QUERY: usize = 4 << 10;
/// What a pointer takes beside its text.
const POINTER: usize = 64;
/// What an object takes beside its text.
const OBJECT: usize = 256;

/// A watch over queries.
pub struct Watcher {
    cluster: Arc<Cluster>,
    gate: Gate,
    projection: Projection,
    /// By the query's index, so that a query has one watch at a time. Empty until something is looked at that is not on record.
    streams: StreamMap<usize, Sightings>,
    queries: Vec<Watched>,
    /// What was seen and not handed over yet.
    pending: Batch,
    /// What the watcher itself takes.
    own: usize,
    /// What pays for all of it.
    paid: Charge,
}

struct Watched {
    query: Query,
    kind: String,
    /// What exists, by uid: the last state as the guest was given it.
    there: States,
    /// What there is now, by uid, looked up at a replay once something is needed that is not on record.
    now: Option<BTreeMap<String, Value>>,
    /// The uids of a listing under way.
    listing: Option<BTreeSet<String>>,
    synced: bool,
    /// Whether it cannot be watched.
    failed: bool,
    /// Whether another version was looked for already.
    rediscovered: bool,
    outage: Outage,
    /// Whether its outage was told of.
    is_told: bool,
}

/// The last states of objects, and what they take.
#[derive(Default)]
struct States {
    by_uid: BTreeMap<String, Sealed>,
    bytes: usize,
}

impl States {
    fn insert(&mut self, uid: String, state: Sealed) {
        self.bytes += OBJECT + state.told().len();
        if let Some(before) = self.by_uid.insert(uid, state) {
            self.bytes -= OBJECT + before.told().len();
        }
    }

    fn get(&self, uid: &str) -> Option<&Sealed> {
        self.by_uid.get(uid)
    }

    fn remove(&mut self, uid: &str) -> Option<Sealed> {
        let state = self.by_uid.remove(uid)?;
        self.bytes -= OBJECT + state.told().len();
        Some(state)
    }
}

impl Watcher {
    /// Checks that every query may be watched. Watching itself begins when the first sighting is asked for.
    pub(super) fn open(
        cluster: &Arc<Cluster>,
        gate: &Gate,
        queries: Vec<Query>,
        projection: Projection,
    ) -> Result<Watcher, Failure> {
        let looks = queries.iter().map(|query| query.look(ClusterVerb::Watch));
        gate.check(&Ask::Watch(looks.collect()))?;
        let texts = queries
            .iter()
            .map(|query| QUERY + query.labels.len() + query.fields.len() + query.names_bytes());
        let pointers = projection.pointers().iter();
        let own = texts.sum::<usize>() + pointers.map(|it| POINTER + it.len()).sum::<usize>();
        Ok(Watcher {
            own,
            paid: gate.memory().hold(own)?,
            cluster: cluster.clone(),
            gate: gate.clone(),
            projection,
            streams: StreamMap::new(),
            queries: queries.into_iter().map(Watched::new).collect(),
            pending: Batch::default(),
        })
    }

    /// Returns how many queries it watches.
    pub(super) fn size(&self) -> usize {
        self.queries.len()
    }

    /// Waits up to `timeout_ms` for the first event, then takes what else is there. What is more than `limit` bytes comes with the next call.
    pub(super) async fn next(
        &mut self,
        timeout_ms: u64,
        limit: usize,
    ) -> Result<Vec<wit::WatchEvent>, Failure> {
        if self.queries.is_empty() {
            return Ok(Vec::new());
        }
        let (gate, call) = (self.gate.clone(), self.gate.next_call());
        let looks = self
            .queries
            .iter()
            .map(|watched| watched.query.look(ClusterVerb::Watch));
        let ask = Ask::Watch(looks.collect());
        let (watcher, asked) = (&mut *self, ask.clone());
        let seen = gate.observe(call.clone(), ask, |pass| async move {
            let seen = watcher.look(&pass, timeout_ms, limit).await;
            watcher.pay();
            seen
        });
        let mut seen = seen.await?;
        self.open_again(&gate.again(&call), &asked, &mut seen)
            .await?;
        // Where this was told before, it is all that this process knows of what is there.
        for sighting in &seen {
            self.recall(sighting);
        }
        Ok(seen.into_iter().map(wit::WatchEvent::from).collect())
    }

    async fn look(
        &mut self,
        pass: &Pass,
        timeout_ms: u64,
        limit: usize,
    ) -> Result<Vec<Sighting>, Failure> {
        if self.streams.is_empty() {
            for index in 0..self.queries.len() {
                let failed = self
                    .queries
                    .get(index)
                    .is_some_and(|watched| watched.failed);
                if !failed && let Err(failure) = self.connect(pass, index).await {
                    self.give_up(index, failure)?;
                }
            }
        }
        let deadline = tokio::time::Instant::now() + Duration::from_millis(timeout_ms);
        while self.pending.is_empty() {
            match tokio::time::timeout_at(deadline, self.streams.next()).await {
                Ok(Some((_, (index, seen)))) => self.take(pass, index, seen).await?,
                // Nothing more comes of any query.
                Ok(None) => {
                    tokio::time::sleep_until(deadline).await;
                    return Ok(Vec::new());
                }
                Err(_elapsed) => return Ok(Vec::new()),
            }
        }
        // No more than is handed over: what a server floods us with waits in the connection.
        while self.pending.bytes <= limit
            && let Some(Some((_, (index, seen)))) = self.streams.next().now_or_never()
        {
            self.take(pass, index, seen).await?;
        }
        self.pending.hand_out(limit)
    }

    /// Has the run pay for what is kept by now.
    fn pay(&mut self) {
        let there = self.queries.iter().map(|watched| watched.there.bytes);
        let bytes = self.own + self.pending.bytes + there.sum::<usize>();
        self.paid.set(bytes);
    }

    async fn connect(&mut self, pass: &Pass, index: usize) -> Result<(), Failure> {
        let Some(watched) = self.queries.get_mut(index) else {
            return Ok(());
        };
        let client = &self.cluster.client;
        let sightings = client
            .watch(pass, &watched.query, index, watched.outage.heard())
            .await?;
        watched.kind = client.kind(&watched.query.of).await.unwrap_or_default();
        self.streams.insert(index, sightings);
        Ok(())
    }

    fn recall(&mut self, sighting: &Sighting) {
        let index = usize::try_from(sighting.query).unwrap_or(usize::MAX);
        let Some(watched) = self.queries.get_mut(index) else {
            return;
        };
        match (sighting.sight, sighting.uid()) {
            (Sight::Applied, Some(uid)) => {
                watched.there.insert(uid, sighting.object.clone());
            }
            (Sight::Removed, Some(uid)) => {
                watched.there.remove(&uid);
            }
            (Sight::Synced, _) => watched.synced = true,
            (Sight::Failed, _) => watched.failed = true,
            (_, None) => {}
        }
    }

    async fn take(&mut self, pass: &Pass, index: usize, seen: Seen) -> Result<(), Failure> {
        match seen {
            Err(error) => match self.failed(pass, index, error).await {
                Ok(()) => Ok(()),
                Err(failure) => self.give_up(index, failure),
            },
            Ok(event) => {
                if let Some(watched) = self.queries.get_mut(index) {
                    watched.outage.saw(&event);
                    watched.see(
                        index,
                        event,
                        &self.gate,
                        &self.projection,
                        &mut self.pending,
                    );
                }
                self.pay();
                self.gate.memory().within()
            }
        }
    }

    /// Ends the watch of one query. The others go on, unless it is the run that must stop.
    fn give_up(&mut self, index: usize, failure: Failure) -> Result<(), Failure> {
        self.gate.goes_on()?;
        self.streams.remove(&index);
        if let Some(watched) = self.queries.get_mut(index) {
            watched.failed = true;
        }
        let failure = self.gate.told_of(failure);
        self.pending.failed.push_back((index, failure));
        Ok(())
    }

    /// Decides whether an error passes by itself.
    async fn failed(
        &mut self,
        pass: &Pass,
        index: usize,
        error: watcher::Error,
    ) -> Result<(), Failure> {
        let Some(watched) = self.queries.get_mut(index) else {
            return Ok(());
        };
        let away = watched.outage.failed(Instant::now());
        let long = away > WORDLESS;
        let tell = !std::mem::replace(&mut watched.is_told, long) && long;
        let query = watched.query.clone();
        let client = self.cluster.client.clone();
        let context = RequestContext {
            verb: "watch",
            of: query.of.clone(),
            namespace: query.namespace.clone(),
            name: None,
        };
        match status(&error) {
            Some(status) if status.code == 404 => {
                let tried = std::mem::replace(&mut watched.rediscovered, true);
                if tried || client.rediscovered(&query.of, &query.of).await.is_none() {
                    return Err(failure::no_such_type(&query.of));
                }
                self.connect(pass, index).await
            }
            Some(status) if matches!(status.code, 400 | 401 | 403 | 405 | 422) => {
                let status = Box::new(status.clone());
                let fault = Fault::Status {
                    status,
                    retry_after: None,
                };
                Err(client.failure(&fault, &context))
            }
            _ if away > AWAY => Err(client.failure(&absent(&error), &context)),
            // It will be as large the next time.
            _ if matches!(absent(&error), Fault::TooLarge) => {
                Err(client.failure(&Fault::TooLarge, &context))
            }
            _ => {
                // Whoever waits must not think that something goes on.
                if tell {
                    pass.gate().warn(&client.failure(&absent(&error), &context));
                }
                Ok(())
            }
        }
    }
}

fn absent(error: &watcher::Error) -> Fault {
    if let Some(fault) = Strange::in_error(error) {
        return fault;
    }
    Fault::Connection {
        chain: agent_core::failure::chain(error),
        reached: false,
        cause: Cause::of(error),
    }
}

impl Watched {
    fn new(query: Query) -> Watched {
        Watched {
            query,
            kind: String::new(),
            there: States::default(),
            now: None,
            listing: None,
            synced: false,
            failed: false,
            rediscovered: false,
            outage: Outage::default(),
            is_told: false,
        }
    }

    fn see(
        &mut self,
        index: usize,
        event: Event<DynamicObject>,
        gate: &Gate,
        projection: &Projection,
        batch: &mut Batch,
    ) {
        match event {
            Event::Init => self.listing = Some(BTreeSet::new()),
            Event::InitApply(object) => {
                let uid = self.present(index, object, gate, projection, batch);
                if let Some(listing) = &mut self.listing {
                    listing.insert(uid);
                }
            }
            Event::Apply(object) => {
                self.present(index, object, gate, projection, batch);
            }
            Event::Delete(object) => {
                let uid = uid_of(&object);
                self.there.remove(&uid);
                let state = projection.of(self.value(object));
                let state = self.last_of(gate, &state);
                batch.put(index, uid, Sight::Removed, state);
            }
            Event::InitDone => self.listed(index, batch),
        }
    }

    /// Whatever is not in a listing went while nobody looked.
    fn listed(&mut self, index: usize, batch: &mut Batch) {
        let listing = self.listing.take().unwrap_or_default();
        let gone: Vec<String> = self
            .there
            .by_uid
            .keys()
            .filter(|uid| !listing.contains(*uid))
            .cloned()
            .collect();
        for uid in gone {
            if let Some(state) = self.there.remove(&uid) {
                let state = self.gone(state);
                batch.put(index, uid, Sight::Removed, state);
            }
        }
        if !std::mem::replace(&mut self.synced, true) {
            batch.synced.push_back(index);
        }
    }

    fn present(
        &mut self,
        index: usize,
        object: DynamicObject,
        gate: &Gate,
        projection: &Projection,
        batch: &mut Batch,
    ) -> String {
        let uid = uid_of(&object);
        let state = self.sealed(gate, &projection.of(self.value(object)));
        self.there.insert(uid.clone(), state.clone());
        batch.put(index, uid.clone(), Sight::Applied, state);
        uid
    }

    /// Takes the state of an object that the guest is about to be told.
    fn sealed(&self, gate: &Gate, state: &Value) -> Sealed {
        let secret = self.query.of.is_secret();
        if secret {
            secret::learn(gate.secrets(), state);
        }
        Sealed::new(gate, state, secret)
    }

    /// Of a Secret that is gone, nobody could say at a replay what was in it.
    fn last_of(&self, gate: &Gate, state: &Value) -> Sealed {
        if self.query.of.is_secret() {
            return Sealed::identity(state);
        }
        Sealed::new(gate, state, false)
    }

    fn gone(&self, state: Sealed) -> Sealed {
        if self.query.of.is_secret() {
            return Sealed::identity(&state.parsed());
        }
        state
    }

    fn value(&self, object: DynamicObject) -> Value {
        let mut value = serde_json::to_value(object).unwrap_or_default();
        if value.get("kind").is_none() && !self.kind.is_empty() {
            value["kind"] = Value::from(self.kind.as_str());
            value["apiVersion"] = Value::from(self.query.of.api_version());
        }
        value
    }
}

fn uid_of(object: &DynamicObject) -> String {
    let metadata = &object.metadata;
    metadata
        .uid
        .clone()
        .or_else(|| metadata.name.clone())
        .unwrap_or_default()
}

fn status(error: &watcher::Error) -> Option<&kube::core::Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}
