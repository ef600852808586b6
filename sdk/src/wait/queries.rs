//! Which queries see a set of objects: one by name for a single object, one by namespace for several in it, and one for all namespaces
//! where there would be many, for each query costs the server a watch.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::Query;
use crate::{ObjectRef, ObjectType};

/// From so many namespaces on, one query of all of them is cheaper.
const NAMESPACES: usize = 4;

/// Returns queries that find all targets, and for each target the index of its query.
pub(super) fn covering(targets: &[ObjectRef]) -> (Vec<Query>, Vec<usize>) {
    let mut neighbours: BTreeMap<Place<'_>, usize> = BTreeMap::new();
    for target in targets {
        *neighbours.entry(place(target)).or_default() += 1;
    }
    let mut namespaces: BTreeMap<ObjectType, BTreeSet<Option<&str>>> = BTreeMap::new();
    for (of, namespace) in neighbours.keys() {
        namespaces.entry(*of).or_default().insert(*namespace);
    }
    let mut queries: Vec<Query> = Vec::new();
    let mut known: BTreeMap<Place<'_>, usize> = BTreeMap::new();
    let mut query_of = Vec::with_capacity(targets.len());
    for target in targets {
        let everywhere = namespaces[&target.of].len() >= NAMESPACES;
        let (of, namespace) = place(target);
        let namespace = namespace.filter(|_| !everywhere);
        query_of.push(*known.entry((of, namespace)).or_insert_with(|| {
            let alone = !everywhere && neighbours[&place(target)] == 1;
            let query = Query::all(of).namespace(namespace);
            queries.push(if alone {
                query.named(&target.name)
            } else {
                query
            });
            queries.len() - 1
        }));
    }
    (queries, query_of)
}

/// A type of object and a namespace.
type Place<'a> = (ObjectType, Option<&'a str>);

fn place(target: &ObjectRef) -> Place<'_> {
    (target.of, target.namespace.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn target(namespace: &str, name: &str) -> ObjectRef {
        ObjectRef::new(kinds::POD, namespace, name)
    }

    #[test]
    fn a_single_object_is_watched_by_name() {
        let (queries, _) = covering(&[target("media", "plex")]);
        assert_eq!(
            queries,
            [Query::all(kinds::POD).namespace("media").named("plex")]
        );
    }

    #[test]
    fn neighbours_share_a_query() {
        let (queries, query_of) = covering(&[
            target("media", "plex"),
            target("media", "sonarr"),
            target("home", "zwave"),
        ]);
        assert_eq!(
            queries,
            [
                Query::all(kinds::POD).namespace("media"),
                Query::all(kinds::POD).namespace("home").named("zwave"),
            ]
        );
        assert_eq!(query_of, [0, 0, 1]);
    }

    #[test]
    fn many_namespaces_are_one_query() {
        let targets: Vec<_> = ["a", "b", "c", "d"]
            .iter()
            .map(|n| target(n, "x"))
            .collect();
        assert_eq!(
            covering(&targets),
            (vec![Query::all(kinds::POD)], vec![0; 4])
        );
    }
}
