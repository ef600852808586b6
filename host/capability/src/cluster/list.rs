//! Listing objects: those that the server finds, and in a run that only plans as they would be by then.

use std::collections::BTreeMap;
use std::sync::Arc;

use agent_core::failure::{Failure, Kind};
use agent_core::manifest::ClusterVerb;
use agent_core::object::ObjectRef;
use agent_gate::Charge;
use serde_json::Value;

use super::ask::Ask;
use super::client::{Query, Reading};
use super::ground::listed;
use super::overlay::Overlaid;
use super::projection::Projection;
use super::select::selects;
use super::{Cluster, secret};
use agent_gate::Gate;

/// Lists objects. With `counts`, a plan rests on what was found.
pub(super) async fn list(
    cluster: &Arc<Cluster>,
    gate: &Gate,
    query: Query,
    projection: Projection,
    limit: usize,
    counts: bool,
) -> Result<Vec<String>, Failure> {
    let of_run = cluster.clone();
    let ask = Ask::Look(query.look(ClusterVerb::List));
    let imagined = cluster.overlay.among(&query.of);
    gate.admit(gate.next_call(), ask, |pass| async move {
        let gate = pass.gate();
        let counts = counts && gate.planning();
        let begin = || Answer {
            gate,
            query: &query,
            limit,
            bytes: 0,
            paid: gate.memory().hold_anyway(0),
            objects: Vec::new(),
            found: BTreeMap::new(),
            imagined: imagined.clone(),
        };
        let as_it_is = imagined.is_empty();
        let whole = counts || !as_it_is;
        let read = match whole {
            false => Reading::Part(&projection),
            true if projection.is_metadata_only() => Reading::Metadata,
            true => Reading::Whole,
        };
        let list = of_run
            .client
            .list(&pass, &query, read, begin, |answer, object| {
                if counts {
                    of_run.saw_listed(gate, &query.of, &object, projection.pointers());
                    answer.found.extend(listed(&query.of, &object));
                }
                if !whole {
                    return answer.add(String::new(), &object);
                }
                if as_it_is {
                    return answer.add(String::new(), &projection.of(object));
                }
                let target = target(&query, &object);
                match answer.imagined.remove(&target) {
                    None => answer.add(place(&target), &projection.of(object)),
                    // By what only the server can judge, it was found.
                    Some(Overlaid::Changed(object)) if selects(&query, &object) != Some(false) => {
                        answer.add(place(&target), &projection.of(object))
                    }
                    Some(Overlaid::Made(object)) if selects(&query, &object) == Some(true) => {
                        answer.add(place(&target), &projection.of(object))
                    }
                    Some(_) => Ok(()),
                }
            });
        let mut answer = list.await?;
        if counts {
            of_run.saw_list(gate, &query, std::mem::take(&mut answer.found));
        }
        for (target, imagined) in std::mem::take(&mut answer.imagined) {
            // One that only the server can judge is left out: it knows nothing of it.
            if let Overlaid::Made(object) | Overlaid::Changed(object) = imagined
                && selects(&query, &object) == Some(true)
            {
                answer.add(place(&target), &projection.of(object))?;
            }
        }
        Ok(answer.finish())
    })
    .await
}

/// The objects of a list as the guest gets them, each with its place in it.
struct Answer<'a> {
    gate: &'a Gate,
    query: &'a Query,
    limit: usize,
    bytes: usize,
    /// What pays for the objects: as text here, and as what is told and recorded.
    paid: Charge,
    objects: Vec<(String, String)>,
    /// What a plan rests on.
    found: BTreeMap<String, String>,
    /// What a plan makes of objects of this type, without those that were found.
    imagined: BTreeMap<ObjectRef, Overlaid>,
}

impl Answer<'_> {
    fn add(&mut self, place: String, object: &Value) -> Result<(), Failure> {
        if self.query.of.is_secret() {
            secret::learn(self.gate.secrets(), object);
        }
        let mut object = object.to_string();
        // There may be thousands of them, and what was grown by doubling is half empty.
        object.shrink_to_fit();
        self.bytes = self.bytes.saturating_add(object.len());
        self.objects.push((place, object));
        self.paid.set(self.bytes.saturating_mul(2));
        self.gate.memory().within()?;
        within(self.bytes, self.limit, &self.query.of.plural)
    }

    /// Returns the objects. What has no places is in the server's order.
    fn finish(mut self) -> Vec<String> {
        self.objects.sort_by(|(one, _), (other, _)| one.cmp(other));
        self.objects.into_iter().map(|(_, object)| object).collect()
    }
}

fn target(query: &Query, object: &Value) -> ObjectRef {
    let text = |pointer: &str| object.pointer(pointer)?.as_str().map(str::to_owned);
    ObjectRef {
        of: query.of.clone(),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name").unwrap_or_default(),
    }
}

/// Returns where the server has an object in its lists: it orders them by the keys that it stores them under.
fn place(target: &ObjectRef) -> String {
    let namespace = target.namespace.as_deref().unwrap_or_default();
    format!("{namespace}/{}", target.name)
}

/// Fails when an answer is more than a host call may hand over.
pub(super) fn within(bytes: usize, limit: usize, what: &str) -> Result<(), Failure> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Exhausted,
        "cluster.too-large",
        format!("the `{what}` are more than {limit} bytes, the limit of one host call"),
    )
    .hinted("ask for fewer fields or fewer objects"))
}
