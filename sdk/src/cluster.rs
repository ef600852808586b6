//! The Kubernetes cluster: read, watch, change, hold. Errors are those of `wit/deps/cluster`.
//!
//! Projections are JSON Pointers such as `/status/conditions`; what is not asked for costs nothing. Empty: everything.

mod change;
mod query;
mod watch;

use crate::bindings::ops::cluster::cluster as wit;
use crate::{Held, Object, ObjectRef, Result};

pub use change::{Change, Propagation};
pub use query::Query;
pub use watch::{WatchEvent, Watcher};

/// Returns one object.
///
/// # Errors
/// `not-found` (`cluster.not-found`, with the nearest names that do exist as a hint).
pub fn get(target: &ObjectRef, projection: &[&str]) -> Result<Object> {
    Object::parse(&wit::get(&target.to_wit(), &owned(projection))?)
}

/// Returns one object, or none when there is none of that name.
///
/// # Errors
/// All but `not-found`.
pub fn find(target: &ObjectRef, projection: &[&str]) -> Result<Option<Object>> {
    wit::find(&target.to_wit(), &owned(projection))?
        .map(|json| Object::parse(&json))
        .transpose()
}

/// Returns all objects of a query.
///
/// # Errors
/// See the module.
pub fn list(query: &Query, projection: &[&str]) -> Result<Vec<Object>> {
    scan(query, projection)?.collect()
}

/// Returns all objects of a query, each read when its turn comes: where there may be thousands, and little is kept of each.
///
/// # Errors
/// See the module.
pub fn scan(
    query: &Query,
    projection: &[&str],
) -> Result<impl Iterator<Item = Result<Object>> + use<>> {
    let found = wit::list(&query.to_wit(), &owned(projection))?;
    Ok(found.into_iter().map(|json| Object::parse(&json)))
}

/// What came of a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// The object as the server has it afterwards; `null` after a deletion or an eviction.
    pub object: Object,
    /// Whether there was anything to change.
    pub changed: bool,
}

impl Written {
    fn of(written: &wit::Written) -> Result<Written> {
        Ok(Written {
            object: Object::parse(&written.object)?,
            changed: written.changed,
        })
    }
}

/// Performs changes, independent of each other and concurrently; one result for each, in order. One that fails does not stop the others.
pub fn commit(changes: &[Change], projection: &[&str]) -> Vec<Result<Written>> {
    wit::commit(&change::to_wit(changes), &owned(projection))
        .into_iter()
        .map(|result| Written::of(&result?))
        .collect()
}

/// Performs one change.
///
/// # Errors
/// Those of the change.
pub fn commit_one(change: Change, projection: &[&str]) -> Result<Written> {
    commit(&[change], projection)
        .pop()
        .unwrap_or_else(|| Ok(Written::default()))
}

/// Returns what changes would make of the objects, as the server says, and changes nothing; one result for each, in order. An operation that only reads
/// may ask it, with the rights to the changes.
pub fn rehearse(changes: &[Change], projection: &[&str]) -> Vec<Result<Written>> {
    wit::rehearse(&change::to_wit(changes), &owned(projection))
        .into_iter()
        .map(|result| Written::of(&result?))
        .collect()
}

/// Performs creations, patches and applications, all or none, and holds them: what undoes them puts the previous values of exactly those fields
/// back and removes what was made.
///
/// # Errors
/// Those of the first change that failed, after the others were put back; `invalid` for a signal, a deletion or an eviction.
pub fn hold(changes: &[Change], projection: &[&str]) -> Result<(Held, Vec<Written>)> {
    let (held, written) = wit::hold(&change::to_wit(changes), &owned(projection))?;
    let written = written.iter().map(Written::of);
    Ok((Held::new(held), written.collect::<Result<_>>()?))
}

/// Watches any number of queries with one watcher.
///
/// # Errors
/// `exhausted` (`cluster.too-many-watches`).
pub fn watch(queries: &[Query], projection: &[&str]) -> Result<Watcher> {
    let queries: Vec<wit::Query> = queries.iter().map(Query::to_wit).collect();
    Ok(Watcher::new(wit::watch(&queries, &owned(projection))?))
}

/// Returns the text of a container's log so far, or its last `tail` lines. `container` none: the only one, or the pod's default.
///
/// # Errors
/// `not-found`; `unavailable` (`cluster.no-logs`) when the container has not started.
pub fn logs(
    namespace: &str,
    pod: &str,
    container: Option<&str>,
    tail: Option<u32>,
) -> Result<String> {
    Ok(wit::logs(&wit::LogQuery {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: container.map(str::to_owned),
        previous: false,
        tail_lines: tail,
        since_seconds: None,
        timestamps: false,
    })?)
}

fn owned(projection: &[&str]) -> Vec<String> {
    projection
        .iter()
        .map(|pointer| (*pointer).to_owned())
        .collect()
}
