//! What rights open, in words for the person who is asked for consent.

use std::collections::{BTreeMap, BTreeSet};

use super::{Grants, Right};
use crate::manifest::ClusterVerb;

/// The verbs that change something, in the order in which they are named.
const WRITING: [ClusterVerb; 4] = [
    ClusterVerb::Delete,
    ClusterVerb::Create,
    ClusterVerb::Patch,
    ClusterVerb::Apply,
];

impl Grants {
    /// Returns what may be changed, a clause each, such as `may delete persistentvolumeclaims in media`: what deletes first.
    pub fn opens(&self) -> Vec<String> {
        let mut verbs: BTreeMap<(Option<&str>, Option<&str>), BTreeSet<usize>> = BTreeMap::new();
        let mut calls = BTreeSet::new();
        for right in &self.rights {
            match right {
                Right::Cluster(right) => {
                    let writes = |at: &usize| right.verb.is_none_or(|verb| verb == WRITING[*at]);
                    let place = (right.namespace.as_deref(), right.resource.as_deref());
                    let writes = (0..WRITING.len()).filter(writes);
                    verbs.entry(place).or_default().extend(writes);
                }
                Right::Call(operation) => {
                    calls.insert(operation.as_str());
                }
            }
        }
        let mut places: BTreeMap<(BTreeSet<usize>, Option<&str>), Vec<&str>> = BTreeMap::new();
        for ((namespace, resource), verbs) in verbs {
            let resources = places.entry((verbs, namespace)).or_default();
            resources.push(resource.unwrap_or("objects of any type"));
        }
        let places = places
            .into_iter()
            .filter(|((verbs, _), _)| !verbs.is_empty());
        let mut opens: Vec<String> = places
            .map(|((verbs, namespace), resources)| {
                let verbs: Vec<&str> = verbs.iter().map(|at| WRITING[*at].as_str()).collect();
                let place = namespace.map_or("all namespaces", |namespace| namespace);
                format!("may {} {} in {place}", listed(&verbs), listed(&resources))
            })
            .collect();
        if !calls.is_empty() {
            let calls: Vec<&str> = calls.into_iter().collect();
            opens.push(match calls[..] {
                ["*"] => "may call any operation".to_owned(),
                _ => format!("may call {}", listed(&calls)),
            });
        }
        opens
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
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
    fn every_right_opens_everything() {
        let rights = ["cluster:*:*:*", "operations:call:*"];
        let rights = rights.map(|right| right.parse().expect("a right"));
        assert_eq!(
            Grants::new(rights.to_vec(), Risk::Destroy).opens(),
            [
                "may delete, create, patch and apply objects of any type in all namespaces",
                "may call any operation",
            ]
        );
    }
}
