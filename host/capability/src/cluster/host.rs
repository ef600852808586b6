//! The WIT interface `ops:cluster/cluster`, implemented.

use agent_core::failure::{Failure, Kind};
use agent_core::manifest::ClusterVerb;
use agent_core::object::ObjectRef;
use agent_core::suggest;
use futures::{StreamExt as _, stream};
use serde_json::Value;
use wasmtime::component::Resource;

use super::change::{self, Told};
use super::client::{ClusterClient, Query, Wanted};
use super::list::list;
use super::projection::Projection;
use super::watch::Watcher;
use super::{Held, convert, failure};
use crate::bindings::ops::cluster::cluster as wit;
use crate::bindings::ops::types::types::Error;
use crate::gate::{Ask, Awaited, Entry, Gate, Imagined, Pass};
use crate::powers::Powers;

/// How many bytes of names are looked through for the one that was meant.
const SUGGESTED: usize = 1 << 20;

/// How many changes of one batch are on their way at the same time.
const AT_ONCE: usize = 32;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl wit::Host for Powers {
    async fn get(&mut self, target: wit::ObjectRef, projection: Vec<String>) -> Answer<String> {
        let found = async {
            let target = convert::object_ref(target)?;
            let projection = convert::projection(projection)?;
            match look(&self.gate, &target, &projection).await {
                Err(failure) if failure.kind == Kind::NotFound => {
                    Err(with_names(&self.gate, &target, failure).await)
                }
                found => found,
            }
        };
        Ok(found.await.map_err(|failure| self.gate.told(failure)))
    }

    async fn find(
        &mut self,
        target: wit::ObjectRef,
        projection: Vec<String>,
    ) -> Answer<Option<String>> {
        let found: Result<_, Failure> = async {
            let projection = convert::projection(projection)?;
            match look(&self.gate, &convert::object_ref(target)?, &projection).await {
                Err(failure) if failure.kind == Kind::NotFound => Ok(None),
                found => found.map(Some),
            }
        }
        .await;
        Ok(found.map_err(|failure| self.gate.told(failure)))
    }

    async fn list(&mut self, query: wit::Query, projection: Vec<String>) -> Answer<Vec<String>> {
        let limit = self.limits.host_call_bytes;
        let found = async {
            let (query, projection) = (convert::query(query)?, convert::projection(projection)?);
            list(&self.gate, query, projection, limit, true).await
        };
        Ok(found.await.map_err(|failure| self.gate.told(failure)))
    }

    async fn commit(
        &mut self,
        changes: Vec<wit::Change>,
        projection: Vec<String>,
    ) -> wasmtime::Result<Vec<Result<String, Error>>> {
        let projection = match convert::projection(projection) {
            Ok(projection) => projection,
            Err(failure) => {
                let refused = |_| Err(Error::from(failure.clone()));
                return Ok(changes.into_iter().map(refused).collect());
            }
        };
        let performed = perform_all(&self.gate, changes, false, &projection).await;
        let told = performed.into_iter().map(|done| {
            done.map(|told| told.object.into_told())
                .map_err(|failure| self.gate.told(failure))
        });
        Ok(told.collect())
    }

    async fn hold(
        &mut self,
        changes: Vec<wit::Change>,
        projection: Vec<String>,
    ) -> Answer<Resource<Held>> {
        let held = match convert::projection(projection) {
            Ok(projection) => hold(&self.gate, changes, &projection).await,
            Err(failure) => Err(failure),
        };
        Ok(held
            .and_then(|held| self.hand_out(held))
            .map_err(|failure| self.gate.told(failure)))
    }

    async fn watch(
        &mut self,
        queries: Vec<wit::Query>,
        projection: Vec<String>,
    ) -> Answer<Resource<Watcher>> {
        let watcher = self.open_watcher(queries, projection);
        Ok(watcher.map_err(|failure| self.gate.told(failure)))
    }

    async fn logs(&mut self, query: wit::LogQuery) -> Answer<String> {
        Ok(logs(&self.gate, query)
            .await
            .map_err(|failure| self.gate.told(failure)))
    }
}

impl wit::HostHeld for Powers {
    fn objects(&mut self, held: Resource<Held>) -> wasmtime::Result<Vec<String>> {
        Ok(self.table.get(&held)?.objects.clone())
    }

    fn changed(&mut self, held: Resource<Held>) -> wasmtime::Result<bool> {
        Ok(self.table.get(&held)?.changed)
    }

    async fn release(&mut self, held: Resource<Held>) -> Answer<Vec<String>> {
        let held = self.table.get(&held)?;
        Ok(release(&held.gate, &held.numbers)
            .await
            .map_err(|failure| self.gate.told(failure)))
    }

    fn keep(&mut self, held: Resource<Held>) -> wasmtime::Result<()> {
        let held = self.table.get_mut(&held)?;
        // From now on nobody holds them, or the scope does: no longer this resource, which the guest is about to drop.
        let numbers = std::mem::take(&mut held.numbers);
        held.gate.keep(&numbers);
        Ok(())
    }

    async fn drop(&mut self, held: Resource<Held>) -> wasmtime::Result<()> {
        let held = self.table.delete(held)?;
        // What cannot be put back now stays in the ledger, and is tried once more when the run ends.
        held.gate.release_dropped(held.numbers.clone()).await;
        Ok(())
    }
}

impl wit::HostWatcher for Powers {
    async fn next(
        &mut self,
        watcher: Resource<Watcher>,
        timeout_ms: u64,
    ) -> Answer<Vec<wit::Event>> {
        let limit = self.limits.host_call_bytes;
        let watcher = self.table.get_mut(&watcher)?;
        Ok(watcher
            .next(timeout_ms, limit)
            .await
            .map_err(|failure| self.gate.told(failure)))
    }

    async fn drop(&mut self, watcher: Resource<Watcher>) -> wasmtime::Result<()> {
        let watcher = self.table.delete(watcher)?;
        self.watches = self.watches.saturating_sub(watcher.size());
        Ok(())
    }
}

impl Powers {
    fn open_watcher(
        &mut self,
        queries: Vec<wit::Query>,
        projection: Vec<String>,
    ) -> Result<Resource<Watcher>, Failure> {
        let (most, wanted) = (self.limits.watches, queries.len());
        if wanted == 0 {
            let message = "a watcher without queries would see nothing";
            return Err(Failure::new(Kind::Invalid, "cluster.invalid", message));
        }
        if self.watches + wanted > most {
            let message = format!("more than {most} queries are watched at once");
            return Err(
                Failure::new(Kind::Exhausted, "cluster.too-many-watches", message)
                    .hinted("watch a type in all namespaces with one query"),
            );
        }
        let queries = queries
            .into_iter()
            .map(convert::query)
            .collect::<Result<Vec<_>, _>>()?;
        let watcher = Watcher::open(&self.gate, queries, convert::projection(projection)?)?;
        let watcher = self.hand_out(watcher)?;
        self.watches += wanted;
        Ok(watcher)
    }
}

async fn logs(gate: &Gate, query: wit::LogQuery) -> Result<String, Failure> {
    let query = convert::log_query(query)?;
    let pods = convert::object_type("pods.v1")?;
    let ask = Ask::look(ClusterVerb::Logs, &pods, Some(&query.namespace), &query.pod);
    let client = gate.run.client.clone();
    let call = gate.next_call();
    gate.admit(
        call,
        ask,
        |pass| async move { client.logs(&pass, &query).await },
    )
    .await
}

async fn look(gate: &Gate, target: &ObjectRef, projection: &Projection) -> Result<String, Failure> {
    let wanted = if projection.is_metadata_only() {
        Wanted::Metadata
    } else {
        Wanted::Whole
    };
    let (client, target) = (gate.run.client.clone(), target.clone());
    let namespace = target.namespace.as_deref();
    let ask = Ask::look(ClusterVerb::Get, &target.of, namespace, &target.name);
    let imagined = gate.run.imagined.of(&target);
    let projection = projection.clone();
    gate.admit(gate.next_call(), ask, |pass| async move {
        let object = match imagined {
            None if !pass.gate().run.planning() => {
                client.get_part(&pass, &target, wanted, &projection).await?
            }
            imagined => {
                let object =
                    foreseen(&pass, &client, &target, imagined, &projection, wanted).await?;
                projection.of(object)
            }
        };
        if target.of.is_secret() {
            pass.gate().run.secrets.learn(&object);
        }
        Ok(object.to_string())
    })
    .await
}

/// Returns an object as it would be by then in a run that only plans, which rests on what was found.
async fn foreseen(
    pass: &Pass,
    client: &ClusterClient,
    target: &ObjectRef,
    imagined: Option<Imagined>,
    projection: &Projection,
    wanted: Wanted,
) -> Result<Value, Failure> {
    let changed = match imagined {
        Some(Imagined::Made(object)) => return Ok(object),
        Some(Imagined::Gone) => return Err(failure::absent(target)),
        Some(Imagined::Changed(object)) => Some(object),
        None => None,
    };
    let found = client.get(pass, target, wanted).await;
    match &found {
        Ok(object) => pass.gate().saw(target, Some(object), projection.pointers()),
        Err(lost) if lost.kind == Kind::NotFound => pass.gate().saw(target, None, &[]),
        Err(_) => {}
    }
    let found = found?;
    Ok(changed.unwrap_or(found))
}

/// Adds the names that do exist, as far as the plugin may list them.
async fn with_names(gate: &Gate, target: &ObjectRef, failure: Failure) -> Failure {
    let query = Query {
        of: target.of.clone(),
        namespace: target.namespace.clone(),
        labels: String::new(),
        fields: String::new(),
    };
    let projection = Projection::new(vec!["/metadata/name".to_owned()]);
    let names = list(gate, query, projection, SUGGESTED, false)
        .await
        .unwrap_or_default();
    let names: Vec<String> = names
        .iter()
        .filter_map(|object| {
            serde_json::from_str::<Value>(object)
                .ok()?
                .pointer("/metadata/name")?
                .as_str()
                .map(str::to_owned)
        })
        .collect();
    match suggest::sentence(&target.name, names.iter().map(String::as_str)) {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

async fn perform_all(
    gate: &Gate,
    changes: Vec<wit::Change>,
    hold: bool,
    projection: &Projection,
) -> Vec<Result<Told, Failure>> {
    stream::iter(changes)
        .map(|change| {
            let (gate, call) = (gate.clone(), gate.next_call());
            let projection = projection.clone();
            async move {
                let _worked_on = gate.memory().hold_document(convert::written(&change)?)?;
                let change = convert::change(change)?;
                change::perform(gate, call, change, hold, projection).await
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn hold(
    gate: &Gate,
    changes: Vec<wit::Change>,
    projection: &Projection,
) -> Result<Held, Failure> {
    for change in &changes {
        if matches!(change, wit::Change::Signal(_) | wit::Change::Delete(_)) {
            return Err(Failure::new(
                Kind::Invalid,
                "cluster.invalid",
                "a signal or a deletion cannot be held: it cannot be put back",
            ));
        }
    }
    let performed = perform_all(gate, changes, true, projection).await;
    let numbers: Vec<u64> = performed
        .iter()
        .flatten()
        .flat_map(|done| &done.held)
        .copied()
        .collect();
    let mut objects = Vec::with_capacity(performed.len());
    for done in performed {
        match done {
            Ok(told) => objects.push(told.object.into_told()),
            Err(failure) => {
                return Err(given_up(gate, &numbers, failure).await);
            }
        }
    }
    let bytes = objects.iter().map(String::len).sum();
    Ok(Held {
        _paid: gate.memory().hold_anyway(bytes),
        gate: gate.clone(),
        changed: !numbers.is_empty(),
        numbers,
        objects,
    })
}

/// Puts back what is held under these numbers, and says what was left to others.
pub(crate) async fn release(gate: &Gate, numbers: &[u64]) -> Result<Vec<String>, Failure> {
    let (numbers, of) = (numbers.to_vec(), gate.clone());
    gate.admit(gate.next_call(), Ask::Release, |_pass| async move {
        let mut put_back = of.put_back_before(&numbers);
        put_back.retain(|before| before.failure.is_none());
        let these = move |entry: &Entry| numbers.contains(&entry.number);
        let now = of.release(these, Awaited::ByPlugin);
        put_back.extend(now.await);
        let mut left = Vec::new();
        for take_back in put_back {
            if let Some(failure) = take_back.failure {
                return Err(failure.while_doing(format!("putting back {}", take_back.target)));
            }
            let target = take_back.target;
            let said = take_back.left.into_iter();
            let said = said.map(|sentence| format!("{target}: {sentence}"));
            left.extend(said.map(|sentence| of.run.secrets.text(sentence)));
        }
        Ok(left)
    })
    .await
}

/// Puts back what a hold that failed half-way has changed, and returns why it failed.
pub(crate) async fn given_up(gate: &Gate, numbers: &[u64], failure: Failure) -> Failure {
    match release(gate, numbers).await {
        Ok(_) => failure,
        Err(stuck) => failure.because(stuck.message),
    }
}
