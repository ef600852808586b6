//! Which queries see a set of objects: one by names for those in a namespace, and one for all namespaces where there would be many, for each query
//! costs the server a watch.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::Query;
use crate::{ObjectRef, ObjectType};

/// From so many namespaces on, one query of all of them is cheaper.
const NAMESPACES: usize = 4;
/// How many names a query may have. Of more objects than that, all are watched.
const NAMES: usize = 1_000;

/// Returns queries that find all targets, and for each target the index of its query.
pub(super) fn covering(targets: &[ObjectRef]) -> (Vec<Query>, Vec<usize>) {
    let mut namespaces: BTreeMap<ObjectType, BTreeSet<Option<&str>>> = BTreeMap::new();
    for target in targets {
        let (of, namespace) = place(target);
        namespaces.entry(of).or_default().insert(namespace);
    }
    let mut known: BTreeMap<Place<'_>, usize> = BTreeMap::new();
    let mut queries: Vec<(Place<'_>, BTreeSet<&str>)> = Vec::new();
    let mut query_of = Vec::with_capacity(targets.len());
    for target in targets {
        let everywhere = namespaces[&target.of].len() >= NAMESPACES;
        let (of, namespace) = place(target);
        let place = (of, namespace.filter(|_| !everywhere));
        let index = *known.entry(place).or_insert_with(|| {
            queries.push((place, BTreeSet::new()));
            queries.len() - 1
        });
        queries[index].1.insert(&target.name);
        query_of.push(index);
    }
    let query = |((of, namespace), names): (Place<'_>, BTreeSet<&str>)| {
        let query = Query::all(of).namespace(namespace);
        match names.len() <= NAMES {
            true => query.names(names),
            false => query,
        }
    };
    (queries.into_iter().map(query).collect(), query_of)
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
                Query::all(kinds::POD)
                    .namespace("media")
                    .names(["plex", "sonarr"]),
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
            (vec![Query::all(kinds::POD).named("x")], vec![0; 4])
        );
    }

    #[test]
    fn more_names_than_a_query_has_are_all_of_them() {
        let targets: Vec<_> = (0..=NAMES)
            .map(|number| target("media", &number.to_string()))
            .collect();
        let (queries, _) = covering(&targets);
        assert_eq!(queries, [Query::all(kinds::POD).namespace("media")]);
    }
}
