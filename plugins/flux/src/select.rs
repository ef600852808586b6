//! Which objects an operation works on: one by name, those that a selector matches, or all.

use std::collections::{BTreeMap, BTreeSet};

use agent_sdk::diagnosis::look;
use agent_sdk::prelude::*;

use crate::kind::Flux;

/// Defines the arguments of an operation on objects of Flux: which ones, and then the operation's own.
macro_rules! arguments {
    ($name:ident { $($own:tt)* }) => {
        #[derive(Args)]
        pub(crate) struct $name {
            /// What kind of object
            #[arg(positional)]
            kind: crate::kind::Flux,
            /// Where it is
            #[arg(positional, names(namespace))]
            namespace: Option<String>,
            /// Which one
            #[arg(
                positional,
                names(object_by(
                    parameter = "kind",
                    ks = "kustomizations.v1.kustomize.toolkit.fluxcd.io",
                    hr = "helmreleases.v2.helm.toolkit.fluxcd.io",
                    git = "gitrepositories.v1.source.toolkit.fluxcd.io",
                    oci = "ocirepositories.v1.source.toolkit.fluxcd.io",
                    helm_repo = "helmrepositories.v1.source.toolkit.fluxcd.io"
                ))
            )]
            name: Option<String>,
            /// All of them, in one namespace or everywhere
            all: bool,
            /// Those whose labels match
            #[arg(short = 'l')]
            selector: Option<String>,
            $($own)*
        }

        impl $name {
            fn scope(&self) -> crate::select::Scope<'_> {
                crate::select::Scope {
                    kind: self.kind,
                    namespace: self.namespace.as_deref(),
                    name: self.name.as_deref(),
                    selector: self.selector.as_deref(),
                    all: self.all,
                }
            }
        }
    };
}

pub(crate) use arguments;

/// What the arguments say about it.
pub(crate) struct Scope<'a> {
    pub(crate) kind: Flux,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) selector: Option<&'a str>,
    pub(crate) all: bool,
}

impl Scope<'_> {
    /// Returns the one object that was named.
    pub(crate) fn one(&self) -> Option<ObjectRef> {
        Some(ObjectRef::new(
            self.kind.object_type(),
            self.namespace?,
            self.name?,
        ))
    }

    /// Reads the objects. That there are none is an error: a misspelt namespace must not look like success.
    pub(crate) fn read(&self, projection: &[&str]) -> Result<Vec<Object>> {
        if let Some(target) = self.one() {
            return Ok(vec![cluster::get(&target, projection)?]);
        }
        let objects = cluster::list(&self.query()?, projection)?;
        if objects.is_empty() {
            look::require_namespace(self.namespace)?;
            return Err(self.nothing());
        }
        Ok(objects)
    }

    /// Names the objects, of which there may be thousands. The one that was named is not read.
    pub(crate) fn names(&self) -> Result<Vec<ObjectRef>> {
        if let Some(target) = self.one() {
            return Ok(vec![target]);
        }
        let of = self.kind.object_type();
        let targets: Vec<ObjectRef> = cluster::scan(&self.query()?, &["/metadata/name"])?
            .map(|object| Ok(ObjectRef::to(of, &object?)))
            .collect::<Result<_>>()?;
        if targets.is_empty() {
            look::require_namespace(self.namespace)?;
            return Err(self.nothing());
        }
        Ok(targets)
    }

    /// Names objects that were read.
    pub(crate) fn targets(&self, objects: &[Object]) -> Vec<ObjectRef> {
        objects
            .iter()
            .map(|object| ObjectRef::to(self.kind.object_type(), object))
            .collect()
    }

    /// Returns the query for all that are meant, and refuses to mean everything unless that was asked for. The descriptor says the same; this
    /// is the last place to notice.
    fn query(&self) -> Result<Query> {
        if !self.all && self.selector.is_none() {
            return Err(Error::invalid(
                "operations.arguments",
                "one of `name`, `selector`, `all` is needed",
            ));
        }
        Ok(Query::all(self.kind.object_type())
            .namespace(self.namespace)
            .labels(self.selector.unwrap_or_default()))
    }

    fn nothing(&self) -> Error {
        let mut message = format!("there are no {}", self.kind.object_type().plural());
        if let Some(namespace) = self.namespace {
            message.push_str(&format!(" in namespace `{namespace}`"));
        }
        if let Some(selector) = self.selector {
            message.push_str(&format!(" that `{selector}` matches"));
        }
        Error::not_found("flux.nothing-selected", message).hint(format!(
            "agent run flux.status {} --all",
            self.kind.as_str()
        ))
    }
}

/// Reads objects by name, many with one request for each type. One result for each, in order.
pub(crate) fn read_many(targets: &[ObjectRef], projection: &[&str]) -> Vec<Result<Object>> {
    if let [target] = targets {
        return vec![cluster::get(target, projection)];
    }
    let listed: BTreeMap<ObjectType, Result<Listed>> = queries(targets)
        .into_iter()
        .map(|query| {
            let objects = cluster::list(&query, projection);
            (query.of, objects.map(|objects| by_name(query.of, objects)))
        })
        .collect();
    targets
        .iter()
        .map(|target| pick(target, &listed[&target.of]))
        .collect()
}

/// The objects of one type.
type Listed = BTreeMap<ObjectRef, Object>;

fn by_name(of: ObjectType, objects: Vec<Object>) -> Listed {
    objects
        .into_iter()
        .map(|object| (ObjectRef::to(of, &object), object))
        .collect()
}

/// Returns a query for each type: in one namespace when all targets of the type are there.
fn queries(targets: &[ObjectRef]) -> Vec<Query> {
    let mut namespaces: BTreeMap<ObjectType, BTreeSet<Option<&str>>> = BTreeMap::new();
    for target in targets {
        let seen = namespaces.entry(target.of).or_default();
        seen.insert(target.namespace.as_deref());
    }
    namespaces
        .into_iter()
        .map(|(of, namespaces)| {
            let only = namespaces.first().copied().flatten();
            Query::all(of).namespace(only.filter(|_| namespaces.len() == 1))
        })
        .collect()
}

fn pick(target: &ObjectRef, listed: &Result<Listed>) -> Result<Object> {
    let listed = listed.as_ref().map_err(Clone::clone)?;
    listed
        .get(target)
        .cloned()
        .ok_or_else(|| Error::not_found("cluster.not-found", format!("{target} does not exist")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selecting_nothing_is_an_error_that_says_where() {
        let scope = Scope {
            kind: Flux::Ks,
            namespace: Some("medai"),
            name: None,
            selector: Some("app=plex"),
            all: false,
        };
        assert_eq!(
            scope.nothing().message(),
            "there are no kustomizations in namespace `medai` that `app=plex` matches"
        );
    }

    #[test]
    fn everything_must_be_asked_for() {
        let scope = |all, selector| Scope {
            kind: Flux::Ks,
            namespace: Some("media"),
            name: None,
            selector,
            all,
        };
        assert!(scope(false, None).query().is_err());
        assert!(scope(true, None).query().is_ok());
        assert!(scope(false, Some("a=b")).query().is_ok());
    }

    #[test]
    fn neighbours_are_read_with_one_request_in_their_namespace() {
        let target = |namespace: &str, name| ObjectRef::new(kinds::HELM_CHART, namespace, name);
        let (a, b, c) = (
            target("flux", "a"),
            target("flux", "b"),
            target("media", "c"),
        );
        let all = Query::all(kinds::HELM_CHART);
        assert_eq!(
            queries(&[a.clone(), b.clone()]),
            [all.clone().namespace("flux")]
        );
        assert_eq!(queries(&[a, b, c]), [all]);
    }

    #[test]
    fn listed_object_that_is_missing_is_an_error() {
        let target = ObjectRef::new(kinds::HELM_CHART, "flux", "a");
        let error = pick(&target, &Ok(Listed::new())).expect_err("missing");
        assert_eq!(error.kind(), Kind::NotFound);
    }
}
