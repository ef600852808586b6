//! Rights: one thing that may be done, as a person grants it and as the gate checks it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::descriptor::Risk;
use crate::id::{InvalidName, OperationName};
use crate::manifest::ClusterVerb;
use crate::name::{Misnamed, shown};
use crate::object::ObjectType;

mod bounds;
mod call;
mod cluster;
mod opens;

pub use bounds::Bound;
pub use call::{CallRight, Reach};
pub use cluster::ClusterRight;

/// One right. As text: `cluster:VERB:RESOURCE:NAMESPACE` (`cluster:delete:pods:kube-system`), `operations:call:OPERATION` (`operations:call:flux.suspend`:
/// what is called acts where the caller may) or `operations:call:OPERATION:NAMESPACE` (there, too). `*` stands for a whole part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Right {
    /// To do something with objects of the cluster.
    Cluster(ClusterRight),
    /// To call an operation.
    Call(CallRight),
}

/// A text that is no right.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidRight {
    /// Neither form.
    #[error(
        "`{}` is no right: write `cluster:VERB:RESOURCE:NAMESPACE` or `operations:call:OPERATION:NAMESPACE`",
        shown(.0)
    )]
    Form(String),
    /// An unknown verb.
    #[error(
        "`{}` is no verb of `cluster`: use one of get, list, watch, create, patch, apply, delete, evict, logs, or `*`",
        shown(verb)
    )]
    Verb {
        /// The word.
        verb: String,
    },
    /// Not the name of an operation, nor `*`.
    #[error(transparent)]
    Operation(InvalidName),
    /// Not a resource or a namespace, nor `*`.
    #[error(transparent)]
    Name(Misnamed),
}

impl Right {
    /// Returns what both allow; none when that is nothing.
    pub fn meet(&self, other: &Right) -> Option<Right> {
        match (self, other) {
            (Right::Cluster(mine), Right::Cluster(other)) => mine.meet(other).map(Right::Cluster),
            (Right::Call(mine), Right::Call(other)) => mine.meet(other).map(Right::Call),
            _ => None,
        }
    }

    /// Returns whether whoever has this right also has the other one.
    pub fn covers(&self, other: &Right) -> bool {
        match (self, other) {
            (Right::Cluster(mine), Right::Cluster(other)) => mine.covers(other),
            (Right::Call(mine), Right::Call(other)) => mine.covers(other),
            _ => false,
        }
    }

    /// Returns whether it can cover another one than itself.
    pub(crate) fn is_wide(&self) -> bool {
        match self {
            Right::Cluster(right) => {
                right.verb.is_none() || right.resource.is_none() || right.namespace.is_none()
            }
            Right::Call(right) => right.operation.is_none() || right.reach == Reach::Everywhere,
        }
    }

    fn as_cluster(&self) -> Option<&ClusterRight> {
        match self {
            Right::Cluster(right) => Some(right),
            Right::Call(_) => None,
        }
    }

    fn as_call(&self) -> Option<&CallRight> {
        match self {
            Right::Cluster(_) => None,
            Right::Call(right) => Some(right),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Right::Cluster(right) => write!(f, "cluster:{right}"),
            Right::Call(right) => write!(f, "operations:call:{right}"),
        }
    }
}

impl FromStr for Right {
    type Err = InvalidRight;

    fn from_str(text: &str) -> Result<Self, InvalidRight> {
        let form = || InvalidRight::Form(text.to_owned());
        match text.split_once(':').ok_or_else(form)? {
            ("cluster", rest) => ClusterRight::parse(rest)
                .ok_or_else(form)?
                .map(Right::Cluster),
            ("operations", rest) => {
                let rest = rest.strip_prefix("call:").ok_or_else(form)?;
                CallRight::parse(rest).map(Right::Call)
            }
            _ => Err(form()),
        }
    }
}

impl TryFrom<String> for Right {
    type Error = InvalidRight;

    fn try_from(text: String) -> Result<Self, InvalidRight> {
        text.parse()
    }
}

impl From<Right> for String {
    fn from(right: Right) -> String {
        right.to_string()
    }
}

/// What one operation of a run may do: the intersection that [`crate::policy::decide`] computed, within what its callers let it do. The gate asks it for
/// every host call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    rights: Vec<Right>,
    risk: Risk,
    /// One for each operation above this one.
    bounds: Vec<Bound>,
}

impl Grants {
    /// Makes the grants of a run of an operation with that risk.
    pub fn new(rights: Vec<Right>, risk: Risk) -> Grants {
        Grants {
            rights,
            risk,
            bounds: Vec::new(),
        }
    }

    /// Makes the grants of a run whose plugin does nothing any more: what it did is put back by the host itself.
    pub fn to_put_back() -> Grants {
        Grants::new(Vec::new(), Risk::Destroy)
    }

    /// Returns these grants within what the operation with the grants `caller` lets one do that it calls by the name `operation`.
    #[must_use]
    pub fn under(self, caller: &Grants, operation: &OperationName) -> Grants {
        self.within(caller.bounds_for(operation))
    }

    /// Returns these grants within bounds, in place of those that they had.
    #[must_use]
    pub fn within(self, bounds: Vec<Bound>) -> Grants {
        Grants { bounds, ..self }
    }

    /// Returns what bounds an operation that this one calls: what bounds this one, and where this one may act.
    pub fn bounds_for(&self, operation: &OperationName) -> Vec<Bound> {
        let calls = self.rights.iter().filter_map(Right::as_call);
        let reaches: Vec<&Reach> = calls
            .filter(|right| right.allows(operation))
            .map(|right| &right.reach)
            .collect();
        let cluster = || self.rights.iter().filter_map(Right::as_cluster);
        let mut bound = Bound {
            everywhere: reaches.contains(&&Reach::Everywhere),
            namespaces: Default::default(),
            rights: Vec::new(),
        };
        if !bound.everywhere {
            bound.rights = cluster().cloned().map(Right::Cluster).collect();
            for reach in reaches {
                match reach {
                    Reach::Namespace(namespace) => {
                        bound.namespaces.insert(namespace.clone());
                    }
                    Reach::OfCaller => {
                        let named = cluster().filter_map(|right| right.namespace.clone());
                        bound.namespaces.extend(named);
                    }
                    Reach::Everywhere => {}
                }
            }
        }
        let mut bounds = self.bounds.clone();
        bounds.push(bound);
        bounds
    }

    /// Returns how much harm the operation says it can do.
    pub fn risk(&self) -> Risk {
        self.risk
    }

    /// Returns whether there is anything in the cluster that the operation may do itself.
    pub fn has_any_cluster_right(&self) -> bool {
        self.rights.iter().any(|right| right.as_cluster().is_some())
    }

    /// Returns whether `verb` may be done with objects of a type in a namespace. Without a namespace the whole cluster is meant.
    pub fn allow_cluster(
        &self,
        verb: ClusterVerb,
        of: &ObjectType,
        namespace: Option<&str>,
    ) -> bool {
        self.has_right(verb, of, namespace) && self.are_allowed(verb, of, namespace)
    }

    /// Returns whether the plugin itself has the right to something, whatever its callers let it do.
    pub fn has_right(&self, verb: ClusterVerb, of: &ObjectType, namespace: Option<&str>) -> bool {
        let mut rights = self.rights.iter().filter_map(Right::as_cluster);
        rights.any(|right| right.allows(verb, of, namespace))
    }

    fn are_allowed(&self, verb: ClusterVerb, of: &ObjectType, namespace: Option<&str>) -> bool {
        let mut bounds = self.bounds.iter();
        bounds.all(|bound| bound.allows(verb, of, namespace))
    }

    /// Returns whether an operation may be called.
    pub fn allow_call(&self, operation: &OperationName) -> bool {
        let mut rights = self.rights.iter().filter_map(Right::as_call);
        rights.any(|right| right.allows(operation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(text: &str) -> Right {
        text.parse().expect(text)
    }

    #[test]
    fn rights_read_back() {
        for text in [
            "cluster:delete:pods:kube-system",
            "cluster:*:deployments.apps:*",
            "operations:call:flux.suspend",
            "operations:call:*",
            "operations:call:flux.suspend:media",
            "operations:call:flux.suspend:*",
            "operations:call:*:*",
        ] {
            assert_eq!(right(text).to_string(), text);
        }
        for wrong in [
            "",
            "cluster",
            "cluster:get:pods",
            "cluster:eat:pods:*",
            "secrets:reveal",
            "operations:call:flux",
            "operations:hold:*",
            "operations:call:flux.suspend:",
            "operations:call:flux.suspend:a:b",
            "operations:call:flux.suspend;id",
            "cluster:get:secrets';id;':*",
            "cluster:get:pods:me dia",
            "cluster:get:pods:",
            "cluster:get:pods/log:*",
        ] {
            assert!(wrong.parse::<Right>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wider_right_covers_a_narrower_one_and_not_the_reverse() {
        let table = [
            ("cluster:*:*:*", "cluster:delete:pods:media"),
            ("cluster:get:pods:*", "cluster:get:pods:media"),
            ("operations:call:*", "operations:call:flux.suspend"),
            (
                "operations:call:flux.suspend:*",
                "operations:call:flux.suspend:media",
            ),
            (
                "operations:call:flux.suspend:*",
                "operations:call:flux.suspend",
            ),
            ("operations:call:*:*", "operations:call:flux.suspend:media"),
        ];
        for (wide, narrow) in table {
            assert!(right(wide).covers(&right(narrow)), "{wide} {narrow}");
            assert!(!right(narrow).covers(&right(wide)), "{narrow} {wide}");
        }
    }

    #[test]
    fn what_two_rights_have_in_common_is_a_right() {
        for (one, other, common) in [
            (
                "cluster:list:pods:*",
                "cluster:list:pods:media",
                Some("cluster:list:pods:media"),
            ),
            (
                "cluster:*:pods:media",
                "cluster:list:*:*",
                Some("cluster:list:pods:media"),
            ),
            ("cluster:*:*:media", "cluster:*:*:default", None),
            ("cluster:get:pods:*", "cluster:list:pods:*", None),
            (
                "operations:call:*:*",
                "operations:call:flux.sync:media",
                Some("operations:call:flux.sync:media"),
            ),
            (
                "operations:call:flux.sync",
                "operations:call:flux.sync:*",
                Some("operations:call:flux.sync"),
            ),
            (
                "operations:call:flux.sync:a",
                "operations:call:flux.sync",
                None,
            ),
            ("operations:call:*", "cluster:*:*:*", None),
        ] {
            let (one, other) = (right(one), right(other));
            let common = common.map(right);
            assert_eq!(one.meet(&other), common, "{one} {other}");
            assert_eq!(other.meet(&one), common, "{other} {one}");
        }
    }

    #[test]
    fn a_right_in_one_namespace_is_none_in_the_whole_cluster() {
        let grants = Grants::new(vec![right("cluster:list:pods:media")], Risk::Read);
        let pods = "pods.v1".parse().expect("a type");
        assert!(grants.allow_cluster(ClusterVerb::List, &pods, Some("media")));
        assert!(!grants.allow_cluster(ClusterVerb::List, &pods, Some("default")));
        assert!(!grants.allow_cluster(ClusterVerb::List, &pods, None));
        assert!(!grants.allow_cluster(ClusterVerb::Get, &pods, Some("media")));
    }

    fn grants(rights: &[&str]) -> Grants {
        Grants::new(rights.iter().map(|it| right(it)).collect(), Risk::Change)
    }

    fn may(grants: &Grants, verb: ClusterVerb, of: &str, namespace: Option<&str>) -> bool {
        grants.allow_cluster(verb, &of.parse().expect("a type"), namespace)
    }

    const SUSPEND: &[&str] = &["cluster:patch:kustomizations:*", "cluster:get:namespaces:*"];

    fn called(caller: &Grants, rights: &[&str]) -> Grants {
        let operation = "flux.suspend".parse().expect("a name");
        grants(rights).under(caller, &operation)
    }

    #[test]
    fn callee_acts_where_its_caller_may_and_nowhere_else() {
        let caller = grants(&[
            "cluster:get:pods:media",
            "operations:call:flux.suspend",
            "cluster:list:pods:*",
        ]);
        let callee = called(&caller, SUSPEND);
        let patch = |namespace| may(&callee, ClusterVerb::Patch, "kustomizations.v1", namespace);
        assert!(patch(Some("media")));
        assert!(!patch(Some("cert-manager")));
        assert!(!patch(None));
    }

    #[test]
    fn right_that_names_no_namespace_opens_none_to_a_callee() {
        let caller = grants(&["cluster:get:namespaces:*", "operations:call:flux.suspend"]);
        let callee = called(&caller, SUSPEND);
        assert!(!may(
            &callee,
            ClusterVerb::Patch,
            "kustomizations.v1",
            Some("media")
        ));
        // What the caller may do itself is no more in the hands of another one.
        assert!(may(&callee, ClusterVerb::Get, "namespaces.v1", None));
    }

    #[test]
    fn reach_of_a_call_is_what_its_right_says() {
        let patch = |right: &str, namespace| {
            let callee = called(&grants(&[right]), SUSPEND);
            may(
                &callee,
                ClusterVerb::Patch,
                "kustomizations.v1",
                Some(namespace),
            )
        };
        assert!(patch("operations:call:flux.suspend:media", "media"));
        assert!(!patch("operations:call:flux.suspend:media", "default"));
        assert!(patch("operations:call:flux.suspend:*", "default"));
        assert!(patch("operations:call:*:*", "default"));
        assert!(!patch("operations:call:flux.resume:*", "default"));
    }

    #[test]
    fn callee_of_a_callee_is_bound_by_both() {
        let outer = grants(&["cluster:get:pods:media", "operations:call:flux.suspend"]);
        let everything = &["cluster:*:*:*", "operations:call:*:*"];
        let middle = called(&outer, everything);
        let inner = called(&middle, everything);
        assert!(may(&inner, ClusterVerb::List, "secrets.v1", Some("media")));
        assert!(!may(
            &inner,
            ClusterVerb::List,
            "secrets.v1",
            Some("default")
        ));
        assert!(!may(&inner, ClusterVerb::List, "secrets.v1", None));
        assert!(may(
            &called(&grants(everything), everything),
            ClusterVerb::List,
            "secrets.v1",
            None
        ));
    }

    #[test]
    fn operation_that_calls_itself_with_another_namespace_gains_nothing() {
        let rights = |namespace: &str| {
            let list = format!("cluster:list:secrets:{namespace}");
            grants(&[
                &list,
                "operations:call:flux.suspend",
                "cluster:get:namespaces:*",
            ])
        };
        let operation = "flux.suspend".parse().expect("a name");
        let callee = rights("kube-system").under(&rights("media"), &operation);
        for namespace in [Some("kube-system"), Some("media"), None] {
            let may = may(&callee, ClusterVerb::List, "secrets.v1", namespace);
            assert!(!may, "{namespace:?}");
        }
    }

    #[test]
    fn bounds_read_back() {
        let caller = grants(&["cluster:get:pods:media", "operations:call:flux.suspend"]);
        let bounds = caller.bounds_for(&"flux.suspend".parse().expect("a name"));
        let json = serde_json::to_string(&bounds).expect("serialises");
        let read: Vec<Bound> = serde_json::from_str(&json).expect("reads back");
        assert_eq!(read, bounds);
    }
}
