//! What rights open, in words for the person who is asked for consent.

use std::collections::{BTreeMap, BTreeSet};

use super::{Grants, Right};
use crate::manifest::ClusterVerb;

/// The verbs that change something, in the order in which they are named.
const WRITING: [ClusterVerb; 5] = [
    ClusterVerb::Delete,
    ClusterVerb::Evict,
    ClusterVerb::Create,
    ClusterVerb::Patch,
    ClusterVerb::Apply,
];

/// A namespace and a type; none for all of them.
type Place = (Option<String>, Option<String>);

impl Grants {
    /// Returns what may be changed, a clause each, such as `may delete persistentvolumeclaims in media`: what deletes first.
    pub fn opens(&self) -> Vec<String> {
        let mut verbs: BTreeMap<Place, BTreeSet<usize>> = BTreeMap::new();
        let mut calls = BTreeSet::new();
        for right in &self.rights {
            match right {
                Right::Cluster(right) => {
                    let writes = |at: &usize| right.verb.is_none_or(|verb| verb == WRITING[*at]);
                    let place = (
                        right.namespace.as_ref().map(ToString::to_string),
                        right.resource.as_ref().map(ToString::to_string),
                    );
                    let writes = (0..WRITING.len()).filter(writes);
                    verbs.entry(place).or_default().extend(writes);
                }
                Right::Call(operation) => {
                    calls.insert(operation.to_string());
                }
            }
        }
        verbs.retain(|_, verbs| !verbs.is_empty());
        let mut places: BTreeMap<(BTreeSet<usize>, Option<String>), Vec<String>> = BTreeMap::new();
        for ((namespace, resource), verbs) in verbs {
            let resources = places.entry((verbs, namespace)).or_default();
            resources.push(resource.unwrap_or_else(|| "objects of any type".to_owned()));
        }
        let mut opens: Vec<String> = places
            .into_iter()
            .map(|((verbs, namespace), resources)| {
                let verbs = verbs.iter().map(|at| WRITING[*at].as_str().to_owned());
                let verbs: Vec<String> = verbs.collect();
                let place = namespace.unwrap_or_else(|| "all namespaces".to_owned());
                format!("may {} {} in {place}", listed(&verbs), listed(&resources))
            })
            .collect();
        if !calls.is_empty() {
            let calls: Vec<String> = calls.into_iter().collect();
            opens.push(match calls.iter().any(|call| call == "*") {
                true => "may call any operation".to_owned(),
                false => format!("may call {}", listed(&calls)),
            });
        }
        opens
    }
}

impl Right {
    /// Returns what harm can be done with the right that its words do not say, for whoever grants it.
    pub fn destroys(&self) -> Option<&'static str> {
        let Right::Cluster(right) = self else {
            return None;
        };
        match right.verb {
            None => Some(EVERYTHING),
            Some(ClusterVerb::Delete) => Some(
                "`delete` removes objects with what is in them, such as a claim with its data; of what a run did not make only an operation may that asks before",
            ),
            Some(ClusterVerb::Patch | ClusterVerb::Apply) => Some(
                "`patch` and `apply` can do what `delete` does, by finalizers, owners and reclaim policies, which the gate leaves to operations that ask before; \
                 and what they set in a workload runs with the rights of that workload",
            ),
            Some(_) => None,
        }
    }
}

const EVERYTHING: &str = "`*` is every verb, and removes what is there with what is in it";

fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Risk;

    #[test]
    fn rights_are_told_by_what_they_change_and_where() {
        let rights = [
            "cluster:get:secrets:media",
            "cluster:create:jobs.batch:media",
            "cluster:delete:jobs.batch:media",
            "cluster:delete:persistentvolumeclaims:media",
            "cluster:patch:deployments.apps:*",
            "cluster:patch:statefulsets.apps:*",
            "operations:call:flux.suspend",
        ];
        let rights = rights.map(|right| right.parse().expect("a right"));
        assert_eq!(
            Grants::new(rights.to_vec(), Risk::Destroy).opens(),
            [
                "may delete persistentvolumeclaims in media",
                "may delete and create jobs.batch in media",
                "may patch deployments.apps and statefulsets.apps in all namespaces",
                "may call flux.suspend",
            ]
        );
    }

    #[test]
    fn right_that_destroys_says_so() {
        let destroys = |right: &str| right.parse::<Right>().expect("a right").destroys();
        let table = [
            ("cluster:get:secrets:media", None),
            ("cluster:create:jobs.batch:media", None),
            ("operations:call:flux.suspend", None),
            ("cluster:delete:pods:media", Some("`delete` removes")),
            (
                "cluster:patch:deployments.apps:*",
                Some("`patch` and `apply` can do what `delete` does, by finalizers"),
            ),
            (
                "cluster:apply:deployments.apps:*",
                Some("`patch` and `apply` can do what `delete` does, by finalizers"),
            ),
            ("cluster:*:pods:media", Some("`*` is every verb")),
        ];
        for (right, begins) in table {
            let said = destroys(right).map(|said| said.split_at(begins.map_or(0, str::len)).0);
            assert_eq!(said, begins, "{right}");
        }
    }

    #[test]
    fn every_right_opens_everything() {
        let rights = ["cluster:*:*:*", "operations:call:*"];
        let rights = rights.map(|right| right.parse().expect("a right"));
        assert_eq!(
            Grants::new(rights.to_vec(), Risk::Destroy).opens(),
            [
                "may delete, evict, create, patch and apply objects of any type in all namespaces",
                "may call any operation",
            ]
        );
    }
}
