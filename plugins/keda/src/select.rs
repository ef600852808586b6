//! Which ScaledObjects and ScaledJobs an operation works on: those of a name, or all.

use agent_sdk::diagnosis::look;
use agent_sdk::prelude::*;

use crate::scaler::{FIELDS, Scaler, TYPES};

/// Defines the arguments of an operation on what KEDA scales with: which ones, and then the operation's own.
macro_rules! arguments {
    ($name:ident { $($own:tt)* }) => {
        #[derive(Args)]
        pub(crate) struct $name {
            /// Where it is
            #[arg(positional, names(namespace))]
            namespace: Option<String>,
            /// Which ScaledObject or ScaledJob
            #[arg(positional, names(object = "scaledobjects.v1alpha1.keda.sh"))]
            name: Option<String>,
            /// All of them, in one namespace or everywhere
            all: bool,
            $($own)*
        }

        impl $name {
            fn scope(&self) -> crate::select::Scope<'_> {
                crate::select::Scope {
                    namespace: self.namespace.as_deref(),
                    name: self.name.as_deref(),
                    all: self.all,
                }
            }
        }
    };
}

pub(crate) use arguments;

/// What an operation works on.
pub(crate) struct Scope<'a> {
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) all: bool,
}

impl Scope<'_> {
    /// Reads them. That there are none is an error: a misspelt namespace must not look like success.
    pub(crate) fn read(&self) -> Result<Vec<Scaler>> {
        if let (Some(namespace), Some(name)) = (self.namespace, self.name) {
            return named(namespace, name);
        }
        if !self.all {
            return Err(Error::invalid(
                "operations.arguments",
                "one of `name`, `all` is needed",
            ));
        }
        let all = list(self.namespace)?;
        if all.is_empty() {
            look::require_namespace(self.namespace)?;
            let place = self
                .namespace
                .map(|namespace| format!(" in namespace `{namespace}`"))
                .unwrap_or_default();
            return Err(Error::not_found(
                "keda.nothing-selected",
                format!("there are no scaledobjects and no scaledjobs{place}"),
            )
            .hint("agent run keda.status"));
        }
        Ok(all)
    }
}

/// Reads the ScaledObject and the ScaledJob of that name: an app may have both, and pausing it means all that starts its pods.
fn named(namespace: &str, name: &str) -> Result<Vec<Scaler>> {
    let target = |of: ObjectType| ObjectRef::new(of, namespace, name);
    let found = gather(|of| {
        let found = cluster::find(&target(of), &FIELDS)?;
        Ok(found.into_iter().collect())
    })?;
    if found.is_empty() {
        // It fails, and names the nearest ones.
        let object = cluster::get(&target(TYPES[0]), &FIELDS)?;
        return Ok(vec![Scaler::new(TYPES[0], object)]);
    }
    Ok(found)
}

/// Lists those of one namespace or all.
pub(crate) fn list(namespace: Option<&str>) -> Result<Vec<Scaler>> {
    gather(|of| cluster::list(&Query::all(of).namespace(namespace), &FIELDS))
}

/// Reads both types. A cluster may lack one of them, and a person may be allowed to see only the other.
fn gather(mut read: impl FnMut(ObjectType) -> Result<Vec<Object>>) -> Result<Vec<Scaler>> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for of in TYPES {
        match read(of) {
            Ok(objects) => {
                found.extend(objects.into_iter().map(|object| Scaler::new(of, object)));
            }
            Err(error) if error.kind() == Kind::Unsupported => missing.push(error),
            Err(error) if error.kind() == Kind::Denied && !found.is_empty() => {
                warn!("{} are left out: {error}", of.plural());
            }
            Err(error) => return Err(error),
        }
    }
    match missing.pop() {
        Some(error) if missing.len() + 1 == TYPES.len() => Err(error
            .while_doing("KEDA is not installed in this cluster")
            .hint("https://keda.sh/docs/latest/deploy/")),
        _ => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> Error {
        Error::unsupported("cluster.no-such-resource", "no such type")
    }

    fn one() -> Vec<Object> {
        vec![Object(
            json!({ "metadata": { "name": "plex", "namespace": "media" } }),
        )]
    }

    #[test]
    fn both_types_missing_is_told_as_keda_that_is_not_installed() {
        let error = gather(|_| Err(unknown())).expect_err("missing");
        assert_eq!(error.message(), "KEDA is not installed in this cluster");
        assert_eq!(error.code(), "cluster.no-such-resource");
    }

    #[test]
    fn one_type_missing_is_no_error() {
        for lacking in TYPES {
            let read = |of| {
                if of == lacking {
                    Err(unknown())
                } else {
                    Ok(one())
                }
            };
            let found = gather(read).expect("the other");
            assert_eq!(found.len(), 1);
            assert_ne!(found[0].target.of, lacking);
        }
    }

    #[test]
    fn a_name_finds_both_types() {
        let found = gather(|_| Ok(one())).expect("both");
        let kinds: Vec<_> = found.iter().map(Scaler::kind).collect();
        assert_eq!(kinds, ["ScaledObject", "ScaledJob"]);
    }

    #[test]
    fn failure_to_read_is_an_error() {
        let other = Error::unavailable("cluster.unreachable", "down");
        assert_eq!(gather(|_| Err(other.clone())), Err(other));
    }
}
