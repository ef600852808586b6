//! What rights open, in words for the person who is asked for consent.

use std::collections::{BTreeMap, BTreeSet};

use super::{ClusterRight, Grants, NamedRight, Right};
use crate::manifest::ClusterVerb;
use crate::name::Field;

/// The verbs that change something, in the order in which they are named.
const WRITING: [ClusterVerb; 6] = [
    ClusterVerb::Delete,
    ClusterVerb::Evict,
    ClusterVerb::Create,
    ClusterVerb::Patch,
    ClusterVerb::Apply,
    ClusterVerb::Signal,
];

/// A namespace with the name of an object in it, and what of which type, in words; none for all of them.
type Place = (Option<String>, String);

impl Grants {
    /// Returns what may be changed, a clause each, such as `may delete persistentvolumeclaims in media`: what deletes first.
    pub fn opens(&self) -> Vec<String> {
        let mut verbs: BTreeMap<Place, BTreeSet<usize>> = BTreeMap::new();
        let (mut calls, mut named) = (BTreeSet::new(), BTreeSet::new());
        for right in &self.rights {
            match right {
                Right::Cluster(right) => {
                    let writes = |at: &usize| right.verb.is_none_or(|verb| verb == WRITING[*at]);
                    let writes = (0..WRITING.len()).filter(writes);
                    verbs.entry(place(right)).or_default().extend(writes);
                }
                Right::Call(operation) => {
                    calls.insert(operation.to_string());
                }
                Right::Named(right) => {
                    named.insert(opened(right));
                }
            }
        }
        verbs.retain(|_, verbs| !verbs.is_empty());
        let mut places: BTreeMap<(BTreeSet<usize>, Option<String>), Vec<String>> = BTreeMap::new();
        for ((namespace, what), verbs) in verbs {
            places.entry((verbs, namespace)).or_default().push(what);
        }
        let mut opens: Vec<String> = places
            .into_iter()
            .map(|((verbs, namespace), what)| {
                let verbs = verbs.iter().map(|at| WRITING[*at].as_str().to_owned());
                let verbs: Vec<String> = verbs.collect();
                let place = namespace.unwrap_or_else(|| "all namespaces".to_owned());
                format!("may {} {} in {place}", listed(&verbs), listed(&what))
            })
            .collect();
        opens.extend(named);
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

/// Returns what a right on a thing opens: only its capability knows which verbs change something, so all are told.
fn opened(right: &NamedRight) -> String {
    let quoted =
        |text: Option<&str>| text.map_or_else(|| "anything".to_owned(), |text| format!("`{text}`"));
    let (verb, name) = (quoted(right.verb.as_deref()), quoted(right.name.as_deref()));
    format!(
        "may do {verb} with {name} by the capability `{}`",
        right.capability.as_str()
    )
}

/// Returns where a right is, and what it is for.
fn place(right: &ClusterRight) -> Place {
    let namespace = right.namespace.as_deref();
    let place = match &right.name {
        Some(name) => Some(format!("{}/{name}", namespace.unwrap_or("*"))),
        None => namespace.map(str::to_owned),
    };
    let of = right.resource.as_deref().unwrap_or("objects of any type");
    let what = match &right.field {
        Some(field) => format!("{field} of {of}"),
        None => of.to_owned(),
    };
    (place, what)
}

impl Right {
    /// Returns what harm can be done with the right that its words do not say, for whoever grants it.
    pub fn destroys(&self) -> Option<&'static str> {
        let right = match self {
            Right::Cluster(right) => right,
            Right::Named(right) => return right.verb.is_none().then_some(ANYTHING),
            Right::Call(_) => return None,
        };
        match right.verb {
            None => Some(EVERYTHING),
            Some(ClusterVerb::Delete) => Some(
                "`delete` removes objects with what is in them, such as a claim with its data; of what a run did not make only an operation may that asks before",
            ),
            Some(ClusterVerb::Signal) => Some(
                "`signal` overwrites its fields for good: what they were is not read before, and neither the end of a run nor `agent undo` puts it back",
            ),
            Some(ClusterVerb::Ignore) => Some(
                "`ignore` lets a plan be applied though its fields have changed since it was made",
            ),
            // What one field can do is in its name, but for those around which the rest is built.
            Some(ClusterVerb::Patch | ClusterVerb::Apply)
                if right.field.as_ref().is_some_and(is_small) =>
            {
                None
            }
            Some(ClusterVerb::Patch | ClusterVerb::Apply) => Some(
                "`patch` and `apply` can do what `delete` does, by finalizers, owners and reclaim policies, which the gate leaves to operations that ask before; \
                 and what they set in a workload runs with the rights of that workload",
            ),
            Some(_) => None,
        }
    }
}

const ANYTHING: &str = "`*` is whatever the capability can do with it, also what destroys";
const EVERYTHING: &str = "`*` is every verb: it removes what is there with what is in it, and overwrites for good what the plugin asks to signal";

/// Returns whether a field is not one by which an object can be removed, and not one that holds what a workload runs.
fn is_small(field: &Field) -> bool {
    const GREAT: [&str; 4] = [
        "/metadata/finalizers",
        "/metadata/ownerReferences",
        "/spec/template",
        "/spec/jobTemplate",
    ];
    let mut names = field.split('/').skip(1);
    let is_part = names.nth(1).is_none_or(|second| second.starts_with('*'));
    let within = |great: &str| {
        let great: Result<Field, _> = great.parse();
        great.is_ok_and(|great| great.covers_all(field) || field.covers_all(&great))
    };
    !is_part && !GREAT.into_iter().any(within)
}

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
            "cluster:evict:pods:media",
            "cluster:delete:persistentvolumeclaims:media",
            "cluster:patch:deployments.apps:*",
            "cluster:patch:statefulsets.apps:*",
            "cluster:patch:deployments.apps#/spec/replicas:media/plex",
            "cluster:patch:cronjobs.batch#/spec/suspend:media",
            "cluster:signal:things.example.org#/spec/now:media",
            "cluster:ignore:things.example.org#/spec/seen:media",
            "operations:call:flux.suspend",
            "talos:reboot:k8s-1",
            "talos:*:*",
        ];
        let rights = rights.map(|right| right.parse().expect("a right"));
        assert_eq!(
            Grants::new(rights.to_vec(), Risk::Destroy).opens(),
            [
                "may delete persistentvolumeclaims in media",
                "may delete and create jobs.batch in media",
                "may evict pods in media",
                "may patch deployments.apps and statefulsets.apps in all namespaces",
                "may patch /spec/suspend of cronjobs.batch in media",
                "may patch /spec/replicas of deployments.apps in media/plex",
                "may signal /spec/now of things.example.org in media",
                "may do `reboot` with `k8s-1` by the capability `talos`",
                "may do anything with anything by the capability `talos`",
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
            ("cluster:patch:deployments.apps#/spec/replicas:*", None),
            (
                "cluster:patch:deployments.apps#/spec/template:*",
                Some("`patch` and `apply` can do what `delete` does, by finalizers"),
            ),
            (
                "cluster:patch:deployments.apps#/spec/t*:*",
                Some("`patch` and `apply` can do what `delete` does, by finalizers"),
            ),
            (
                "cluster:patch:deployments.apps#/metadata:*",
                Some("`patch` and `apply` can do what `delete` does, by finalizers"),
            ),
            (
                "cluster:signal:things.example.org#/spec/now:media",
                Some("`signal` overwrites its fields for good"),
            ),
            (
                "cluster:ignore:things.example.org#/spec/seen:media",
                Some("`ignore` lets a plan be applied"),
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
                "may delete, evict, create, patch, apply and signal objects of any type in all namespaces",
                "may call any operation",
            ]
        );
    }
}
