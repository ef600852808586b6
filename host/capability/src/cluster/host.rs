//! The WIT interface `ops:cluster/cluster`, implemented.

use std::sync::Arc;

use agent_core::failure::{Failure, Kind};
use agent_core::manifest::ClusterVerb;
use agent_core::object::ObjectRef;
use agent_core::suggest;
use agent_gate::{Gate, Pass, Request as _};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use wasmtime::component::Resource;

use super::ask::Ask;
use super::change::{self, Told};
use super::client::{Query, Wanted};
use super::list::list;
use super::overlay::Overlaid;
use super::projection::Projection;
use super::watch::Watcher;
use super::{Cluster, convert, failure, secret};
use crate::bindings::ops::cluster::cluster as wit;
use crate::bindings::ops::types::types::Error;
use crate::ctx::PluginCtx;
use crate::holds::{self, Held};

/// How many bytes of names are looked through for the one that was meant.
const SUGGESTED: usize = 1 << 20;

/// How many changes of one batch are on their way at the same time.
const AT_ONCE: usize = 32;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl wit::Host for PluginCtx {
    async fn get(&mut self, target: wit::ObjectRef, projection: Vec<String>) -> Answer<String> {
        let found = async {
            let target = convert::part_ref(target)?;
            let projection = convert::projection(projection)?;
            match look(&self.cluster, &self.gate, &target, &projection).await {
                Err(failure) if failure.kind == Kind::NotFound => {
                    Err(with_names(&self.cluster, &self.gate, &target, failure).await)
                }
                found => found,
            }
        };
        Ok(found.await.map_err(|failure| self.told(failure)))
    }

    async fn find(
        &mut self,
        target: wit::ObjectRef,
        projection: Vec<String>,
    ) -> Answer<Option<String>> {
        let found: Result<_, Failure> = async {
            let projection = convert::projection(projection)?;
            let target = convert::part_ref(target)?;
            match look(&self.cluster, &self.gate, &target, &projection).await {
                Err(failure) if failure.kind == Kind::NotFound => Ok(None),
                found => found.map(Some),
            }
        }
        .await;
        Ok(found.map_err(|failure| self.told(failure)))
    }

    async fn list(&mut self, query: wit::Query, projection: Vec<String>) -> Answer<Vec<String>> {
        let limit = self.limits.host_call_bytes;
        let found = async {
            let (query, projection) = (convert::query(query)?, convert::projection(projection)?);
            list(&self.cluster, &self.gate, query, projection, limit, true).await
        };
        Ok(found.await.map_err(|failure| self.told(failure)))
    }

    async fn commit(
        &mut self,
        changes: Vec<wit::Change>,
        projection: Vec<String>,
    ) -> wasmtime::Result<Vec<Result<wit::Written, Error>>> {
        Ok(perform(&self.cluster, &self.gate, changes, How::Commit, projection).await)
    }

    async fn hold(
        &mut self,
        changes: Vec<wit::Change>,
        projection: Vec<String>,
    ) -> Answer<(Resource<Held>, Vec<wit::Written>)> {
        let held = match convert::projection(projection) {
            Ok(projection) => hold(&self.cluster, &self.gate, changes, &projection).await,
            Err(failure) => Err(failure),
        };
        Ok(held
            .and_then(|(held, written)| Ok((self.hand_out(held)?, written)))
            .map_err(|failure| self.told(failure)))
    }

    async fn rehearse(
        &mut self,
        changes: Vec<wit::Change>,
        projection: Vec<String>,
    ) -> wasmtime::Result<Vec<Result<wit::Written, Error>>> {
        Ok(perform(
            &self.cluster,
            &self.gate,
            changes,
            How::Rehearse,
            projection,
        )
        .await)
    }

    async fn watch(
        &mut self,
        queries: Vec<wit::Query>,
        projection: Vec<String>,
    ) -> Answer<Resource<Watcher>> {
        let watcher = self.open_watcher(queries, projection);
        Ok(watcher.map_err(|failure| self.told(failure)))
    }

    async fn logs(&mut self, query: wit::LogQuery) -> Answer<String> {
        Ok(logs(&self.cluster, &self.gate, query)
            .await
            .map_err(|failure| self.told(failure)))
    }
}

impl wit::HostWatcher for PluginCtx {
    async fn next(
        &mut self,
        watcher: Resource<Watcher>,
        timeout_ms: u32,
    ) -> Answer<Vec<wit::WatchEvent>> {
        let limit = self.limits.host_call_bytes;
        let watcher = self.table.get_mut(&watcher)?;
        Ok(watcher
            .next(timeout_ms.into(), limit)
            .await
            .map_err(|failure| self.told(failure)))
    }

    async fn drop(&mut self, watcher: Resource<Watcher>) -> wasmtime::Result<()> {
        let watcher = self.table.delete(watcher)?;
        self.watches = self.watches.saturating_sub(watcher.size());
        Ok(())
    }
}

impl PluginCtx {
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
        let watcher = Watcher::open(
            &self.cluster,
            &self.gate,
            queries,
            convert::projection(projection)?,
        )?;
        let watcher = self.hand_out(watcher)?;
        self.watches += wanted;
        Ok(watcher)
    }
}

async fn logs(cluster: &Cluster, gate: &Gate, query: wit::LogQuery) -> Result<String, Failure> {
    let query = convert::log_query(query)?;
    let pods = convert::object_type("pods.v1")?;
    let ask = Ask::look(ClusterVerb::Logs, &pods, Some(&query.namespace), &query.pod);
    let client = cluster.client.clone();
    let call = gate.next_call();
    gate.admit(
        call,
        ask,
        |pass| async move { client.logs(&pass, &query).await },
    )
    .await
}

async fn look(
    cluster: &Arc<Cluster>,
    gate: &Gate,
    target: &ObjectRef,
    projection: &Projection,
) -> Result<String, Failure> {
    let wanted = if projection.is_metadata_only() {
        Wanted::Metadata
    } else {
        Wanted::Whole
    };
    let (of_run, target) = (cluster.clone(), target.clone());
    let namespace = target.namespace.as_deref();
    let ask = Ask::look(ClusterVerb::Get, &target.of, namespace, &target.name);
    let imagined = cluster.overlay.of(&target);
    let projection = projection.clone();
    gate.admit(gate.next_call(), ask, |pass| async move {
        let object = match imagined {
            None if !pass.gate().planning() => {
                let client = &of_run.client;
                client.get_part(&pass, &target, wanted, &projection).await?
            }
            imagined => {
                let object =
                    foreseen(&pass, &of_run, &target, imagined, &projection, wanted).await?;
                projection.of(object)
            }
        };
        if target.of.is_secret() {
            secret::learn(pass.gate().secrets(), &object);
        }
        Ok(object.to_string())
    })
    .await
}

/// Returns an object as it would be by then in a run that only plans, which rests on what was found.
async fn foreseen(
    pass: &Pass,
    cluster: &Cluster,
    target: &ObjectRef,
    imagined: Option<Overlaid>,
    projection: &Projection,
    wanted: Wanted,
) -> Result<Value, Failure> {
    let changed = match imagined {
        Some(Overlaid::Made(object)) => return Ok(object),
        Some(Overlaid::Gone) => return Err(failure::absent(target)),
        Some(Overlaid::Changed(object)) => Some(object),
        None => None,
    };
    let (gate, pointers) = (pass.gate(), projection.pointers());
    let found = cluster.client.get(pass, target, wanted).await;
    match &found {
        Ok(object) => cluster.saw(gate, target, Some(object), pointers),
        Err(lost) if lost.kind == Kind::NotFound => cluster.saw(gate, target, None, &[]),
        Err(_) => {}
    }
    let found = found?;
    Ok(changed.unwrap_or(found))
}

/// Adds the names that do exist, as far as the plugin may list them.
async fn with_names(
    cluster: &Arc<Cluster>,
    gate: &Gate,
    target: &ObjectRef,
    failure: Failure,
) -> Failure {
    let query = Query {
        of: target.of.whole(),
        namespace: target.namespace.clone(),
        labels: String::new(),
        fields: String::new(),
        names: Vec::new(),
    };
    // Nobody asked for that, so nobody is told that it is refused.
    if Ask::Look(query.look(ClusterVerb::List))
        .allowed(gate)
        .is_err()
    {
        return failure;
    }
    let projection = Projection::new(vec!["/metadata/name".to_owned()]);
    let names = list(cluster, gate, query, projection, SUGGESTED, false)
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

/// What is done with changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Commit,
    Hold,
    Rehearse,
}

/// Performs changes, and returns what is told of each.
#[expect(
    clippy::result_large_err,
    reason = "the contract's error, as it is generated"
)]
async fn perform(
    cluster: &Arc<Cluster>,
    gate: &Gate,
    changes: Vec<wit::Change>,
    how: How,
    projection: Vec<String>,
) -> Vec<Result<wit::Written, Error>> {
    let projection = match convert::projection(projection) {
        Ok(projection) => projection,
        Err(failure) => {
            let refused = |_| Err(Error::from(failure.clone()));
            return changes.into_iter().map(refused).collect();
        }
    };
    let performed = perform_all(cluster, gate, changes, how, &projection).await;
    let told = performed.into_iter().map(|done| {
        done.map(wit::Written::from)
            .map_err(|failure| gate.told(failure).into())
    });
    told.collect()
}

async fn perform_all(
    cluster: &Arc<Cluster>,
    gate: &Gate,
    changes: Vec<wit::Change>,
    how: How,
    projection: &Projection,
) -> Vec<Result<Told, Failure>> {
    stream::iter(changes)
        .map(|change| {
            let (cluster, gate, call) = (cluster.clone(), gate.clone(), gate.next_call());
            let projection = projection.clone();
            async move {
                let _worked_on = gate.memory().hold_document(convert::written(&change)?)?;
                let change = convert::change(change)?;
                match how {
                    How::Rehearse => {
                        change::rehearse(cluster, gate, call, change, projection).await
                    }
                    how => {
                        let hold = how == How::Hold;
                        change::perform(cluster, gate, call, change, hold, projection).await
                    }
                }
            }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

impl From<Told> for wit::Written {
    fn from(told: Told) -> wit::Written {
        wit::Written {
            object: told.object.into_told(),
            changed: told.changed,
        }
    }
}

async fn hold(
    cluster: &Arc<Cluster>,
    gate: &Gate,
    changes: Vec<wit::Change>,
    projection: &Projection,
) -> Result<(Held, Vec<wit::Written>), Failure> {
    for change in &changes {
        let holds = matches!(
            change,
            wit::Change::Create(_) | wit::Change::Patch(_) | wit::Change::Apply(_)
        );
        if !holds {
            return Err(Failure::new(
                Kind::Invalid,
                "cluster.invalid",
                "a signal, a deletion or an eviction cannot be held: it cannot be put back",
            ));
        }
    }
    let performed = perform_all(cluster, gate, changes, How::Hold, projection).await;
    let numbers: Vec<u64> = performed
        .iter()
        .flatten()
        .flat_map(|done| &done.held)
        .copied()
        .collect();
    let mut written = Vec::with_capacity(performed.len());
    for done in performed {
        match done {
            Ok(told) => written.push(told.into()),
            Err(failure) => {
                return Err(holds::given_up(gate, numbers, failure).await);
            }
        }
    }
    Ok((Held::changes(numbers), written))
}
